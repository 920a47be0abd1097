// The server as a program, except for main().
#pragma once

#include <string>
#include <vector>

namespace varve::server {

// Reads the command line, opens the database, serves until a signal, closes. Returns the exit code:
// 0 after a clean stop, 1 when it could not start or close, 2 for a wrong command line or
// configuration. Messages go to stderr; the one line that says the server is ready, to stdout.
// REQUIRES: called from the main thread before others start, because it takes over SIGTERM and
// SIGINT.
int RunVarved(const std::vector<std::string>& arguments);

}  // namespace varve::server
