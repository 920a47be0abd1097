// varve query: one PromQL query against a data directory or a running server.
#pragma once

#include <string>

namespace varve::tools {

struct QueryCommand {
  std::string expression;
  std::string data_dir;  // one of the two
  std::string server;    // http://host:port
  std::string time;      // instant; empty: now
  std::string start;     // range, with end and step
  std::string end;
  std::string step;
  enum class Output { kTable, kJson } output = Output::kTable;
};

// Prints the result to stdout, messages to stderr. Returns the exit code.
int RunQuery(const QueryCommand& command);

}  // namespace varve::tools
