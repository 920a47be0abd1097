// The engine's reader interface: all that query/ sees of the engine.
//
// One Select answers all selectors of a query from one instant (a read view), so that a query sees
// every append whole or not at all, and may then read series from several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "storage/format/sample_columns.h"
#include "varve/database.h"
#include "varve/labels.h"
#include "varve/matcher.h"
#include "varve/status.h"

namespace varve::engine {

// What a query makes of a range of samples, by which rollups may stand for them.
enum class RollupField : uint8_t {
  kNone,   // only raw samples will do
  kLast,   // the newest sample at or before a time
  kFirst,  // the oldest one of a range
  kMin,    // ..._over_time
  kMax,
  kSum,
  kMean,
  kCount,
  kIncrease,  // of a counter
  kDelta,     // last - first
  kOther,     // rollups stand for samples only where these are gone
};

struct RollupUse {
  RollupField field = RollupField::kNone;
  // All ends of all windows are multiples of it: buckets of resolutions that divide it give the
  // same answer as samples do. 0: they are anywhere.
  int64_t edge_ms = 0;
  // The length of the windows, or how far is looked back: where samples are gone, rollups fill in
  // several for each.
  int64_t window_ms = 0;
  bool heeds_start_times = false;
};

// Decoded samples of one series; reused from series to series.
struct SampleBuffer : format::SampleColumns {
  // What the read decoded, whole chunks; for EXPLAIN.
  uint32_t chunk_count = 0;
  uint64_t chunk_bytes = 0;  // compressed
  // Set by the reader's caller: a series with many more samples in the range is refused before it
  // is decoded. May be exceeded by what chunks hold outside of the range.
  uint64_t sample_count_max = UINT64_MAX;
  RollupUse rollups;  // set by the reader's caller

  // How many samples each one stands for: rollups are a few samples that give the same answer as
  // all those of their bucket. Empty, or one per sample: 1 for raw ones.
  std::vector<double> weights;
  std::vector<double> histogram_weights;
  uint64_t rollup_row_count = 0;
  int64_t rollup_resolution_ms = 0;  // the coarsest one used
  // Raw samples are gone, and rollups were taken that do not give quite the same answer.
  bool rollups_stand_in = false;

  void Clear() {
    format::SampleColumns::Clear();
    weights.clear();
    histogram_weights.clear();
    rollup_row_count = 0;
    rollup_resolution_ms = 0;
    rollups_stand_in = false;
    chunk_count = 0;
    chunk_bytes = 0;
  }
};

// What becomes of histograms whose writer left open whether the counter was reset (kUnknown).
// kResolved: kNoReset where decoding showed that no count fell since the sample before.
enum class ResetHints : uint8_t { kAsWritten, kResolved };

struct SelectRequest {
  Selector matchers;   // all must hold
  int64_t min_ms = 0;  // both ends belong to the range
  int64_t max_ms = 0;
  ResetHints reset_hints = ResetHints::kAsWritten;
  bool with_rollups = false;  // series of which only rollups are left are listed, too
};

// The series that one request selected. A series is listed once, although its samples may lie in
// the head and in several parts. A listed series may turn out to have no sample in the range.
// Order: unspecified but fixed. Thread safety: all methods from any thread.
class SeriesSelection {
 public:
  virtual ~SeriesSelection() = default;
  virtual size_t series_count() const = 0;
  // Lives as long as the selection.
  virtual const Labels& labels(size_t i) const = 0;
  // Replaces `out` by the samples of series `i` within [min_ms, max_ms], which must lie within the
  // request's range. Of several samples with one timestamp the latest written wins. Errors:
  // kDataLoss, kIoError; kResourceExhausted for more than out->sample_count_max.
  virtual Status Read(size_t i, int64_t min_ms, int64_t max_ms, SampleBuffer* out) const = 0;
};

// Asked now and then while series are selected: `series` more were, and hold `bytes`. An error ends
// the selection with it. Locks that writers wait for may be held: it must be quick.
using SelectCheck = std::function<Status(uint64_t series, uint64_t bytes)>;

// Thread safety: all methods from any thread.
class Reader {
 public:
  virtual ~Reader() = default;
  // One selection per request, all of the same instant. Errors: kInvalidArgument (bad regular
  // expression), kDataLoss, kIoError, those of `check`, which may be empty. The selections may
  // outlive the reader, not the database.
  virtual Result<std::vector<std::shared_ptr<const SeriesSelection>>> Select(
      std::span<const SelectRequest> requests, const SelectCheck& check) = 0;
  Result<std::vector<std::shared_ptr<const SeriesSelection>>> Select(
      std::span<const SelectRequest> requests) {
    return Select(requests, nullptr);
  }
  // A number that grows with every write: appends, deletions, parts dropped by retention.
  virtual uint64_t version() = 0;
  // No write after `version` touched a time before this; INT64_MAX: there was none at all. A write
  // that a selection shows is known here before.
  virtual int64_t MinTimeSince(uint64_t version) = 0;
};

// The reader of a database opened by Database::Open. `database` must outlive it. Cheap.
std::unique_ptr<Reader> NewReader(Database* database);

}  // namespace varve::engine
