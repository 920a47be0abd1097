#include "engine/metrics/head_series.h"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

#include "compaction/planner.h"

namespace varve::engine {
namespace {

constexpr int64_t kWindowMs = 3600 * 1000;
constexpr int64_t kBorderMs = 1000 * compaction::kPartitionMs;

class HeadSeriesTest : public testing::Test {
 protected:
  ~HeadSeriesTest() override {
    DestroySeries(&series_, &counters_);
    EXPECT_EQ(counters_.sample_bytes, 0u);
    EXPECT_EQ(counters_.sealed_chunks, 0u);
  }
  void Append(int64_t timestamp_ms, double value) {
    AppendToSeries(&series_, timestamp_ms, value, 0, kWindowMs, &counters_);
  }
  size_t LateCount() const {
    return series_.late() == nullptr ? 0 : series_.late()->samples().size();
  }
  std::vector<Sample> Decode(const SealedChunk& chunk) {
    std::vector<int64_t> timestamps;
    std::vector<double> values;
    const format::ChunkView view = chunk.View();
    EXPECT_TRUE(codec::GorillaDecode(view.payload, view.sample_count, &timestamps, &values).ok());
    std::vector<Sample> samples;
    for (size_t i = 0; i < timestamps.size(); ++i) samples.push_back({timestamps[i], values[i]});
    return samples;
  }

