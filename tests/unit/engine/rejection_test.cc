// Every reason for which a sample or a series is refused, alone, in the words a user gets.
#include <string>

#include "tests/unit/engine/database_fixture.h"

namespace varve::engine {
namespace {

class RejectionTest : public DatabaseFixture {
 protected:
  // Appends the batch, of which `rejected` samples must be refused for `reason` with `example`,
  // together with a sound series, which must land.
  void ExpectRejected(WriteBatch* batch, RejectReason reason, const std::string& example,
                      uint64_t rejected = 1) {
    batch->BeginSeries(kSound);
    batch->AddSample(clock_.NowMs(), ++value_);
    const AppendResult result = Append(batch);
    EXPECT_EQ(result.samples_appended, batch->sample_count() - rejected);
    EXPECT_EQ(result.samples_rejected, rejected);
    ASSERT_EQ(result.rejections.size(), 1u);
    EXPECT_EQ(result.rejections[0].reason, reason);
    EXPECT_EQ(result.rejections[0].sample_count, rejected);
    EXPECT_EQ(result.rejections[0].example, example);
    EXPECT_EQ(Read(kSound).values.back(), value_);
    EXPECT_EQ(database_->Statistics().samples_rejected[static_cast<size_t>(reason)], rejected);
  }
  static void AddSeries(WriteBatch* batch, std::vector<LabelView> labels) {
    batch->BeginSeries(labels);
    batch->AddSample(kNowMs, 1);
  }

