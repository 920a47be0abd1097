// Native histograms and start times through the whole storage: whatever happens between writing
// and reading, the same comes back.
#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <string>
#include <vector>

#include "tests/model/random_histogram.h"
#include "tests/unit/engine/database_fixture.h"

namespace varve::engine {
namespace {

const Labels kLatency{{"__name__", "latency_seconds"}, {"job", "x"}};

Histogram Simple(double first, double second) {
  Histogram histogram;
  histogram.form = Histogram::Form::kInteger;
  histogram.schema = 3;
  histogram.zero_threshold = 0x1p-128;
  histogram.zero_count = 1;
  histogram.count = 1 + first + second;
  histogram.sum = 12.5 + first;
  histogram.positive_spans = {{-2, 1}, {3, 1}};
  histogram.positive_buckets = {first, second};
  return histogram;
}

// What happens to a database between two steps of a test.
struct Passage {
  std::string name;
  std::function<void(class HistogramStorageTest*)> pass;
};

class HistogramStorageTest : public DatabaseFixture, public testing::WithParamInterface<Passage> {
 public:
  void Reopen() { Open(); }
  void Ok(const Status& status) { ASSERT_TRUE(status.ok()) << status.ToString(); }
  Database* database() { return database_.get(); }

 protected:
  void SetUp() override { Open(); }
  void Pass() { GetParam().pass(this); }

