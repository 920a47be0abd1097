// The file objects that RocksDbFileSystem hands out, each over one of ours.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <string>

#include "storage/file_system.h"

namespace varve::kv {

std::unique_ptr<rocksdb::FSSequentialFile> WrapSequential(std::unique_ptr<RandomAccessFile> file);
std::unique_ptr<rocksdb::FSRandomAccessFile> WrapRandomAccess(
    std::unique_ptr<RandomAccessFile> file);
std::unique_ptr<rocksdb::FSWritableFile> WrapWritable(std::unique_ptr<WritableFile> file);
// `base` must outlive the result.
std::unique_ptr<rocksdb::FSDirectory> WrapDirectory(FileSystem* base, std::string path);

}  // namespace varve::kv
