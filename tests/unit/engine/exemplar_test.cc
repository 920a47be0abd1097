// Exemplars through the whole engine: refused alone, durable, merged, dropped.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/metrics/exemplar_record.h"
#include "storage/format/label_bytes.h"
#include "tests/unit/engine/database_fixture.h"

namespace varve::engine {
namespace {

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;

const Labels kRequests{{"__name__", "requests_bucket"}, {"job", "api"}};
const Labels kErrors{{"__name__", "errors_bucket"}, {"job", "api"}};

Exemplar Of(int64_t time_ms, double value, std::string_view trace = "t") {
  return {Labels{{"trace_id", trace}}, value, time_ms};
}

class ExemplarTest : public DatabaseFixture {
 protected:
  ExemplarTest() { options_.exemplar_retention_ms = 0; }

  AppendResult AppendExemplars(const Labels& labels, const std::vector<Exemplar>& exemplars) {
    WriteBatch batch;
    batch.BeginSeries(labels);
    for (const Exemplar& exemplar : exemplars) batch.AddExemplar(exemplar);
    return Append(&batch);
  }

  std::vector<SeriesExemplars> All(const std::vector<Selector>& selectors = {},
                                   TimeRange range = {}) {
    Result<std::vector<SeriesExemplars>> all = database_->Exemplars(selectors, range);
    EXPECT_TRUE(all.ok()) << all.status().ToString();
    return all.ok() ? *std::move(all) : std::vector<SeriesExemplars>();
  }
  std::vector<Exemplar> OfRequests(TimeRange range = {}) {
    for (SeriesExemplars& series : All({}, range)) {
      if (series.labels == kRequests) return std::move(series.exemplars);
    }
    return {};
  }
};

TEST_F(ExemplarTest, ComeBackInLabelOrderAndAscendingInTime) {
  Open();
  WriteBatch batch;
  batch.BeginSeries(kRequests);
  batch.AddSample(kNowMs, 1);
  batch.AddExemplar(Of(kNowMs, 0.5, "b"));
  batch.AddExemplar(Of(kNowMs - 10, 0.25, "a"));
  batch.BeginSeries(kErrors);
  batch.AddExemplar({Labels(), 7, kNowMs + 1});
  const AppendResult result = Append(&batch);
  EXPECT_EQ(result.samples_appended, 1u);
  EXPECT_EQ(result.exemplars_appended, 3u);
  EXPECT_EQ(result.exemplars_rejected, 0u);

  const std::vector<SeriesExemplars> all = All();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].labels, kErrors);
  EXPECT_EQ(all[0].exemplars, (std::vector<Exemplar>{{Labels(), 7, kNowMs + 1}}));
  EXPECT_EQ(all[1].labels, kRequests);
  EXPECT_EQ(all[1].exemplars,
            (std::vector<Exemplar>{Of(kNowMs - 10, 0.25, "a"), Of(kNowMs, 0.5, "b")}));

  EXPECT_EQ(All({{{MatchOp::kRegexMatch, "__name__", "err.*"}}}).size(), 1u);
  EXPECT_EQ(All({{{MatchOp::kEqual, "job", "other"}}}).size(), 0u);
  EXPECT_EQ(OfRequests({kNowMs, kNowMs}), (std::vector<Exemplar>{Of(kNowMs, 0.5, "b")}));
}

TEST_F(ExemplarTest, ASeriesMayBeNamedByReference) {
  Open();
  WriteBatch first;
  first.BeginSeries(kRequests);
  first.AddSample(kNowMs, 1);
  Append(&first);
  WriteBatch second;
  second.BeginSeries(first.series_ref(0));
  second.AddExemplar(Of(kNowMs, 1));
  second.BeginSeries(SeriesRef{1'000'000});
  second.AddExemplar(Of(kNowMs, 2));
  const AppendResult result = Append(&second);
  EXPECT_EQ(result.exemplars_appended, 1u);
  EXPECT_EQ(result.exemplars_rejected, 1u);
  ASSERT_EQ(result.rejections.size(), 1u);
  EXPECT_EQ(result.rejections[0].reason, RejectReason::kUnknownSeriesRef);
  EXPECT_EQ(OfRequests(), (std::vector<Exemplar>{Of(kNowMs, 1)}));
}

TEST_F(ExemplarTest, InvalidOnesAreRefusedAlone) {
  options_.exemplar_label_bytes_max = 20;
  options_.exemplar_retention_ms = kDayMs;
  options_.future_limit_ms = 1000;
  Open();
  WriteBatch batch;
  batch.BeginSeries(kRequests);
  batch.AddSample(kNowMs, 1);
  batch.AddExemplar(Of(kNowMs, 1, "123456789012"));   // 20 bytes
  batch.AddExemplar(Of(kNowMs, 2, "1234567890123"));  // 21
  batch.AddExemplar({Labels{{"a", "\xff"}}, 3, kNowMs});
  batch.AddExemplar(Of(kNowMs + 1001, 4));
  batch.AddExemplar(Of(kNowMs - kDayMs - 1, 5));
  batch.BeginSeries(Labels{{"", "nameless"}});
  batch.AddExemplar(Of(kNowMs, 6));
  const AppendResult result = Append(&batch);
  EXPECT_EQ(result.samples_appended, 1u);
  EXPECT_EQ(result.samples_rejected, 0u);
  EXPECT_EQ(result.exemplars_appended, 1u);
  EXPECT_EQ(result.exemplars_rejected, 5u);
  std::vector<std::pair<RejectReason, uint64_t>> counts;
  for (const Rejection& rejection : result.rejections) {
    counts.emplace_back(rejection.reason, rejection.sample_count);
    EXPECT_FALSE(rejection.example.empty());
  }
  EXPECT_EQ(counts,
            (std::vector<std::pair<RejectReason, uint64_t>>{{RejectReason::kInvalidExemplar, 2},
                                                            {RejectReason::kTooFarInFuture, 1},
                                                            {RejectReason::kOutOfRetention, 1},
                                                            {RejectReason::kInvalidLabelName, 1}}));
  EXPECT_EQ(OfRequests(), (std::vector<Exemplar>{Of(kNowMs, 1, "123456789012")}));
}

