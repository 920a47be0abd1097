#include "query/exec/rollup_use.h"

#include <numeric>

namespace varve::promql::exec {
namespace {

using engine::RollupField;
using engine::RollupUse;

// What all times at which the steps look, and their distances, are multiples of.
int64_t CommonEdge(const TimeGrid& grid, const TimeShift& shift) {
  if (grid.count == 0) return 0;
  const int64_t first_ms = shift.Apply(grid.start_ms);
  // Times at the ends of int64 are of no sample.
  constexpr int64_t kSaneMs = int64_t{1} << 53;
  if (first_ms < -kSaneMs || first_ms > kSaneMs) return 0;
  int64_t edge_ms = first_ms;
  if (grid.count > 1 && !shift.at_ms) edge_ms = std::gcd(edge_ms, grid.step_ms);
  return edge_ms < 0 ? -edge_ms : edge_ms;
}

RollupField FieldOf(FunctionId function) {
  switch (function) {
    case FunctionId::kRate:
    case FunctionId::kIncrease:
      return RollupField::kIncrease;
    case FunctionId::kDelta:
      return RollupField::kDelta;
    case FunctionId::kSumOverTime:
      return RollupField::kSum;
    case FunctionId::kAvgOverTime:
      return RollupField::kMean;
    case FunctionId::kCountOverTime:
      return RollupField::kCount;
    case FunctionId::kMinOverTime:
      return RollupField::kMin;
    case FunctionId::kMaxOverTime:
      return RollupField::kMax;
    case FunctionId::kFirstOverTime:
      return RollupField::kFirst;
    case FunctionId::kLastOverTime:
    case FunctionId::kPresentOverTime:
    case FunctionId::kAbsentOverTime:
    case FunctionId::kTsOfLastOverTime:
      return RollupField::kLast;
    default:
      return RollupField::kOther;
  }
}

}  // namespace

RollupUse RollupsForLookback(const TimeGrid& grid, const TimeShift& shift, int64_t lookback_ms) {
  RollupUse use;
  use.field = RollupField::kLast;
  use.edge_ms = CommonEdge(grid, shift);
  use.window_ms = lookback_ms;
  return use;
}

RollupUse RollupsForRange(FunctionId function, RangeEdges edges, const TimeGrid& grid,
                          const TimeShift& shift, int64_t range_ms) {
  RollupUse use = RollupsForSamples(range_ms);
  if (edges != RangeEdges::kPlain) return use;
  use.field = FieldOf(function);
  const int64_t edge_ms = CommonEdge(grid, shift);
  // Only the newest sample shows on which side of a window's begin it lies.
  use.edge_ms = use.field == RollupField::kLast ? edge_ms : std::gcd(edge_ms, range_ms);
  return use;
}

RollupUse RollupsForSamples(int64_t window_ms) {
  RollupUse use;
  use.field = RollupField::kOther;
  use.window_ms = window_ms;
  return use;
}

}  // namespace varve::promql::exec
