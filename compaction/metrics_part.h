// A metrics part as a whole: written from series in label order, read back by ordinals.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compaction/time_columns.h"
#include "index/part_index.h"
#include "storage/format/chunk.h"
#include "storage/format/chunk_group.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::compaction {

// How a part is laid out. The default suits what is merged again soon.
struct MetricsPartLayout {
  kv::Compression compression = kv::Compression::kFast;
  uint32_t series_per_group = format::kSeriesPerChunkGroup;  // 1 to kSeriesPerChunkGroup
};

// Thread safety: none.
class MetricsPartWriter {
 public:
  // `store` is borrowed.
  static Result<std::unique_ptr<MetricsPartWriter>> Create(kv::Store* store,
                                                           const MetricsPartLayout& layout = {});
  ~MetricsPartWriter();
  // The next series: canonical labels in strictly ascending label order, and its chunks ascending
  // in time and not overlapping (checked); at least one. Payloads are borrowed until the next call
  // of Add or Finish.
  Status Add(std::string_view labels, std::span<const format::ChunkView> chunks);
  // Ingests the part, still invisible; the caller commits the returned entry. `info` brings signal,
  // tier, level and sequences; times and counts are filled in. kFailedPrecondition when nothing was
  // added.
  Result<format::PartInfo> Finish(format::PartInfo info);

 private:
  class Impl;
  explicit MetricsPartWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What keeps the bytes and timestamps of chunks alive.
struct ChunkPins {
  std::vector<kv::PinnedBytes> bytes;
  std::vector<std::shared_ptr<const TimeColumn>> time_columns;
  void Clear() {
    bytes.clear();
    time_columns.clear();
  }
};

// Thread safety: all methods from any thread.
class MetricsPartReader {
 public:
  static Result<std::unique_ptr<MetricsPartReader>> Open(std::shared_ptr<const kv::Part> part);
  ~MetricsPartReader();
  const format::PartInfo& info() const;
  const index::PartIndexReader& index() const;
  // Calls visit(i, chunks of ordinals[i] that touch [min_ms, max_ms], ascending in time) in order;
  // `ordinals` ascend. The span dies with the callback's return, and so do the payloads unless
  // `keep` is given: then they live as long as what was appended there. Error: kDataLoss names part
  // and chunk group.
  Status VisitChunks(std::span<const index::Ordinal> ordinals, int64_t min_ms, int64_t max_ms,
                     const std::function<void(size_t i, std::span<const format::ChunkView>)>& visit,
                     ChunkPins* keep) const;
  // Looks up the timestamps of the chunks that are columns; they live as long as `pins`. Error:
  // kDataLoss names the column.
  Status FindTimes(std::span<format::ChunkView> chunks, ChunkPins* pins) const;

 private:
  class Impl;
  explicit MetricsPartReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace varve::compaction
