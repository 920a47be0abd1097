// Database::Delete: hidden at once, for ever, and only what was written before.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "compaction/planner.h"
#include "engine/metrics/head.h"
#include "engine/metrics/tombstones.h"
#include "tests/unit/engine/database_fixture.h"

namespace varve::engine {
namespace {

using Pairs = std::vector<std::pair<int64_t, double>>;

const Labels kA{{"__name__", "up"}, {"job", "a"}};
const Labels kB{{"__name__", "up"}, {"job", "b"}};
const Selector kSelectA = {{MatchOp::kEqual, "job", "a"}};
const Selector kSelectAll = {{MatchOp::kEqual, "__name__", "up"}};

class DeleteTest : public DatabaseFixture {
 protected:
  DeleteTest() { options_.exemplar_retention_ms = 0; }

  uint64_t Delete(const Selector& selector, TimeRange range = {}) {
    const Result<DeleteReport> report = database_->Delete({&selector, 1}, range);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? report->series_matched : 0;
  }
  // Times relative to kNowMs, with their values.
  Pairs Of(const Labels& labels) {
    const SampleBuffer samples = Read(labels);
    Pairs pairs;
    for (size_t i = 0; i < samples.timestamps_ms.size(); ++i) {
      pairs.emplace_back(samples.timestamps_ms[i] - kNowMs, samples.values[i]);
    }
    return pairs;
  }
  std::vector<Labels> Listed(TimeRange range = {}) {
    Result<std::vector<Labels>> series = database_->Series({}, range, 0);
    EXPECT_TRUE(series.ok()) << series.status().ToString();
    return series.ok() ? *std::move(series) : std::vector<Labels>();
  }
  void ExpectSame(const Pairs& a, const Pairs& b, const std::string& when) {
    EXPECT_EQ(Of(kA), a) << when;
    EXPECT_EQ(Of(kB), b) << when;
  }
};

TEST_F(DeleteTest, HidesTheRangeOfTheSelectedSeriesAtEveryStage) {
  Open();
  for (int i = 0; i < 10; ++i) {
    Append(kA, kNowMs + i, i);
    Append(kB, kNowMs + i, i);
    if (i == 4) {
      ASSERT_TRUE(database_->Flush().ok());
    }
  }
  EXPECT_EQ(Delete(kSelectA, {kNowMs + 3, kNowMs + 7}), 1u);
  const Pairs a = {{0, 0}, {1, 1}, {2, 2}, {8, 8}, {9, 9}};
  const Pairs b = Of(kB);
  EXPECT_EQ(b.size(), 10u);
  ExpectSame(a, b, "at once");
  Open();
  ExpectSame(a, b, "after kill -9");
  ASSERT_TRUE(database_->Maintain().ok());
  ASSERT_TRUE(database_->Close().ok());
  Open();
  ExpectSame(a, b, "after a reopen");
  for (int i = 0; i < 6; ++i) {
    Append(kB, kNowMs + 100 + i, i);
    ASSERT_TRUE(database_->Flush().ok());
  }
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_LE(database_->Statistics().part_count, 4u);
  EXPECT_EQ(Of(kA), a) << "after a merge";
  Open();
  EXPECT_EQ(Of(kA), a) << "after a merge and a reopen";
}

TEST_F(DeleteTest, WhatIsAppendedAfterwardsIsSeenEvenAtTheSameTimes) {
  for (const bool reopen : {false, true}) {
    Open();
    Delete(kSelectAll);
    for (int i = 0; i < 5; ++i) Append(kA, kNowMs + i, i);
    Delete(kSelectA);
    EXPECT_EQ(Of(kA), Pairs());
    if (reopen) Open();
    Append(kA, kNowMs + 4, 4);  // the newest one, with its value
    EXPECT_EQ(Of(kA), (Pairs{{4, 4}})) << reopen;
    Append(kA, kNowMs + 2, 2);
    Append(kA, kNowMs + 9, 9);
    EXPECT_EQ(Of(kA), (Pairs{{2, 2}, {4, 4}, {9, 9}})) << reopen;
    Open();
    EXPECT_EQ(Of(kA), (Pairs{{2, 2}, {4, 4}, {9, 9}})) << reopen;
    ASSERT_TRUE(database_->Flush().ok());
    EXPECT_EQ(Of(kA), (Pairs{{2, 2}, {4, 4}, {9, 9}})) << reopen;
    for (int i = 0; i < 6; ++i) {
      Append(kB, kNowMs + i, i);
      ASSERT_TRUE(database_->Flush().ok());
    }
    ASSERT_TRUE(database_->Maintain().ok());
    EXPECT_EQ(Of(kA), (Pairs{{2, 2}, {4, 4}, {9, 9}})) << reopen;
  }
}

TEST_F(DeleteTest, DeletesAddUp) {
  Open();
  for (int i = 0; i < 600; ++i) Append(kA, kNowMs + i, i);
  Delete(kSelectA, {kNowMs + 10, kNowMs + 19});
  Append(kA, kNowMs + 12, -1);
  Delete(kSelectA, {kNowMs + 15, kNowMs + 29});
  Delete(kSelectA, {kNowMs + 100, kNowMs + 597});
  Append(kA, kNowMs + 20, -2);
  const auto expected = [] {
    Pairs pairs;
    for (int i = 0; i < 600; ++i) {
      if (i == 12) pairs.emplace_back(i, -1);
      if (i == 20) pairs.emplace_back(i, -2);
      if ((i < 10 || i > 29) && (i < 100 || i > 597)) pairs.emplace_back(i, i);
    }
    return pairs;
  }();
  EXPECT_EQ(Of(kA), expected);
  Open();
  EXPECT_EQ(Of(kA), expected);
  for (int i = 0; i < 4; ++i) {
    Append(kB, kNowMs + i, i);
    ASSERT_TRUE(database_->Flush().ok());
  }
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_EQ(Of(kA), expected);
}

TEST_F(DeleteTest, ASeriesOfWhichEverythingIsDeletedIsNotListed) {
  Open();
  Append(kA, kNowMs, 1);
  Append(kB, kNowMs, 1);
  EXPECT_EQ(Delete(kSelectA, {kNowMs - 5, kNowMs - 1}), 0u);
  EXPECT_EQ(Listed(), (std::vector<Labels>{kA, kB}));
  EXPECT_EQ(Delete(kSelectA), 1u);
  EXPECT_EQ(Listed(), (std::vector<Labels>{kB}));
  EXPECT_EQ(Delete(kSelectA), 0u);
  Append(kA, kNowMs, 1);
  EXPECT_EQ(Listed(), (std::vector<Labels>{kA, kB}));
  EXPECT_EQ(Delete(kSelectAll), 2u);
  EXPECT_EQ(Listed(), std::vector<Labels>());
}

// Everything in the parts is deleted: merging them leaves nothing, and no tombstone.
TEST_F(DeleteTest, AMergeOfNothingLeavesNoPart) {
  Open();
  for (int i = 0; i < 6; ++i) {
    WriteBatch batch;
    batch.BeginSeries(kA);
    batch.AddSample(kNowMs + i, i);
    batch.AddExemplar({Labels{{"t", "x"}}, 1.0 * i, kNowMs + i});
    Append(&batch);
    ASSERT_TRUE(database_->Flush().ok());
  }
  Delete(kSelectAll);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_LE(database_->Statistics().part_count, 6u);
  EXPECT_EQ(Of(kA), Pairs());
  Open();
  EXPECT_EQ(Of(kA), Pairs());
}

TEST_F(DeleteTest, MaintainTakesDeletedSamplesOffTheDisk) {
  Open();
  for (int i = 0; i < 10; ++i) {
    Append(kA, kNowMs + i, i);
    Append(kB, kNowMs + i, i);
  }
  Delete(kSelectA, {kNowMs, kNowMs + 6});
  EXPECT_EQ(database_->Statistics().part_sample_count, 20u);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_EQ(database_->Statistics().part_sample_count, 13u);
  ExpectSame({{7, 7}, {8, 8}, {9, 9}}, Of(kB), "after a purge");
  Delete(kSelectAll);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_EQ(database_->Statistics().part_count, 0u);
  Open();
  Append(kA, kNowMs, 5);
  ExpectSame({{0, 5}}, {}, "after everything went");
}

TEST_F(DeleteTest, ExemplarsOfTheRangeGoToo) {
  Open();
  const auto exemplar = [](int64_t i) {
    return Exemplar{Labels{{"t", "x"}}, static_cast<double>(i), kNowMs + i};
  };
  const auto append = [&](const Labels& labels, int64_t i) {
    WriteBatch batch;
    batch.BeginSeries(labels);
    batch.AddExemplar(exemplar(i));
    Append(&batch);
  };
  for (int i = 0; i < 4; ++i) append(kA, i);
  append(kB, 2);
  Delete(kSelectA, {kNowMs + 1, kNowMs + 2});
  const auto expect = [&](const std::vector<Exemplar>& of_a) {
    const auto all = database_->Exemplars({}, {});
    ASSERT_TRUE(all.ok()) << all.status().ToString();
    ASSERT_EQ(all->size(), 2u);
    EXPECT_EQ((*all)[0].exemplars, of_a);
    EXPECT_EQ((*all)[1].exemplars, (std::vector<Exemplar>{exemplar(2)}));
  };
  expect({exemplar(0), exemplar(3)});
  append(kA, 2);
  expect({exemplar(0), exemplar(2), exemplar(3)});
  for (int i = 0; i < 6; ++i) {
    append(kB, 2);
    ASSERT_TRUE(database_->Flush().ok());
  }
  ASSERT_TRUE(database_->Maintain().ok());
  expect({exemplar(0), exemplar(2), exemplar(3)});
  Open();
  expect({exemplar(0), exemplar(2), exemplar(3)});
}

TEST_F(DeleteTest, AViewTakenBeforeStaysWhole) {
  Open();
  Append(kA, kNowMs, 1);
  Append(kA, kNowMs + 1, 2);
  const SelectRequest request{kSelectA, INT64_MIN, INT64_MAX};
  const auto before = NewReader(database_.get())->Select({&request, 1});
  ASSERT_TRUE(before.ok());
  Delete(kSelectA);
  SampleBuffer samples;
  ASSERT_TRUE(before->front()->Read(0, INT64_MIN, INT64_MAX, &samples).ok());
  EXPECT_EQ(samples.timestamps_ms.size(), 2u);
}

TEST_F(DeleteTest, RefusesWhatItCannotMean) {
  Open();
  Append(kA, kNowMs, 1);
  EXPECT_EQ(database_->Delete({}, {}).status().code(), StatusCode::kInvalidArgument);
  const Selector bad = {{MatchOp::kRegexMatch, "job", "("}};
  EXPECT_EQ(database_->Delete({&bad, 1}, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Delete(kSelectA, {kNowMs + 1, kNowMs}), 0u);
  EXPECT_EQ(Of(kA), (Pairs{{0, 1}}));
  ASSERT_TRUE(database_->Close().ok());
  EXPECT_EQ(database_->Delete({&kSelectA, 1}, {}).status().code(), StatusCode::kFailedPrecondition);
}

// A late sample comes between the flush of a delete and its end: the newest one is deleted, and yet
// what follows must go on to be late.
TEST(ForgetNewestTest, TheDeletedNewestIsNoDuplicate) {
  constexpr int64_t kWindowMs = 3'600'000;
  const Options options;
  Head head(options);
  ASSERT_TRUE(head.RestoreSeries(1, kA.canonical_bytes()).ok());
  const index::SeriesId ids[] = {1};
  const auto append = [&](int64_t time_ms, double value) {
    MutexLock lock(&head.visibility_mutex);
    AppendToSeries(head.series(1), time_ms, value, 0, kWindowMs, &head.mutable_counters);
  };
  const auto flush = [&] {
    const std::vector<FrozenSeries> frozen = head.Freeze(Head::FreezeScope::kAllSeries);
    head.Replace(frozen, {}, nullptr);
  };
  append(kNowMs, 1);
  flush();
  append(kNowMs, 1);
  EXPECT_TRUE(head.series(1)->empty()) << "a duplicate";
  head.ForgetNewest(ids, {kNowMs + 1, INT64_MAX});
  append(kNowMs, 1);
  EXPECT_TRUE(head.series(1)->empty()) << "a duplicate of what is not deleted";

  append(kNowMs - 5, 2);
  head.ForgetNewest(ids, {kNowMs, kNowMs});
  EXPECT_EQ(head.series(1)->max_time_ms, kNowMs);
  append(kNowMs, 1);
  EXPECT_EQ(head.counters().duplicates, 2u);
  append(kNowMs, 1);
  EXPECT_EQ(head.counters().duplicates, 3u);
  flush();

  head.ForgetNewest(ids, {});
  EXPECT_EQ(head.series(1)->max_time_ms, INT64_MIN);
  append(kNowMs, 1);
  EXPECT_EQ(head.counters().duplicates, 3u);
  head.ForgetNewest(ids, {});  // what is in the head was written after the delete
  append(kNowMs, 1);
  EXPECT_EQ(head.counters().duplicates, 4u);
}

TombstoneList Example() {
  auto tombstone = std::make_shared<Tombstone>();
  tombstone->selectors = {
      {{MatchOp::kEqual, "__name__", "up"}, {MatchOp::kRegexNotMatch, "a", "b|c"}}, {}};
  tombstone->range = {-5, 1'700'000'000'000};
  tombstone->part_ids = {3, 4, 900};
  return {tombstone, tombstone};
}

TEST(TombstonesTest, ComeBack) {
  const auto decoded = DecodeTombstones(EncodeTombstones(Example()));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  ASSERT_EQ(decoded->size(), 2u);
  const Tombstone& tombstone = *decoded->front();
  ASSERT_EQ(tombstone.selectors.size(), 2u);
  ASSERT_EQ(tombstone.selectors[0].size(), 2u);
  EXPECT_EQ(tombstone.selectors[0][1].op, MatchOp::kRegexNotMatch);
  EXPECT_EQ(tombstone.selectors[0][1].name, "a");
  EXPECT_EQ(tombstone.selectors[0][1].value, "b|c");
  EXPECT_EQ(tombstone.range.min_ms, -5);
  EXPECT_EQ(tombstone.range.max_ms, 1'700'000'000'000);
  EXPECT_EQ(tombstone.part_ids, (std::vector<uint64_t>{3, 4, 900}));
  EXPECT_EQ(tombstone.compiled.size(), 2u);
}

TEST(TombstonesTest, EveryTruncationAndEveryFlippedBitIsRefused) {
  const std::string bytes = EncodeTombstones(Example());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodeTombstones(bytes.substr(0, size)).status().code(), StatusCode::kDataLoss);
  }
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_EQ(DecodeTombstones(flipped).status().code(), StatusCode::kDataLoss) << bit;
  }
}

}  // namespace
}  // namespace varve::engine
