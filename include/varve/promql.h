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
};

struct QueryOptions {
  int64_t lookback_ms = 0;  // 0: the engine's
  int64_t timeout_ms = 0;   // 0: the engine's; never more than it
  // Asks the query to end early with kCancelled, for a client that left.
  std::stop_token stop;
};

// One point of a result: milliseconds since the Unix epoch.
struct Point {
  int64_t timestamp_ms = 0;
  double value = 0;
};

struct VectorSample {
  Labels labels;
  Point point;
};
struct Series {
  Labels labels;
  std::vector<Point> points;  // ascending in time
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

struct QueryStatistics {
  uint64_t samples_read = 0;  // decoded from storage
  uint64_t samples_peak = 0;  // held at once
  uint64_t series_read = 0;
  int64_t elapsed_ns = 0;
};

struct QueryResult {
  std::variant<Scalar, String, Vector, Matrix> value;
  // Annotations in Prometheus' words, with the position in the query.
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  QueryStatistics statistics;
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
// A series selector alone, as the match[] parameters take it: `up{job="x"}`. kInvalidArgument as
// above.
Result<Selector> ParseSelector(std::string_view text);
// "5m", "1h30m", "1.5"? no: Prometheus durations (y w d h m s ms), or kInvalidArgument.
Result<int64_t> ParseDurationMs(std::string_view text);

}  // namespace varve::promql
