// Commands that change a database: on its directory while no server has it open, or by way of the
// server that has.
#pragma once

#include <string>

namespace varve::tools {

// Where the database is; one of the two.
struct Target {
  std::string data_dir;
  std::string server;  // http://host:port
};

// Prints what came of it; the process's exit status.
int RunCompact(const Target& target);
enum class Output { kText, kJson };
// 0: sound; 1: faults, each of which is printed; 2: could not look.
int RunVerify(const Target& target, Output output);
// What a server's retention would drop now.
// Prints what was found, what is lost and what is left; 1 where something is.
int RunRepair(const Target& target, Output output);

int RunRetention(const std::string& url, const std::string& at);

}  // namespace varve::tools
