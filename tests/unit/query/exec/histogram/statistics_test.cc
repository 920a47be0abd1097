#include "base/histogram/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/histogram/counter_reset.h"
#include "base/histogram/trim.h"
#include "query/exec/histogram_text.h"
#include "tests/unit/query/exec/histogram/histogram_samples.h"

namespace varve::histogram {

using promql::exec::HistogramText;
using promql::exec::Make;
using promql::exec::ToText;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double QuantileOf(double q, const HistogramText& text) { return Quantile(q, Make(text)).value; }

TEST(HistogramQuantileTest, InterpolatesExponentially) {
  const HistogramText text{.count = 12,
                           .sum = 100,
                           .zero_count = 2,
                           .zero_threshold = 0.001,
                           .buckets = {2, 3, 0, 1, 4}};
  EXPECT_NEAR(QuantileOf(1, text), 16, 1e-12);
  EXPECT_NEAR(QuantileOf(0.5, text), std::exp2(2.0 / 3), 1e-9);
  EXPECT_NEAR(QuantileOf(0.1, text), 0.0006, 1e-12);  // linear, from 0
  EXPECT_EQ(QuantileOf(-1, text), -kInfinity);
  EXPECT_EQ(QuantileOf(2, text), kInfinity);
  EXPECT_TRUE(std::isnan(QuantileOf(kNan, text)));
  EXPECT_TRUE(std::isnan(QuantileOf(0.5, {})));
}

TEST(HistogramQuantileTest, CustomBoundsAreLinear) {
  const HistogramText text{
      .schema = -53, .count = 5, .sum = 18.4, .buckets = {1, 4}, .custom_values = {5, 10}};
  EXPECT_DOUBLE_EQ(QuantileOf(1, text), 10);
  EXPECT_DOUBLE_EQ(QuantileOf(0.6, text), 7.5);
  EXPECT_DOUBLE_EQ(QuantileOf(0.1, text), 2.5);
  const HistogramText open{
      .schema = -53, .count = 2, .sum = 1, .buckets = {1, 1}, .custom_values = {-5}};
  EXPECT_EQ(QuantileOf(0.1, open), -5);
  EXPECT_EQ(QuantileOf(0.9, open), -5);
}

TEST(HistogramQuantileTest, SaysWhatObservationsOfNanDid) {
  const Histogram h = Make({.count = 10, .sum = kNan, .buckets = {4, 4}});
  EXPECT_EQ(Quantile(0.5, h).nan_observations, NanObservations::kSkewedIt);
  EXPECT_NEAR(Quantile(0.5, h).value, std::exp2(0.25), 1e-12);
  EXPECT_EQ(Quantile(0.9, h).nan_observations, NanObservations::kMadeItNan);
  EXPECT_TRUE(std::isnan(Quantile(0.9, h).value));
  const Histogram infinities = Make({.count = 8, .sum = kNan, .buckets = {4, 4}});
  EXPECT_EQ(Quantile(0.5, infinities).nan_observations, NanObservations::kNone);
}

TEST(HistogramFractionTest, IsTheInverseOfTheQuantile) {
  const Histogram h = Make({.schema = 1,
                            .count = 16,
                            .sum = 3,
                            .zero_count = 3,
                            .zero_threshold = 0.125,
                            .buckets = {1, 2, 3},
                            .negative_buckets = {3, 4}});
  for (double q = 0.05; q < 1; q += 0.05) {
    EXPECT_NEAR(Fraction(-kInfinity, Quantile(q, h).value, h).value, q, 1e-9) << q;
  }
  EXPECT_EQ(Fraction(2, 1, h).value, 0);
  EXPECT_TRUE(std::isnan(Fraction(kNan, 1, h).value));
  EXPECT_TRUE(std::isnan(Fraction(0, 1, Make({})).value));
}

TEST(HistogramVarianceTest, UsesTheMiddlesOfBuckets) {
  EXPECT_NEAR(Variance(Make({.count = 4, .sum = 10, .buckets = {0, 2, 0, 2}})),
              (2 * std::pow(std::sqrt(2.0) - 2.5, 2) + 2 * std::pow(std::sqrt(32.0) - 2.5, 2)) / 4,
              1e-12);
  EXPECT_DOUBLE_EQ(
      Variance(
          Make({.schema = -53, .count = 2, .sum = 4, .buckets = {0, 2}, .custom_values = {1, 3}})),
      0);
}

TEST(HistogramSampleCountTest, IsItsSizeInTheReferencesSamples) {
  EXPECT_EQ(SampleCount(Make({})), 11u);
  EXPECT_EQ(SampleCount(Make({.buckets = {1, 2, 3}})), 13u);
}

TEST(HistogramResetTest, FallingCountsAreResets) {
  const Histogram before = Make({.count = 6, .zero_count = 1, .buckets = {2, 3}});
  EXPECT_FALSE(DetectReset(before, before));
  EXPECT_TRUE(DetectReset(Make({.count = 5, .zero_count = 1, .buckets = {2, 3}}), before));
  EXPECT_TRUE(DetectReset(Make({.count = 6, .zero_count = 0, .buckets = {2, 4}}), before));
  EXPECT_TRUE(DetectReset(Make({.count = 9, .zero_count = 1, .buckets = {8}}), before));
  EXPECT_FALSE(DetectReset(Make({.count = 9, .zero_count = 4, .buckets = {2, 3, 0}}), before));
  Histogram hinted = Make({.count = 1});
  hinted.reset_hint = CounterResetHint::kNoReset;
  EXPECT_FALSE(DetectReset(hinted, before));
  hinted = before;
  hinted.reset_hint = CounterResetHint::kReset;
  EXPECT_TRUE(DetectReset(hinted, before));
}

TEST(HistogramResetTest, LayoutsChangeOnlyToCoarserOnesWithoutReset) {
  const Histogram fine = Make({.schema = 1, .count = 4, .offset = 1, .buckets = {1, 1, 1, 1}});
  const Histogram coarse = Make({.schema = 0, .count = 4, .offset = 1, .buckets = {2, 2}});
  EXPECT_FALSE(DetectReset(coarse, fine));
  EXPECT_TRUE(DetectReset(fine, coarse));
  const Histogram wide =
      Make({.count = 4, .zero_count = 2, .zero_threshold = 2, .offset = 2, .buckets = {2}});
  EXPECT_FALSE(DetectReset(wide, coarse));
  EXPECT_TRUE(DetectReset(coarse, wide));
  Histogram within = wide;
  within.zero_threshold = 1.5;
  EXPECT_TRUE(DetectReset(within, coarse));
}

TEST(HistogramResetTest, CustomBoundsAreComparedWhereBothHaveThem) {
  const Histogram before =
      Make({.schema = -53, .count = 15, .buckets = {1, 2, 5, 7}, .custom_values = {2, 4, 6}});
  EXPECT_FALSE(DetectReset(
      Make({.schema = -53, .count = 15, .buckets = {1, 0, 2, 5, 7}, .custom_values = {2, 3, 4, 6}}),
      before));
  EXPECT_TRUE(DetectReset(
      Make({.schema = -53, .count = 15, .buckets = {1, 0, 1, 5, 8}, .custom_values = {2, 3, 4, 6}}),
      before));
  EXPECT_TRUE(DetectReset(before, Make({.count = 1})));
}

std::string Trimmed(const HistogramText& text, double limit, KeptSide kept) {
  return ToText(Trim(Make(text), limit, kept));
}

TEST(HistogramTrimTest, KeepsOneSide) {
  const HistogramText text{.count = 34,
                           .sum = 123.75,
                           .zero_count = 1,
                           .zero_threshold = 0.001,
                           .buckets = {2, 4, 8, 16},
                           .negative_buckets = {1, 2}};
  EXPECT_EQ(Trimmed(text, kInfinity, KeptSide::kBelow), ToText(Make(text)));
  EXPECT_EQ(Trimmed(text, -kInfinity, KeptSide::kBelow), "{count:0, sum:0}");
  const Histogram below = Trim(Make(text), 2, KeptSide::kBelow);
  EXPECT_EQ(below.count, 10);
  EXPECT_NEAR(below.sum, 3.5355339059327373, 1e-12);
  const Histogram above = Trim(Make(text), 0, KeptSide::kAbove);
  EXPECT_EQ(above.count, 30.5);
  EXPECT_EQ(above.zero_count, 0.5);
  EXPECT_NEAR(above.sum, 120.20840280171308, 1e-9);
}

TEST(HistogramTrimTest, CustomBoundsAreLinearAndOpenBucketsWhole) {
  const HistogramText text{.schema = -53,
                           .count = 15,
                           .sum = 172.5,
                           .buckets = {1, 6, 4, 3, 1},
                           .custom_values = {5, 10, 15, 20}};
  EXPECT_EQ(Trimmed(text, 7.5, KeptSide::kBelow), "{count:4, sum:21.25, [-Inf,5]:1, (5,10]:3}");
  EXPECT_EQ(Trimmed(text, 50, KeptSide::kBelow),
            "{count:14, sum:150, [-Inf,5]:1, (5,10]:6, (10,15]:4, (15,20]:3}");
  EXPECT_EQ(Trimmed(text, 15, KeptSide::kAbove), "{count:4, sum:72.5, (15,20]:3, (20,+Inf]:1}");
  EXPECT_EQ(Trimmed(text, 30, KeptSide::kAbove), "{count:1, sum:30, (20,+Inf]:1}");
}

}  // namespace
}  // namespace varve::histogram
