#include "query/exec/quantile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace varve::promql::exec {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

// By sorting, NaN first.
double NaiveQuantile(double q, std::vector<double> values) {
  std::sort(values.begin(), values.end(),
            [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
  const double rank = q * static_cast<double>(values.size() - 1);
  const size_t lower = static_cast<size_t>(rank);
  const size_t upper = std::min(lower + 1, values.size() - 1);
  const double weight = rank - std::floor(rank);
  return values[lower] * (1 - weight) + values[upper] * weight;
}

TEST(Quantile, EqualsSorting) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<double> values(1 + random() % 40);
    for (double& value : values) {
      value = random() % 10 == 0 ? kNan : static_cast<double>(random() % 100) - 50;
    }
    const double q = static_cast<double>(random() % 101) / 100;
    const double expected = NaiveQuantile(q, values);
    const double actual = Quantile(q, values);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(actual));
    } else {
      EXPECT_EQ(actual, expected);
    }
  }
}

TEST(Quantile, OutOfRange) {
  std::vector<double> values{1, 2};
  EXPECT_EQ(Quantile(-0.1, values), -kInf);
  EXPECT_EQ(Quantile(1.1, values), kInf);
  EXPECT_TRUE(std::isnan(Quantile(kNan, values)));
  EXPECT_TRUE(std::isnan(Quantile(0.5, {})));
}

double OfBuckets(double q, std::vector<Bucket> buckets) {
  return BucketQuantile(q, &buckets).value;
}

TEST(BucketQuantile, Interpolates) {
  const std::vector<Bucket> buckets{{0.1, 10}, {0.2, 30}, {1, 40}, {kInf, 40}};
  EXPECT_DOUBLE_EQ(OfBuckets(0.125, buckets), 0.05);
  EXPECT_DOUBLE_EQ(OfBuckets(0.5, buckets), 0.15);
  EXPECT_DOUBLE_EQ(OfBuckets(1, buckets), 1);
  EXPECT_EQ(OfBuckets(-1, buckets), -kInf);
  EXPECT_EQ(OfBuckets(2, buckets), kInf);
  EXPECT_TRUE(std::isnan(OfBuckets(kNan, buckets)));
}

TEST(BucketQuantile, EdgesOfTheBuckets) {
  EXPECT_EQ(OfBuckets(0.99, {{1, 1}, {2, 2}, {kInf, 10}}), 2);       // in the highest bucket
  EXPECT_EQ(OfBuckets(0.1, {{-1, 5}, {0, 5}, {kInf, 10}}), -1);      // lowest bound not positive
  EXPECT_TRUE(std::isnan(OfBuckets(0.5, {{1, 1}, {2, 2}})));         // no +Inf
  EXPECT_TRUE(std::isnan(OfBuckets(0.5, {{kInf, 2}})));              // +Inf alone
  EXPECT_TRUE(std::isnan(OfBuckets(0.5, {{1, 0}, {kInf, 0}})));      // nothing observed
  EXPECT_DOUBLE_EQ(OfBuckets(0.5, {{1, 2}, {1, 2}, {kInf, 8}}), 1);  // bounds written twice
}

TEST(BucketQuantile, ForcesMonotonicity) {
  std::vector<Bucket> buckets{{1, 10}, {2, 7}, {3, 12}, {kInf, 12}};
  const BucketQuantileResult result = BucketQuantile(0.5, &buckets);
  EXPECT_TRUE(result.forced_monotonicity);
  EXPECT_EQ(result.bucket_min, 2);
  EXPECT_EQ(result.bucket_max, 2);
  EXPECT_EQ(result.difference_max, 3);
  EXPECT_DOUBLE_EQ(result.value, 0.6);
}

TEST(BucketQuantile, SmoothsRoundingSilently) {
  std::vector<Bucket> buckets{{1, 10}, {2, 10 - 1e-13}, {kInf, 10}};
  EXPECT_FALSE(BucketQuantile(0.5, &buckets).forced_monotonicity);
}

double Fraction(double lower, double upper, std::vector<Bucket> buckets) {
  return BucketFraction(lower, upper, &buckets);
}

TEST(BucketFraction, Estimates) {
  const std::vector<Bucket> buckets{{1, 10}, {2, 30}, {kInf, 40}};
  EXPECT_DOUBLE_EQ(Fraction(0, 1, buckets), 0.25);
  EXPECT_DOUBLE_EQ(Fraction(1, 1.5, buckets), 0.25);
  EXPECT_DOUBLE_EQ(Fraction(-kInf, kInf, buckets), 1);
  EXPECT_DOUBLE_EQ(Fraction(-kInf, 0, buckets), 0);
  EXPECT_DOUBLE_EQ(Fraction(0.5, 100, buckets), 0.625);
  EXPECT_EQ(Fraction(2, 1, buckets), 0);
  EXPECT_TRUE(std::isnan(Fraction(kNan, 1, buckets)));
  EXPECT_TRUE(std::isnan(Fraction(0, 1, {{1, 1}, {2, 2}})));
}

}  // namespace
}  // namespace varve::promql::exec
