// Delta temporality made cumulative.
//
// What a series has come to is its last sample in the database, so the state survives whatever the
// database survives; here is only a cache of it. A point that is not newer than that sample has
// been counted (senders repeat what was not acknowledged) and is not counted again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "varve/database.h"
#include "varve/histogram.h"
#include "varve/labels.h"
#include "varve/status.h"

namespace varve::server {

// Thread safety: none; from the first Add of a batch to its Confirm or Forget no other thread may
// add.
class DeltaState {
 public:
  // A series silent for longer starts again from zero, with a new start time.
  static constexpr int64_t kSilenceMaxMs = 24 * 3'600'000;

  explicit DeltaState(Database* database) : database_(database) {}

  enum class Outcome {
    kAdded,
    kCounted,  // not newer than what is there: its last point again
    kTooOld,   // before the last point: what it would change is written already
  };
  // Turns the delta `*value` of (start_ms, time_ms] into the total, and `*start_ms` into when the
  // total began. `labels` are in name order. Errors: those of Database::Read.
  Result<Outcome> Add(std::span<const LabelView> labels, int64_t time_ms, int64_t* start_ms,
                      double* value);
  // The same for a native histogram, which becomes one of floats. kInvalidArgument when it is none
  // that Histogram::Validate accepts.
  Result<Outcome> Add(std::span<const LabelView> labels, int64_t time_ms, int64_t* start_ms,
                      Histogram* histogram);

  // The batch was stored as it was made.
  void Confirm();
  // It was not, or not all of it: its series are read again when they come again.
  void Forget();

 private:
  static constexpr size_t kEntriesMax = 500'000;

  struct Total {
    int64_t time_ms = INT64_MIN;  // of the last point; INT64_MIN: there is none
    int64_t start_ms = 0;
    double value = 0;
    bool has_histogram = false;
    Histogram histogram;
  };

  Result<Total*> Find(std::span<const LabelView> labels, int64_t time_ms);
  Result<Total> Load(const Labels& labels, int64_t time_ms);
  static Outcome Compare(const Total& total, int64_t time_ms);

  Database* const database_;
  std::unordered_map<std::string, Total> totals_;  // by canonical label bytes
  std::vector<std::string> touched_;               // by the batch at hand
};

}  // namespace varve::server