  const Labels kSound{{"__name__", "sound"}};
  double value_ = 0;
};

TEST_F(RejectionTest, EmptyLabelName) {
  Open();
  WriteBatch batch;
  AddSeries(&batch, {{"", "x"}});
  ExpectRejected(&batch, RejectReason::kInvalidLabelName, "label name \"\" is empty or not UTF-8");
}

TEST_F(RejectionTest, LabelNameNotUtf8) {
  Open();
  WriteBatch batch;
  AddSeries(&batch, {{"a\xff", "x"}});
  ExpectRejected(&batch, RejectReason::kInvalidLabelName,
                 "label name \"a\xff\" is empty or not UTF-8");
}

TEST_F(RejectionTest, LabelValueNotUtf8) {
  Open();
  WriteBatch batch;
  AddSeries(&batch, {{"a", "\xc3("}});
  ExpectRejected(&batch, RejectReason::kInvalidLabelValue, "the value of label \"a\" is not UTF-8");
}

TEST_F(RejectionTest, DuplicateLabelName) {
  Open();
  WriteBatch batch;
  AddSeries(&batch, {{"b", "1"}, {"a", "2"}, {"b", "1"}});
  ExpectRejected(&batch, RejectReason::kDuplicateLabelName, "label name \"b\" occurs twice");
}

TEST_F(RejectionTest, NoLabelsAtAllOrOnlyEmptyOnes) {
  Open();
  WriteBatch batch;
  AddSeries(&batch, {});
  AddSeries(&batch, {{"a", ""}});
  ExpectRejected(&batch, RejectReason::kNoLabels, "a series has no labels", 2);
}

TEST_F(RejectionTest, TooManyLabels) {
  options_.label_count_max = 2;
  Open();
  WriteBatch batch;
  AddSeries(&batch, {{"a", "1"}, {"b", "2"}, {"empty", ""}});  // two
  AddSeries(&batch, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  ExpectRejected(&batch, RejectReason::kTooManyLabels, "a series has 3 labels, more than 2");
}

TEST_F(RejectionTest, LabelNameTooLong) {
  options_.label_name_bytes_max = 8;
  Open();
  WriteBatch batch;
  AddSeries(&batch, {{"12345678", "x"}});
  AddSeries(&batch, {{"123456789", "x"}});
  ExpectRejected(&batch, RejectReason::kLabelNameTooLong,
                 "label name \"123456789\" has 9 bytes, more than 8");
}

TEST_F(RejectionTest, LabelValueTooLong) {
  options_.label_value_bytes_max = 5;
  Open();
  WriteBatch batch;
  AddSeries(&batch, {{"a", "12345"}});
  AddSeries(&batch, {{"a", "123456"}});
  ExpectRejected(&batch, RejectReason::kLabelValueTooLong,
                 "the value of label \"a\" has 6 bytes, more than 5");
}

TEST_F(RejectionTest, LongNamesAreCutInMessages) {
  options_.label_name_bytes_max = 300;
  Open();
  WriteBatch batch;
  const std::string name(301, 'n');
  AddSeries(&batch, {{name, "x"}});
  ExpectRejected(&batch, RejectReason::kLabelNameTooLong,
                 "label name \"" + name.substr(0, 200) + "...\" has 301 bytes, more than 300");
}

TEST_F(RejectionTest, SeriesLimit) {
  options_.series_count_max = 2;
  Open();
  Append(kSound, kNowMs, value_);
  WriteBatch batch;
  AddSeries(&batch, {{"__name__", "second"}});
  AddSeries(&batch, {{"__name__", "third"}});
  ExpectRejected(&batch, RejectReason::kSeriesLimit,
                 "there are 2 series in memory, the limit is 2");
  EXPECT_EQ(batch.series_ref(1), kNoSeries);
  EXPECT_NE(batch.series_ref(0), kNoSeries);
}

TEST_F(RejectionTest, UnknownSeriesRef) {
  Open();
  WriteBatch batch;
  batch.BeginSeries(SeriesRef{123'456});
  batch.AddSample(kNowMs, 1);
  ExpectRejected(&batch, RejectReason::kUnknownSeriesRef,
                 "no series in memory has reference 123456; append it by its labels");
}

TEST_F(RejectionTest, TooFarInFutureByTheInjectedClock) {
  options_.future_limit_ms = 1000;
  Open();
  WriteBatch batch;
  batch.BeginSeries(Labels{{"__name__", "early"}});
  batch.AddSample(kNowMs + 1000, 1);
  batch.AddSample(kNowMs + 1001, 2);
  ExpectRejected(&batch, RejectReason::kTooFarInFuture,
                 "timestamp 1700000001001 ms lies after the latest one accepted now, "
                 "1700000001000 ms");
  clock_.AdvanceMs(1);
  EXPECT_EQ(Append(Labels{{"__name__", "early"}}, kNowMs + 1001, 2).samples_appended, 1u);
}

TEST_F(RejectionTest, OutOfRetentionByTheInjectedClock) {
  options_.retention_ms = 5000;
  Open();
  WriteBatch batch;
  batch.BeginSeries(Labels{{"__name__", "old"}});
  batch.AddSample(kNowMs - 5001, 1);
  batch.AddSample(kNowMs - 5000, 2);
  ExpectRejected(&batch, RejectReason::kOutOfRetention,
                 "timestamp 1699999994999 ms lies before the oldest one retained, "
                 "1699999995000 ms");
}

TEST_F(RejectionTest, RetentionForEverTakesTimeZeroAndNothingBefore) {
  Open();
  WriteBatch batch;
  batch.BeginSeries(Labels{{"__name__", "ancient"}});
  batch.AddSample(0, 1);
  batch.AddSample(-1, 2);
  ExpectRejected(&batch, RejectReason::kOutOfRetention,
                 "timestamp -1 ms lies before the oldest one retained, 0 ms");
  EXPECT_EQ(Read(Labels{{"__name__", "ancient"}}).timestamps_ms, std::vector<int64_t>{0});
}

TEST_F(RejectionTest, ALimitThatReachesBeyondAllTimeIsNone) {
  options_.future_limit_ms = INT64_MAX;
  options_.retention_ms = INT64_MAX;
  Open();
  const Labels labels{{"__name__", "far"}};
  EXPECT_EQ(Append(labels, INT64_MAX, 1).samples_appended, 1u);
  EXPECT_EQ(Append(labels, 0, 1).samples_appended, 1u);
  EXPECT_EQ(Read(labels).size(), 2u);
}

TEST_F(RejectionTest, ASeriesWithoutAcceptableSamplesIsNotCreated) {
  options_.future_limit_ms = 1;
  Open();
  WriteBatch batch;
  batch.BeginSeries(Labels{{"__name__", "never"}});
  batch.AddSample(kNowMs + 10, 1);
  batch.AddSample(kNowMs + 20, 1);
  ExpectRejected(&batch, RejectReason::kTooFarInFuture,
                 "timestamp 1700000000010 ms lies after the latest one accepted now, "
                 "1700000000001 ms",
                 2);
  EXPECT_EQ(batch.series_ref(0), kNoSeries);
  EXPECT_EQ(database_->Statistics().head_series_count, 1u);
}

TEST_F(RejectionTest, SeveralReasonsAreListedOnceEach) {
  options_.future_limit_ms = 1;
  Open();
  WriteBatch batch;
  AddSeries(&batch, {});
  AddSeries(&batch, {});
  batch.BeginSeries(kSound);
  batch.AddSample(kNowMs + 10, 1);
  batch.AddSample(kNowMs, 1);
  const AppendResult result = Append(&batch);
  EXPECT_EQ(result.samples_appended, 1u);
  EXPECT_EQ(result.samples_rejected, 3u);
  ASSERT_EQ(result.rejections.size(), 2u);
  EXPECT_EQ(result.rejections[0].sample_count + result.rejections[1].sample_count, 3u);
}

TEST(RejectReasonNameTest, EveryReasonHasAName) {
  for (size_t i = 0; i < kRejectReasonCount; ++i) {
    EXPECT_NE(RejectReasonName(static_cast<RejectReason>(i)), "unknown") << i;
  }
  EXPECT_EQ(RejectReasonName(RejectReason::kTooFarInFuture), "too_far_in_future");
}

}  // namespace
}  // namespace varve::engine
