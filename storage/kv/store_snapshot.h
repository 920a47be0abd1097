// A copy of an open RocksDB database as it is at one moment.
#pragma once

#include <string>

#include "storage/kv/rocksdb_handle.h"
#include "varve/status.h"

namespace varve::kv {

// Makes `directory`, which must not exist, such a copy: hard links to the SST files (copies where
// the file system has none), copies of MANIFEST and WAL, which go on growing. Nothing is flushed.
// REQUIRES: no write to the database meanwhile.
Status CopyDatabase(const RocksDbHandle& handle, const std::string& directory);

}  // namespace varve::kv
