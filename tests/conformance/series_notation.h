// The notation for series in PromQL test scripts:
//
//   http_requests{job="api"}  0+10x5 _ stale NaN 7x3 _x2 {{schema:0 count:1}}x2
//
// `aXn` repeats a value n more times, `a+bxn` adds b each time, `_` leaves a gap.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "varve/labels.h"
#include "varve/status.h"

namespace varve::conformance {

struct SequenceValue {
  enum class Kind : uint8_t { kGap, kFloat, kHistogram };
  Kind kind = Kind::kGap;
  double value = 0;  // kFloat only; `stale` is the staleness marker
};

struct SeriesLine {
  Labels labels;
  std::vector<SequenceValue> values;
};

// Histograms are recognised, and their contents are left aside. Error: kInvalidArgument naming the
// line.
Result<SeriesLine> ParseSeriesLine(std::string_view line);

}  // namespace varve::conformance
