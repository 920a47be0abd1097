// Native histograms over ranges whose edges are `anchored` or `smoothed`, and between samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "query/exec/histogram_range.h"
#include "query/exec/histogram_rate.h"
#include "query/promql/ast.h"

namespace varve::promql::exec {

struct TimedHistogram {
  int64_t time_ms = 0;
  const Histogram* histogram = nullptr;
};

// The histogram at `time_ms` on the line between two samples; a counter that was reset between them
// began anew with nothing counted. nullopt, with a note, when one of them has custom buckets and
// the other has not. REQUIRES: a.time_ms <= time_ms <= b.time_ms, and they differ.
std::optional<Histogram> Interpolate(TimedHistogram a, TimedHistogram b, int64_t time_ms,
                                     CounterKind kind, SeriesNotes* notes);

// The increase (or difference) between the edges of the range of a step, per second or in total;
// nullopt where there is none. REQUIRES: the histograms' window at `step` is not empty.
std::optional<Histogram> ExtendedRate(const HistogramRangeInput& input, size_t step,
                                      CounterKind kind, RateUnit unit, SeriesNotes* notes);

// The samples of both kinds from the range's anchor on: the last sample at or before its start,
// whichever kind it is of. Both empty when no sample lies inside the range.
struct AnchoredWindows {
  StepWindow floats;
  StepWindow histograms;
};
AnchoredWindows FromAnchor(const HistogramRangeInput& input, size_t step);

}  // namespace varve::promql::exec
