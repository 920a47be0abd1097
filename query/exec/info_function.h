// info(v, {...}): the labels of info metrics (target_info, ...) added to the series that they
// describe, found by the labels that identify both: `instance` and `job`.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/reader.h"
#include "query/exec/budget.h"
#include "query/exec/time_grid.h"
#include "query/exec/vector_value.h"
#include "varve/matcher.h"
#include "varve/status.h"

namespace varve::promql::exec {

// What the second argument asks for.
struct InfoMatchers {
  // Which metrics are info metrics; all must hold.
  std::vector<Matcher> names;
  // Which labels are wanted, all of them when there are none, and of which info series.
  std::vector<Matcher> data;
};
// From the matchers as written: without any about the name it is target_info, with excluding ones
// alone any metric that ends in _info.
InfoMatchers ToInfoMatchers(const std::vector<Matcher>& written);

// Where and when the info series are looked up.
struct InfoSource {
  const engine::SeriesSelection* selection = nullptr;  // matched by names and data
  TimeGrid grid;
  TimeShift shift;
  int64_t lookback_ms = 0;
};

// Errors: kOutOfRange, in the reference's words, for info series that contradict each other, are no
// floats, or make series equal; of reading and of the budget.
Result<VectorValue> AddInfoLabels(const InfoMatchers& matchers, const InfoSource& source,
                                  VectorValue base);

}  // namespace varve::promql::exec
