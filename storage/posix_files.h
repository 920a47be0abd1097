// The operating system's files behind the interfaces of storage/file_system.h.
#pragma once

#include <memory>
#include <string>

#include "storage/file_system.h"

namespace varve {

Result<std::unique_ptr<WritableFile>> OpenPosixWritable(const std::string& path, OpenMode mode);
Result<std::unique_ptr<RandomAccessFile>> OpenPosixRandomAccess(const std::string& path);
Result<std::unique_ptr<RandomAccessFile>> OpenPosixMapped(const std::string& path);
Result<std::unique_ptr<FileLock>> LockPosix(const std::string& path);

}  // namespace varve
