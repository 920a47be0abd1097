#include "query/exec/time_grid.h"

namespace varve::promql::exec {

TimeGrid SubqueryGrid(const TimeGrid& outer, const TimeShift& shift, int64_t range_ms,
                      int64_t step_ms) {
  TimeGrid grid;
  grid.step_ms = step_ms;
  if (outer.count == 0) return grid;
  const int64_t open_start = SaturatingSub(shift.Apply(outer.start_ms), range_ms);
  const int64_t end = shift.Apply(outer.end_ms());
  grid.start_ms = open_start / step_ms * step_ms;
  if (grid.start_ms <= open_start) grid.start_ms = SaturatingAdd(grid.start_ms, step_ms);
  if (grid.start_ms > end) return grid;
  const uint64_t span = static_cast<uint64_t>(end) - static_cast<uint64_t>(grid.start_ms);
  grid.count = span / static_cast<uint64_t>(step_ms) + 1;
  return grid;
}

}  // namespace varve::promql::exec
