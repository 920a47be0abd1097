#include "engine/metrics/part_slice.h"

#include <utility>

#include "base/status_macros.h"

namespace varve::engine {

PartSlice::PartSlice(std::shared_ptr<const compaction::MetricsPartReader> reader,
                     std::vector<index::Ordinal> ordinals, int64_t min_ms, int64_t max_ms)
    : reader_(std::move(reader)), ordinals_(std::move(ordinals)), min_ms_(min_ms), max_ms_(max_ms) {
  block_of_.reserve(ordinals_.size());
  const uint32_t series_per_group = reader_->info().series_per_group;
  uint32_t group = UINT32_MAX;
  for (uint32_t i = 0; i < ordinals_.size(); ++i) {
    if (ordinals_[i] / series_per_group != group) {
      group = ordinals_[i] / series_per_group;
      blocks_.push_back(std::make_unique<BlockState>());
      blocks_.back()->first = i;
    }
    ++blocks_.back()->count;
    block_of_.push_back(static_cast<uint32_t>(blocks_.size() - 1));
  }
}

Result<std::shared_ptr<const SliceBlock>> PartSlice::Fetch(uint32_t first, uint32_t count) const {
  auto block = std::make_shared<SliceBlock>();
  RETURN_IF_ERROR(reader_->VisitChunks(
      std::span(ordinals_).subspan(first, count), min_ms_, max_ms_,
      [&](size_t, std::span<const format::ChunkView> chunks) {
        block->chunks_.insert(block->chunks_.end(), chunks.begin(), chunks.end());
        block->begin_.push_back(block->chunks_.size());
      },
      &block->pins_));
  if (block->begin_.size() != count + size_t{1})
    return InternalError("a part did not show every series asked for");
  return std::shared_ptr<const SliceBlock>(std::move(block));
}

Result<PartSlice::Place> PartSlice::Read(size_t i) const {
  BlockState& state = *blocks_[block_of_[i]];
  MutexLock lock(&state.mutex);
  if (state.block == nullptr) {
    ASSIGN_OR_RETURN(state.block, Fetch(state.first, state.count));
    state.reads_left = state.count;
  }
  Place place{state.block, i - state.first};
  if (--state.reads_left == 0) state.block = nullptr;
  return place;
}

}  // namespace varve::engine
