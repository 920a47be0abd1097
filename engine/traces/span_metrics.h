// SpanMetrics: rates, errors and durations of spans, and the calls between services, counted while
// spans arrive and written as ordinary series under the names that Tempo's generator gives them.
//
// Exactly once, over kill -9: the samples are written together with the journal sequence up to
// which spans are in them (kSequenceMetric), in one record. At the next opening, spans of the
// journal beyond that sequence are counted again; those that leave the journal in a flush are
// written first.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/mutex.h"
#include "engine/traces/duration_histogram.h"
#include "engine/traces/seen_spans.h"
#include "engine/traces/service_graph.h"
#include "engine/traces/span_observation.h"
#include "varve/labels.h"
#include "varve/options.h"
#include "varve/status.h"
#include "varve/write_batch.h"

namespace varve::engine {

// What a series held when it was written last.
struct LastSample {
  bool found = false;
  double value = 0;
  Histogram histogram;
  bool has_histogram = false;
  int64_t timestamp_ms = 0;
};

struct SpanMetricsContext {
  const Options* options = nullptr;
  std::function<Result<LastSample>(const Labels& labels)> load;
  std::function<Status(WriteBatch*)> append;
  std::function<Status(std::string)> append_state;  // a record of the journal
  std::function<uint64_t()> last_sequence;
  std::function<int64_t()> now_ms;
  std::function<void(LogLevel, std::string_view)> log;  // may be null
};

struct SpanMetricsCounters {
  uint64_t counted = 0;
  uint64_t late = 0;        // older than Options::span_metrics_slack_ms
  uint64_t repeated = 0;    // sent again
  uint64_t overflowed = 0;  // counted in the overflow series
  uint64_t series = 0;      // held
};

// A message of spans in the journal.
struct JournaledSpans {
  uint64_t sequence = 0;
  std::shared_ptr<const std::string> body;
};

// Thread safety: all methods from any thread; Recover before all others.
class SpanMetrics {
 public:
  static constexpr std::string_view kSequenceMetric = "varve_span_metrics_sequence";

  explicit SpanMetrics(SpanMetricsContext context);

  // Counts what of the journal was not written yet, and remembers the rest as seen. `state` is that
  // of the journal's last span state record, or empty.
  void Recover(std::span<const JournaledSpans> journaled, std::string_view state) EXCLUDES(mutex_);

  // Held shared from before a message is committed until it is counted.
  SharedMutex* counting() { return &counting_; }
  void Count(std::span<const SpanObservation> spans, int64_t arrival_ms) EXCLUDES(mutex_);

  // Writes what changed. Nothing that was committed before is left out.
  Status Write() EXCLUDES(write_mutex_, counting_, mutex_);
  // The same before spans leave the journal: with the ends of calls that wait for others.
  Status WriteWithState() EXCLUDES(write_mutex_, counting_, mutex_);
  // The same, when it is time for it.
  Status WriteDue() EXCLUDES(write_mutex_, counting_, mutex_);

  SpanMetricsCounters counters() const;

 private:
  // Two series: a counter, and a histogram of durations; of calls also one of failures.
  struct Entry {
    std::vector<std::pair<std::string, std::string>> labels;
    double count = 0;
    double failed = 0;
    DurationHistogram durations;         // of spans; of calls at the server
    DurationHistogram client_durations;  // of calls
    bool is_changed = false;
    bool is_new = false;  // nothing of it was written before
    int64_t active_ms = 0;
    std::string exemplar_trace_id;
    double exemplar_value = 0;
    int64_t exemplar_ms = 0;
  };
  struct HashOfText {
    size_t operator()(const std::string& text) const { return Hash64(text); }
  };
  using Entries = std::unordered_map<std::string, std::unique_ptr<Entry>, HashOfText>;
  enum class Family : uint8_t { kSpans, kCalls };
  enum class Counting { kAll, kPairsOnly, kSeenOnly };

  Status WriteLocked(std::string* state) REQUIRES(write_mutex_) EXCLUDES(counting_, mutex_);
  std::string EncodeState(uint64_t sequence) const REQUIRES(mutex_);
  // The sequence up to which spans are in the state; 0: none could be read.
  uint64_t DecodeState(std::string_view state) REQUIRES(mutex_);
  void CountOne(const SpanObservation& span, int64_t arrival_ms, Counting counting)
      REQUIRES(mutex_);
  void CountCall(const ServiceCall& call, int64_t now_ms) REQUIRES(mutex_);
  Entry* Find(Family family, const std::string& key,
              std::vector<std::pair<std::string, std::string>> labels) REQUIRES(mutex_);
  void Load(Family family, Entry* entry) const;
  Labels LabelsOf(const Entry& entry, std::string_view metric) const;
  void ExpireCalls(int64_t now_ms) REQUIRES(mutex_);
  void BuildBatch(int64_t now_ms, uint64_t sequence, WriteBatch* batch) REQUIRES(mutex_);
  void AddEntry(Family family, Entry* entry, int64_t now_ms, WriteBatch* batch) REQUIRES(mutex_);
  void AddCounter(const Entry& entry, std::string_view metric, double value, int64_t now_ms,
                  WriteBatch* batch) REQUIRES(mutex_);
  void AddHistogram(const Entry& entry, std::string_view metric, const DurationHistogram& durations,
                    int64_t now_ms, WriteBatch* batch) REQUIRES(mutex_);

  const SpanMetricsContext context_;
  Mutex write_mutex_;  // taken before counting_, which is taken before mutex_
  SharedMutex counting_;
  std::atomic<int64_t> written_ms_{0};  // when metrics were written last
  std::atomic<int64_t> written_steady_ns_{0};
  mutable Mutex mutex_;
  Entries spans_ GUARDED_BY(mutex_);
  Entries calls_ GUARDED_BY(mutex_);
  SeenSpans seen_ GUARDED_BY(mutex_);
  ServiceGraph graph_ GUARDED_BY(mutex_);
  std::string key_ GUARDED_BY(mutex_);  // scratch
  ServiceCall call_ GUARDED_BY(mutex_);
  bool has_metadata_ GUARDED_BY(mutex_) = false;
  bool has_warned_ GUARDED_BY(mutex_) = false;
  bool is_changed_ GUARDED_BY(mutex_) = false;  // something was counted since the last write
  SpanMetricsCounters counters_ GUARDED_BY(mutex_);
};

}  // namespace varve::engine
