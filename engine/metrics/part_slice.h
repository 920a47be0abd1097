// PartSlice: the series of one part that a selector selected; their chunks are fetched block by
// block when first read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "compaction/metrics_part.h"
#include "storage/format/chunk.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::engine {

// Chunks of neighbouring selected series, pinned while someone holds the block.
class SliceBlock {
 public:
  std::span<const format::ChunkView> chunks(size_t i) const {
    return {chunks_.data() + begin_[i], begin_[i + 1] - begin_[i]};
  }

 private:
  friend class PartSlice;
  std::vector<format::ChunkView> chunks_;
  std::vector<size_t> begin_{0};
  compaction::ChunkPins pins_;
};

// Thread safety: const methods from any thread.
class PartSlice {
 public:
  // `ordinals` ascend.
  PartSlice(std::shared_ptr<const compaction::MetricsPartReader> reader,
            std::vector<index::Ordinal> ordinals, int64_t min_ms, int64_t max_ms);

  std::span<const index::Ordinal> ordinals() const { return ordinals_; }
  const format::PartInfo& info() const { return reader_->info(); }
  // The block that holds the i-th ordinal, and its place there. A block is let go when each of its
  // series was read once, and fetched again should one be read again, so a query that walks the
  // series holds few blocks at a time.
  struct Place {
    std::shared_ptr<const SliceBlock> block;
    size_t index = 0;
  };
  Result<Place> Read(size_t i) const;

 private:
  struct BlockState {
    uint32_t first = 0;  // into ordinals_
    uint32_t count = 0;
    Mutex mutex;
    std::shared_ptr<const SliceBlock> block GUARDED_BY(mutex);
    uint32_t reads_left GUARDED_BY(mutex) = 0;
  };
  Result<std::shared_ptr<const SliceBlock>> Fetch(uint32_t first, uint32_t count) const;

  const std::shared_ptr<const compaction::MetricsPartReader> reader_;
  const std::vector<index::Ordinal> ordinals_;
  const int64_t min_ms_;
  const int64_t max_ms_;
  std::vector<std::unique_ptr<BlockState>> blocks_;
  std::vector<uint32_t> block_of_;  // of each ordinal's place
};

}  // namespace varve::engine
