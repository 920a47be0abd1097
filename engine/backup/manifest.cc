#include "engine/backup/manifest.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"

namespace varve::engine {
namespace {

constexpr uint8_t kVersion = 1;  // on disk
constexpr uint64_t kSecondSeed = 0x7661727665626b70;
constexpr size_t kChecksumBytes = sizeof(uint64_t);

Status Damaged(const std::string& what) { return DataLossError("backup manifest: " + what); }

// A file of the database directory or of one below it, and nothing that leads elsewhere.
bool IsSafePath(std::string_view path) {
  const size_t slash = path.find('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const std::string_view folder = slash == std::string_view::npos ? "" : path.substr(0, slash);
  const auto safe = [](std::string_view part) {
    return !part.empty() && part.front() != '.' &&
           std::all_of(part.begin(), part.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_' || c == '.';
           });
  };
  return safe(name) && (slash == std::string_view::npos || safe(folder));
}

}  // namespace

std::string BackupFile::StoredName() const {
  char name[64];
  std::snprintf(name, sizeof name, "%016" PRIx64 "%016" PRIx64 "-%" PRIu64, checksum,
                second_checksum, bytes);
  return name;
}

uint64_t BackupManifest::bytes() const {
  uint64_t sum = 0;
  for (const BackupFile& file : files) sum += file.bytes;
  return sum;
}

BackupFile DescribeFile(std::string path, std::string_view contents) {
  return {std::move(path), contents.size(), Hash64(contents),
          Hash64WithSeed(contents, kSecondSeed)};
}

std::string EncodeBackupManifest(const BackupManifest& manifest) {
  std::string out(1, static_cast<char>(kVersion));
  AppendVarint(&out, manifest.files.size());
  for (const BackupFile& file : manifest.files) {
    AppendLengthPrefixed(&out, file.path);
    AppendVarint(&out, file.bytes);
    AppendFixed(&out, file.checksum);
    AppendFixed(&out, file.second_checksum);
  }
  AppendFixed(&out, Hash64(out));
  return out;
}

Result<BackupManifest> DecodeBackupManifest(std::string_view bytes) {
  if (bytes.size() < 1 + kChecksumBytes) return Damaged("too short");
  ByteReader in(bytes.substr(0, bytes.size() - kChecksumBytes));
  ByteReader trailer(bytes.substr(in.remaining()));
  if (trailer.Fixed<uint64_t>() != Hash64(bytes.substr(0, in.remaining()))) {
    return Damaged("checksum mismatch");
  }
  if (const auto version = in.Fixed<uint8_t>(); version != kVersion) {
    return FailedPreconditionError("backup manifest: version " + std::to_string(version) +
                                   " is newer than this program");
  }
  BackupManifest manifest;
  const uint64_t count = in.Varint();
  if (count > in.remaining()) return Damaged("more files than bytes");
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    BackupFile file;
    file.path = in.LengthPrefixed();
    file.bytes = in.Varint();
    file.checksum = in.Fixed<uint64_t>();
    file.second_checksum = in.Fixed<uint64_t>();
    if (!in.ok()) break;
    if (!IsSafePath(file.path)) return Damaged("a bad path");
    if (!manifest.files.empty() && manifest.files.back().path >= file.path) {
      return Damaged("paths do not ascend");
    }
    manifest.files.push_back(std::move(file));
  }
  if (!in.ok() || !in.done()) return Damaged("bad length");
  return manifest;
}

}  // namespace varve::engine
