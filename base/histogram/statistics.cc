#include "base/histogram/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "base/kahan.h"
#include "varve/histogram_buckets.h"

namespace varve::histogram {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double CountOf(const std::vector<HistogramBucket>& buckets) {
  double count = 0;
  for (const HistogramBucket& bucket : buckets) count += bucket.count;
  return count;
}

// The zero bucket of a histogram without negative buckets holds nothing below zero, and the other
// way round.
void NarrowZeroBucket(const Histogram& histogram, HistogramBucket* bucket) {
  const bool negative = !histogram.negative_buckets.empty();
  const bool positive = !histogram.positive_buckets.empty();
  if (positive && !negative) bucket->lower = 0;
  if (negative && !positive) bucket->upper = 0;
}

// Where in a bucket `fraction` of its observations lie below.
double Interpolate(const HistogramBucket& bucket, bool custom, double fraction) {
  if (custom || (bucket.lower <= 0 && bucket.upper >= 0)) {
    return bucket.lower + (bucket.upper - bucket.lower) * fraction;
  }
  const double lower = std::log2(std::fabs(bucket.lower));
  const double upper = std::log2(std::fabs(bucket.upper));
  if (bucket.lower > 0) return std::exp2(lower + (upper - lower) * fraction);
  return -std::exp2(upper + (lower - upper) * (1 - fraction));
}

// The bucket in which the running count, from one end, reaches a rank.
struct Reached {
  HistogramBucket bucket;
  double count = 0;  // up to the bucket's far end
};

Reached Reach(const std::vector<HistogramBucket>& buckets, bool forward, double rank) {
  Reached out;
  for (size_t i = 0; i < buckets.size(); ++i) {
    out.bucket = forward ? buckets[i] : buckets[buckets.size() - 1 - i];
    if (out.bucket.count == 0) continue;
    out.count += out.bucket.count;
    if (out.count >= rank) break;
  }
  return out;
}

// How many observations lie below `value`, which is within the bucket; `below` lie before it.
double RankWithin(const HistogramBucket& bucket, bool linear, double below, double value) {
  if (linear) {
    if (bucket.lower == -kInfinity) return bucket.count;
    return below + bucket.count * (value - bucket.lower) / (bucket.upper - bucket.lower);
  }
  const double lower = std::log2(std::fabs(bucket.lower));
  const double upper = std::log2(std::fabs(bucket.upper));
  const double at = std::log2(std::fabs(value));
  const double fraction =
      value > 0 ? (at - lower) / (upper - lower) : 1 - (at - upper) / (lower - upper);
  return below + bucket.count * fraction;
}

// The number of observations below a value, found while the buckets go by.
class RankFinder {
 public:
  explicit RankFinder(double value) : value_(value) {}
  bool found() const { return found_; }
  void Visit(const HistogramBucket& bucket, bool linear, double below) {
    if (found_) return;
    if (bucket.lower >= value_) {
      rank_ = below;
      found_ = true;
    } else if (bucket.upper > value_) {
      rank_ = RankWithin(bucket, linear, below, value_);
      found_ = true;
    }
  }
  double Rank(double count) const { return !found_ || rank_ > count ? count : rank_; }

 private:
  const double value_;
  double rank_ = 0;
  bool found_ = false;
};

}  // namespace

Estimate Quantile(double q, const Histogram& histogram) {
  if (q < 0) return {-kInfinity};
  if (q > 1) return {kInfinity};
  if (histogram.count == 0 || std::isnan(q)) return {kNan};
  const std::vector<HistogramBucket> buckets = HistogramBuckets(histogram);
  const bool custom = histogram.uses_custom_buckets();
  const bool nan_sum = std::isnan(histogram.sum);
  // Observations of NaN lie behind all buckets: only from below can one count.
  const bool forward = nan_sum || q < 0.5;
  double rank = (forward ? q : 1 - q) * histogram.count;
  auto [bucket, count] = Reach(buckets, forward, rank);
  if (custom) {
    if (bucket.lower == -kInfinity) {
      if (bucket.upper <= 0) return {bucket.upper};
      bucket.lower = 0;
    } else if (bucket.upper == kInfinity) {
      return {bucket.lower};
    }
  } else if (bucket.lower < 0 && bucket.upper > 0) {
    NarrowZeroBucket(histogram, &bucket);
  }
  count = std::min(count, histogram.count);
  if (count < rank) {
    if (nan_sum) return {kNan, NanObservations::kMadeItNan};
    return {bucket.upper};
  }
  rank = forward ? rank - (count - bucket.count) : count - rank;
  Estimate out;
  out.value = Interpolate(bucket, custom, rank / bucket.count);
  if (nan_sum && CountOf(buckets) < histogram.count) {
    out.nan_observations = NanObservations::kSkewedIt;
  }
  return out;
}

Estimate Fraction(double lower, double upper, const Histogram& histogram) {
  if (histogram.count == 0 || std::isnan(lower) || std::isnan(upper)) return {kNan};
  if (lower >= upper) return {0};
  const std::vector<HistogramBucket> buckets = HistogramBuckets(histogram);
  RankFinder lower_rank(lower);
  RankFinder upper_rank(upper);
  double below = 0;
  for (HistogramBucket bucket : buckets) {
    const bool around_zero = bucket.lower <= 0 && bucket.upper >= 0;
    if (around_zero) NarrowZeroBucket(histogram, &bucket);
    const bool linear = histogram.uses_custom_buckets() || around_zero;
    lower_rank.Visit(bucket, linear, below);
    upper_rank.Visit(bucket, linear, below);
    if (lower_rank.found() && upper_rank.found()) break;
    below += bucket.count;
  }
  Estimate out;
  double count = histogram.count;
  if (std::isnan(histogram.sum)) {
    count = CountOf(buckets);
    if (count < histogram.count) out.nan_observations = NanObservations::kSkewedIt;
  }
  out.value = (upper_rank.Rank(count) - lower_rank.Rank(count)) / histogram.count;
  return out;
}

double Variance(const Histogram& histogram) {
  const double mean = histogram.sum / histogram.count;
  KahanSum squares;
  for (const HistogramBucket& bucket : HistogramBuckets(histogram)) {
    if (bucket.count == 0) continue;
    double middle = 0;
    if (histogram.uses_custom_buckets()) {
      middle = (bucket.upper + bucket.lower) / 2;
    } else if (bucket.lower > 0 || bucket.upper < 0) {
      middle = std::sqrt(bucket.upper * bucket.lower);
      if (bucket.upper < 0) middle = -middle;
    }
    const double delta = middle - mean;
    squares.Add(bucket.count * delta * delta);
  }
  return (squares.sum + squares.compensation) / histogram.count;
}

uint64_t SampleCount(const Histogram& histogram) {
  // The reference counts the bytes that it holds a histogram in, 16 to a sample.
  constexpr uint64_t kFixedBytes = 168 + 8;  // with the time
  const uint64_t variable = histogram.positive_spans.size() + histogram.negative_spans.size() +
                            histogram.positive_buckets.size() + histogram.negative_buckets.size() +
                            histogram.custom_values.size();
  return (kFixedBytes + 8 * variable) / 16;
}

}  // namespace varve::histogram
