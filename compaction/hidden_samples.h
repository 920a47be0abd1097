// HiddenSamples: which samples of one part were deleted. Reads leave them out, merges do not copy
// them.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "compaction/merge.h"
#include "index/part_index.h"
#include "storage/format/chunk.h"
#include "varve/status.h"

namespace varve::compaction {

// Both ends belong to it.
struct HiddenRange {
  int64_t min_ms = 0;
  int64_t max_ms = 0;
  friend bool operator==(const HiddenRange&, const HiddenRange&) = default;
};

// Thread safety: const methods from any thread.
class HiddenSamples {
 public:
  // REQUIRES: range.min_ms <= range.max_ms.
  void Hide(std::span<const index::Ordinal> ordinals, HiddenRange range);
  bool empty() const { return ranges_.empty(); }
  // Ascending; they neither overlap nor touch.
  std::span<const HiddenRange> Of(index::Ordinal ordinal) const;
  bool Hides(index::Ordinal ordinal, int64_t time_ms) const;
  // Something in `range` of some series is hidden.
  bool Touches(HiddenRange range) const;
  // Hides every time in `range`.
  bool Covers(index::Ordinal ordinal, HiddenRange range) const;

 private:
  std::unordered_map<index::Ordinal, std::vector<HiddenRange>> ranges_;
};

// Chunks of one series without what is hidden.
class VisibleChunks {
 public:
  // Chunks that nothing is hidden of are shown as they are, the others are encoded again. The
  // result lives until the next call, and no longer than the payloads of `chunks`. `chunks` ascend
  // without overlap, and so does the result. Error: kDataLoss.
  Result<std::span<const format::ChunkView>> Filter(std::span<const format::ChunkView> chunks,
                                                    std::span<const HiddenRange> hidden);

 private:
  Status AddVisible(const format::ChunkView& chunk, std::span<const HiddenRange> hidden);
  Status Encode(const format::ChunkView& chunk, int64_t min_ms, int64_t max_ms);

  std::vector<format::ChunkView> visible_;
  format::SampleColumns samples_;
  EncodedChunks encoded_;
};

}  // namespace varve::compaction
