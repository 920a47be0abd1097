// promql::Engine: PromQL over a Database, with the results of Prometheus 3.
//
//   varve::promql::Engine engine(database.get(), {});
//   auto result = engine.Instant("sum by (job) (rate(http_requests_total[5m]))", now_ms, {});
//
// Thread safety: all methods from any thread; queries run concurrently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "varve/database.h"
#include "varve/histogram.h"
#include "varve/labels.h"
#include "varve/matcher.h"
#include "varve/status.h"

namespace varve::promql {

struct EngineOptions {
  int64_t lookback_ms = 5 * 60 * 1000;  // how long a sample stands for its series; left-open
  int64_t timeout_ms = 2 * 60 * 1000;
  uint64_t samples_max = 50'000'000;       // held at once by one query
  uint64_t bytes_max = uint64_t{1} << 30;  // memory of one query
  size_t concurrency_max = 20;  // queries at once; more wait for a place until their timeout
  size_t thread_count = 0;      // for splitting one query by series; 0: one per core
  int64_t default_step_ms = 60 * 1000;  // of subqueries without a step

  // What Prometheus has behind feature flags and could change a stable query's answer.
  bool delayed_name_removal = false;  // promql-delayed-name-removal
  bool use_start_timestamps = false;  // rate and its kin heed start timestamps of samples
  // __type__ and __unit__ are dropped wherever the metric name is; on, because only writers that
  // know of it send such labels (type-and-unit-labels).
  bool type_and_unit_labels = true;
  // Results of past steps that nothing can change any more; 0: off.
  uint64_t cache_bytes = uint64_t{32} << 20;
};

struct QueryOptions {
  int64_t lookback_ms = 0;  // 0: the engine's
  int64_t timeout_ms = 0;   // 0: the engine's; never more than it
  // Fills QueryResult::explain.
  bool explain = false;
  // Fills the per-step parts of QueryStatistics.
  bool per_step_statistics = false;
  // Asks the query to end early with kCancelled, for a client that left.
  std::stop_token stop;
};

// One point of a result: milliseconds since the Unix epoch.
struct Point {
  int64_t timestamp_ms = 0;
  double value = 0;
};

// A native histogram of a result; never null.
struct HistogramPoint {
  int64_t timestamp_ms = 0;
  HistogramPtr histogram;
};

struct VectorSample {
  Labels labels;
  Point point;                       // the time; and the value when `histogram` is null
  HistogramPtr histogram = nullptr;  // null for a float
};
struct Series {
  Labels labels;
  std::vector<Point> points;                    // ascending in time
  std::vector<HistogramPoint> histograms = {};  // ascending in time; no time occurs in both
};

struct Scalar {
  Point point;
};
struct String {
  int64_t timestamp_ms = 0;
  std::string value;
};
using Vector = std::vector<VectorSample>;  // instant vector; sorted only where the query sorts
using Matrix = std::vector<Series>;        // range vector, sorted by labels

// One node of an executed plan; children are the nodes with a larger depth that follow it.
struct ExplainNode {
  size_t depth = 0;
  std::string operation;  // "aggregate sum by (job)", "scan up{job=\"x\"}", "cached", ...
  uint64_t series = 0;    // that came out of it
  uint64_t chunks = 0;    // decoded by it (leaves)
  uint64_t samples = 0;   // decoded by it (leaves)
  uint64_t bytes = 0;     // of compressed chunks read by it (leaves)
  // Rows of rollups that stood for samples, and the coarsest resolution of them (leaves).
  uint64_t rollup_rows = 0;
  int64_t rollup_resolution_ms = 0;
  int64_t elapsed_ns = 0;  // its children included
};

struct QueryStatistics {
  uint64_t samples_read = 0;  // decoded from storage
  // Prometheus' totalQueryableSamples and its per-step form: samples that the evaluation of each
  // step looked at, a histogram counted by its size.
  uint64_t queryable_samples = 0;
  std::vector<std::pair<int64_t, uint64_t>> queryable_samples_per_step;  // time, samples
  uint64_t samples_peak = 0;                                             // held at once
  uint64_t series_read = 0;
  int64_t elapsed_ns = 0;
};

struct QueryResult {
  std::variant<Scalar, String, Vector, Matrix> value;
  // Annotations in Prometheus' words, with the position in the query.
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  QueryStatistics statistics;
  std::vector<ExplainNode> explain;  // only when asked for
};

// Errors of both query calls:
//   kInvalidArgument   the expression does not parse or type-check; the message is Prometheus',
//   with the position
//                      ("1:5: parse error: ...")
//   kOutOfRange        execution failed on the data (many-to-many matching, ...), in Prometheus'
//   words kResourceExhausted a budget was exceeded; the message names the limit kDeadlineExceeded
//   the timeout passed;   kCancelled  stop was requested anything else      storage failed
class Engine {
 public:
  // `database` is borrowed and must outlive the engine.
  Engine(Database* database, const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Result<QueryResult> Instant(std::string_view expression, int64_t time_ms,
                              const QueryOptions& options);
  // Steps start_ms, start_ms + step_ms, ... <= end_ms. kInvalidArgument also for step_ms <= 0 or
  // end < start.
  Result<QueryResult> Range(std::string_view expression, int64_t start_ms, int64_t end_ms,
                            int64_t step_ms, const QueryOptions& options);

  const EngineOptions& options() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The expression laid out by Prometheus' formatting rules. kInvalidArgument as above.
Result<std::string> Format(std::string_view expression);
// The syntax tree as the JSON of Prometheus' /api/v1/parse_query. kInvalidArgument as above.
Result<std::string> ParseToJson(std::string_view expression);
// The matchers of every selector in the expression, in the order written, for query_exemplars.
// kInvalidArgument as above.
Result<std::vector<Selector>> Selectors(std::string_view expression);
// A series selector alone, as the match[] parameters take it: `up{job="x"}`. kInvalidArgument as
// above.
Result<Selector> ParseSelector(std::string_view text);
// "5m", "1h30m", "1.5"? no: Prometheus durations (y w d h m s ms), or kInvalidArgument.
Result<int64_t> ParseDurationMs(std::string_view text);

}  // namespace varve::promql
