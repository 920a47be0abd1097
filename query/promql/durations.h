// ResolveDurations: duration expressions to milliseconds.
#pragma once

#include <cstdint>

#include "query/promql/ast.h"
#include "varve/status.h"

namespace varve::promql {

// What step() and range() stand for. Both are 0 for an instant query.
struct DurationContext {
  int64_t step_ms = 0;
  int64_t range_ms = 0;  // end - start of the query
};

// Computes every offset_expr, range_expr and step_expr of the tree into the number beside it; the
// expressions stay for whoever prints the tree. Resolving again with another context is allowed.
// Errors: kInvalidArgument in Prometheus' words, "7:15: duration must be greater than 0", where the
// numbers are the first byte of the duration in the query and the one behind it. Pure.
Status ResolveDurations(const DurationContext& context, Expr* root);

}  // namespace varve::promql
