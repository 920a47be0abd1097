// Quantiles of values, and of classic histograms (cumulative buckets with a label `le`).
#pragma once

#include <span>
#include <vector>

namespace varve::promql::exec {

// The q-quantile, interpolated between the two nearest values; NaN counts as the least value.
// -Inf for q < 0, +Inf for q > 1, NaN for a NaN q or no values. Reorders `values`. O(values).
double Quantile(double q, std::span<double> values);

struct Bucket {
  double upper_bound = 0;
  double count = 0;  // of observations up to upper_bound
};

struct BucketQuantileResult {
  double value = 0;
  // Whether counts fell with rising bounds by more than rounding and were raised; then the bounds
  // and the largest difference.
  bool forced_monotonicity = false;
  double bucket_min = 0;
  double bucket_max = 0;
  double difference_max = 0;
};

// histogram_quantile: interpolated linearly within a bucket; from 0 in the lowest one if its bound
// is positive; the bound of the second highest bucket if it falls into the highest. NaN when there
// is no +Inf bucket, fewer than two buckets, or no observation.
// REQUIRES: at least one bucket, sorted by upper_bound. Changes `buckets`.
BucketQuantileResult BucketQuantile(double q, std::vector<Bucket>* buckets);

// histogram_fraction: the share of observations in (lower, upper]. REQUIRES: as above.
double BucketFraction(double lower, double upper, std::vector<Bucket>* buckets);

}  // namespace varve::promql::exec
