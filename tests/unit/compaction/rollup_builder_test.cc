// Rows of rollups: made of samples, of finer rows, encoded and decoded.
#include "compaction/rollup_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/histogram/arithmetic.h"
#include "varve/write_batch.h"

namespace varve::compaction {
namespace {

using format::SeriesRollups;
using testing::ElementsAre;

const double kStale = std::bit_cast<double>(kStaleMarkerBits);

format::SampleColumns Floats(std::vector<std::pair<int64_t, double>> samples) {
  format::SampleColumns columns;
  for (const auto& [time_ms, value] : samples) {
    columns.timestamps_ms.push_back(time_ms);
    columns.values.push_back(value);
  }
  return columns;
}

SeriesRollups RolledUp(const format::SampleColumns& samples, int64_t resolution_ms) {
  SeriesRollups out;
  RollUp(samples, resolution_ms, &out);
  return out;
}

enum class Kept { kSame, kMayBeMore };

void ExpectEqual(const SeriesRollups& a, const SeriesRollups& b, Kept kept = Kept::kSame) {
  const auto bits = [](const std::vector<double>& values) {
    std::vector<uint64_t> out;
    for (const double value : values) out.push_back(std::bit_cast<uint64_t>(value));
    return out;
  };
  EXPECT_EQ(a.floats.end_ms, b.floats.end_ms);
  EXPECT_EQ(a.floats.count, b.floats.count);
  EXPECT_EQ(a.floats.first_ms, b.floats.first_ms);
  EXPECT_EQ(a.floats.last_ms, b.floats.last_ms);
  for (size_t i = 0; i < a.floats.flags.size(); ++i) {
    // Of finer rows it is sooner said that they cannot tell.
    const int64_t more = kept == Kept::kMayBeMore ? format::kRollupRateInexact : 0;
    EXPECT_EQ(a.floats.flags[i] | more, b.floats.flags[i] | more);
    EXPECT_EQ(b.floats.flags[i] & ~a.floats.flags[i], 0);
  }
  EXPECT_EQ(bits(a.floats.first), bits(b.floats.first));
  EXPECT_EQ(bits(a.floats.last), bits(b.floats.last));
  EXPECT_EQ(bits(a.floats.min), bits(b.floats.min));
  EXPECT_EQ(bits(a.floats.max), bits(b.floats.max));
  EXPECT_EQ(bits(a.floats.sum), bits(b.floats.sum));
  EXPECT_EQ(bits(a.floats.sum_low), bits(b.floats.sum_low));
  EXPECT_EQ(bits(a.floats.correction), bits(b.floats.correction));
  EXPECT_EQ(a.histograms.end_ms, b.histograms.end_ms);
  EXPECT_EQ(a.histograms.count, b.histograms.count);
  EXPECT_EQ(a.histograms.flags, b.histograms.flags);
  if (kept == Kept::kMayBeMore) {
    EXPECT_TRUE(std::includes(a.histograms.kept_ms.begin(), a.histograms.kept_ms.end(),
                              b.histograms.kept_ms.begin(), b.histograms.kept_ms.end()));
  } else {
    EXPECT_EQ(a.histograms.kept_begin, b.histograms.kept_begin);
    EXPECT_EQ(a.histograms.kept_ms, b.histograms.kept_ms);
    ASSERT_EQ(a.histograms.kept.size(), b.histograms.kept.size());
  }
  for (size_t i = 0; kept == Kept::kSame && i < a.histograms.kept.size(); ++i) {
    EXPECT_TRUE(histogram::SameMeaning(*a.histograms.kept[i], *b.histograms.kept[i]));
  }
  ASSERT_EQ(a.histograms.sum.size(), b.histograms.sum.size());
  for (size_t i = 0; i < a.histograms.sum.size(); ++i) {
    ASSERT_EQ(a.histograms.sum[i] == nullptr, b.histograms.sum[i] == nullptr);
    if (a.histograms.sum[i] == nullptr) continue;
    EXPECT_TRUE(histogram::SameMeaning(*a.histograms.sum[i], *b.histograms.sum[i]));
  }
}

HistogramPtr HistogramOf(double count, CounterResetHint hint = CounterResetHint::kUnknown) {
  auto histogram = std::make_shared<Histogram>();
  histogram->count = count;
  histogram->sum = count * 2;
  histogram->positive_spans = {{0, 1}};
  histogram->positive_buckets = {count};
  histogram->reset_hint = hint;
  return histogram;
}

format::SampleColumns RandomSamples(std::mt19937_64* random) {
  format::SampleColumns columns;
  int64_t time_ms = static_cast<int64_t>((*random)() % 1'000'000);
  double value = 0;
  for (int i = 0; i < 300; ++i) {
    time_ms += 1 + static_cast<int64_t>((*random)() % 30'000);
    const uint64_t dice = (*random)() % 50;
    value = dice == 0 ? 0 : value + static_cast<double>((*random)() % 1000);
    columns.timestamps_ms.push_back(time_ms);
    columns.values.push_back(dice == 1   ? kStale
                             : dice == 2 ? std::numeric_limits<double>::quiet_NaN()
                                         : value);
  }
  double count = 0;
  for (int i = 0; i < 100; ++i) {
    time_ms += 1 + static_cast<int64_t>((*random)() % 30'000);
    count = (*random)() % 20 == 0 ? 1 : count + static_cast<double>((*random)() % 9);
    columns.histogram_timestamps_ms.push_back(time_ms);
    columns.histograms.push_back(HistogramOf(count));
  }
  return columns;
}

TEST(BucketEndTest, BucketsAreOpenOnTheLeft) {
  EXPECT_EQ(BucketEnd(0, 10), 0);
  EXPECT_EQ(BucketEnd(1, 10), 10);
  EXPECT_EQ(BucketEnd(10, 10), 10);
  EXPECT_EQ(BucketEnd(-1, 10), 0);
  EXPECT_EQ(BucketEnd(-10, 10), -10);
  EXPECT_EQ(BucketEnd(-11, 10), -10);
}

TEST(RollUpTest, ARowHoldsWhatItsBucketHeld) {
  const auto rows = RolledUp(Floats({{1, 5}, {4, 7}, {10, 2}, {11, 3}, {30, 8}}), 10).floats;
  EXPECT_THAT(rows.end_ms, ElementsAre(10, 20, 30));
  EXPECT_THAT(rows.count, ElementsAre(3, 1, 1));
  EXPECT_THAT(rows.first_ms, ElementsAre(1, 11, 30));
  EXPECT_THAT(rows.last_ms, ElementsAre(10, 11, 30));
  EXPECT_THAT(rows.first, ElementsAre(5, 3, 8));
  EXPECT_THAT(rows.last, ElementsAre(2, 3, 8));
  EXPECT_THAT(rows.min, ElementsAre(2, 3, 8));
  EXPECT_THAT(rows.max, ElementsAre(7, 3, 8));
  EXPECT_THAT(rows.sum, ElementsAre(14, 3, 8));
  EXPECT_THAT(rows.correction, ElementsAre(7, 0, 0));
  EXPECT_THAT(rows.flags, ElementsAre(0, 0, 0));
}

TEST(RollUpTest, StaleMarkersAreNoSamples) {
  const auto rows =
      RolledUp(Floats({{1, 5}, {2, kStale}, {11, kStale}, {21, kStale}, {22, 1}}), 10).floats;
  EXPECT_THAT(rows.count, ElementsAre(1, 0, 1));
  EXPECT_THAT(rows.flags, ElementsAre(format::kRollupEndsStale, format::kRollupEndsStale, 0));
  EXPECT_THAT(rows.last_ms, ElementsAre(1, 20, 22));
}

TEST(RollUpTest, NanIsTheExtremeOnlyOfNothingElse) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto rows = RolledUp(Floats({{1, nan}, {2, 5}, {3, nan}, {11, nan}}), 10).floats;
  EXPECT_EQ(rows.min[0], 5);
  EXPECT_EQ(rows.max[0], 5);
  EXPECT_TRUE(std::isnan(rows.min[1]));
  EXPECT_TRUE(std::isnan(rows.sum[0]));
}

TEST(RollUpTest, ResetsThatCannotBeToldExactlyAreMarked) {
  EXPECT_EQ(RolledUp(Floats({{1, 5}, {2, 1}, {3, 4}, {4, 0}}), 10).floats.flags[0], 0);
  EXPECT_EQ(RolledUp(Floats({{1, 0.5}, {2, 0.1}}), 10).floats.flags[0], format::kRollupSumRounded);
  EXPECT_EQ(RolledUp(Floats({{1, 0.5}, {2, 0.1}, {3, 0}}), 10).floats.flags[0],
            format::kRollupRateInexact | format::kRollupSumRounded);
  EXPECT_EQ(RolledUp(Floats({{1, -1}, {2, -2}}), 10).floats.flags[0], format::kRollupRateInexact);
}

TEST(RollUpTest, CoarserRowsAreThoseOfTheSamples) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 30; ++round) {
    const format::SampleColumns samples = RandomSamples(&random);
    SeriesRollups coarse;
    RollUp(RolledUp(samples, 60'000), 300'000, &coarse);
    ExpectEqual(coarse, RolledUp(samples, 300'000), Kept::kMayBeMore);
  }
}

TEST(RollUpTest, HistogramsBesideResetsAreKept) {
  format::SampleColumns samples;
  double counts[] = {1, 2, 3, 1, 2, 5};
  for (int64_t i = 0; i < 6; ++i) {
    samples.histogram_timestamps_ms.push_back(i + 1);
    samples.histograms.push_back(HistogramOf(counts[i]));
  }
  const auto rows = RolledUp(samples, 10).histograms;
  EXPECT_THAT(rows.count, ElementsAre(6));
  EXPECT_THAT(rows.kept_ms, ElementsAre(1, 3, 4, 6));
  ASSERT_NE(rows.sum[0], nullptr);
  EXPECT_EQ(rows.sum[0]->count, 14);
  EXPECT_EQ(rows.sum[0]->sum, 28);
}

TEST(MergeRollupsTest, TheRowThatCountsMoreStays) {
  const SeriesRollups older = RolledUp(Floats({{1, 1}, {2, 1}, {11, 1}, {31, 1}}), 10);
  const SeriesRollups newer = RolledUp(Floats({{1, 9}, {11, 9}, {21, 9}}), 10);
  SeriesRollups merged;
  MergeRollups(older, newer, &merged);
  EXPECT_THAT(merged.floats.end_ms, ElementsAre(10, 20, 30, 40));
  EXPECT_THAT(merged.floats.first, ElementsAre(1, 9, 9, 1));
}

TEST(RollupChunkTest, RoundTrips) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 20; ++round) {
    const SeriesRollups rows = RolledUp(RandomSamples(&random), 300'000);
    std::string payload;
    format::EncodeRollups(rows, &payload);
    SeriesRollups decoded;
    const Status status = format::DecodeRollups(payload, rows.size(), &decoded);
    ASSERT_TRUE(status.ok()) << status.ToString();
    ExpectEqual(decoded, rows);
    EXPECT_FALSE(format::DecodeRollups(payload, rows.size() + 1, &decoded).ok());
    EXPECT_FALSE(format::DecodeRollups(payload, rows.size() - 1, &decoded).ok());
  }
}

TEST(RollupChunkTest, DamagedBytesAreErrorsOrRows) {
  std::mt19937_64 random(9);
  const SeriesRollups rows = RolledUp(RandomSamples(&random), 300'000);
  std::string payload;
  format::EncodeRollups(rows, &payload);
  for (size_t size = 0; size < payload.size(); ++size) {
    SeriesRollups decoded;
    EXPECT_FALSE(format::DecodeRollups(payload.substr(0, size), rows.size(), &decoded).ok());
    EXPECT_EQ(decoded.size(), 0u);
  }
  for (size_t bit = 0; bit < payload.size() * 8; ++bit) {
    std::string damaged = payload;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    SeriesRollups decoded;
    if (format::DecodeRollups(damaged, rows.size(), &decoded).ok()) {
      EXPECT_EQ(decoded.size(), rows.size());
    }
  }
}

}  // namespace
}  // namespace varve::compaction
