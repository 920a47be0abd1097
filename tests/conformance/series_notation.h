// The notation for series in PromQL test scripts:
//
//   http_requests{job="api"}  0+10x5 _ stale NaN 7x3 _x2 {{schema:0 count:1}}x2
//
// `aXn` repeats a value n more times, `a+bxn` adds b each time, `_` leaves a gap.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "tests/conformance/histogram_notation.h"
#include "varve/labels.h"
#include "varve/status.h"

namespace varve::conformance {

struct SequenceValue {
  enum class Kind : uint8_t { kGap, kFloat, kHistogram };
  Kind kind = Kind::kGap;
  double value = 0;  // kFloat only; `stale` is the staleness marker
  std::shared_ptr<const NotedHistogram> histogram = nullptr;  // kHistogram only
};

struct SeriesLine {
  Labels labels;
  std::vector<SequenceValue> values;
  // Of load lines: the start time of values[i] relative to its own time, where one is given; may be
  // shorter than `values`.
  std::vector<std::optional<int64_t>> start_offsets_ms = {};
};

// Error: kInvalidArgument naming the line.
Result<SeriesLine> ParseSeriesLine(std::string_view line);

// `metric{...}@st _ -30s-1mx2`: offsets of the start timestamps for the series line that follows.
// Error: kInvalidArgument naming the item.
Result<std::vector<std::optional<int64_t>>> ParseStartTimeLine(std::string_view line);

}  // namespace varve::conformance
