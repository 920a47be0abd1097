// The manifest of one backup: which files it has, and what is in them. Layout: docs/FORMATS.md,
// "Backup manifest".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "varve/status.h"

namespace varve::engine {

struct BackupFile {
  std::string path;  // relative: "store/000012.sst"
  uint64_t bytes = 0;
  uint64_t checksum = 0;         // XXH3 of the contents
  uint64_t second_checksum = 0;  // XXH3 with a seed: both name the contents
  // The file's name in `files/`: 128 bits of its contents and its size.
  std::string StoredName() const;
  friend bool operator==(const BackupFile&, const BackupFile&) = default;
};

struct BackupManifest {
  std::vector<BackupFile> files;  // by path, ascending
  uint64_t bytes() const;
};

// The checksums of `contents`.
BackupFile DescribeFile(std::string path, std::string_view contents);

std::string EncodeBackupManifest(const BackupManifest& manifest);
// Error: kDataLoss, also for a path that would lead out of the directory; kFailedPrecondition for a
// newer version.
Result<BackupManifest> DecodeBackupManifest(std::string_view bytes);

}  // namespace varve::engine
