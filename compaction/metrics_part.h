// A metrics part as a whole: written from series in label order, read back by ordinals.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/part_index.h"
#include "storage/format/chunk.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::compaction {

// Thread safety: none.
class MetricsPartWriter {
 public:
  // `store` is borrowed.
  static Result<std::unique_ptr<MetricsPartWriter>> Create(kv::Store* store);
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
                     std::vector<kv::PinnedBytes>* keep) const;

 private:
  class Impl;
  explicit MetricsPartReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace varve::compaction
