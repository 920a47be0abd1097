// Whether a counter was reset between two native histograms of a series.
#pragma once

#include "varve/histogram.h"

namespace varve::histogram {

// What the hint of `current` says if it says anything; otherwise whether any count fell, a
// populated bucket went away, or the layout changed as it only can with a reset (a higher
// resolution, a narrower zero bucket, one that ends within a bucket that was populated). A gauge
// is looked at as if it were a counter. O(buckets).
bool DetectReset(const Histogram& current, const Histogram& previous);

}  // namespace varve::histogram
