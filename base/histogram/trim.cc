#include "base/histogram/trim.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "base/histogram/arithmetic.h"
#include "base/histogram/bucket_side.h"
#include "varve/histogram_buckets.h"

namespace varve::histogram {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

enum class Sign : uint8_t { kPositive, kNegative };

// What stays of a bucket: how many observations, and where they are taken to lie.
struct Remainder {
  double count = 0;
  double middle = 0;
};

double ZeroIfInfinite(double value) { return std::isinf(value) ? 0 : value; }

// The middle of an interval: arithmetic within custom bounds, else geometric; at infinity the
// bound that is finite.
double Middle(double lower, double upper, Sign sign, bool custom) {
  if (std::isinf(lower)) {
    if (std::isinf(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (std::isinf(upper)) return lower;
  if (custom) return (lower + upper) / 2;
  const double mean = std::sqrt(std::fabs(lower * upper));
  return sign == Sign::kPositive ? mean : -mean;
}

// How many of a bucket's observations lie below `limit`, which is within it.
double CountBelow(const HistogramBucket& bucket, double limit, Sign sign, bool custom) {
  if (custom) {
    return bucket.count * ((limit - bucket.lower) / (bucket.upper - bucket.lower));
  }
  const double lower = std::log2(std::fabs(bucket.lower));
  const double upper = std::log2(std::fabs(bucket.upper));
  const double at = std::log2(std::fabs(limit));
  const double fraction =
      sign == Sign::kPositive ? (at - lower) / (upper - lower) : 1 - (at - upper) / (lower - upper);
  return bucket.count * fraction;
}

// Of a bucket from -Inf on that holds `limit`. A positive end is taken to mean that observations
// start at 0.
Remainder CutOpenBelow(const HistogramBucket& bucket, double limit, KeptSide kept) {
  const bool from_zero = bucket.upper > 0 && bucket.upper != kInfinity;
  if (kept == KeptSide::kBelow) {
    if (limit > 0 && from_zero) return {bucket.count * limit / bucket.upper, limit / 2};
    if (bucket.upper <= 0) return {bucket.count, limit};
  } else if (limit >= 0 && from_zero) {
    return {bucket.count * (1 - limit / bucket.upper), (limit + bucket.upper) / 2};
  }
  return {0, ZeroIfInfinite(bucket.upper)};
}

// Of a bucket up to +Inf that holds `limit`.
Remainder CutOpenAbove(const HistogramBucket& bucket, double limit, KeptSide kept) {
  if (kept == KeptSide::kAbove) return {bucket.count, limit};
  return {0, ZeroIfInfinite(bucket.lower)};
}

// Of a bucket around `limit`.
Remainder Cut(const HistogramBucket& bucket, double limit, KeptSide kept, Sign sign, bool custom) {
  if (bucket.lower == -kInfinity) return CutOpenBelow(bucket, limit, kept);
  if (bucket.upper == kInfinity) return CutOpenAbove(bucket, limit, kept);
  const double below = CountBelow(bucket, limit, sign, custom);
  if (kept == KeptSide::kBelow) return {below, Middle(bucket.lower, limit, sign, custom)};
  return {bucket.count - below, Middle(limit, bucket.upper, sign, custom)};
}

Remainder Trimmed(const HistogramBucket& bucket, double limit, KeptSide kept, Sign sign,
                  bool custom) {
  const bool whole = kept == KeptSide::kBelow ? bucket.upper <= limit : bucket.lower >= limit;
  if (whole) return {bucket.count, Middle(bucket.lower, bucket.upper, sign, custom)};
  const bool around = kept == KeptSide::kBelow ? bucket.lower < limit : bucket.upper > limit;
  return around ? Cut(bucket, limit, kept, sign, custom) : Remainder{};
}

// The zero bucket is linear, and has only the side on which there are other buckets.
Remainder TrimmedZero(const Histogram& histogram, bool any_negative, bool any_positive,
                      double limit, KeptSide kept) {
  const double lower = any_positive && !any_negative ? 0 : -histogram.zero_threshold;
  const double upper = any_negative && !any_positive ? 0 : histogram.zero_threshold;
  const Remainder all{histogram.zero_count, (lower + upper) / 2};
  if (limit <= lower) return kept == KeptSide::kBelow ? Remainder{} : all;
  if (limit >= upper) return kept == KeptSide::kBelow ? all : Remainder{};
  const double width = upper - lower;
  if (kept == KeptSide::kBelow) {
    return {histogram.zero_count * ((limit - lower) / width), (lower + limit) / 2};
  }
  return {histogram.zero_count * ((upper - limit) / width), (limit + upper) / 2};
}

// Adds up what stays.
struct Kept {
  double count = 0;
  double sum = 0;
  bool cut = false;

  void Add(const Remainder& remainder, double* bucket) {
    count += remainder.count;
    sum += remainder.middle * remainder.count;
    cut = cut || *bucket != remainder.count;
    *bucket = remainder.count;
  }
};

// Trims one side's buckets in place; whether any of them counted anything.
bool TrimSide(const Histogram& histogram, double limit, KeptSide kept_side, Sign sign,
              std::vector<double>* counts, Kept* kept) {
  const bool custom = histogram.uses_custom_buckets();
  bool any = false;
  for (BucketCursor at(sign == Sign::kPositive ? histogram.positive_spans
                                               : histogram.negative_spans);
       !at.done(); at.Next()) {
    double& count = (*counts)[at.position()];
    if (count == 0) continue;
    any = true;
    HistogramBucket bucket;
    bucket.count = count;
    const int64_t index = at.index();
    if (custom) {
      bucket.upper = CustomBound(histogram.custom_values, index);
      bucket.lower = CustomBound(histogram.custom_values, index - 1);
    } else if (sign == Sign::kPositive) {
      bucket.upper = ExponentialBound(histogram.schema, index);
      bucket.lower = ExponentialBound(histogram.schema, index - 1);
    } else {
      bucket.lower = -ExponentialBound(histogram.schema, index);
      bucket.upper = -ExponentialBound(histogram.schema, index - 1);
    }
    kept->Add(Trimmed(bucket, limit, kept_side, sign, custom), &count);
  }
  return any;
}

}  // namespace

Histogram Trim(const Histogram& histogram, double limit, KeptSide kept_side) {
  Histogram out = histogram;
  out.form = Histogram::Form::kFloat;
  Kept kept;
  const bool any_positive =
      TrimSide(histogram, limit, kept_side, Sign::kPositive, &out.positive_buckets, &kept);
  const bool any_negative =
      TrimSide(histogram, limit, kept_side, Sign::kNegative, &out.negative_buckets, &kept);
  if (histogram.zero_count > 0) {
    kept.Add(TrimmedZero(histogram, any_negative, any_positive, limit, kept_side), &out.zero_count);
  }
  if (!kept.cut) return out;
  out.count = kept.count;
  out.sum = kept.sum;
  Compact(&out);
  return out;
}

}  // namespace varve::histogram