  void AddHistogram(int64_t time_ms, const Histogram& histogram, int64_t start_ms = 0) {
    WriteBatch batch;
    batch.BeginSeries(kLatency);
    batch.AddHistogram(time_ms, histogram, start_ms);
    const AppendResult result = Append(&batch);
    EXPECT_EQ(result.histograms_appended, 1u);
    EXPECT_EQ(result.samples_appended, 0u);
  }
  void AddFloat(int64_t time_ms, double value, int64_t start_ms = 0) {
    WriteBatch batch;
    batch.BeginSeries(kLatency);
    batch.AddSample(time_ms, value, start_ms);
    EXPECT_EQ(Append(&batch).samples_appended, 1u);
  }
};

TEST_P(HistogramStorageTest, HistogramsComeBackToTheBit) {
  model::HistogramSource source(7);
  std::vector<Histogram> written;
  for (int i = 0; i < 600; ++i) {
    written.push_back(source.Next());
    AddHistogram(kNowMs + i * 15'000, written.back());
    if (i % 150 == 149) Pass();
  }
  const SampleBuffer read = Read(kLatency);
  ASSERT_EQ(read.histograms.size(), written.size());
  EXPECT_TRUE(read.timestamps_ms.empty());
  EXPECT_TRUE(read.histogram_start_times_ms.empty());
  for (size_t i = 0; i < written.size(); ++i) {
    EXPECT_EQ(read.histogram_timestamps_ms[i], kNowMs + static_cast<int64_t>(i) * 15'000);
    EXPECT_TRUE(SameBits(*read.histograms[i], written[i])) << i;
  }
}

TEST_P(HistogramStorageTest, TheLaterOfTwoKindsWins) {
  AddFloat(kNowMs, 1);
  AddHistogram(kNowMs + 1, Simple(1, 2));
  AddFloat(kNowMs + 2, 3);
  AddHistogram(kNowMs + 3, Simple(3, 4));
  Pass();
  AddHistogram(kNowMs, Simple(5, 6));
  AddFloat(kNowMs + 1, 7);
  AddHistogram(kNowMs + 3, Simple(8, 9));
  Pass();
  const SampleBuffer read = Read(kLatency);
  EXPECT_EQ(read.timestamps_ms, (std::vector<int64_t>{kNowMs + 1, kNowMs + 2}));
  EXPECT_EQ(read.values, (std::vector<double>{7, 3}));
  EXPECT_EQ(read.histogram_timestamps_ms, (std::vector<int64_t>{kNowMs, kNowMs + 3}));
  ASSERT_EQ(read.histograms.size(), 2u);
  EXPECT_TRUE(SameBits(*read.histograms[0], Simple(5, 6)));
  EXPECT_TRUE(SameBits(*read.histograms[1], Simple(8, 9)));
}

TEST_P(HistogramStorageTest, StartTimesOfFloats) {
  AddFloat(kNowMs, 1);
  AddFloat(kNowMs + 1000, 2, kNowMs);
  AddFloat(kNowMs + 2000, 3, kNowMs);
  Pass();
  AddFloat(kNowMs + 3000, 4, kNowMs + 2000);
  AddFloat(kNowMs + 500, 5, kNowMs + 400);  // late
  Pass();
  AddFloat(kNowMs + 4000, 6);
  Pass();
  const SampleBuffer read = Read(kLatency);
  EXPECT_EQ(read.values, (std::vector<double>{1, 5, 2, 3, 4, 6}));
  EXPECT_EQ(read.start_times_ms,
            (std::vector<int64_t>{0, kNowMs + 400, kNowMs, kNowMs, kNowMs + 2000, 0}));
}

TEST_P(HistogramStorageTest, StartTimesOfHistograms) {
  AddHistogram(kNowMs, Simple(1, 2), kNowMs - 50);
  AddHistogram(kNowMs + 1000, Simple(2, 2));
  Pass();
  AddHistogram(kNowMs + 2000, Simple(3, 2), kNowMs + 1000);
  Pass();
  const SampleBuffer read = Read(kLatency);
  EXPECT_EQ(read.histogram_start_times_ms, (std::vector<int64_t>{kNowMs - 50, 0, kNowMs + 1000}));
  EXPECT_TRUE(read.start_times_ms.empty());
}

TEST_P(HistogramStorageTest, LateHistograms) {
  AddHistogram(kNowMs + 60'000, Simple(1, 1));
  Pass();
  AddHistogram(kNowMs + 30'000, Simple(2, 2));
  AddHistogram(kNowMs + 10'000, Simple(3, 3));
  AddHistogram(kNowMs + 30'000, Simple(4, 4));
  Pass();
  const SampleBuffer read = Read(kLatency);
  EXPECT_EQ(read.histogram_timestamps_ms,
            (std::vector<int64_t>{kNowMs + 10'000, kNowMs + 30'000, kNowMs + 60'000}));
  EXPECT_TRUE(SameBits(*read.histograms.at(1), Simple(4, 4)));
}

TEST_P(HistogramStorageTest, TheSameHistogramOnceMoreIsDropped) {
  AddHistogram(kNowMs, Simple(1, 1), 5);
  AddHistogram(kNowMs, Simple(1, 1), 5);
  EXPECT_EQ(database_->Statistics().samples_duplicate, 1u);
  Pass();
  const uint64_t before = database_->Statistics().samples_duplicate;
  AddHistogram(kNowMs, Simple(1, 1), 5);
  EXPECT_EQ(database_->Statistics().samples_duplicate, before + 1);
  AddHistogram(kNowMs, Simple(1, 1), 6);  // another start
  EXPECT_EQ(database_->Statistics().samples_duplicate, before + 1);
  EXPECT_EQ(Read(kLatency).histogram_start_times_ms, std::vector<int64_t>{6});
}

INSTANTIATE_TEST_SUITE_P(
    Passages, HistogramStorageTest,
    testing::Values(
        Passage{"nothing", [](HistogramStorageTest*) {}},
        Passage{"replay", [](HistogramStorageTest* test) { test->Reopen(); }},
        Passage{"checkpoint",
                [](HistogramStorageTest* test) { test->Ok(test->database()->Checkpoint()); }},
        Passage{"close",
                [](HistogramStorageTest* test) {
                  test->Ok(test->database()->Close());
                  test->Reopen();
                }},
        Passage{"flush", [](HistogramStorageTest* test) { test->Ok(test->database()->Flush()); }},
        Passage{"merge",
                [](HistogramStorageTest* test) {
                  test->Ok(test->database()->Flush());
                  test->Ok(test->database()->Maintain());
                  test->Reopen();
                }}),
    [](const auto& test) { return test.param.name; });

class HistogramRejectionTest : public DatabaseFixture {};

TEST_F(HistogramRejectionTest, AnInvalidHistogramIsRefusedAlone) {
  Open();
  WriteBatch batch;
  batch.BeginSeries(kLatency);
  batch.AddSample(kNowMs, 1);
  batch.AddHistogram(kNowMs + 1, Simple(1, 2));
  Histogram negative = Simple(1, 2);
  negative.positive_buckets[0] = -1;
  batch.AddHistogram(kNowMs + 2, negative);
  batch.BeginSeries(Labels{{"__name__", "never_made"}});
  negative.schema = 99;
  batch.AddHistogram(kNowMs + 2, negative);
  const AppendResult result = Append(&batch);
  EXPECT_EQ(result.samples_appended, 1u);
  EXPECT_EQ(result.samples_rejected, 0u);
  EXPECT_EQ(result.histograms_appended, 1u);
  EXPECT_EQ(result.histograms_rejected, 2u);
  ASSERT_EQ(result.rejections.size(), 1u);
  EXPECT_EQ(result.rejections[0].reason, RejectReason::kInvalidHistogram);
  EXPECT_EQ(result.rejections[0].sample_count, 2u);
  EXPECT_NE(result.rejections[0].example.find("negative count"), std::string::npos)
      << result.rejections[0].example;
  EXPECT_EQ(database_->Statistics().head_series_count, 1u);
  EXPECT_EQ(database_->Statistics().samples_appended, 2u);  // of both kinds
}

TEST_F(HistogramRejectionTest, TimesAndSizeAreLimited) {
  options_.future_limit_ms = 1000;
  Open();
  WriteBatch batch;
  batch.BeginSeries(kLatency);
  batch.AddHistogram(kNowMs + 5000, Simple(1, 2));
  Histogram huge;
  huge.form = Histogram::Form::kFloat;
  huge.positive_spans = {{0, 1u << 18}};
  huge.positive_buckets.assign(1u << 18, 1.0);
  batch.AddHistogram(kNowMs, huge);
  const AppendResult result = Append(&batch);
  EXPECT_EQ(result.histograms_appended, 0u);
  EXPECT_EQ(result.histograms_rejected, 2u);
  ASSERT_EQ(result.rejections.size(), 2u);
  EXPECT_EQ(result.rejections[0].reason, RejectReason::kTooFarInFuture);
  EXPECT_EQ(result.rejections[1].reason, RejectReason::kInvalidHistogram);
}

}  // namespace
}  // namespace varve::engine
