// From the syntax tree to the plan. Pure.
#pragma once

#include <cstdint>

#include "query/exec/plan.h"
#include "query/exec/time_grid.h"
#include "query/promql/ast.h"
#include "varve/status.h"

namespace varve::promql::exec {

struct PlanOptions {
  TimeGrid grid;       // of the query; count >= 1
  int64_t end_ms = 0;  // of the query: what end() is, at or behind the last step
  int64_t lookback_ms = 0;
  int64_t default_step_ms = 0;
  MetadataLabels metadata = MetadataLabels::kNameTypeUnit;
};

// The plan keeps nothing of `expr`. Errors: kOutOfRange for arguments that the reference refuses
// when it executes (label names).
Result<Plan> MakePlan(const Expr& expr, const PlanOptions& options);

}  // namespace varve::promql::exec
