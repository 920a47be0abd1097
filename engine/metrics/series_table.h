// SeriesTable: numbers label sets in order of first appearance, so that the series of several
// sources are joined.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "varve/labels.h"

namespace varve::engine {

// Open addressing over hashes; the label bytes themselves are only in the Labels that it numbers.
// Not thread-safe.
class SeriesTable {
 public:
  // `appearance_count` is at least the number of calls that will be made.
  explicit SeriesTable(size_t appearance_count) : slots_(SlotCount(appearance_count), kFree) {
    hashes_.reserve(appearance_count);
  }

  // The number of the canonical label bytes, new ones appended to `labels`, which no one else
  // changes.
  uint32_t Number(std::string_view bytes, std::vector<Labels>* labels) {
    const uint64_t hash = Hash64(bytes);
    const size_t mask = slots_.size() - 1;
    size_t at = hash & mask;
    for (; slots_[at] != kFree; at = (at + 1) & mask) {
      const uint32_t number = slots_[at];
      if (hashes_[number] == hash && (*labels)[number].canonical_bytes() == bytes) return number;
    }
    const auto number = static_cast<uint32_t>(labels->size());
    slots_[at] = number;
    hashes_.push_back(hash);
    labels->push_back(Labels::FromCanonicalBytes(std::string(bytes)));
    return number;
  }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;
  // Half of them stay free.
  static size_t SlotCount(size_t count) { return std::bit_ceil(2 * std::max<size_t>(count, 8)); }

  std::vector<uint32_t> slots_;
  std::vector<uint64_t> hashes_;  // by number
};

}  // namespace varve::engine
