// QueryEngine: what promql::Engine does, over any reader and clock.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/thread_pool.h"
#include "engine/reader.h"
#include "query/exec/annotations.h"
#include "query/exec/budget.h"
#include "query/exec/planner.h"
#include "query/exec/result_cache.h"
#include "varve/promql.h"

namespace varve::promql::exec {

using ReaderFactory = std::function<std::unique_ptr<engine::Reader>()>;

// Lets so many queries run at once; more wait their turn.
// Thread safety: all methods from any thread.
class QueryGate {
 public:
  explicit QueryGate(size_t concurrency_max) : concurrency_max_(concurrency_max) {}
  // Errors: kDeadlineExceeded, kCancelled. Every success is followed by a Leave.
  Status Enter(const Clock* clock, int64_t deadline_ns, const std::stop_token& stop);
  void Leave();
  size_t waiting_count();

 private:
  const size_t concurrency_max_;
  Mutex mutex_;
  CondVar changed_;
  size_t running_ GUARDED_BY(mutex_) = 0;
  size_t waiting_ GUARDED_BY(mutex_) = 0;
};

// Thread safety: all methods from any thread.
class QueryEngine {
 public:
  // `factory` is called once per query; `clock` is borrowed.
  QueryEngine(ReaderFactory factory, const EngineOptions& options, const Clock* clock);

  // As promql::Engine's.
  Result<QueryResult> Instant(std::string_view expression, int64_t time_ms,
                              const QueryOptions& options);
  Result<QueryResult> Range(std::string_view expression, int64_t start_ms, int64_t end_ms,
                            int64_t step_ms, const QueryOptions& options);
  const EngineOptions& options() const { return options_; }
  QueryGate& gate() { return gate_; }

 private:
  enum class Kind : uint8_t { kInstant, kRange };
  // One query under its limits.
  struct Running {
    std::string_view text;
    const Expr& expr;
    Kind kind;
    int64_t end_ms;  // as asked for; the last step may lie before it
    const QueryOptions& options;
    int64_t lookback_ms;
    engine::Reader* reader;
    QueryBudget* budget;
    Annotations annotations;
  };

  struct QueryTimes {
    TimeGrid grid;
    int64_t end_ms = 0;
    Kind kind = Kind::kInstant;
  };
  Result<QueryResult> Query(std::string_view text, const Expr& expr, const QueryTimes& times,
                            const QueryOptions& options);
  // Over `grid`, which may be a part of the query's.
  Result<QueryResult> Evaluate(const TimeGrid& grid, Running* running);
  // As Evaluate, but steps whose results are kept and still hold are taken from there.
  Result<QueryResult> EvaluateCached(const TimeGrid& grid, Running* running);

  const ReaderFactory factory_;
  const EngineOptions options_;
  const Clock* const clock_;
  QueryGate gate_;
  std::unique_ptr<ThreadPool> pool_;        // nullptr for one thread
  std::unique_ptr<ResultCache> cache_;      // nullptr: off
  std::atomic<uint64_t> failed_bytes_ = 0;  // held by failed queries since the heap was trimmed
};

}  // namespace varve::promql::exec
