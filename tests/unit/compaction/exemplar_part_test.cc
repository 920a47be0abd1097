#include "compaction/exemplar_part.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "tests/unit/compaction/series_samples.h"
#include "tests/unit/compaction/store_fixture.h"

namespace varve::compaction {
namespace {

// Of one series: time, value, labels.
using Rows = std::vector<std::tuple<int64_t, double, std::string>>;
using Contents = std::map<std::string, Rows>;

std::string SeriesLabels(int i) {
  const std::string number = std::to_string(100000 + i);
  return LabelBytes({{"__name__", "m"}, {"i", number}});
}
std::string TraceLabels(int i) {
  const std::string number = std::to_string(i);
  return LabelBytes({{"trace_id", number}});
}

class ExemplarPartTest : public StoreFixture {
 protected:
  std::shared_ptr<const kv::Part> WritePart(const Contents& contents, uint64_t sequence) {
    auto writer = ExemplarPartWriter::Create(store_.get());
    EXPECT_TRUE(writer.ok()) << writer.status().ToString();
    for (const auto& [labels, rows] : contents) {
      std::vector<format::ExemplarView> views;
      for (const auto& [time, value, trace] : rows) views.push_back({time, value, trace});
      const Status status = (*writer)->Add(labels, views);
      EXPECT_TRUE(status.ok()) << status.ToString();
    }
    auto info =
        (*writer)->Finish({.min_sequence = sequence, .max_sequence = sequence, .files = {}});
    EXPECT_TRUE(info.ok()) << info.status().ToString();
    return Commit(*info);
  }

  static Contents ReadPart(const std::shared_ptr<const kv::Part>& part, int64_t min_ms,
                           int64_t max_ms) {
    const auto reader = ExemplarPartReader::Open(part);
    EXPECT_TRUE(reader.ok()) << reader.status().ToString();
    const auto ordinals = (*reader)->index().Match({});
    std::vector<std::string> labels;
    EXPECT_TRUE(
        (*reader)
            ->index()
            .VisitLabels(*ordinals, [&](size_t, std::string_view l) { labels.emplace_back(l); })
            .ok());
    Contents contents;
    const Status status = (*reader)->VisitExemplars(
        *ordinals, min_ms, max_ms, [&](size_t i, const format::ExemplarView& exemplar) {
          contents[labels[i]].emplace_back(exemplar.timestamp_ms, exemplar.value, exemplar.labels);
        });
    EXPECT_TRUE(status.ok()) << status.ToString();
    return contents;
  }
};

TEST_F(ExemplarPartTest, WhatIsWrittenIsReadBack) {
  Contents contents;
  for (int i = 0; i < 300; ++i)
    contents[SeriesLabels(i)] = {{i, 0.5, TraceLabels(i)}, {500, 1, ""}};
  const auto part = WritePart(contents, 3);
  EXPECT_EQ(part->info().signal, format::Signal::kExemplars);
  EXPECT_EQ(part->info().series_count, 300u);
  EXPECT_EQ(part->info().sample_count, 600u);
  EXPECT_EQ(part->info().min_time_ms, 0);
  EXPECT_EQ(part->info().max_time_ms, 500);
  EXPECT_EQ(part->info().files.size(), 3u);
  EXPECT_EQ(ReadPart(part, INT64_MIN, INT64_MAX), contents);
  EXPECT_EQ(ReadPart(part, 299, 499),
            (Contents{{SeriesLabels(299), {{299, 0.5, TraceLabels(299)}}}}));
}

TEST_F(ExemplarPartTest, ALongSeriesTakesSeveralBlocks) {
  Contents contents;
  for (int i = 0; i < 2000; ++i) contents[SeriesLabels(1)].emplace_back(i, i, TraceLabels(i));
  contents[SeriesLabels(2)] = {{5, 5, ""}};
  const auto part = WritePart(contents, 1);
  EXPECT_EQ(part->info().chunk_count, 5u);
  EXPECT_EQ(ReadPart(part, INT64_MIN, INT64_MAX), contents);
}

TEST_F(ExemplarPartTest, AMergeIsTheUnionWithoutDuplicates) {
  const auto a = WritePart(
      {{SeriesLabels(1), {{10, 1, TraceLabels(1)}, {30, 3, ""}}}, {SeriesLabels(3), {{1, 1, ""}}}},
      5);
  const auto b = WritePart({{SeriesLabels(1), {{10, 1, TraceLabels(1)}, {20, 2, ""}}},
                            {SeriesLabels(2), {{7, 7, TraceLabels(7)}}}},
                           9);
  const std::vector<std::shared_ptr<const kv::Part>> parts = {a, b};
  const auto merged = MergeExemplarParts(store_.get(), parts, {});
  ASSERT_TRUE(merged.ok()) << merged.status().ToString();
  ASSERT_TRUE(merged->has_value());
  EXPECT_EQ((*merged)->level, 1);
  EXPECT_EQ((*merged)->min_sequence, 5u);
  EXPECT_EQ((*merged)->max_sequence, 9u);
  const Contents expected = {{SeriesLabels(1), {{10, 1, TraceLabels(1)}, {20, 2, ""}, {30, 3, ""}}},
                             {SeriesLabels(2), {{7, 7, TraceLabels(7)}}},
                             {SeriesLabels(3), {{1, 1, ""}}}};
  EXPECT_EQ(ReadPart(Commit(**merged), INT64_MIN, INT64_MAX), expected);
}

TEST_F(ExemplarPartTest, APartOfMetricsIsNotMergedAsOneOfExemplars) {
  const std::vector<std::shared_ptr<const kv::Part>> none;
  EXPECT_EQ(MergeExemplarParts(store_.get(), none, {}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(ExemplarPartTest, ADamagedBlockIsNamed) {
  auto writer = store_->NewPart();
  ASSERT_TRUE(writer.ok());
  index::PartIndexWriter index(writer->get());
  ASSERT_TRUE(index.Add(SeriesLabels(1)).ok());
  ASSERT_TRUE(index.Finish().ok());
  ASSERT_TRUE((*writer)->Add(kv::Family::kExemplars, std::string(8, '\0'), "rubbish bytes").ok());
  auto info = store_->Ingest(
      std::move(*writer), {.signal = format::Signal::kExemplars, .series_count = 1, .files = {}});
  ASSERT_TRUE(info.ok());
  const std::vector<std::shared_ptr<const kv::Part>> parts = {Commit(*info)};
  const Status status = MergeExemplarParts(store_.get(), parts, {}).status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("part " + std::to_string(info->part_id)), std::string::npos)
      << status.ToString();
}

}  // namespace
}  // namespace varve::compaction
