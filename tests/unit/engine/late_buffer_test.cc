#include "engine/metrics/late_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace varve::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Insertion = LateBuffer::Insertion;

HistogramPtr OfSum(double sum) {
  auto histogram = std::make_shared<Histogram>();
  histogram->sum = sum;
  return histogram;
}

TEST(LateBufferTest, SortsEachKindByTime) {
  LateBuffer late;
  EXPECT_EQ(late.InsertFloat(20, 2, 0), Insertion::kNew);
  EXPECT_EQ(late.InsertHistogram(15, OfSum(1), 0), Insertion::kNew);
  EXPECT_EQ(late.InsertFloat(10, 1, 0), Insertion::kNew);
  EXPECT_EQ(late.InsertHistogram(5, OfSum(0), 0), Insertion::kNew);
  EXPECT_THAT(late.samples().timestamps_ms, ElementsAre(10, 20));
  EXPECT_THAT(late.samples().values, ElementsAre(1, 2));
  EXPECT_THAT(late.samples().histogram_timestamps_ms, ElementsAre(5, 15));
  EXPECT_EQ(late.samples().histograms[1]->sum, 1);
  EXPECT_EQ(late.min_time_ms(), 5);
  EXPECT_EQ(late.max_time_ms(), 20);
  EXPECT_THAT(late.samples().start_times_ms, IsEmpty());
}

TEST(LateBufferTest, AHistogramTakesAFloatsPlaceAndBack) {
  LateBuffer late;
  late.InsertFloat(10, 1, 5);
  late.InsertFloat(20, 2, 6);
  EXPECT_EQ(late.InsertHistogram(10, OfSum(1), 7), Insertion::kOverwritten);
  EXPECT_THAT(late.samples().timestamps_ms, ElementsAre(20));
  EXPECT_THAT(late.samples().start_times_ms, ElementsAre(6));
  EXPECT_THAT(late.samples().histogram_start_times_ms, ElementsAre(7));
  EXPECT_EQ(late.InsertFloat(10, 3, 0), Insertion::kOverwritten);
  EXPECT_THAT(late.samples().histograms, IsEmpty());
  EXPECT_THAT(late.samples().values, ElementsAre(3, 2));
  EXPECT_THAT(late.samples().start_times_ms, ElementsAre(0, 6));
}

TEST(LateBufferTest, StartTimesBelongToTheSample) {
  LateBuffer late;
  late.InsertFloat(10, 1, 0);
  late.InsertFloat(30, 3, 0);
  late.InsertFloat(20, 2, 15);
  EXPECT_THAT(late.samples().start_times_ms, ElementsAre(0, 15, 0));
  EXPECT_EQ(late.InsertFloat(20, 2, 15), Insertion::kDuplicate);
  EXPECT_EQ(late.InsertFloat(20, 2, 16), Insertion::kOverwritten);
  EXPECT_EQ(late.InsertHistogram(40, OfSum(1), 1), Insertion::kNew);
  EXPECT_EQ(late.InsertHistogram(40, OfSum(1), 1), Insertion::kDuplicate);
  EXPECT_EQ(late.InsertHistogram(40, OfSum(-0.0), 1), Insertion::kOverwritten);
}

TEST(LateBufferTest, IsFullByNumberOrByBytes) {
  LateBuffer floats;
  while (!floats.full()) floats.InsertFloat(static_cast<int64_t>(floats.samples().size()), 1, 0);
  EXPECT_EQ(floats.samples().size(), LateBuffer::kSamplesMax);
  auto wide = std::make_shared<Histogram>();
  wide->positive_spans = {{0, 1000}};
  wide->positive_buckets.assign(1000, 1);
  LateBuffer histograms;
  while (!histograms.full()) {
    histograms.InsertHistogram(static_cast<int64_t>(histograms.samples().size()), wide, 0);
  }
  EXPECT_LT(histograms.samples().size(), 20u);
  EXPECT_GT(histograms.MemoryBytes(), LateBuffer::kHistogramBytesMax);
}

}  // namespace
}  // namespace varve::engine
