// Metrics queries: time series out of the spans that a pipeline selects.
#pragma once

#include "query/traceql/ast.h"
#include "query/traceql/search.h"
#include "query/traceql/trace_table.h"
#include "varve/status.h"
#include "varve/traceql.h"

namespace varve::traceql {

// The buckets of a metrics query: (begin + i * step, begin + (i + 1) * step], named by their ends.
struct Buckets {
  uint64_t begin_ns = 0;
  uint64_t step_ns = 0;
  size_t count = 0;
  bool is_instant = false;  // one bucket, whose begin belongs to it

  static Buckets Of(const MetricsRequest& request);
  uint64_t end_ns() const { return begin_ns + step_ns * count; }
  // SIZE_MAX: in none.
  size_t Find(uint64_t time_ns) const;
  int64_t TimestampMs(size_t i) const {
    return static_cast<int64_t>((begin_ns + step_ns * (i + 1)) / 1'000'000);
  }
};

// REQUIRES: `query` has a metrics stage, or is arithmetic of such. `table` holds the blocks of
// buckets' range.
Result<MetricsResult> EvaluateMetrics(const Query& query, const MetricsRequest& request,
                                      const Buckets& buckets, const EngineOptions& options,
                                      TraceTable* table, const CheckTime& check);

}  // namespace varve::traceql
