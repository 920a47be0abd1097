// Selecting series across the head and the parts: the read path.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/metrics/head.h"
#include "engine/metrics/part_readers.h"
#include "engine/metrics/tombstones.h"
#include "engine/reader.h"
#include "index/matcher.h"
#include "storage/codec/histogram.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::engine {

// Compiles public matchers. kInvalidArgument for a bad regular expression.
Result<CompiledSelector> CompileMatchers(const Selector& selector);
Result<std::vector<CompiledSelector>> CompileSelectors(std::span<const Selector> selectors);

// Ordinals of the part's series that any selector selects (none: of every series), ascending.
Result<std::vector<index::Ordinal>> MatchAny(const index::PartIndexReader& index,
                                             std::span<const CompiledSelector> selectors);

// The reader of one database. Thread safety: any thread.
class MetricsReader final : public Reader {
 public:
  using Reader::Select;
  // All borrowed.
  MetricsReader(Head* head, kv::Store* store, PartReaders* readers, const Tombstones* tombstones)
      : head_(head), store_(store), readers_(readers), tombstones_(tombstones) {}
  Result<std::vector<std::shared_ptr<const SeriesSelection>>> Select(
      std::span<const SelectRequest> requests, const SelectCheck& check) override;
  uint64_t version() override { return head_->write_history.version(); }
  int64_t MinTimeSince(uint64_t version) override {
    return head_->write_history.MinTimeSince(version);
  }
  // The union of selectors (none: every series) as one selection. Errors: as Select.
  enum class Rollups : uint8_t { kLeftOut, kListed };  // series of which only rollups are left
  Result<std::shared_ptr<const SeriesSelection>> SelectUnion(std::span<const Selector> selectors,
                                                             TimeRange range,
                                                             Rollups rollups = Rollups::kLeftOut);

 private:
  struct Request {
    std::vector<CompiledSelector> selectors;
    TimeRange range;
    codec::HistogramHints hints = codec::HistogramHints::kAsWritten;
    bool with_rollups = false;
  };
  Result<std::vector<std::shared_ptr<const SeriesSelection>>> SelectAll(
      std::span<const Request> requests, const SelectCheck& check);
  Result<std::shared_ptr<const SeriesSelection>> SelectOne(const Request& request,
                                                           HeadSnapshot head,
                                                           const kv::CatalogVersion& version,
                                                           const TombstoneList& tombstones,
                                                           const SelectCheck& check);

  Head* const head_;
  kv::Store* const store_;
  PartReaders* const readers_;
  const Tombstones* const tombstones_;
};

}  // namespace varve::engine
