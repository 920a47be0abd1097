// The bytes of a journal segment. Spec with a worked example: docs/FORMATS.md, "Journal".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/journal/journal.h"
#include "varve/status.h"

namespace varve::journal {

// On disk: never change a value.
inline constexpr uint64_t kSegmentMagic = 0x4c4e4a4556524156;  // "VARVEJNL"
inline constexpr uint32_t kSegmentVersion = 1;
inline constexpr size_t kSegmentHeaderBytes = 64;
inline constexpr uint32_t kRecordMagic = 0x43455256;  // "VREC"
inline constexpr size_t kRecordHeaderBytes = 32;
inline constexpr size_t kRecordAlignment = 8;
static_assert(kSegmentHeaderBytes % kRecordAlignment == 0);
static_assert(kRecordHeaderBytes % kRecordAlignment == 0);

enum SegmentFlags : uint32_t {
  // The first segment of a writer. The one before it was left by another run, perhaps by a crash,
  // so a torn tail there
  // is normal; before any other segment it is damage, because a writer syncs a segment before it
  // begins the next.
  kBeginsRun = 1,
};

struct SegmentHeader {
  uint32_t flags = 0;
  uint64_t number = 0;
  uint64_t database_id = 0;
  uint64_t first_sequence = 0;
};

void AppendSegmentHeader(const SegmentHeader& header, std::string* out);
// Reads the header off the front of a segment. Errors: kDataLoss; kFailedPrecondition for a newer
// version.
Result<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);

// The seed of a segment's record checksums: a record is valid in its own segment only, so that
// neither a stale block nor journal bytes inside of a body pass for one.
uint64_t ChecksumSeed(uint64_t database_id, uint64_t segment_number);

struct RecordHeader {
  uint32_t body_bytes = 0;
  uint64_t sequence = 0;
  RecordKind kind = RecordKind::kSamples;
  uint64_t body_checksum = 0;
};

// Writes kRecordHeaderBytes at `out`. REQUIRES: a body of less than 4 GiB.
void EncodeRecordHeader(const Record& record, uint64_t seed, char* out);
// Empty when `bytes` do not begin with a sound header.
std::optional<RecordHeader> DecodeRecordHeader(std::string_view bytes, uint64_t seed);

// Zero bytes after a body, up to the next record.
inline size_t PaddingBytes(uint64_t body_bytes) {
  return static_cast<size_t>(-body_bytes % kRecordAlignment);
}

// "journal-0000000007.vj", and back; empty for any other name.
std::string SegmentName(uint64_t number);
std::optional<uint64_t> ParseSegmentName(std::string_view name);

}  // namespace varve::journal
