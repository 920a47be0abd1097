// XXH3 of a file while it is written, as PartFile::checksum records it: equal to Hash64 of the
// file's bytes.
#pragma once

#include <rocksdb/file_checksum.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "varve/status.h"

namespace varve::kv {

std::shared_ptr<rocksdb::FileChecksumGenFactory> MakeXxh3ChecksumFactory();

// Out of ExternalSstFileInfo::file_checksum. REQUIRES: one of the factory above made it.
uint64_t ChecksumOf(std::string_view file_checksum);

}  // namespace varve::kv
