// A search: the traces that a query's pipeline makes something of.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/span_reader.h"
#include "query/traceql/ast.h"
#include "query/traceql/trace_table.h"
#include "varve/status.h"
#include "varve/traceql.h"

namespace varve::traceql {

// kDeadlineExceeded, kCancelled; asked every now and then.
using CheckTime = std::function<Status()>;

struct TimeWindow {
  uint64_t min_ns = 0;
  uint64_t max_ns = UINT64_MAX;
  bool is_everything() const { return min_ns == 0 && max_ns == UINT64_MAX; }
};

// REQUIRES: `query` has no metrics stage.
Result<SearchResult> Search(const Query& query, const SearchRequest& request,
                            const TimeWindow& window, TraceTable* table, const CheckTime& check);

// True when the answer needs spans of a trace wherever they lie in time from the start.
bool NeedsEverything(const Query& query);

}  // namespace varve::traceql
