// Chunks of floats, of histograms and with start times, encoded and merged together.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "compaction/merge.h"
#include "compaction/planner.h"
#include "storage/codec/histogram.h"
#include "tests/model/random_histogram.h"

namespace varve::compaction {
namespace {

using format::ChunkCodec;
using format::SampleColumns;

// A sample but for its time. A null histogram: a float.
struct Stored {
  uint64_t bits = 0;
  int64_t start_ms = 0;
  HistogramPtr histogram;
};
using StoredByTime = std::map<int64_t, Stored>;

SampleColumns ToColumns(const StoredByTime& samples) {
  SampleColumns columns;
  for (const auto& [time, sample] : samples) {
    if (sample.histogram != nullptr) {
      columns.histogram_timestamps_ms.push_back(time);
      columns.histograms.push_back(sample.histogram);
      columns.histogram_start_times_ms.push_back(sample.start_ms);
    } else {
      columns.timestamps_ms.push_back(time);
      columns.values.push_back(std::bit_cast<double>(sample.bits));
      columns.start_times_ms.push_back(sample.start_ms);
    }
  }
  columns.CompleteStartTimes();
  return columns;
}

void ExpectEqual(const SampleColumns& actual, const StoredByTime& truth) {
  const SampleColumns expected = ToColumns(truth);
  EXPECT_EQ(actual.timestamps_ms, expected.timestamps_ms);
  EXPECT_EQ(actual.start_times_ms, expected.start_times_ms);
  EXPECT_EQ(actual.histogram_timestamps_ms, expected.histogram_timestamps_ms);
  EXPECT_EQ(actual.histogram_start_times_ms, expected.histogram_start_times_ms);
  ASSERT_EQ(actual.values.size(), expected.values.size());
  for (size_t i = 0; i < actual.values.size(); ++i) {
    EXPECT_EQ(std::bit_cast<uint64_t>(actual.values[i]),
              std::bit_cast<uint64_t>(expected.values[i]));
  }
  ASSERT_EQ(actual.histograms.size(), expected.histograms.size());
  for (size_t i = 0; i < actual.histograms.size(); ++i) {
    EXPECT_TRUE(SameBits(*actual.histograms[i], *expected.histograms[i]));
  }
}

SampleColumns MergeAll(const std::vector<EncodedChunks>& sources, int64_t min_ms, int64_t max_ms) {
  std::vector<std::span<const format::ChunkView>> spans;
  for (const EncodedChunks& source : sources) spans.push_back(source.chunks);
  SampleColumns out;
  const Status status = MergeChunks(spans, min_ms, max_ms, &out);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return out;
}

TEST(EncodeMixedChunksTest, AChunkIsOfOneKindAndNoneOverlap) {
  model::HistogramSource source(1);
  StoredByTime samples;
  for (int64_t i = 0; i < 20; ++i) {
    const bool histogram = i >= 5 && i < 12;
    samples[i * 1000].start_ms = i > 15 ? 1 : 0;
    if (histogram) samples[i * 1000].histogram = std::make_shared<Histogram>(source.Next());
  }
  EncodedChunks encoded;
  EncodeChunks(ToColumns(samples), &encoded);
  ASSERT_EQ(encoded.chunks.size(), 3u);
  EXPECT_EQ(encoded.chunks[0].codec, ChunkCodec::kGorilla);
  EXPECT_EQ(encoded.chunks[0].max_time_ms, 4000);
  EXPECT_EQ(encoded.chunks[1].codec, ChunkCodec::kHistogram);
  EXPECT_EQ(encoded.chunks[1].sample_count, 7u);
  EXPECT_EQ(encoded.chunks[2].codec, ChunkCodec::kGorillaStart);
  EXPECT_EQ(encoded.chunks[2].min_time_ms, 12'000);
}

TEST(EncodeMixedChunksTest, HistogramsAreAlsoCutByBytesAndPartitions) {
  StoredByTime samples;
  std::mt19937_64 random(5);
  for (int64_t i = 0; i < 40; ++i) {
    Histogram wide;
    wide.positive_spans = {{0, 200}};
    for (int bucket = 0; bucket < 200; ++bucket) {
      wide.positive_buckets.push_back(static_cast<double>(random()));
    }
    samples[kPartitionMs - 20 + i].histogram = std::make_shared<Histogram>(std::move(wide));
  }
  std::vector<EncodedChunks> encoded(1);
  EncodeChunks(ToColumns(samples), &encoded[0]);
  EXPECT_GT(encoded[0].chunks.size(), 4u);
  for (const format::ChunkView& chunk : encoded[0].chunks) {
    EXPECT_LT(chunk.payload.size(), 2 * codec::kHistogramChunkBytes);
    EXPECT_EQ(PartitionOf(chunk.min_time_ms, kPartitionMs),
              PartitionOf(chunk.max_time_ms, kPartitionMs));
  }
  ExpectEqual(MergeAll(encoded, INT64_MIN, INT64_MAX), samples);
}

TEST(MergeMixedChunksTest, AnUnknownStartTimeEverywhereLeavesTheColumnsEmpty) {
  StoredByTime older;
  older[1000].start_ms = 7;
  StoredByTime newer;
  newer[1000].bits = 5;
  std::vector<EncodedChunks> sources(2);
  EncodeChunks(ToColumns(older), &sources[0]);
  EncodeChunks(ToColumns(newer), &sources[1]);
  const SampleColumns out = MergeAll(sources, INT64_MIN, INT64_MAX);
  EXPECT_EQ(out.timestamps_ms.size(), 1u);
  EXPECT_TRUE(out.start_times_ms.empty());
}

TEST(MergeMixedChunksTest, DamageLeavesTheColumnsAsTheyWere) {
  model::HistogramSource source(2);
  StoredByTime samples;
  for (int64_t i = 0; i < 10; ++i) {
    samples[i] = {0, i, std::make_shared<Histogram>(source.Next())};
    samples[100 + i] = {0, i + 1, nullptr};
  }
  EncodedChunks encoded;
  EncodeChunks(ToColumns(samples), &encoded);
  for (format::ChunkView& chunk : encoded.chunks) {
    const std::string_view whole = std::exchange(chunk.payload, chunk.payload.substr(0, 9));
    SampleColumns out = ToColumns(samples);
    const std::span<const format::ChunkView> spans[] = {encoded.chunks};
    EXPECT_EQ(MergeChunks(spans, INT64_MIN, INT64_MAX, &out).code(), StatusCode::kDataLoss);
    ExpectEqual(out, samples);
    chunk.payload = whole;
  }
}

class MixedChunksPropertyTest : public testing::TestWithParam<uint64_t> {};

TEST_P(MixedChunksPropertyTest, MergesLikeAMap) {
  std::mt19937_64 random(GetParam());
  model::HistogramSource histograms(GetParam());
  const auto below = [&](uint64_t limit) { return static_cast<int64_t>(random() % limit); };
  for (int round = 0; round < 20; ++round) {
    std::vector<EncodedChunks> sources(static_cast<size_t>(1 + below(4)));
    StoredByTime truth;
    for (EncodedChunks& source : sources) {
      StoredByTime samples;
      bool histogram = false;
      const bool starts = below(2) == 0;
      int64_t time = below(300);
      for (int64_t i = 1 + below(60); i > 0; --i, time += 1 + below(9)) {
        if (below(6) == 0) histogram = !histogram;
        Stored& sample = samples[time];
        sample.start_ms = starts && below(3) != 0 ? 1 + below(3) : 0;
        if (histogram) {
          sample.histogram = std::make_shared<Histogram>(histograms.Next());
        } else {
          sample.bits = random();
        }
      }
      EncodeChunks(ToColumns(samples), &source);
      for (const auto& [at, sample] : samples) truth[at] = sample;
    }
    const bool whole = below(2) == 0;
    const int64_t min_ms = whole ? INT64_MIN : below(400) - 50;
    const int64_t max_ms = whole ? INT64_MAX : min_ms + below(300);
    std::erase_if(truth, [&](const auto& s) { return s.first < min_ms || s.first > max_ms; });
    ExpectEqual(MergeAll(sources, min_ms, max_ms), truth);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, MixedChunksPropertyTest, testing::Range(uint64_t{0}, uint64_t{30}));

}  // namespace
}  // namespace varve::compaction
