// varve stats: what a data directory holds.
#pragma once

#include <string>

namespace varve::tools {

// Prints to stdout, messages to stderr. Returns the exit code.
int RunStats(const std::string& data_dir);

// varve inspect: the parts on disk, and which labels make how many series of all. The `limit`
// largest of each.
int RunInspect(const std::string& data_dir, size_t limit);

}  // namespace varve::tools
