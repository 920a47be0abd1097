// Pair chunk: the label pairs behind kPairsPerChunk consecutive pair numbers of a part.
// Layout: docs/FORMATS.md, "Series table".
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "varve/status.h"

namespace varve::index {

inline constexpr uint32_t kPairsPerChunk =
    128;  // on disk: number / kPairsPerChunk is the chunk's number

// `pairs` as they stand in canonical label bytes. REQUIRES: 1..kPairsPerChunk well-formed pairs.
std::string EncodePairChunk(std::span<const std::string_view> pairs);

// The decoded chunk: every pair ready to be appended to canonical label bytes. Thread safety:
// immutable.
class PairChunk {
 public:
  static Result<PairChunk> Decode(std::string_view bytes);
  uint32_t size() const { return static_cast<uint32_t>(ends_.size() - 1); }
  // REQUIRES: i < size().
  std::string_view pair(uint32_t i) const {
    return {bytes_.data() + ends_[i], ends_[i + 1] - ends_[i]};
  }

 private:
  std::string bytes_;
  std::vector<uint32_t> ends_{0};  // pair i ends at ends_[i + 1]
};

}  // namespace varve::index