  HeadSeries series_;
  HeadCounters counters_;
};

TEST_F(HeadSeriesTest, TheSameSampleOnceMoreIsDropped) {
  Append(kBorderMs, 1);
  Append(kBorderMs, 1);
  EXPECT_EQ(counters_.duplicates, 1u);
  EXPECT_EQ(series_.encoder.sample_count, 1);
  EXPECT_EQ(LateCount(), 0u);
}

TEST_F(HeadSeriesTest, NegativeZeroIsNotZero) {
  Append(kBorderMs, 0.0);
  Append(kBorderMs, -0.0);
  EXPECT_EQ(counters_.duplicates, 0u);
  EXPECT_EQ(counters_.overwritten, 1u);
}

TEST_F(HeadSeriesTest, EqualNanPayloadsAreDuplicatesOthersAreNot) {
  const auto stale = std::bit_cast<double>(kStaleMarkerBits);
  Append(kBorderMs, stale);
  Append(kBorderMs, stale);
  EXPECT_EQ(counters_.duplicates, 1u);
  Append(kBorderMs, std::bit_cast<double>(uint64_t{0x7ff8000000000001}));
  EXPECT_EQ(counters_.overwritten, 1u);
}

TEST_F(HeadSeriesTest, AnotherValueOverwritesAndTheFirstOneAgainOverwritesThat) {
  Append(kBorderMs, 1);
  Append(kBorderMs, 2);
  Append(kBorderMs, 2);
  Append(kBorderMs, 1);
  EXPECT_EQ(counters_.overwritten, 3u);  // the last is counted against the newest and the late one
  EXPECT_EQ(counters_.duplicates, 1u);
  ASSERT_EQ(LateCount(), 1u);
  EXPECT_EQ(series_.late()->samples().values[0], 1);
}

TEST_F(HeadSeriesTest, LateSamplesAreSortedAndCountedByTheWindow) {
  Append(kBorderMs + 2 * kWindowMs, 1);
  Append(kBorderMs + kWindowMs, 2);      // on the window's edge
  Append(kBorderMs + kWindowMs - 1, 3);  // just outside
  Append(kBorderMs + kWindowMs + 1, 4);
  EXPECT_EQ(counters_.late, 2u);
  EXPECT_EQ(counters_.backfill, 1u);
  ASSERT_EQ(LateCount(), 3u);
  EXPECT_EQ(series_.late()->samples().values[0], 3);
  EXPECT_EQ(series_.late()->samples().values[1], 2);
  EXPECT_EQ(series_.late()->samples().values[2], 4);
  EXPECT_EQ(series_.max_time_ms, kBorderMs + 2 * kWindowMs);
}

TEST_F(HeadSeriesTest, ChunksEndAtPartitionBorders) {
  Append(kBorderMs - 1, 1);
  EXPECT_EQ(series_.newest, nullptr);
  Append(kBorderMs, 2);
  ASSERT_NE(series_.newest, nullptr);
  EXPECT_EQ(series_.newest->max_time_ms, kBorderMs - 1);
  EXPECT_EQ(series_.open_min_time_ms, kBorderMs);
  EXPECT_EQ(counters_.sealed_chunks, 1u);
}

TEST_F(HeadSeriesTest, ChunksEndWhenTheyAreFull) {
  for (int i = 0; i <= kOpenChunkSamplesMax; ++i) Append(kBorderMs + i, 1);
  ASSERT_NE(series_.newest, nullptr);
  EXPECT_EQ(series_.newest->sample_count, kOpenChunkSamplesMax);
  EXPECT_EQ(series_.encoder.sample_count, 1);
}

TEST_F(HeadSeriesTest, LateSamplesBecomeChunksOfTheirOwnThatNoBorderCuts) {
  Append(kBorderMs + kWindowMs, 1);
  for (size_t i = 0; i < LateBuffer::kSamplesMax; ++i) {
    Append(kBorderMs + 100 - static_cast<int64_t>(i), static_cast<double>(i));
  }
  EXPECT_EQ(series_.late(), nullptr);
  ASSERT_NE(series_.newest, nullptr);
  ASSERT_NE(series_.newest->older, nullptr);
  EXPECT_EQ(series_.newest->arrival, Arrival::kLate);
  EXPECT_EQ(series_.newest->min_time_ms, kBorderMs);
  EXPECT_EQ(series_.newest->older->max_time_ms, kBorderMs - 1);
  EXPECT_EQ(series_.newest->sample_count + series_.newest->older->sample_count,
            static_cast<int>(LateBuffer::kSamplesMax));
}

TEST_F(HeadSeriesTest, SealingKeepsSamplesAndTheNewestValue) {
  Append(kBorderMs, 1.5);
  Append(kBorderMs + 15'000, -2.5);
  SealSeries(&series_, &counters_);
  ASSERT_NE(series_.newest, nullptr);
  const std::vector<Sample> samples = Decode(*series_.newest);
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[1].timestamp_ms, kBorderMs + 15'000);
  EXPECT_EQ(samples[1].value, -2.5);
  Append(kBorderMs + 15'000, -2.5);  // still known as a duplicate
  EXPECT_EQ(counters_.duplicates, 1u);
  EXPECT_EQ(series_.encoder.sample_count, 0);
}

TEST_F(HeadSeriesTest, SealingAnEmptySeriesDoesNothing) {
  SealSeries(&series_, &counters_);
  EXPECT_TRUE(series_.empty());
}

TEST_F(HeadSeriesTest, AChunkOutlivesItsSeriesWhileSomeoneHoldsIt) {
  Append(kBorderMs, 7);
  SealSeries(&series_, &counters_);
  const SealedChunkPtr held(series_.newest);
  DestroySeries(&series_, &counters_);
  EXPECT_EQ(Decode(*held).at(0).value, 7);
}

HistogramSample OfCount(int64_t timestamp_ms, double count) {
  HistogramSample sample;
  sample.timestamp_ms = timestamp_ms;
  sample.histogram.form = Histogram::Form::kInteger;
  sample.histogram.count = count;
  sample.histogram.positive_spans = {{0, 1}};
  sample.histogram.positive_buckets = {count};
  return sample;
}

TEST_F(HeadSeriesTest, PlainFloatsPayForNoExtras) {
  Append(kBorderMs, 1);
  Append(kBorderMs + 1, 2);
  EXPECT_EQ(series_.extras, nullptr);
}

TEST_F(HeadSeriesTest, ChunksEndWhereTheKindChanges) {
  Append(kBorderMs, 1);
  AppendToSeries(&series_, OfCount(kBorderMs + 1, 1), kWindowMs, &counters_);
  ASSERT_NE(series_.newest, nullptr);
  EXPECT_EQ(series_.newest->codec, format::ChunkCodec::kGorilla);
  EXPECT_TRUE(series_.has_open_histograms());
  AppendToSeries(&series_, OfCount(kBorderMs + 2, 2), kWindowMs, &counters_);
  Append(kBorderMs + 3, 1);
  EXPECT_EQ(series_.newest->codec, format::ChunkCodec::kHistogram);
  EXPECT_EQ(series_.newest->sample_count, 2);
  EXPECT_EQ(series_.newest->min_time_ms, kBorderMs + 1);
  EXPECT_EQ(series_.newest->max_time_ms, kBorderMs + 2);
  EXPECT_EQ(series_.open_min_time_ms, kBorderMs + 3);
  EXPECT_EQ(series_.extras, nullptr);
}

TEST_F(HeadSeriesTest, HistogramChunksEndAtBordersAndWhenTheyAreFull) {
  AppendToSeries(&series_, OfCount(kBorderMs - 1, 1), kWindowMs, &counters_);
  for (int i = 0; i <= static_cast<int>(codec::kHistogramSampleCountMax); ++i) {
    AppendToSeries(&series_, OfCount(kBorderMs + i, i), kWindowMs, &counters_);
  }
  EXPECT_EQ(counters_.sealed_chunks, 2u);
  EXPECT_EQ(series_.newest->sample_count, codec::kHistogramSampleCountMax);
  EXPECT_EQ(series_.newest->older->max_time_ms, kBorderMs - 1);
}

TEST_F(HeadSeriesTest, AStartTimeInTheMiddleOfAChunkLeavesTheEarlierOnesUnknown) {
  Append(kBorderMs, 1);
  AppendToSeries(&series_, kBorderMs + 1, 2, kBorderMs, kWindowMs, &counters_);
  Append(kBorderMs + 2, 3);
  SealSeries(&series_, &counters_);
  ASSERT_EQ(series_.newest->codec, format::ChunkCodec::kGorillaStart);
  format::SampleColumns samples;
  ASSERT_TRUE(format::DecodeChunk(series_.newest->View(), &samples).ok());
  EXPECT_EQ(samples.values, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(samples.start_times_ms, (std::vector<int64_t>{0, kBorderMs, 0}));
  EXPECT_EQ(series_.extras, nullptr);
}

TEST_F(HeadSeriesTest, ALateHistogramIsSealedAsLate) {
  Append(kBorderMs + 10, 1);
  AppendToSeries(&series_, OfCount(kBorderMs, 1), kWindowMs, &counters_);
  EXPECT_EQ(counters_.late, 1u);
  EXPECT_EQ(LateCount(), 1u);
  SealSeries(&series_, &counters_);
  EXPECT_EQ(series_.newest->codec, format::ChunkCodec::kHistogram);
  EXPECT_EQ(series_.newest->arrival, Arrival::kLate);
}

TEST_F(HeadSeriesTest, TheSameValueWithAnotherStartTimeIsAnotherSample) {
  Append(kBorderMs, 1);
  AppendToSeries(&series_, kBorderMs, 1, 5, kWindowMs, &counters_);
  EXPECT_EQ(counters_.overwritten, 1u);
  AppendToSeries(&series_, kBorderMs, 1, 5, kWindowMs, &counters_);
  EXPECT_EQ(counters_.duplicates, 1u);
}

TEST_F(HeadSeriesTest, WhatIsOpenIsCountedAndGivenBack) {
  // The fixture's end checks that all of it was.
  AppendToSeries(&series_, kBorderMs, 1, 5, kWindowMs, &counters_);
  const uint64_t with_start = counters_.sample_bytes;
  EXPECT_GT(with_start, sizeof(SeriesExtras));
  AppendToSeries(&series_, OfCount(kBorderMs + 1, 1), kWindowMs, &counters_);
  AppendToSeries(&series_, OfCount(kBorderMs, 1), kWindowMs, &counters_);
  EXPECT_GT(counters_.sample_bytes, with_start);
}

}  // namespace
}  // namespace varve::engine
