#include "storage/kv/manifest_scan.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/bytes.h"
#include "storage/kv/log_check.h"

namespace varve::kv {
namespace {

// Tags of RocksDB's version edits; on disk.
enum Tag : uint64_t {
  kComparator = 1,
  kLogNumber = 2,
  kNextFileNumber = 3,
  kLastSequence = 4,
  kCompactCursor = 5,
  kDeletedFile = 6,
  kPreviousLogNumber = 9,
  kMinLogNumberToKeep = 10,
  kNewFile2 = 100,
  kNewFile3 = 102,
  kNewFile4 = 103,
  kColumnFamily = 200,
  kColumnFamilyAdd = 201,
  kColumnFamilyDrop = 202,
  kMaxColumnFamily = 203,
  kInAtomicGroup = 300,
  kIgnorable = 1 << 13,  // from here on: a length and bytes
};
constexpr uint64_t kEndOfNewFile4 = 1;

// Level, number, size, bounds and sequence numbers, then what the tag adds.
void SkipNewFile(uint64_t tag, ByteReader* edit) {
  edit->Varint();
  edit->Varint();
  if (tag == kNewFile3) edit->Varint();
  edit->Varint();
  edit->LengthPrefixed();
  edit->LengthPrefixed();
  edit->Varint();
  edit->Varint();
  if (tag != kNewFile4) return;
  while (edit->ok() && edit->Varint() != kEndOfNewFile4) edit->LengthPrefixed();
}

class LogNumbers {
 public:
  // False when the edit holds a tag unknown here.
  bool Apply(std::string_view bytes) {
    ByteReader edit(bytes);
    uint64_t family = 0;
    uint64_t log_number = 0;
    bool dropped = false;
    while (edit.ok() && !edit.done()) {
      const uint64_t tag = edit.Varint();
      switch (tag) {
        case kLogNumber:
          log_number = edit.Varint();
          break;
        case kColumnFamily:
          family = edit.Varint();
          break;
        case kColumnFamilyDrop:
          dropped = true;
          break;
        case kNextFileNumber:
        case kLastSequence:
        case kPreviousLogNumber:
        case kMinLogNumberToKeep:
        case kMaxColumnFamily:
        case kInAtomicGroup:
          edit.Varint();
          break;
        case kComparator:
        case kColumnFamilyAdd:
          edit.LengthPrefixed();
          break;
        case kCompactCursor:
          edit.Varint();
          edit.LengthPrefixed();
          break;
        case kDeletedFile:
          edit.Varint();
          edit.Varint();
          break;
        case kNewFile2:
        case kNewFile3:
        case kNewFile4:
          SkipNewFile(tag, &edit);
          break;
        default:
          if (tag < kIgnorable) return false;
          edit.LengthPrefixed();
      }
    }
    if (!edit.ok()) return false;
    uint64_t& known = by_family_[family];
    known = std::max(known, log_number);
    if (dropped) by_family_.erase(family);
    return true;
  }

  uint64_t Min() const {
    uint64_t min = by_family_.empty() ? 0 : UINT64_MAX;
    for (const auto& [family, log_number] : by_family_) min = std::min(min, log_number);
    return min;
  }

 private:
  std::map<uint64_t, uint64_t> by_family_;
};

}  // namespace

uint64_t MinWalNumber(std::string_view manifest) {
  LogNumbers numbers;
  bool understood = true;
  VisitLogRecords(manifest,
                  [&](std::string_view edit) { understood = understood && numbers.Apply(edit); });
  return understood ? numbers.Min() : 0;
}

}  // namespace varve::kv
