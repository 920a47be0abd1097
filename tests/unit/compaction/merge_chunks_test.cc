#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <random>

#include "compaction/merge.h"
#include "compaction/planner.h"
#include "tests/unit/compaction/series_samples.h"

namespace varve::compaction {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kMinMs = std::numeric_limits<int64_t>::min();
constexpr int64_t kMaxMs = std::numeric_limits<int64_t>::max();

using Columns = format::SampleColumns;

Columns Floats(std::vector<int64_t> timestamps_ms, std::vector<double> values) {
  Columns columns;
  columns.timestamps_ms = std::move(timestamps_ms);
  columns.values = std::move(values);
  return columns;
}

Status Merge(const std::vector<ChunkList>& sources, int64_t min_ms, int64_t max_ms, Columns* out) {
  std::vector<std::span<const format::ChunkView>> spans;
  for (const ChunkList& source : sources) spans.push_back(source.chunks());
  return MergeChunks(spans, min_ms, max_ms, out);
}

ChunkList Source(const std::vector<SampleMap>& chunks) {
  ChunkList list;
  for (const SampleMap& chunk : chunks) list.Add(chunk);
  return list;
}

SampleMap Samples(std::initializer_list<std::pair<int64_t, double>> samples) {
  SampleMap map;
  for (const auto& [time, value] : samples) map[time] = std::bit_cast<uint64_t>(value);
  return map;
}

std::vector<ChunkList> Sources(const std::vector<std::vector<SampleMap>>& sources) {
  std::vector<ChunkList> lists;
  for (const auto& chunks : sources) lists.push_back(Source(chunks));
  return lists;
}

TEST(MergeChunksTest, NoSourcesNoSamples) {
  Columns out;
  ASSERT_TRUE(Merge({}, kMinMs, kMaxMs, &out).ok());
  EXPECT_THAT(out.timestamps_ms, IsEmpty());
}

TEST(MergeChunksTest, ChunksInOrderAreConcatenatedAfterWhatIsThere) {
  const auto sources =
      Sources({{Samples({{1, 1.0}, {2, 2.0}}), Samples({{3, 3.0}})}, {Samples({{4, 4.0}})}});
  Columns out = Floats({100}, {7.0});
  ASSERT_TRUE(Merge(sources, kMinMs, kMaxMs, &out).ok());
  EXPECT_THAT(out.timestamps_ms, ElementsAre(100, 1, 2, 3, 4));
  EXPECT_THAT(out.values, ElementsAre(7.0, 1.0, 2.0, 3.0, 4.0));
}

TEST(MergeChunksTest, TheRangeIsClosedAndCutsChunks) {
  const auto sources = Sources(
      {{Samples({{1, 1.0}, {3, 3.0}, {5, 5.0}}), Samples({{7, 7.0}, {9, 9.0}, {11, 11.0}})}});
  struct Case {
    int64_t min_ms, max_ms;
    std::vector<int64_t> expected;
  };
  for (const Case& c : std::vector<Case>{{3, 9, {3, 5, 7, 9}},
                                         {4, 8, {5, 7}},
                                         {4, 4, {}},
                                         {5, 5, {5}},
                                         {6, 6, {}},
                                         {12, 99, {}},
                                         {-9, 0, {}},
                                         {9, 3, {}},
                                         {-9, 1, {1}},
                                         {11, 99, {11}}}) {
    Columns out;
    ASSERT_TRUE(Merge(sources, c.min_ms, c.max_ms, &out).ok());
    EXPECT_EQ(out.timestamps_ms, c.expected) << c.min_ms << " " << c.max_ms;
    EXPECT_EQ(out.values.size(), c.expected.size());
  }
}

TEST(MergeChunksTest, TheLastSourceWinsWhateverTheOrderInTime) {
  Columns out;
  ASSERT_TRUE(Merge(Sources({{Samples({{1, 10.0}, {2, 20.0}, {9, 90.0}})},
                             {Samples({{0, 1.0}, {2, 21.0}, {3, 31.0}})},
                             {Samples({{3, 32.0}, {9, 92.0}})}}),
                    kMinMs, kMaxMs, &out)
                  .ok());
  EXPECT_THAT(out.timestamps_ms, ElementsAre(0, 1, 2, 3, 9));
  EXPECT_THAT(out.values, ElementsAre(1.0, 10.0, 21.0, 32.0, 92.0));
}

TEST(MergeChunksTest, LaterChunksOfOneSourceWin) {
  Columns out;
  ASSERT_TRUE(Merge(Sources({{Samples({{5, 50.0}, {6, 60.0}}), Samples({{1, 11.0}, {5, 51.0}})}}),
                    kMinMs, kMaxMs, &out)
                  .ok());
  EXPECT_THAT(out.timestamps_ms, ElementsAre(1, 5, 6));
  EXPECT_THAT(out.values, ElementsAre(11.0, 51.0, 60.0));
}

TEST(MergeChunksTest, ChunksThatTouchAtOneSampleOverlap) {
  Columns out;
  ASSERT_TRUE(Merge(Sources({{Samples({{4, 40.0}, {5, 50.0}})}, {Samples({{5, 51.0}, {6, 61.0}})}}),
                    kMinMs, kMaxMs, &out)
                  .ok());
  EXPECT_THAT(out.timestamps_ms, ElementsAre(4, 5, 6));
  EXPECT_THAT(out.values, ElementsAre(40.0, 51.0, 61.0));
}

TEST(MergeChunksTest, WorksAtTheEndsOfTime) {
  Columns out;
  ASSERT_TRUE(Merge(Sources({{Samples({{kMinMs, 1.0}, {kMaxMs, 2.0}})},
                             {Samples({{kMaxMs - 1, 4.0}, {kMaxMs, 3.0}})}}),
                    kMinMs, kMaxMs, &out)
                  .ok());
  EXPECT_THAT(out.timestamps_ms, ElementsAre(kMinMs, kMaxMs - 1, kMaxMs));
  EXPECT_THAT(out.values, ElementsAre(1.0, 4.0, 3.0));
}

TEST(MergeChunksTest, DamageLeavesTheColumnsAsTheyWere) {
  for (const bool overlapping : {false, true}) {
    auto sources =
        Sources({{Samples({{1, 1.0}, {5, 5.0}})}, {Ramp(overlapping ? 4 : 6, 17, 50, 0.25)}});
    std::string_view& payload = sources[1].mutable_chunks()[0].payload;
    payload = payload.substr(0, payload.size() / 2);
    Columns out = Floats({100}, {7.0});
    const Status status = Merge(sources, kMinMs, kMaxMs, &out);
    EXPECT_EQ(status.code(), StatusCode::kDataLoss) << status.ToString();
    EXPECT_THAT(out.timestamps_ms, ElementsAre(100));
    EXPECT_THAT(out.values, ElementsAre(7.0));
  }
}

TEST(MergeChunksTest, ChunksOutsideTheRangeAreNotDecoded) {
  auto sources = Sources({{Ramp(0, 10, 10, 0), Ramp(1000, 10, 10, 0)}});
  sources[0].mutable_chunks()[0].payload = {};
  Columns out;
  ASSERT_TRUE(Merge(sources, 500, kMaxMs, &out).ok());
  EXPECT_EQ(out.timestamps_ms.size(), 10u);
}

double AnyValue(std::mt19937* random) {
  static constexpr uint64_t kSpecial[] = {0x7ff0000000000002, 0x7ff8000000000001,
                                          0x8000000000000000, 0x7ff0000000000000,
                                          0xfff8dead0000beef};
  const uint32_t draw = (*random)();
  if (draw % 8 == 0) return std::bit_cast<double>(kSpecial[(draw >> 8) % std::size(kSpecial)]);
  return static_cast<double>(static_cast<int32_t>((*random)()) >> (draw % 32)) / 4;
}

// The same samples into chunks and into a map, where the last write of a time wins.
class MergePropertyTest : public testing::TestWithParam<uint32_t> {};

TEST_P(MergePropertyTest, EqualsAMap) {
  std::mt19937 random(GetParam());
  const auto below = [&random](int64_t n) {
    return std::uniform_int_distribution<int64_t>(0, n - 1)(random);
  };
  for (int round = 0; round < 60; ++round) {
    const int64_t span_ms = 1 + below(400);  // crowded or roomy
    std::vector<ChunkList> sources(static_cast<size_t>(1 + below(5)));
    SampleMap truth;
    int64_t tail = -200;
    for (ChunkList& source : sources) {
      for (int64_t chunks = below(5); chunks > 0; --chunks) {
        SampleMap samples;
        const int64_t begin = below(3) == 0 ? below(span_ms) - 200 : tail;
        const int64_t step = 1 + below(12);
        for (int64_t i = 1 + below(40), at = begin; i > 0; --i, at += 1 + below(step)) {
          samples[at] = std::bit_cast<uint64_t>(AnyValue(&random));
        }
        tail = std::max(tail, samples.rbegin()->first + 1);
        source.Add(samples);
        for (const auto& [time, bits] : samples) truth[time] = bits;
      }
    }
    const bool whole = below(2) == 0;
    const int64_t min_ms = whole ? kMinMs : below(600) - 250;
    const int64_t max_ms = whole ? kMaxMs : min_ms + below(400);
    std::erase_if(truth, [&](const auto& s) { return s.first < min_ms || s.first > max_ms; });

    Columns out;
    ASSERT_TRUE(Merge(sources, min_ms, max_ms, &out).ok());
    ASSERT_EQ(out.timestamps_ms.size(), out.values.size());
    ASSERT_TRUE(std::is_sorted(out.timestamps_ms.begin(), out.timestamps_ms.end()));
    ASSERT_EQ(out.timestamps_ms.size(), truth.size());
    ASSERT_EQ(ToMap(out.timestamps_ms, out.values), truth);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, MergePropertyTest, testing::Range(0u, 50u));

TEST(EncodeChunksTest, NothingMakesNothing) {
  EncodedChunks out;
  EncodeChunks({}, &out);
  EXPECT_THAT(out.chunks, IsEmpty());
}

TEST(EncodeChunksTest, SpreadsAPartitionEvenly) {
  struct Case {
    int samples;
    std::vector<uint32_t> counts;
  };
  for (const Case& c : std::vector<Case>{
           {1, {1}}, {240, {240}}, {241, {121, 120}}, {480, {240, 240}}, {500, {167, 167, 166}}}) {
    std::vector<int64_t> times;
    for (int i = 0; i < c.samples; ++i) times.push_back(i * 10);
    const std::vector<double> values(times.size(), 1.5);
    EncodedChunks out;
    EncodeChunks(Floats(times, values), &out);
    std::vector<uint32_t> counts;
    for (const format::ChunkView& chunk : out.chunks) counts.push_back(chunk.sample_count);
    EXPECT_EQ(counts, c.counts);
  }
}

TEST(EncodeChunksTest, CutsAtPartitionsAlsoBefore1970) {
  const std::vector<int64_t> times = {-kPartitionMs - 1, -kPartitionMs, -1, 0,
                                      kPartitionMs - 1,  kPartitionMs};
  const std::vector<double> values = {1, 2, 3, 4, 5, 6};
  EncodedChunks out;
  EncodeChunks(Floats(times, values), &out);
  std::vector<std::pair<int64_t, int64_t>> ranges;
  for (const format::ChunkView& chunk : out.chunks) {
    ranges.emplace_back(chunk.min_time_ms, chunk.max_time_ms);
  }
  EXPECT_THAT(ranges, ElementsAre(std::pair(-kPartitionMs - 1, -kPartitionMs - 1),
                                  std::pair(-kPartitionMs, int64_t{-1}),
                                  std::pair(int64_t{0}, kPartitionMs - 1),
                                  std::pair(kPartitionMs, kPartitionMs)));
}

TEST(EncodeChunksTest, DecodesToTheSameBits) {
  std::mt19937 random(7);
  std::vector<int64_t> times = {kMinMs, -5};
  while (times.size() < 3000) times.push_back(times.back() + 1 + random() % 30'000);
  times.push_back(kMaxMs);
  std::vector<double> values;
  for (size_t i = 0; i < times.size(); ++i) values.push_back(AnyValue(&random));
  EncodedChunks encoded;
  EncodeChunks(Floats(times, values), &encoded);
  Columns out;
  for (const format::ChunkView& chunk : encoded.chunks) {
    EXPECT_LE(chunk.sample_count, kChunkSamplesMax);
    EXPECT_EQ(PartitionOf(chunk.min_time_ms, kPartitionMs),
              PartitionOf(chunk.max_time_ms, kPartitionMs));
    ASSERT_TRUE(format::DecodeChunk(chunk, &out).ok());
  }
  EXPECT_EQ(out.timestamps_ms, times);
  EXPECT_EQ(ToMap(out.timestamps_ms, out.values), ToMap(times, values));
}

}  // namespace
}  // namespace varve::compaction
