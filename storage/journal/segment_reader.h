// SegmentReader: the valid records of a segment's bytes, and the bad ranges between them. Pure: no
// I/O.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "storage/journal/journal.h"

namespace varve::journal {

// Bytes [offset, offset + bytes) of a segment that are no valid record.
struct BadRange {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  const char* reason = "";
};

// Walks a segment forwards. What is no valid record is skipped up to the next valid one; records
// are aligned, so every possible start is tried. Takes time linear in the bytes, whatever they are.
// Thread safety: none.
class SegmentReader {
 public:
  // Reads the records of `segment`, the bytes of a whole segment file, which must outlive the
  // reader. `seed` is its ChecksumSeed. With `header_reason` the segment's header counts as bad
  // too, for that reason.
  SegmentReader(std::string_view segment, uint64_t seed, const char* header_reason = nullptr);

  // Moves to the next valid record; false at the end.
  bool Next();
  const Record& record() const { return record_; }
  uint64_t record_offset() const { return record_offset_; }
  uint64_t record_bytes() const { return offset_ - record_offset_; }

  // The bad range right before the current record; no bytes when there is none.
  const BadRange& gap() const { return gap_; }
  // After Next returned false: the bad range at the end; no bytes when there is none.
  const BadRange& tail() const { return bad_; }

 private:
  // What stands at offset_: `bytes` to the next place where a record may begin; no reason when it
  // is a valid record.
  struct Found {
    uint64_t bytes;
    const char* reason;
  };
  Found Examine();
  void AddBad(uint64_t bytes, const char* reason);

  const std::string_view segment_;
  const uint64_t seed_;
  uint64_t offset_ = 0;
  uint64_t record_offset_ = 0;
  Record record_;
  BadRange gap_;
  BadRange bad_;  // grows while nothing valid is found
};

}  // namespace varve::journal
