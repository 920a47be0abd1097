#include "tools/open_database.h"

#include <cstdio>
#include <string_view>

namespace varve::tools {

Result<std::unique_ptr<Database>> OpenExisting(const std::string& data_dir) {
  Options options;
  options.create_if_missing = false;
  options.retention_ms = 0;
  options.keep_rules = true;
  options.log = [](LogLevel level, std::string_view message) {
    if (level < LogLevel::kWarning) return;
    std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  };
  return Database::Open(options, data_dir);
}

}  // namespace varve::tools
