#include "base/histogram/arithmetic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/histogram/accumulate.h"
#include "query/exec/histogram_text.h"
#include "tests/unit/query/exec/histogram/histogram_samples.h"
#include "varve/histogram_buckets.h"

namespace varve::histogram {

using promql::exec::HistogramText;
using promql::exec::Make;
using promql::exec::ToText;

namespace {

using ::testing::ElementsAre;

Histogram Sum(const Histogram& a, const Histogram& b) {
  Histogram out = a;
  EXPECT_FALSE(Add(b, &out).incompatible);
  return out;
}

TEST(HistogramAddTest, FillsGapsAndAddsWhereBothHaveBuckets) {
  const Histogram a = Make({.count = 6, .sum = 1, .buckets = {1, 2, 3}});
  const Histogram b = Make({.count = 9, .sum = 2, .offset = 2, .buckets = {4, 5}});
  const Histogram sum = Sum(a, b);
  EXPECT_EQ(sum.count, 15);
  EXPECT_EQ(sum.sum, 3);
  EXPECT_THAT(sum.positive_buckets, ElementsAre(1, 2, 7, 5));
  EXPECT_THAT(sum.positive_spans, ElementsAre(BucketSpan{0, 4}));
  EXPECT_TRUE(SameMeaning(sum, Sum(b, a)));
}

TEST(HistogramAddTest, GoesToTheLowerResolution) {
  const Histogram fine = Make({.schema = 1, .count = 10, .offset = 1, .buckets = {1, 2, 3, 4}});
  const Histogram coarse = Make({.schema = 0, .count = 5, .offset = 1, .buckets = {5}});
  for (const Histogram& sum : {Sum(fine, coarse), Sum(coarse, fine)}) {
    EXPECT_EQ(sum.schema, 0);
    EXPECT_THAT(sum.positive_spans, ElementsAre(BucketSpan{1, 2}));
    EXPECT_THAT(sum.positive_buckets, ElementsAre(8, 7));
  }
}

TEST(HistogramAddTest, WidensTheZeroBucketToTheEndOfAPopulatedBucket) {
  // 1.5 is within bucket (1, 2]: the zero bucket becomes [-2, 2].
  const Histogram narrow =
      Make({.count = 9, .zero_count = 2, .zero_threshold = 0.5, .buckets = {1, 3, 3}});
  const Histogram wide =
      Make({.count = 6, .zero_count = 1, .zero_threshold = 1.5, .offset = 1, .buckets = {0, 5}});
  for (const Histogram& sum : {Sum(narrow, wide), Sum(wide, narrow)}) {
    EXPECT_EQ(sum.zero_threshold, 2);
    EXPECT_EQ(sum.zero_count, 7);
    Histogram compact = sum;
    Compact(&compact);
    EXPECT_EQ(ToText(compact), "{count:15, sum:0, [-2,2]:7, (2,4]:8}");
  }
}

TEST(HistogramAddTest, WideningCountsNegativeBucketsThatMoveTheThreshold) {
  const Histogram h = Make({.count = 9,
                            .zero_threshold = 0.5,
                            .offset = 0,
                            .buckets = {1, 1, 1},
                            .negative_offset = 1,
                            .negative_buckets = {4}});
  const WidenedZeroBucket zero = WidenZeroBucket(h, nullptr, 1.5);
  EXPECT_EQ(zero.threshold, 2);
  EXPECT_EQ(zero.count, 6);
}

TEST(HistogramAddTest, KeepsCommonCustomBounds) {
  const Histogram a = Make(
      {.schema = -53, .count = 15, .sum = 55, .buckets = {1, 2, 5, 7}, .custom_values = {2, 4, 6}});
  const Histogram b = Make({.schema = -53,
                            .count = 21,
                            .sum = 5,
                            .buckets = {1, 2, 3, 4, 5, 6},
                            .custom_values = {1, 2, 3, 6, 8}});
  Histogram sum = a;
  const CombineOutcome outcome = Add(b, &sum);
  EXPECT_TRUE(outcome.bounds_reconciled);
  EXPECT_THAT(sum.custom_values, ElementsAre(2, 6));
  EXPECT_THAT(sum.positive_buckets, ElementsAre(4, 14, 18));
  EXPECT_EQ(sum.count, 36);
}

TEST(HistogramAddTest, RefusesToMixCustomAndExponential) {
  Histogram sum = Make({.count = 1, .buckets = {1}});
  const Histogram before = sum;
  EXPECT_TRUE(Add(Make({.schema = -53, .custom_values = {1}}), &sum).incompatible);
  EXPECT_TRUE(SameBits(sum, before));
}

TEST(HistogramAddTest, HintsOfSums) {
  using Hint = CounterResetHint;
  struct Case {
    Hint a, b, sum;
    bool collision;
  };
  const Case cases[] = {
      {Hint::kUnknown, Hint::kUnknown, Hint::kUnknown, false},
      {Hint::kReset, Hint::kReset, Hint::kReset, false},
      {Hint::kGauge, Hint::kReset, Hint::kGauge, false},
      {Hint::kNoReset, Hint::kGauge, Hint::kGauge, false},
      {Hint::kUnknown, Hint::kNoReset, Hint::kUnknown, false},
      {Hint::kReset, Hint::kUnknown, Hint::kUnknown, false},
      {Hint::kReset, Hint::kNoReset, Hint::kUnknown, true},
  };
  for (const Case& c : cases) {
    Histogram sum = Make({.hint = c.a});
    EXPECT_EQ(Add(Make({.hint = c.b}), &sum).reset_collision, c.collision);
    EXPECT_EQ(sum.reset_hint, c.sum);
  }
}

TEST(HistogramSubtractTest, MayLeaveNegativeCounts) {
  Histogram difference = Make({.count = 1, .sum = 1, .zero_count = 1, .buckets = {1}});
  Subtract(Make({.count = 3, .sum = 4, .zero_count = 2, .buckets = {2, 1}}), &difference);
  EXPECT_EQ(difference.count, -2);
  EXPECT_EQ(difference.sum, -3);
  EXPECT_EQ(difference.zero_count, -1);
  EXPECT_THAT(difference.positive_buckets, ElementsAre(-1, -1));
}

TEST(HistogramScaleTest, NegativeFactorsMakeGauges) {
  Histogram h = Make({.count = 2, .sum = 3, .buckets = {2}, .hint = CounterResetHint::kNoReset});
  Multiply(-1, &h);
  EXPECT_EQ(ToText(h), "{count:-2, sum:-3, (0.5,1]:-2}");
  EXPECT_EQ(h.reset_hint, CounterResetHint::kGauge);
  Divide(0, &h);
  EXPECT_EQ(h.count, -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(h.positive_buckets.empty());
  EXPECT_TRUE(h.positive_spans.empty());
}

TEST(HistogramCompactTest, TakesOutWhatCountsNothing) {
  Histogram h;
  h.positive_spans = {{-2, 1}, {0, 3}, {2, 2}, {4, 0}, {0, 1}};
  h.positive_buckets = {0, 1, 0, 2, 0, 0, 3};
  Compact(&h);
  EXPECT_THAT(h.positive_buckets, ElementsAre(1, 2, 3));
  EXPECT_THAT(h.positive_spans, ElementsAre(BucketSpan{-1, 1}, BucketSpan{1, 1}, BucketSpan{8, 1}));
}

TEST(HistogramSameMeaningTest, LayoutCountsHoweverItIsWritten) {
  Histogram a = Make({.count = 3, .buckets = {1, 2}});
  Histogram b = a;
  b.positive_spans = {{0, 1}, {0, 0}, {0, 1}};
  b.reset_hint = CounterResetHint::kGauge;
  EXPECT_TRUE(SameMeaning(a, b));
  b.positive_spans = {{0, 1}, {1, 1}};
  EXPECT_FALSE(SameMeaning(a, b));
}

// Random histograms against a dense array of counts.
class RandomHistograms {
 public:
  Histogram Next() {
    HistogramText text;
    text.offset = static_cast<int32_t>(Below(12)) - 6;
    for (size_t i = Below(8); i > 0; --i) text.buckets.push_back(static_cast<double>(Below(3)));
    text.negative_offset = static_cast<int32_t>(Below(12)) - 6;
    for (size_t i = Below(8); i > 0; --i) {
      text.negative_buckets.push_back(static_cast<double>(Below(3)));
    }
    text.schema = static_cast<int32_t>(Below(3));
    text.zero_threshold = Below(3) == 0 ? std::ldexp(1, static_cast<int>(Below(4)) - 2) : 0.001;
    text.zero_count = static_cast<double>(Below(4));
    Histogram h = Make(text);
    h.count = h.zero_count;
    for (const double c : h.positive_buckets) h.count += c;
    for (const double c : h.negative_buckets) h.count += c;
    return h;
  }
  size_t Below(size_t n) { return engine_() % n; }

 private:
  std::mt19937_64 engine_{7};
};

TEST(HistogramAddTest, NothingIsLostOrInvented) {
  RandomHistograms random;
  for (int round = 0; round < 500; ++round) {
    const Histogram a = random.Next();
    const Histogram b = random.Next();
    Histogram sum = a;
    Add(b, &sum);
    double counted = sum.zero_count;
    for (const double c : sum.positive_buckets) counted += c;
    for (const double c : sum.negative_buckets) counted += c;
    // A bucket that the other's zero bucket swallows is counted in both; the reference does so.
    EXPECT_GE(counted, a.count);
    EXPECT_TRUE(sum.Validate().ok()) << sum.Validate().ToString();
    CompensatedHistogram compensated(a);
    compensated.Add(b);
    Histogram total = compensated.Total();
    Compact(&total);
    Compact(&sum);
    EXPECT_EQ(ToText(total), ToText(sum));
  }
}

TEST(CompensatedHistogramTest, RemembersWhatRoundingCost) {
  CompensatedHistogram sum(Make({.count = 1, .sum = 1e100, .buckets = {1e16}}));
  for (int i = 0; i < 10; ++i) sum.Add(Make({.count = 1, .sum = 1, .buckets = {1}}));
  sum.Add(Make({.count = 1, .sum = -1e100, .buckets = {0}}));
  EXPECT_EQ(sum.Total().sum, 10);
  EXPECT_THAT(sum.Total().positive_buckets, ElementsAre(1e16 + 10));
}

TEST(CompensatedHistogramTest, KeepsUpWithLayouts) {
  CompensatedHistogram sum(Make({.schema = 2, .count = 1, .offset = -3, .buckets = {1, 0, 2}}));
  sum.Add(Make({.schema = 0,
                .count = 2,
                .zero_count = 2,
                .zero_threshold = 0.5,
                .offset = 3,
                .buckets = {1},
                .negative_buckets = {4}}));
  EXPECT_EQ(ToText(sum.Total()), "{count:3, sum:0, [-1,-0.5):4, [-0.5,0.5]:2, (0.5,1]:3, (4,8]:1}");
}

TEST(HistogramMeanTest, SurvivesSumsThatOverflow) {
  const double large = std::numeric_limits<double>::max();
  HistogramMean mean(Make({.count = large, .sum = large, .buckets = {large}}));
  mean.Add(Make({.count = large, .sum = large, .buckets = {large}}));
  EXPECT_EQ(mean.Mean().count, large);
  HistogramMean plain(Make({.count = 1, .buckets = {1}}));
  plain.Add(Make({.count = 2, .buckets = {2}}));
  EXPECT_EQ(ToText(plain.Mean()), "{count:1.5, sum:0, (0.5,1]:1.5}");
}

TEST(HistogramMeanTest, MergesMeansOfParts) {
  HistogramMean all(Make({.count = 1, .buckets = {1}}));
  HistogramMean left = all;
  HistogramMean right(Make({.count = 5, .buckets = {5}}));
  all.Add(Make({.count = 5, .buckets = {5}}));
  right.Add(Make({.count = 6, .buckets = {6}}));
  all.Add(Make({.count = 6, .buckets = {6}}));
  left.Merge(right);
  EXPECT_EQ(ToText(left.Mean()), ToText(all.Mean()));
}

}  // namespace
}  // namespace varve::histogram
