// PartStream: a part's series in label order with their chunks, read front to back: what a merge
// consumes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compaction/hidden_samples.h"
#include "compaction/metrics_part.h"
#include "storage/format/chunk.h"
#include "storage/format/chunk_group.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::compaction {

// Holds one chunk group and its labels. Every error of the part's bytes is kDataLoss and names the
// part. Thread safety: none.
class PartStream {
 public:
  // Stands on the first series, or at the end. `hidden` may be null; else it is borrowed.
  static Result<std::unique_ptr<PartStream>> Open(std::shared_ptr<const kv::Part> part,
                                                  const HiddenSamples* hidden = nullptr);

  bool done() const { return ordinal_ == series_count_; }
  index::Ordinal ordinal() const { return static_cast<index::Ordinal>(ordinal_); }
  // Of the current series. REQUIRES: !done(). Views live until the next Advance.
  std::string_view labels() const { return labels_[ordinal_ % series_per_group()]; }
  std::span<const format::ChunkView> chunks() const {
    return group_.chunks(static_cast<uint32_t>(ordinal_ % series_per_group()));
  }
  // The same without what is hidden; may be none.
  Result<std::span<const format::ChunkView>> VisibleChunksOfSeries();
  // To the next series. Checks that labels ascend. REQUIRES: !done().
  Status Advance();

  const format::PartInfo& info() const { return part_->info(); }

 private:
  PartStream(std::shared_ptr<const kv::Part> part, std::unique_ptr<MetricsPartReader> reader,
             const HiddenSamples* hidden);
  uint32_t series_per_group() const { return part_->info().series_per_group; }
  Status LoadGroup();
  Status Damaged(const std::string& what) const;

  const std::shared_ptr<const kv::Part> part_;
  const std::unique_ptr<MetricsPartReader> reader_;
  const std::unique_ptr<kv::PartCursor> cursor_;  // on the group that group_ looks into
  const HiddenSamples* const hidden_;
  VisibleChunks visible_;
  const uint64_t series_count_;
  uint64_t ordinal_ = 0;
  format::ChunkGroup group_;
  ChunkPins pins_;                   // its time columns
  std::vector<std::string> labels_;  // of the group's series
  std::string last_labels_;          // of the group before
};

// The streams that stand on the smallest labels of all, in the order given; none when all are done.
// Parts are few, so a scan beats a heap.
void FindFirst(std::span<const std::unique_ptr<PartStream>> streams,
               std::vector<PartStream*>* first);

}  // namespace varve::compaction
