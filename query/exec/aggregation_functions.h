// The table of streaming aggregations.
#pragma once

#include "query/exec/group_accumulator.h"

namespace varve::promql::exec {

// nullptr for operators that need all values of a step together.
const AggregationFunctions* FindAggregationFunctions(AggregationOp op);

}  // namespace varve::promql::exec
