// The buckets of a native histogram with their bounds, as results show them.
// Source: https://prometheus.io/docs/specs/native_histograms/#schema
#pragma once

#include <cstdint>
#include <vector>

#include "varve/histogram.h"

namespace varve {

// Counts the observations between two bounds.
struct HistogramBucket {
  double lower = 0;
  double upper = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = false;
  double count = 0;
};

// The upper bound of positive bucket `index`; a negative bucket's lower bound is its negation.
// The largest finite double for the bucket below the one of infinities, +Inf from that one on.
// REQUIRES: kSchemaMin <= schema <= kSchemaMax.
double ExponentialBound(int32_t schema, int64_t index);
// The upper bound of custom bucket `index`: +Inf behind the last bound, -Inf before the first.
double CustomBound(const std::vector<double>& custom_values, int64_t index);

// All buckets of `histogram` by ascending bounds, empty ones of its spans included; the zero bucket
// only where its count is positive. Buckets that overlap the zero bucket are cut at its threshold.
// O(buckets). REQUIRES: the spans cover the buckets, the schema is known (see Validate).
std::vector<HistogramBucket> HistogramBuckets(const Histogram& histogram);

}  // namespace varve
