#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <random>

#include "base/bytes.h"
#include "compaction/merge.h"
#include "compaction/metrics_part.h"
#include "compaction/planner.h"
#include "storage/format/chunk_group.h"
#include "tests/unit/compaction/series_samples.h"
#include "tests/unit/compaction/store_fixture.h"

namespace varve::compaction {
namespace {

using testing::HasSubstr;

struct SeriesLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return format::CompareLabelBytes(a, b) < 0;
  }
};
// Chunks of a part, as written; samples of a database, as read.
using PartChunks = std::map<std::string, std::vector<SampleMap>, SeriesLess>;
using Contents = std::map<std::string, SampleMap, SeriesLess>;

class MergePartsTest : public StoreFixture {
 protected:
  std::shared_ptr<const kv::Part> Write(const PartChunks& series, uint64_t sequence,
                                        format::Tier tier = format::Tier::kRaw) {
    auto writer = MetricsPartWriter::Create(store_.get());
    EXPECT_TRUE(writer.ok()) << writer.status().ToString();
    std::vector<ChunkList> alive;
    for (const auto& [labels, chunks] : series) {
      ChunkList list;
      for (const SampleMap& chunk : chunks) list.Add(chunk);
      const Status status = (*writer)->Add(labels, list.chunks());
      EXPECT_TRUE(status.ok()) << status.ToString();
      alive.push_back(std::move(list));
    }
    auto info = (*writer)->Finish(
        {.tier = tier, .min_sequence = sequence, .max_sequence = sequence, .files = {}});
    EXPECT_TRUE(info.ok()) << info.status().ToString();
    return Commit(*info);
  }

  std::shared_ptr<const kv::Part> Merge(const std::vector<std::shared_ptr<const kv::Part>>& parts) {
    auto merged = MergeParts(store_.get(), parts);
    EXPECT_TRUE(merged.ok()) << merged.status().ToString();
    return merged.ok() ? Commit(*merged) : nullptr;
  }

  std::string labels_ = LabelBytes({{"__name__", "m"}});
};

// Calls visit(labels, chunks) for every series of the part.
template <typename Visit>
void VisitAll(std::shared_ptr<const kv::Part> part, const Visit& visit) {
  auto reader = MetricsPartReader::Open(std::move(part));
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  std::vector<index::Ordinal> ordinals((*reader)->index().series_count());
  std::iota(ordinals.begin(), ordinals.end(), 0);
  std::vector<std::string> labels;
  ASSERT_TRUE(
      (*reader)
          ->index()
          .VisitLabels(ordinals, [&](size_t, std::string_view l) { labels.emplace_back(l); })
          .ok());
  ASSERT_EQ(labels.size(), ordinals.size());
  const Status status = (*reader)->VisitChunks(
      ordinals, INT64_MIN, INT64_MAX,
      [&](size_t i, std::span<const format::ChunkView> chunks) { visit(labels[i], chunks); },
      nullptr);
  ASSERT_TRUE(status.ok()) << status.ToString();
}

Contents ReadAll(std::shared_ptr<const kv::Part> part) {
  Contents contents;
  VisitAll(std::move(part), [&](const std::string& labels, auto chunks) {
    format::SampleColumns samples;
    for (const format::ChunkView& chunk : chunks) {
      ASSERT_TRUE(format::DecodeChunk(chunk, &samples).ok());
    }
    ASSERT_TRUE(std::is_sorted(samples.timestamps_ms.begin(), samples.timestamps_ms.end(),
                               std::less_equal<>()))
        << "not strict";
    contents[labels] = ToMap(samples.timestamps_ms, samples.values);
  });
  return contents;
}

std::vector<uint32_t> ChunkSizes(std::shared_ptr<const kv::Part> part) {
  std::vector<uint32_t> sizes;
  VisitAll(std::move(part), [&](const std::string&, auto chunks) {
    for (const format::ChunkView& chunk : chunks) sizes.push_back(chunk.sample_count);
  });
  return sizes;
}

