#include "storage/kv/rocksdb_logger.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace varve::kv {

RocksDbLogger::RocksDbLogger(std::function<void(std::string_view)> sink)
    : Logger(sink ? rocksdb::InfoLogLevel::WARN_LEVEL : rocksdb::InfoLogLevel::FATAL_LEVEL),
      sink_(std::move(sink)) {}

void RocksDbLogger::Logv(const char* format, va_list arguments) {
  if (!sink_) return;
  char line[1024];
  const int length = std::vsnprintf(line, sizeof line, format, arguments);
  if (length <= 0) return;
  const std::string_view message(line, std::min(static_cast<size_t>(length), sizeof line - 1));
  // The file system refuses options files on purpose (RocksDbFileSystem), which RocksDB warns of.
  if (message.find("persist options") != std::string_view::npos) return;
  // A snapshot disables deletions while RocksDB does so itself to list its logs.
  if (message.find("File Deletions") != std::string_view::npos) return;
  sink_(message);
}

}  // namespace varve::kv
