#include "varve/histogram_buckets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace varve {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLargest = std::numeric_limits<double>::max();

TEST(ExponentialBoundTest, PowersOfTwoInEverySchema) {
  for (int32_t schema = 0; schema <= kSchemaMax; ++schema) {
    for (int32_t power = -20; power <= 20; ++power) {
      EXPECT_EQ(ExponentialBound(schema, int64_t{power} << schema), std::ldexp(1, power));
    }
  }
  EXPECT_EQ(ExponentialBound(-1, 3), 64);
  EXPECT_EQ(ExponentialBound(-4, -1), std::ldexp(1, -16));
}

TEST(ExponentialBoundTest, LowerSchemasUseTheBoundsOfHigherOnes) {
  for (int32_t schema = kSchemaMin; schema < kSchemaMax; ++schema) {
    for (int32_t index = -40; index <= 40; ++index) {
      EXPECT_EQ(ExponentialBound(schema, index), ExponentialBound(schema + 1, 2 * index));
    }
  }
}

TEST(ExponentialBoundTest, TheLastFiniteBucketEndsAtTheLargestDouble) {
  for (const int32_t schema : {-4, -1, 0, 3, 8}) {
    const int64_t last = schema < 0 ? 1024 >> -schema : int64_t{1024} << schema;
    EXPECT_EQ(ExponentialBound(schema, last), kLargest);
    EXPECT_EQ(ExponentialBound(schema, last + 1), kInfinity);
  }
  EXPECT_EQ(ExponentialBound(0, std::numeric_limits<int32_t>::max()), kInfinity);
  EXPECT_EQ(ExponentialBound(0, std::numeric_limits<int32_t>::min()), 0);
  EXPECT_EQ(ExponentialBound(-4, std::numeric_limits<int32_t>::max()), kInfinity);
}

TEST(HistogramBucketsTest, AscendFromNegativeOverZeroToPositive) {
  Histogram histogram;
  histogram.schema = 0;
  histogram.zero_threshold = 0.25;
  histogram.zero_count = 7;
  histogram.positive_spans = {{0, 1}, {1, 1}};
  histogram.positive_buckets = {1, 2};
  histogram.negative_spans = {{1, 2}};
  histogram.negative_buckets = {3, 4};
  const std::vector<HistogramBucket> buckets = HistogramBuckets(histogram);
  ASSERT_EQ(buckets.size(), 5u);
  const double lowers[] = {-4, -2, -0.25, 0.5, 2};
  const double uppers[] = {-2, -1, 0.25, 1, 4};
  const double counts[] = {4, 3, 7, 1, 2};
  for (size_t i = 0; i < buckets.size(); ++i) {
    EXPECT_EQ(buckets[i].lower, lowers[i]);
    EXPECT_EQ(buckets[i].upper, uppers[i]);
    EXPECT_EQ(buckets[i].count, counts[i]);
    EXPECT_EQ(buckets[i].lower_inclusive, lowers[i] < 0);
    EXPECT_EQ(buckets[i].upper_inclusive, uppers[i] > 0);
  }
}

TEST(HistogramBucketsTest, AreCutAtTheZeroBucket) {
  Histogram histogram;
  histogram.zero_threshold = 0.75;
  histogram.positive_spans = {{0, 1}};
  histogram.positive_buckets = {1};
  histogram.negative_spans = {{0, 1}};
  histogram.negative_buckets = {1};
  const std::vector<HistogramBucket> buckets = HistogramBuckets(histogram);
  ASSERT_EQ(buckets.size(), 2u);  // nothing counted around zero
  EXPECT_EQ(buckets[0].lower, -1);
  EXPECT_EQ(buckets[0].upper, -0.75);
  EXPECT_EQ(buckets[1].lower, 0.75);
  EXPECT_EQ(buckets[1].upper, 1);
}

TEST(HistogramBucketsTest, CustomBoundsAreOpenAtBothEnds) {
  Histogram histogram;
  histogram.schema = kCustomBucketsSchema;
  histogram.custom_values = {5, 10};
  histogram.positive_spans = {{0, 3}};
  histogram.positive_buckets = {1, 2, 3};
  const std::vector<HistogramBucket> buckets = HistogramBuckets(histogram);
  ASSERT_EQ(buckets.size(), 3u);
  EXPECT_EQ(buckets[0].lower, -kInfinity);
  EXPECT_TRUE(buckets[0].lower_inclusive);
  EXPECT_EQ(buckets[1].lower, 5);
  EXPECT_FALSE(buckets[1].lower_inclusive);
  EXPECT_TRUE(buckets[1].upper_inclusive);
  EXPECT_EQ(buckets[2].upper, kInfinity);
}

}  // namespace
}  // namespace varve
