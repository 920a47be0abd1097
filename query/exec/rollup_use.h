// Which rollups may stand for the samples that a function over a range, or looking back, reads.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/reader.h"
#include "query/exec/time_grid.h"
#include "query/promql/ast.h"
#include "query/promql/function_table.h"

namespace varve::promql::exec {

// Of looking back `lookback_ms` from each step.
engine::RollupUse RollupsForLookback(const TimeGrid& grid, const TimeShift& shift,
                                     int64_t lookback_ms);
// Of a function over (t - range, t].
engine::RollupUse RollupsForRange(FunctionId function, RangeEdges edges, const TimeGrid& grid,
                                  const TimeShift& shift, int64_t range_ms);
// Where nothing but samples will do: rollups stand in only where these are gone.
engine::RollupUse RollupsForSamples(int64_t window_ms);

}  // namespace varve::promql::exec
