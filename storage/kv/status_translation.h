// Between varve::Status and rocksdb::Status, in both directions; the only place that maps codes.
#pragma once

#include <rocksdb/io_status.h>
#include <rocksdb/status.h>

#include <string_view>

#include "varve/status.h"

namespace varve::kv {

// `context` says what was tried ("open store /data/parts"). RocksDB's message, which names the file
// where it knows it, is kept.
Status FromRocks(const rocksdb::Status& status, std::string_view context);

// For the file system under RocksDB. FromRocks gives back the code of what went in for every code a
// FileSystem reports except kAlreadyExists and kPermissionDenied, which come back as kIoError, and
// kNotFound: a file that RocksDB expects and does not find is kDataLoss.
rocksdb::IOStatus ToRocks(const Status& status);

}  // namespace varve::kv
