#include "compaction/hidden_samples.h"

#include <algorithm>

#include "base/check.h"
#include "base/status_macros.h"

namespace varve::compaction {
namespace {

// Adds `range` to ranges that ascend and neither overlap nor touch.
void Unite(HiddenRange range, std::vector<HiddenRange>* ranges) {
  std::vector<HiddenRange> united;
  for (const HiddenRange& other : *ranges) {
    const bool before = other.max_ms < range.min_ms && other.max_ms + 1 < range.min_ms;
    const bool after = other.min_ms > range.max_ms && other.min_ms - 1 > range.max_ms;
    if (before || after) {
      united.push_back(other);
    } else {
      range = {std::min(range.min_ms, other.min_ms), std::max(range.max_ms, other.max_ms)};
    }
  }
  const auto at = std::find_if(united.begin(), united.end(), [&](const HiddenRange& other) {
    return other.min_ms > range.min_ms;
  });
  united.insert(at, range);
  *ranges = std::move(united);
}

}  // namespace

void HiddenSamples::Hide(std::span<const index::Ordinal> ordinals, HiddenRange range) {
  VARVE_CHECK(range.min_ms <= range.max_ms);
  for (const index::Ordinal ordinal : ordinals) Unite(range, &ranges_[ordinal]);
}

std::span<const HiddenRange> HiddenSamples::Of(index::Ordinal ordinal) const {
  const auto found = ranges_.find(ordinal);
  return found == ranges_.end() ? std::span<const HiddenRange>() : found->second;
}

bool HiddenSamples::Hides(index::Ordinal ordinal, int64_t time_ms) const {
  return Covers(ordinal, {time_ms, time_ms});
}

bool HiddenSamples::Touches(HiddenRange range) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const auto& of_series) {
    return std::any_of(of_series.second.begin(), of_series.second.end(),
                       [&](const HiddenRange& hidden) {
                         return hidden.min_ms <= range.max_ms && hidden.max_ms >= range.min_ms;
                       });
  });
}

bool HiddenSamples::Covers(index::Ordinal ordinal, HiddenRange range) const {
  const std::span<const HiddenRange> ranges = Of(ordinal);
  return std::any_of(ranges.begin(), ranges.end(), [&](const HiddenRange& hidden) {
    return hidden.min_ms <= range.min_ms && hidden.max_ms >= range.max_ms;
  });
}

Result<std::span<const format::ChunkView>> VisibleChunks::Filter(
    std::span<const format::ChunkView> chunks, std::span<const HiddenRange> hidden) {
  if (hidden.empty()) return chunks;
  visible_.clear();
  encoded_.Clear();
  for (const format::ChunkView& chunk : chunks) {
    const auto first = std::find_if(hidden.begin(), hidden.end(), [&](const HiddenRange& range) {
      return range.max_ms >= chunk.min_time_ms;
    });
    const auto last = std::find_if(first, hidden.end(), [&](const HiddenRange& range) {
      return range.min_ms > chunk.max_time_ms;
    });
    RETURN_IF_ERROR(AddVisible(chunk, {first, last}));
  }
  return std::span<const format::ChunkView>(visible_);
}

// `hidden` all touch the chunk.
Status VisibleChunks::AddVisible(const format::ChunkView& chunk,
                                 std::span<const HiddenRange> hidden) {
  if (hidden.empty()) {
    visible_.push_back(chunk);
    return OkStatus();
  }
  int64_t from_ms = chunk.min_time_ms;
  for (const HiddenRange& range : hidden) {
    if (range.min_ms > from_ms) RETURN_IF_ERROR(Encode(chunk, from_ms, range.min_ms - 1));
    if (range.max_ms >= chunk.max_time_ms) return OkStatus();
    from_ms = range.max_ms + 1;
  }
  return Encode(chunk, from_ms, chunk.max_time_ms);
}

Status VisibleChunks::Encode(const format::ChunkView& chunk, int64_t min_ms, int64_t max_ms) {
  samples_.Clear();
  const std::span<const format::ChunkView> source(&chunk, 1);
  RETURN_IF_ERROR(MergeChunks({&source, 1}, min_ms, max_ms, &samples_));
  if (samples_.size() == 0) return OkStatus();
  const size_t encoded_before = encoded_.chunks.size();
  EncodeChunks(samples_, &encoded_);
  visible_.insert(visible_.end(), encoded_.chunks.begin() + static_cast<ptrdiff_t>(encoded_before),
                  encoded_.chunks.end());
  return OkStatus();
}

}  // namespace varve::compaction
