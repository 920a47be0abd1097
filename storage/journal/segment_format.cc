#include "storage/journal/segment_format.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"

namespace varve::journal {
namespace {

constexpr std::string_view kNamePrefix = "journal-";
constexpr std::string_view kNameSuffix = ".vj";
constexpr size_t kNameDigitsMin = 10;  // so that names sort as numbers do

constexpr size_t kHeaderChecksumOffset = kSegmentHeaderBytes - sizeof(uint64_t);
constexpr size_t kRecordChecksumOffset = kRecordHeaderBytes - sizeof(uint32_t);

uint32_t RecordChecksum(const char* header, uint64_t seed) {
  return static_cast<uint32_t>(Hash64WithSeed({header, kRecordChecksumOffset}, seed));
}

}  // namespace

void AppendSegmentHeader(const SegmentHeader& header, std::string* out) {
  const size_t begin = out->size();
  AppendFixed(out, kSegmentMagic);
  AppendFixed(out, kSegmentVersion);
  AppendFixed(out, header.flags);
  AppendFixed(out, header.number);
  AppendFixed(out, header.database_id);
  AppendFixed(out, header.first_sequence);
  out->append(begin + kHeaderChecksumOffset - out->size(), '\0');
  AppendFixed(out, Hash64(std::string_view(*out).substr(begin)));
}

Result<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) {
    return DataLossError("segment header cut off after " + std::to_string(bytes.size()) + " bytes");
  }
  ByteReader in(bytes.substr(0, kSegmentHeaderBytes));
  if (in.Fixed<uint64_t>() != kSegmentMagic) return DataLossError("segment header damaged");
  // The version is judged before the checksum, whose place a newer version may have changed.
  if (const auto version = in.Fixed<uint32_t>(); version > kSegmentVersion) {
    return FailedPreconditionError("journal segment of format " + std::to_string(version) +
                                   ", but this version reads up to " +
                                   std::to_string(kSegmentVersion));
  }
  SegmentHeader header;
  header.flags = in.Fixed<uint32_t>();
  header.number = in.Fixed<uint64_t>();
  header.database_id = in.Fixed<uint64_t>();
  header.first_sequence = in.Fixed<uint64_t>();
  uint64_t checksum = 0;
  std::memcpy(&checksum, bytes.data() + kHeaderChecksumOffset, sizeof checksum);
  if (checksum != Hash64(bytes.substr(0, kHeaderChecksumOffset))) {
    return DataLossError("segment header damaged");
  }
  return header;
}

uint64_t ChecksumSeed(uint64_t database_id, uint64_t segment_number) {
  return MixBits(database_id ^ MixBits(segment_number));
}

void EncodeRecordHeader(const Record& record, uint64_t seed, char* out) {
  VARVE_CHECK(record.body.size() <= std::numeric_limits<uint32_t>::max());
  const auto body_bytes = static_cast<uint32_t>(record.body.size());
  const uint64_t body_checksum = Hash64WithSeed(record.body, seed);
  std::memset(out, 0, kRecordHeaderBytes);
  std::memcpy(out, &kRecordMagic, 4);
  std::memcpy(out + 4, &body_bytes, 4);
  std::memcpy(out + 8, &record.sequence, 8);
  std::memcpy(out + 16, &body_checksum, 8);
  out[24] = static_cast<char>(record.kind);
  const uint32_t checksum = RecordChecksum(out, seed);
  std::memcpy(out + kRecordChecksumOffset, &checksum, 4);
}

std::optional<RecordHeader> DecodeRecordHeader(std::string_view bytes, uint64_t seed) {
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  ByteReader in(bytes.substr(0, kRecordHeaderBytes));
  if (in.Fixed<uint32_t>() != kRecordMagic) return std::nullopt;
  RecordHeader header;
  header.body_bytes = in.Fixed<uint32_t>();
  header.sequence = in.Fixed<uint64_t>();
  header.body_checksum = in.Fixed<uint64_t>();
  header.kind = static_cast<RecordKind>(in.Fixed<uint8_t>());
  in.Bytes(3);
  if (in.Fixed<uint32_t>() != RecordChecksum(bytes.data(), seed)) return std::nullopt;
  return header;
}

std::string SegmentName(uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string name(kNamePrefix);
  name.append(kNameDigitsMin - std::min(digits.size(), kNameDigitsMin), '0');
  return name.append(digits).append(kNameSuffix);
}

std::optional<uint64_t> ParseSegmentName(std::string_view name) {
  if (!name.starts_with(kNamePrefix) || !name.ends_with(kNameSuffix)) return std::nullopt;
  const std::string_view digits =
      name.substr(kNamePrefix.size(), name.size() - kNamePrefix.size() - kNameSuffix.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  // Other spellings of a number ("journal-7.vj") are not ours.
  if (SegmentName(number) != name) return std::nullopt;
  return number;
}

}  // namespace varve::journal
