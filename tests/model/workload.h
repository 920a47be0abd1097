// Workload: random appends as a careless but legal client would send them, applied to a database
// and to its twin.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "tests/model/random_histogram.h"
#include "tests/model/twin.h"
#include "varve/database.h"

namespace varve::model {

// A value of the kinds that break encoders: stale markers, NaN payloads, infinities, -0.0,
// denormals, counters, short decimals, noise.
double RandomValue(std::mt19937_64* random);

class Workload {
 public:
  // `series_count` series in a universe of labels with every kind of awkwardness.
  Workload(uint64_t seed, size_t series_count);

  // Appends one random batch to `database`, and what was accepted to `twin`. When the database asks
  // to be relieved (kResourceExhausted), it is flushed and the batch sent again.
  // Fails the running test when an answer is not what was promised.
  void AppendBatch(Database* database, Twin* twin);
  // References die with the database that gave them.
  void ForgetReferences();
  // Moves every later sample ahead, so that what is not written any more falls idle.
  void JumpAhead(int64_t delta_ms);

  // A selector over the universe's labels, of zero to two matchers.
  Selector RandomSelector();
  // A range around what was written; sometimes everything, sometimes one instant, sometimes empty.
  TimeRange RandomRange();
  std::mt19937_64* random() { return &random_; }

 private:
  struct Series {
    Labels labels;
    int64_t newest_ms = 0;  // 0: nothing written yet
    SeriesRef ref = kNoSeries;
  };
  struct Sent {
    size_t series = 0;  // into series_; kInvalid for one that must be refused
    std::vector<Sample> samples;
    std::vector<int64_t> start_times_ms;  // one per sample
    std::vector<HistogramSample> histograms;
    SeriesRef ref = kNoSeries;  // sent by reference
  };
  static constexpr size_t kInvalid = SIZE_MAX;

  uint64_t Below(uint64_t limit) { return random_() % limit; }
  int64_t RandomTime(Series* series);
  // Of a sample: often not known, often the same, sometimes anything.
  int64_t RandomStart(size_t series, int64_t timestamp_ms);
  void AddRandomSample(Sent* sent);
  void BeginSeries(const Sent& sent, WriteBatch* batch);
  void AddShuffledLabels(const Labels& labels, WriteBatch* batch);
  void Learn(const WriteBatch& batch, const AppendResult& result, const std::vector<Sent>& sent,
             Twin* twin);

  std::mt19937_64 random_;
  std::vector<Series> series_;
  HistogramSource histograms_;
  int64_t now_ms_;
};

}  // namespace varve::model