TEST_F(ExemplarTest, DuplicatesAreDroppedInMemoryAndAcrossParts) {
  Open();
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(AppendExemplars(kRequests, {Of(kNowMs, 1), Of(kNowMs, 1), Of(kNowMs, 2)})
                  .exemplars_appended,
              3u);
    EXPECT_EQ(OfRequests(), (std::vector<Exemplar>{Of(kNowMs, 1), Of(kNowMs, 2)}));
    ASSERT_TRUE(database_->Flush().ok());
    EXPECT_EQ(OfRequests(), (std::vector<Exemplar>{Of(kNowMs, 1), Of(kNowMs, 2)}));
  }
}

// Destroying a database without Close is what kill -9 leaves behind.
TEST_F(ExemplarTest, SurviveAReopenAtEveryStage) {
  Open();
  std::vector<Exemplar> expected;
  const auto step = [&](Status (Database::*persist)()) {
    const auto number = static_cast<int64_t>(expected.size());
    expected.push_back(Of(kNowMs + number, static_cast<double>(number)));
    AppendExemplars(kRequests, {expected.back()});
    EXPECT_EQ(OfRequests(), expected) << number;
    if (persist != nullptr) {
      ASSERT_TRUE((database_.get()->*persist)().ok());
    }
    Open();
    EXPECT_EQ(OfRequests(), expected) << "after reopening, " << number;
  };
  for (int round = 0; round < 2; ++round) {
    step(nullptr);
    step(&Database::Checkpoint);
    step(nullptr);
    step(&Database::Flush);
    step(nullptr);
    step(&Database::Close);
    Append(kRequests, kNowMs + round, 1);
    step(&Database::Checkpoint);
    step(&Database::Maintain);
  }
}

TEST_F(ExemplarTest, AHandfulOfPartsStands) {
  Open();
  std::vector<Exemplar> expected;
  for (int i = 0; i < 12; ++i) {
    expected.push_back(Of(kNowMs + i, i));
    AppendExemplars(kRequests, {expected.back()});
    ASSERT_TRUE(database_->Flush().ok());
  }
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_LE(database_->Statistics().part_count, 4u);
  EXPECT_EQ(OfRequests(), expected);
  Open();
  EXPECT_EQ(OfRequests(), expected);
}

TEST_F(ExemplarTest, DaysAreDroppedWholeWhenOutOfTheirRetention) {
  options_.exemplar_retention_ms = 10 * kDayMs;
  options_.retention_ms = 30 * kDayMs;
  Open();
  WriteBatch batch;
  batch.BeginSeries(kRequests);
  for (int day = 9; day >= 0; day -= 3) {
    batch.AddSample(kNowMs - day * kDayMs, day);
    batch.AddExemplar(Of(kNowMs - day * kDayMs, day));
  }
  Append(&batch);
  ASSERT_TRUE(database_->Flush().ok());
  clock_.SetMs(kNowMs + 5 * kDayMs);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_EQ(OfRequests(), (std::vector<Exemplar>{Of(kNowMs - 3 * kDayMs, 3), Of(kNowMs, 0)}));
  EXPECT_EQ(this->Read(kRequests).timestamps_ms.size(), 4u);
}

TEST(ExemplarRecordTest, EveryTruncationAndExtensionIsRefused) {
  std::string labels;
  format::AppendLabel("a", "b", &labels);
  const std::vector<SeriesExemplarViews> series = {{labels, {{1, 2, labels}, {3, 4, {}}}},
                                                   {labels, {{5, 6, {}}}}};
  std::string body;
  EncodeExemplarRecord(series, &body);
  std::vector<SeriesExemplarViews> decoded;
  ASSERT_TRUE(DecodeExemplarRecord(body, &decoded).ok());
  ASSERT_EQ(decoded.size(), 2u);
  EXPECT_EQ(decoded[0].exemplars.size(), 2u);
  for (size_t size = 0; size < body.size(); ++size) {
    EXPECT_EQ(DecodeExemplarRecord(body.substr(0, size), &decoded).code(), StatusCode::kDataLoss);
  }
  EXPECT_EQ(DecodeExemplarRecord(body + '\0', &decoded).code(), StatusCode::kDataLoss);
}

TEST(ExemplarRecordTest, JoinedRecordsComeApart) {
  const std::string joined = JoinRecords("the samples", "the exemplars");
  std::string_view samples;
  std::string_view exemplars;
  ASSERT_TRUE(SplitRecords(joined, &samples, &exemplars).ok());
  EXPECT_EQ(samples, "the samples");
  EXPECT_EQ(exemplars, "the exemplars");
  EXPECT_EQ(SplitRecords(joined.substr(0, 5), &samples, &exemplars).code(), StatusCode::kDataLoss);
  EXPECT_EQ(SplitRecords("", &samples, &exemplars).code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace varve::engine
