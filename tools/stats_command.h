// varve stats: what a data directory holds.
#pragma once

#include <string>

namespace varve::tools {

// Prints to stdout, messages to stderr. Returns the exit code.
int RunStats(const std::string& data_dir);

}  // namespace varve::tools
