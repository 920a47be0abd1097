// Numbers read off a native histogram.
#pragma once

#include <cstdint>

#include "varve/histogram.h"

namespace varve::histogram {

// What a histogram with observations of NaN (which count, but in no bucket) makes of an answer.
enum class NanObservations : uint8_t { kNone, kMadeItNan, kSkewedIt };

struct Estimate {
  double value = 0;
  NanObservations nan_observations = NanObservations::kNone;
};

// histogram_quantile: interpolated exponentially within a bucket, linearly within the zero bucket
// and within custom bounds. -Inf for q < 0, +Inf for q > 1, NaN for a NaN q or no observation.
Estimate Quantile(double q, const Histogram& histogram);

// histogram_fraction: the share of observations between `lower` and `upper`, interpolated as
// above; observations of NaN are in no fraction (then kSkewedIt). NaN when a bound is NaN or
// nothing was observed.
Estimate Fraction(double lower, double upper, const Histogram& histogram);

// histogram_stdvar: the variance of the observations, each taken to lie in the middle of its
// bucket (the geometric mean of exponential bounds).
double Variance(const Histogram& histogram);

// How many samples a histogram counts for in the limits and statistics of queries.
uint64_t SampleCount(const Histogram& histogram);

}  // namespace varve::histogram
