// A part of exemplars: written from series in label order, read back by ordinals, merged. Layout:
// docs/FORMATS.md, "Exemplar block".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compaction/hidden_samples.h"
#include "index/part_index.h"
#include "storage/format/exemplar_block.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::compaction {

// Thread safety: none.
class ExemplarPartWriter {
 public:
  // `store` is borrowed.
  static Result<std::unique_ptr<ExemplarPartWriter>> Create(kv::Store* store);
  // The next series: canonical labels in strictly ascending label order (checked), and its
  // exemplars as SortUnique leaves them; at least one.
  Status Add(std::string_view labels, std::span<const format::ExemplarView> exemplars);
  // Ingests the part, still invisible; the caller commits the returned entry. `info` brings the
  // level and sequences. kFailedPrecondition when nothing was added.
  Result<format::PartInfo> Finish(format::PartInfo info);

 private:
  ExemplarPartWriter(kv::Store* store, std::unique_ptr<kv::PartWriter> writer);

  kv::Store* const store_;
  std::unique_ptr<kv::PartWriter> writer_;
  index::PartIndexWriter index_;
  std::string value_;
  uint64_t exemplar_count_ = 0;
  uint64_t block_count_ = 0;
  int64_t min_time_ms_ = INT64_MAX;
  int64_t max_time_ms_ = INT64_MIN;
};

// Thread safety: const methods from any thread.
class ExemplarPartReader {
 public:
  static Result<std::unique_ptr<ExemplarPartReader>> Open(std::shared_ptr<const kv::Part> part);
  const format::PartInfo& info() const { return part_->info(); }
  const index::PartIndexReader& index() const { return *index_; }
  // Calls visit(i, an exemplar of ordinals[i] within [min_ms, max_ms]) in order; `ordinals` ascend.
  // What the view points to dies with the callback's return. Error: kDataLoss names the part.
  Status VisitExemplars(
      std::span<const index::Ordinal> ordinals, int64_t min_ms, int64_t max_ms,
      const std::function<void(size_t i, const format::ExemplarView&)>& visit) const;

 private:
  ExemplarPartReader(std::shared_ptr<const kv::Part> part,
                     std::unique_ptr<index::PartIndexReader> index)
      : part_(std::move(part)), index_(std::move(index)) {}

  const std::shared_ptr<const kv::Part> part_;
  const std::unique_ptr<index::PartIndexReader> index_;
};

// Merges whole parts of exemplars into one, ingested but not committed, without what hidden[i]
// hides of parts[i] (no `hidden`: nothing). Empty when nothing is left: then no part was written.
// Memory: the exemplars of one series. Error: kDataLoss names the part that is damaged; nothing was
// changed then.
Result<std::optional<format::PartInfo>> MergeExemplarParts(
    kv::Store* store, std::span<const std::shared_ptr<const kv::Part>> parts,
    std::span<const HiddenSamples> hidden);

}  // namespace varve::compaction
