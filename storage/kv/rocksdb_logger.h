// RocksDbLogger: RocksDB's warnings and errors go to StoreOptions::log; it writes no LOG file.
#pragma once

#include <rocksdb/env.h>

#include <cstdarg>
#include <functional>
#include <string_view>

namespace varve::kv {

// Thread safety: any thread, as far as `sink` is.
class RocksDbLogger final : public rocksdb::Logger {
 public:
  // `sink` may be empty.
  explicit RocksDbLogger(std::function<void(std::string_view)> sink);
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;

 private:
  const std::function<void(std::string_view)> sink_;
};

}  // namespace varve::kv