TEST_F(MergePartsTest, TheEntryIsTheUnionOfItsInputs) {
  const auto a = Write({{labels_, {Ramp(0, 1000, 200, 1)}}}, 4);
  const auto b = Write({{labels_, {Ramp(300'000, 1000, 200, 1)}}}, 9);
  const auto merged = Merge({a, b});
  EXPECT_EQ(merged->info().min_sequence, 4u);
  EXPECT_EQ(merged->info().max_sequence, 9u);
  EXPECT_EQ(merged->info().min_time_ms, 0);
  EXPECT_EQ(merged->info().max_time_ms, 499'000);
  EXPECT_EQ(merged->info().sample_count, 400u);
  EXPECT_EQ(merged->info().level, 1);
  EXPECT_EQ(Merge({merged})->info().level, 2);
}

TEST_F(MergePartsTest, GorillaChunksBecomeColumnsOfADay) {
  const int64_t next_day = kColumnPartitionMs;
  const SampleMap first = Ramp(0, 1000, 130, 0.1);
  const SampleMap second = Ramp(200'000, 1000, 7, 0.2);
  const SampleMap third = Ramp(next_day, 1000, 240, 0.3);
  const auto merged =
      Merge({Write({{labels_, {first, third}}}, 1), Write({{labels_, {second}}}, 2)});
  EXPECT_THAT(ChunkSizes(merged), testing::ElementsAre(137, 240));
  VisitAll(merged, [](const std::string&, auto chunks) {
    for (const format::ChunkView& chunk : chunks) {
      EXPECT_EQ(chunk.codec, format::ChunkCodec::kColumns);
    }
  });
}

TEST_F(MergePartsTest, APartAloneIsWrittenAnewWithTheSameSamples) {
  const SampleMap samples = Ramp(0, 1000, 5000, 0.25);
  const auto merged = Merge({Write({{labels_, {samples}}}, 1)});
  EXPECT_EQ(ReadAll(merged)[labels_], samples);
  EXPECT_THAT(ChunkSizes(merged), testing::ElementsAre(1667, 1667, 1666));
}

TEST_F(MergePartsTest, FullColumnsAreCopiedSmallOnesJoined) {
  const auto full = Merge({Write({{labels_, {Ramp(0, 1000, 600, 1)}}}, 1)});
  const auto small = Merge({Write({{labels_, {Ramp(700'000, 1000, 50, 2)}}}, 2)});
  const auto smaller = Merge({Write({{labels_, {Ramp(800'000, 1000, 7, 3)}}}, 3)});
  EXPECT_THAT(ChunkSizes(Merge({full, small, smaller})), testing::ElementsAre(600, 57));
}

TEST_F(MergePartsTest, SeriesScrapedTogetherShareTheirTimes) {
  const std::string other = LabelBytes({{"__name__", "l"}});
  const auto merged =
      Merge({Write({{other, {Ramp(0, 1000, 300, 5)}}, {labels_, {Ramp(0, 1000, 300, 1)}}}, 1)});
  std::vector<uint32_t> columns;
  VisitAll(merged, [&](const std::string&, auto chunks) {
    for (const format::ChunkView& chunk : chunks) columns.push_back(chunk.time_column);
  });
  EXPECT_THAT(columns, testing::ElementsAre(0, 0));
}

TEST_F(MergePartsTest, OverlapsAreResolvedAndReencodedTheRestIsCopied) {
  const auto copied = Merge({Write({{labels_, {Ramp(2'000'000, 1000, 700, 0)}}}, 1)});
  const auto merged =
      Merge({copied, Write({{labels_, {Ramp(0, 1000, 150, 0), Ramp(150'000, 1000, 150, 0)}}}, 2),
             Write({{labels_, {Ramp(148'500, 1000, 1, 7)}}}, 3)});
  EXPECT_THAT(ChunkSizes(merged), testing::ElementsAre(301, 700));
}

TEST_F(MergePartsTest, TheNewestVersionStays) {
  SampleMap newest = Ramp(5000, 10'000, 3, 900);
  const auto merged =
      Merge({Write({{labels_, {Ramp(0, 5000, 20, 0)}}}, 1),
             Write({{labels_, {Ramp(0, 5000, 2, 500)}}}, 2), Write({{labels_, {newest}}}, 3)});
  SampleMap expected = Ramp(0, 5000, 20, 0);
  for (const auto& [time, bits] : Ramp(0, 5000, 2, 500)) expected[time] = bits;
  for (const auto& [time, bits] : newest) expected[time] = bits;
  EXPECT_EQ(ReadAll(merged)[labels_], expected);
  EXPECT_EQ(merged->info().sample_count, 20u);
}

TEST_F(MergePartsTest, RefusesNothingAndMixedTiers) {
  EXPECT_EQ(MergeParts(store_.get(), {}).status().code(), StatusCode::kInvalidArgument);
  const auto raw = Write({{labels_, {Ramp(0, 1000, 50, 0)}}}, 1);
  const auto coarse = Write({{labels_, {Ramp(0, 1000, 50, 0)}}}, 2, format::Tier::kRollup);
  EXPECT_EQ(MergeParts(store_.get(), std::vector{raw, coarse}).status().code(),
            StatusCode::kInvalidArgument);
}

// Parts of random series merged in random contiguous groups until one is left; it must equal a map.
class MergePartsPropertyTest : public MergePartsTest, public testing::WithParamInterface<uint32_t> {
 protected:
  int64_t Below(int64_t n) { return std::uniform_int_distribution<int64_t>(0, n - 1)(random_); }

  PartChunks RandomPart(int64_t* clock_ms) {
    PartChunks part;
    const int64_t series_count = 1 + Below(150);
    for (int64_t i = 0; i < series_count; ++i) {
      const std::string name = "m" + std::to_string(Below(7));
      const std::string number = std::to_string(Below(40));
      std::vector<SampleMap>& chunks = part[LabelBytes({{"__name__", name}, {"n", number}})];
      if (!chunks.empty()) continue;
      int64_t at = *clock_ms + Below(100'000) - (Below(4) == 0 ? 2'000'000 : 0);
      for (int64_t left = 1 + Below(4); left > 0; --left) {
        SampleMap samples;
        for (int64_t count = 1 + Below(Below(3) == 0 ? 240 : 30); count > 0; --count) {
          samples[at] = std::bit_cast<uint64_t>(static_cast<double>(Below(1000)) / 8);
          at += 1000 * (1 + Below(20));
        }
        chunks.push_back(std::move(samples));
      }
    }
    *clock_ms += Below(1'000'000);
    return part;
  }

  std::mt19937 random_{GetParam()};
};

TEST_P(MergePartsPropertyTest, EqualsAMap) {
  std::vector<std::shared_ptr<const kv::Part>> parts;
  Contents truth;
  int64_t clock_ms = -3'000'000;
  for (uint64_t sequence = 1; sequence <= 6; ++sequence) {
    const PartChunks part = RandomPart(&clock_ms);
    for (const auto& [labels, chunks] : part) {
      for (const SampleMap& chunk : chunks) {
        for (const auto& [time, bits] : chunk) truth[labels][time] = bits;
      }
    }
    parts.push_back(Write(part, sequence));
  }
  while (parts.size() > 1) {
    const auto begin = Below(static_cast<int64_t>(parts.size()) - 1);
    const auto count =
        2 + Below(std::min<int64_t>(3, static_cast<int64_t>(parts.size()) - begin - 1));
    const auto first = parts.begin() + begin;
    auto merged = Merge({first, first + count});
    ASSERT_NE(merged, nullptr);
    *first = std::move(merged);
    parts.erase(first + 1, first + count);
  }
  EXPECT_EQ(ReadAll(parts[0]), truth);
  uint64_t sample_count = 0;
  for (const auto& [labels, samples] : truth) sample_count += samples.size();
  EXPECT_EQ(parts[0]->info().sample_count, sample_count);
  EXPECT_EQ(parts[0]->info().series_count, truth.size());
  EXPECT_EQ(parts[0]->info().max_sequence, 6u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MergePartsPropertyTest, testing::Range(0u, 8u));

class DamagedPartsTest : public MergePartsTest {
 protected:
  // A part of one series whose only chunk group is `group`.
  std::shared_ptr<const kv::Part> WriteGroup(std::string_view group) {
    auto writer = store_->NewPart();
    EXPECT_TRUE(writer.ok());
    index::PartIndexWriter index(writer->get());
    EXPECT_TRUE(index.Add(labels_).ok());
    EXPECT_TRUE(index.Finish().ok());
    std::string key;
    AppendBigEndian32(&key, 0);
    EXPECT_TRUE((*writer)->Add(kv::Family::kChunks, key, group).ok());
    auto info =
        store_->Ingest(std::move(*writer), {.max_sequence = 9, .series_count = 1, .files = {}});
    EXPECT_TRUE(info.ok()) << info.status().ToString();
    return Commit(*info);
  }

  // `count` series with the chunks of `list` each.
  static std::vector<std::vector<format::ChunkView>> Series(const ChunkList& list, size_t count) {
    return {count, {list.chunks().begin(), list.chunks().end()}};
  }

  // A merge of a good part with `damaged` fails, names the latter and changes nothing.
  void ExpectNamed(std::shared_ptr<const kv::Part> damaged) {
    const auto good = Write({{labels_, {Ramp(0, 1000, 50, 0)}}}, 1);
    const uint64_t catalog_before = store_->current()->number;
    const auto merged = MergeParts(store_.get(), std::vector{good, damaged});
    EXPECT_EQ(merged.status().code(), StatusCode::kDataLoss) << merged.status().ToString();
    EXPECT_THAT(merged.status().message(),
                HasSubstr("part " + std::to_string(damaged->info().part_id)));
    EXPECT_EQ(store_->current()->number, catalog_before);
  }
};

TEST_F(DamagedPartsTest, AFlippedBitInAGroup) {
  ChunkList list;
  list.Add(Ramp(10'000, 1000, 50, 0));
  std::string group;
  format::EncodeChunkGroup(Series(list, 1), &group);
  group[group.size() / 2] ^= 1;
  ExpectNamed(WriteGroup(group));
}

TEST_F(DamagedPartsTest, APayloadThatContradictsItsHeader) {
  ChunkList list;
  list.Add(Ramp(10'000, 1000, 50, 0));
  list.mutable_chunks()[0].max_time_ms += 500;
  std::string group;
  format::EncodeChunkGroup(Series(list, 1), &group);
  ExpectNamed(WriteGroup(group));
}

TEST_F(DamagedPartsTest, AGroupOfTheWrongSize) {
  ChunkList list;
  list.Add(Ramp(10'000, 1000, 50, 0));
  std::string group;
  format::EncodeChunkGroup(Series(list, 2), &group);
  ExpectNamed(WriteGroup(group));
}

}  // namespace
}  // namespace varve::compaction
