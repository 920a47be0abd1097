#include "compaction/metrics_part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "base/bytes.h"
#include "storage/format/chunk_group.h"
#include "tests/unit/compaction/series_samples.h"
#include "tests/unit/compaction/store_fixture.h"

namespace varve::compaction {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string SeriesLabels(int i) {
  const std::string number = std::to_string(100000 + i);
  return LabelBytes({{"__name__", "m"}, {"i", number}});
}

class MetricsPartTest : public StoreFixture {
 protected:
  // Series i has two chunks of 10 samples, one a second: from 0 s with values from i, and from 100
  // s.
  std::shared_ptr<const kv::Part> WritePart(int series_count) {
    auto writer = MetricsPartWriter::Create(store_.get());
    EXPECT_TRUE(writer.ok()) << writer.status().ToString();
    for (int i = 0; i < series_count; ++i) {
      ChunkList
          list;  // dies before the writer's next call, as the contract allows, not before this one
      list.Add(Ramp(0, 1000, 10, i));
      list.Add(Ramp(100'000, 1000, 10, i));
      const Status status = (*writer)->Add(SeriesLabels(i), list.chunks());
      EXPECT_TRUE(status.ok()) << status.ToString();
      kept_.push_back(std::move(list));
    }
    auto info = (*writer)->Finish({.level = 3, .min_sequence = 7, .max_sequence = 9, .files = {}});
    EXPECT_TRUE(info.ok()) << info.status().ToString();
    return Commit(*info);
  }

  // Series 0..63 in a group of `group_bytes`.
  std::shared_ptr<const kv::Part> WritePartWithGroup(std::string_view group_bytes) {
    auto writer = store_->NewPart();
    EXPECT_TRUE(writer.ok());
    index::PartIndexWriter index(writer->get());
    for (int i = 0; i < 64; ++i) EXPECT_TRUE(index.Add(SeriesLabels(i)).ok());
    EXPECT_TRUE(index.Finish().ok());
    std::string key;
    AppendBigEndian32(&key, 0);
    EXPECT_TRUE((*writer)->Add(kv::Family::kChunks, key, group_bytes).ok());
    auto info = store_->Ingest(
        std::move(*writer),
        {.min_time_ms = 0, .max_time_ms = 99, .series_count = 64, .sample_count = 64, .files = {}});
    EXPECT_TRUE(info.ok()) << info.status().ToString();
    return Commit(*info);
  }

  std::vector<ChunkList> kept_;
};

std::unique_ptr<MetricsPartReader> OpenReader(std::shared_ptr<const kv::Part> part) {
  auto reader = MetricsPartReader::Open(std::move(part));
  EXPECT_TRUE(reader.ok()) << reader.status().ToString();
  return reader.ok() ? std::move(*reader) : nullptr;
}

SampleMap Decode(std::span<const format::ChunkView> chunks) {
  format::SampleColumns samples;
  for (const format::ChunkView& chunk : chunks) {
    const Status status = format::DecodeChunk(chunk, &samples);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  EXPECT_TRUE(std::is_sorted(samples.timestamps_ms.begin(), samples.timestamps_ms.end()));
  return ToMap(samples.timestamps_ms, samples.values);
}

TEST_F(MetricsPartTest, CountsWhatItHolds) {
  const auto part = WritePart(130);
  const format::PartInfo& info = part->info();
  EXPECT_EQ(info.series_count, 130u);
  EXPECT_EQ(info.chunk_count, 260u);
  EXPECT_EQ(info.sample_count, 2600u);
  EXPECT_EQ(info.min_time_ms, 0);
  EXPECT_EQ(info.max_time_ms, 109'000);
  EXPECT_EQ(info.level, 3);
  EXPECT_EQ(info.min_sequence, 7u);
  EXPECT_EQ(info.max_sequence, 9u);
}

TEST_F(MetricsPartTest, GivesBackEverySeriesAcrossGroups) {
  for (const int count : {1, 63, 64, 65, 128, 200}) {
    const auto reader = OpenReader(WritePart(count));
    std::vector<index::Ordinal> ordinals(static_cast<size_t>(count));
    std::iota(ordinals.begin(), ordinals.end(), 0);
    size_t visited = 0;
    const Status status = reader->VisitChunks(
        ordinals, INT64_MIN, INT64_MAX,
        [&](size_t i, std::span<const format::ChunkView> chunks) {
          EXPECT_EQ(i, visited++);
          SampleMap expected = Ramp(0, 1000, 10, static_cast<double>(i));
          expected.merge(Ramp(100'000, 1000, 10, static_cast<double>(i)));
          EXPECT_EQ(Decode(chunks), expected);
        },
        nullptr);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(visited, ordinals.size());
  }
}

TEST_F(MetricsPartTest, OrdinalsFollowTheIndex) {
  const auto reader = OpenReader(WritePart(130));
  const std::vector<index::Ordinal> ordinals = {0, 64, 129};
  std::vector<std::string> labels;
  ASSERT_TRUE(reader->index()
                  .VisitLabels(ordinals,
                               [&](size_t, std::string_view bytes) { labels.emplace_back(bytes); })
                  .ok());
  EXPECT_THAT(labels, ElementsAre(SeriesLabels(0), SeriesLabels(64), SeriesLabels(129)));
}

TEST_F(MetricsPartTest, ShowsOnlyChunksThatTouchTheRangeAndEveryOrdinal) {
  const auto reader = OpenReader(WritePart(70));
  struct Case {
    int64_t min_ms, max_ms;
    size_t chunks;
  };
  for (const Case& c :
       {Case{0, 0, 1}, Case{9000, 99'999, 1}, Case{9000, 100'000, 2}, Case{9001, 99'999, 0},
        Case{109'000, 109'000, 1}, Case{109'001, INT64_MAX, 0}, Case{INT64_MIN, -1, 0}}) {
    std::vector<size_t> visited;
    const std::vector<index::Ordinal> ordinals = {3, 68};
    ASSERT_TRUE(reader
                    ->VisitChunks(
                        ordinals, c.min_ms, c.max_ms,
                        [&](size_t i, std::span<const format::ChunkView> chunks) {
                          visited.push_back(i);
                          EXPECT_THAT(chunks, SizeIs(c.chunks)) << c.min_ms << " " << c.max_ms;
                        },
                        nullptr)
                    .ok());
    EXPECT_THAT(visited, ElementsAre(0, 1));
  }
}

TEST_F(MetricsPartTest, KeptPayloadsOutliveTheVisit) {
  ChunkPins keep;
  std::vector<format::ChunkView> views;
  {
    const auto reader = OpenReader(WritePart(130));
    const std::vector<index::Ordinal> ordinals = {1, 2, 129};
    ASSERT_TRUE(reader
                    ->VisitChunks(
                        ordinals, 0, 9000,
                        [&](size_t, std::span<const format::ChunkView> chunks) {
                          views.insert(views.end(), chunks.begin(), chunks.end());
                        },
                        &keep)
                    .ok());
  }
  EXPECT_THAT(keep.bytes, SizeIs(2));  // one per group, not per series
  ASSERT_THAT(views, SizeIs(3));
  EXPECT_EQ(Decode({&views[1], 1}), Ramp(0, 1000, 10, 2));
  EXPECT_EQ(Decode({&views[2], 1}), Ramp(0, 1000, 10, 129));
}

TEST_F(MetricsPartTest, KeepsNothingWhereNothingMatched) {
  const auto reader = OpenReader(WritePart(1));
  ChunkPins keep;
  const std::vector<index::Ordinal> ordinals = {0};
  ASSERT_TRUE(reader
                  ->VisitChunks(
                      ordinals, 20'000, 30'000, [](size_t, auto) {}, &keep)
                  .ok());
  EXPECT_THAT(keep.bytes, IsEmpty());
}

TEST_F(MetricsPartTest, RefusesAnEmptyPart) {
  auto writer = MetricsPartWriter::Create(store_.get());
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ((*writer)->Finish({}).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(MetricsPartTest, RefusesChunksThatAreEmptyInvertedOrOverlap) {
  auto writer = MetricsPartWriter::Create(store_.get());
  ASSERT_TRUE(writer.ok());
  const std::string labels = SeriesLabels(0);
  EXPECT_EQ((*writer)->Add(labels, {}).code(), StatusCode::kInvalidArgument);
  const auto refused = [&](std::vector<format::ChunkView> chunks) {
    const Status status = (*writer)->Add(labels, chunks);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
  };
  refused({{.sample_count = 0, .min_time_ms = 1, .max_time_ms = 1, .payload = "x"}});
  refused({{.sample_count = 1, .min_time_ms = 2, .max_time_ms = 1, .payload = "x"}});
  refused({{.sample_count = 2, .min_time_ms = 1, .max_time_ms = 5, .payload = "x"},
           {.sample_count = 2, .min_time_ms = 5, .max_time_ms = 6, .payload = "x"}});
}

TEST_F(MetricsPartTest, DamageNamesPartAndGroup) {
  ChunkList list;
  list.Add(Ramp(0, 1, 3, 0));
  const std::vector<std::vector<format::ChunkView>> series(
      64, {list.chunks().begin(), list.chunks().end()});
  std::string group;
  format::EncodeChunkGroup(series, &group);
  std::string flipped = group;
  flipped[flipped.size() / 2] ^= 4;
  std::string few;
  format::EncodeChunkGroup(std::span(series).first(10), &few);
  for (const std::string& bytes :
       {flipped, group.substr(0, group.size() - 1), few, std::string()}) {
    const auto part = WritePartWithGroup(bytes);
    const auto reader = OpenReader(part);
    const std::vector<index::Ordinal> ordinals = {12};
    const Status status = reader->VisitChunks(
        ordinals, INT64_MIN, INT64_MAX, [](size_t, auto) {}, nullptr);
    EXPECT_EQ(status.code(), StatusCode::kDataLoss) << status.ToString();
    EXPECT_THAT(status.message(), HasSubstr("part " + std::to_string(part->info().part_id)));
    EXPECT_THAT(status.message(), HasSubstr("group 0"));
  }
}

TEST_F(MetricsPartTest, AMissingGroupIsDamage) {
  const auto reader = OpenReader(WritePart(64));
  const std::vector<index::Ordinal> ordinals = {64};
  const Status status = reader->VisitChunks(
      ordinals, INT64_MIN, INT64_MAX, [](size_t, auto) {}, nullptr);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss) << status.ToString();
  EXPECT_THAT(status.message(), HasSubstr("group 1"));
}

}  // namespace
}  // namespace varve::compaction
