// The evaluation times of a query or subquery, and how selectors shift them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace varve::promql::exec {

// Arithmetic on times that stays at the ends of int64 instead of overflowing: offsets and ranges
// come from the query text and may be absurd.
inline int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? INT64_MAX : INT64_MIN;
}
inline int64_t SaturatingSub(int64_t a, int64_t b) {
  int64_t difference;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b > 0 ? INT64_MIN : INT64_MAX;
}

// Evaluation times start, start + step, ...: `count` of them.
struct TimeGrid {
  int64_t start_ms = 0;
  int64_t step_ms = 1;
  size_t count = 0;

  int64_t At(size_t step) const { return start_ms + static_cast<int64_t>(step) * step_ms; }
  // REQUIRES: count > 0.
  int64_t end_ms() const { return At(count - 1); }
};

// What `offset` and `@` make of an evaluation time.
struct TimeShift {
  int64_t offset_ms = 0;
  std::optional<int64_t> at_ms;

  // The time a selector looks at when evaluated at `time_ms`.
  int64_t Apply(int64_t time_ms) const { return SaturatingSub(at_ms.value_or(time_ms), offset_ms); }
};

// The times at which a subquery evaluates its expression: the multiples of `step_ms` that lie in a
// left-open window of `range_ms` before any time of `outer`, shifted. Aligned to zero, not to the
// outer times, so that neighbouring evaluations see the same points.
TimeGrid SubqueryGrid(const TimeGrid& outer, const TimeShift& shift, int64_t range_ms,
                      int64_t step_ms);

}  // namespace varve::promql::exec
