#include "storage/kv/log_check.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/status_macros.h"

namespace varve::kv {
namespace {

constexpr size_t kBlockBytes = 32768;
constexpr size_t kHeaderBytes = 7;
constexpr uint8_t kFullType = 1;
constexpr uint8_t kLastType = 4;
constexpr size_t kSectorBytes = 512;

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78u : 0u);
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = MakeCrcTable();

uint32_t MaskedCrc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffffu;
  for (const char c : bytes) crc = kCrcTable[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ (crc >> 8);
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

// Bytes of the valid record at `offset`, header included; 0 when there is none. Offsets of a
// trailer (the last bytes of a block that no header fits in) have none.
size_t RecordBytesAt(std::string_view bytes, size_t offset) {
  const size_t block_rest = kBlockBytes - offset % kBlockBytes;
  const size_t rest = std::min(block_rest, bytes.size() - offset);
  if (rest < kHeaderBytes) return 0;
  const char* header = bytes.data() + offset;
  const auto type = static_cast<uint8_t>(header[6]);
  if (type < kFullType || type > kLastType) return 0;
  uint32_t crc = 0;
  uint16_t length = 0;
  std::memcpy(&crc, header, sizeof crc);
  std::memcpy(&length, header + 4, sizeof length);
  if (kHeaderBytes + length > rest) return 0;
  if (MaskedCrc32c({header + 6, size_t{length} + 1}) != crc) return 0;
  return kHeaderBytes + length;
}

// Where the records that are valid from `offset` on end: the end of the file or a bad record.
size_t SkipValid(std::string_view bytes, size_t offset) {
  while (offset < bytes.size()) {
    const size_t block_rest = kBlockBytes - offset % kBlockBytes;
    if (block_rest < kHeaderBytes) {
      offset += block_rest;
      continue;
    }
    const size_t record = RecordBytesAt(bytes, offset);
    if (record == 0) return offset;
    offset += record;
  }
  return bytes.size();
}

bool HasZeroSector(std::string_view bytes, size_t begin, size_t end) {
  static constexpr char kZeros[kSectorBytes] = {};
  for (size_t at = (begin + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
       at + kSectorBytes <= end; at += kSectorBytes) {
    if (std::memcmp(bytes.data() + at, kZeros, kSectorBytes) == 0) return true;
  }
  return false;
}

Status CheckLog(FileSystem* file_system, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, file_system->ReadFile(path));
  const std::optional<uint64_t> damage = FindLogDamage(bytes);
  if (!damage) return OkStatus();
  return DataLossError(path + " is damaged at byte " + std::to_string(*damage) + " of " +
                       std::to_string(bytes.size()) + ": an invalid record with valid ones behind");
}

}  // namespace

std::optional<uint64_t> FindLogDamage(std::string_view bytes) {
  const size_t bad = SkipValid(bytes, 0);
  for (size_t offset = bad + 1; offset < bytes.size(); ++offset) {
    if (RecordBytesAt(bytes, offset) == 0) continue;
    if (HasZeroSector(bytes, bad, offset)) return std::nullopt;
    return bad;
  }
  return std::nullopt;
}

Status CheckLogs(FileSystem* file_system, const std::string& directory) {
  ASSIGN_OR_RETURN(const bool exists, file_system->Exists(directory + "/CURRENT"));
  if (!exists) return OkStatus();
  ASSIGN_OR_RETURN(std::string manifest, file_system->ReadFile(directory + "/CURRENT"));
  if (!manifest.starts_with("MANIFEST-") || !manifest.ends_with("\n")) {
    return DataLossError(directory + "/CURRENT names no MANIFEST: \"" + manifest + "\"");
  }
  manifest.pop_back();
  if (manifest.find('/') != std::string::npos) {
    return DataLossError(directory + "/CURRENT names a file elsewhere: \"" + manifest + "\"");
  }
  Status status = CheckLog(file_system, directory + "/" + manifest);
  if (status.code() == StatusCode::kNotFound) {
    return DataLossError(directory + "/CURRENT names " + manifest + ", which does not exist");
  }
  RETURN_IF_ERROR(status);
  ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system->List(directory));
  for (const std::string& name : names) {
    if (name.ends_with(".log")) RETURN_IF_ERROR(CheckLog(file_system, directory + "/" + name));
  }
  return OkStatus();
}

}  // namespace varve::kv
