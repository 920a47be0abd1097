// Series that fell silent leave memory, and nobody else.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/engine/database_fixture.h"

namespace varve::engine {
namespace {

constexpr int64_t kMinuteMs = 60'000;

class IdleSeriesTest : public DatabaseFixture {
 protected:
  void AppendTo(int first, int last, int64_t time_ms) {
    WriteBatch batch;
    for (int i = first; i < last; ++i) {
      batch.BeginSeries(Labels{{"__name__", "m"}, {"i", std::to_string(i)}});
      batch.AddSample(time_ms, 1);
    }
    EXPECT_EQ(Append(&batch).samples_appended, static_cast<uint64_t>(last - first));
  }
  uint64_t SeriesInMemory() { return database_->Statistics().head_series_count; }
};

TEST_F(IdleSeriesTest, SilentSeriesLeaveWithTheNextFlush) {
  Open();
  AppendTo(0, 100, kNowMs);
  for (int minute = 1; minute <= 5; ++minute) AppendTo(40, 100, kNowMs + minute * kMinuteMs);
  ASSERT_TRUE(database_->Flush().ok());
  EXPECT_EQ(SeriesInMemory(), 60u);
  EXPECT_EQ(database_->Series({}, {}, 0)->size(), 100u);  // on disk
  AppendTo(0, 40, kNowMs + 6 * kMinuteMs);                // and come again
  EXPECT_EQ(SeriesInMemory(), 100u);
  EXPECT_EQ(Read(Labels{{"__name__", "m"}, {"i", "7"}}).size(), 2u);
}

TEST_F(IdleSeriesTest, AClockThatRunsAheadMakesNobodyIdle) {
  Open();
  AppendTo(0, 100, kNowMs);
  AppendTo(0, 1, kNowMs + 50 * kMinuteMs);
  ASSERT_TRUE(database_->Flush().ok());
  EXPECT_EQ(SeriesInMemory(), 100u);
}

TEST_F(IdleSeriesTest, ManySilentSeriesLeave) {
  Open();
  AppendTo(0, 30'000, kNowMs);
  for (int minute = 1; minute <= 5; ++minute) AppendTo(12'000, 42'000, kNowMs + minute * kMinuteMs);
  EXPECT_EQ(SeriesInMemory(), 42'000u);
  ASSERT_TRUE(database_->Flush().ok());
  EXPECT_EQ(SeriesInMemory(), 30'000u);
}

TEST_F(IdleSeriesTest, CompactionForgetsAllWithoutSamples) {
  Open();
  AppendTo(0, 100, kNowMs);
  ASSERT_TRUE(database_->Compact().ok());
  EXPECT_EQ(SeriesInMemory(), 0u);
  AppendTo(0, 10, kNowMs + 1);
  EXPECT_EQ(SeriesInMemory(), 10u);
  Open();
  EXPECT_EQ(SeriesInMemory(), 10u);
  EXPECT_EQ(Read(Labels{{"__name__", "m"}, {"i", "7"}}).size(), 2u);
}

}  // namespace
}  // namespace varve::engine
