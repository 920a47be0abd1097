#include "query/exec/quantile.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "base/check.h"

namespace varve::promql::exec {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Relative differences between neighbouring buckets up to this are taken for rounding.
constexpr double kSmallDelta = 1e-12;

bool AlmostEqual(double a, double b, double tolerance) {
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  const double magnitude = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  if (a == 0 || b == 0 || magnitude < kMinNormal) return difference < tolerance * kMinNormal;
  return difference / std::min(magnitude, std::numeric_limits<double>::max()) < tolerance;
}

// Adds up buckets of one bound (written as "1" and "1.0", for instance).
void MergeEqualBounds(std::vector<Bucket>* buckets) {
  size_t last = 0;
  for (size_t i = 1; i < buckets->size(); ++i) {
    if ((*buckets)[i].upper_bound == (*buckets)[last].upper_bound) {
      (*buckets)[last].count += (*buckets)[i].count;
    } else {
      (*buckets)[++last] = (*buckets)[i];
    }
  }
  buckets->resize(last + 1);
}

// Makes counts ascend: differences that are rounding are smoothed out silently, others reported.
void ForceMonotonicity(std::vector<Bucket>* buckets, BucketQuantileResult* result) {
  result->bucket_min = kInfinity;
  result->bucket_max = -kInfinity;
  double previous = buckets->front().count;
  for (size_t i = 1; i < buckets->size(); ++i) {
    Bucket& bucket = (*buckets)[i];
    const double count = bucket.count;
    if (count == previous) continue;
    if (AlmostEqual(previous, count, kSmallDelta)) {
      bucket.count = previous;
    } else if (count < previous) {
      bucket.count = previous;
      result->forced_monotonicity = true;
      result->bucket_min = std::min(result->bucket_min, bucket.upper_bound);
      result->bucket_max = std::max(result->bucket_max, bucket.upper_bound);
      result->difference_max = std::max(result->difference_max, previous - count);
    } else {
      previous = count;
    }
  }
}

double Interpolate(double q, const std::vector<Bucket>& buckets) {
  const size_t last = buckets.size() - 1;
  const double observations = buckets[last].count;
  double rank = q * observations;
  const auto found =
      std::partition_point(buckets.begin(), buckets.begin() + static_cast<std::ptrdiff_t>(last),
                           [rank](const Bucket& bucket) { return !(bucket.count >= rank); });
  const size_t b = static_cast<size_t>(found - buckets.begin());
  if (b == last) return buckets[last - 1].upper_bound;
  if (b == 0 && buckets[0].upper_bound <= 0) return buckets[0].upper_bound;
  double lower_bound = 0;
  double count = buckets[b].count;
  if (b > 0) {
    lower_bound = buckets[b - 1].upper_bound;
    count -= buckets[b - 1].count;
    rank -= buckets[b - 1].count;
  }
  return lower_bound + (buckets[b].upper_bound - lower_bound) * (rank / count);
}

// How many observations are at most `bound`, estimated.
double ObservationsUpTo(double bound, const std::vector<Bucket>& buckets) {
  const double total = buckets.back().count;
  double below = 0;
  double lower_bound = buckets[0].upper_bound > 0 ? 0 : -kInfinity;
  for (const Bucket& bucket : buckets) {
    if (lower_bound >= bound) return std::min(below, total);
    if (bucket.upper_bound > bound) {
      if (lower_bound == -kInfinity) return std::min(bucket.count, total);
      const double in_bucket = bucket.count - below;
      const double rank =
          below + in_bucket * (bound - lower_bound) / (bucket.upper_bound - lower_bound);
      return rank > total ? total : rank;
    }
    below = bucket.count;
    lower_bound = bucket.upper_bound;
  }
  return total;
}

}  // namespace

double Quantile(double q, std::span<double> values) {
  if (values.empty() || std::isnan(q)) return kNan;
  if (q < 0) return -kInfinity;
  if (q > 1) return kInfinity;
  const double n = static_cast<double>(values.size());
  const double rank = q * (n - 1);
  const size_t lower = static_cast<size_t>(std::max(0.0, std::floor(rank)));
  const size_t upper = std::min(values.size() - 1, lower + 1);
  const auto less = [](double a, double b) { return a < b || (std::isnan(a) && !std::isnan(b)); };
  const auto lower_at = values.begin() + static_cast<std::ptrdiff_t>(lower);
  std::nth_element(values.begin(), lower_at, values.end(), less);
  const double lower_value = *lower_at;
  const double upper_value =
      upper == lower ? lower_value : *std::min_element(lower_at + 1, values.end(), less);
  const double weight = rank - std::floor(rank);
  return lower_value * (1 - weight) + upper_value * weight;
}

BucketQuantileResult BucketQuantile(double q, std::vector<Bucket>* buckets) {
  VARVE_DCHECK(!buckets->empty());
  BucketQuantileResult result;
  result.value = kNan;
  if (std::isnan(q)) return result;
  if (q < 0 || q > 1) {
    result.value = q < 0 ? -kInfinity : kInfinity;
    return result;
  }
  if (buckets->back().upper_bound != kInfinity) return result;
  MergeEqualBounds(buckets);
  ForceMonotonicity(buckets, &result);
  if (buckets->size() < 2 || buckets->back().count == 0) return result;
  result.value = Interpolate(q, *buckets);
  return result;
}

double BucketFraction(double lower, double upper, std::vector<Bucket>* buckets) {
  VARVE_DCHECK(!buckets->empty());
  if (buckets->back().upper_bound != kInfinity) return kNan;
  MergeEqualBounds(buckets);
  const double total = buckets->back().count;
  if (total == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  return (ObservationsUpTo(upper, *buckets) - ObservationsUpTo(lower, *buckets)) / total;
}

}  // namespace varve::promql::exec
