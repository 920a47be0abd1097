// `smoothed` instant selectors: the value of a series at each step on the line between the samples
// around it, no further away than the lookback; behind the last one, its value.
#pragma once

#include "query/exec/histogram_range.h"
#include "query/exec/range_windows.h"
#include "query/exec/vector_value.h"

namespace varve::promql::exec {

// The windows are of the lookback on either side. REQUIRES: no stale markers; bound to the floats.
void SmoothFloats(const engine::SampleBuffer& samples, const RangeWindows& windows, Column out);

// Finishes what SmoothFloats left in `out`, a column with room for histograms: at steps that have
// histograms around them, one of them or one between them, or nothing where there are floats too.
void SmoothHistograms(const HistogramRangeInput& input, SeriesNotes* notes, Column out);

}  // namespace varve::promql::exec
