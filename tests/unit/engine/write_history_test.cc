#include "engine/write_history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace varve::engine {
namespace {

constexpr int64_t kGrainMs = 1000;

TEST(WriteHistoryTest, NothingWrittenReachesNowhere) {
  WriteHistory history;
  EXPECT_EQ(history.version(), 0u);
  EXPECT_EQ(history.MinTimeSince(0), INT64_MAX);
}

TEST(WriteHistoryTest, SteadyWritesLeaveThePastAlone) {
  WriteHistory history;
  for (int64_t second = 100; second < 200; ++second) history.Record(second * 1000);
  const uint64_t version = history.version();
  EXPECT_EQ(version, 100u);
  EXPECT_EQ(history.MinTimeSince(version), INT64_MAX);
  history.Record(200'000);
  history.Record(201'000);
  EXPECT_EQ(history.MinTimeSince(version), 200'000);
  history.Record(150'000);  // late
  EXPECT_EQ(history.MinTimeSince(version), 150'000);
  EXPECT_EQ(history.MinTimeSince(version + 3), INT64_MAX);
}

TEST(WriteHistoryTest, ADropOfEverythingReachesBackForEver) {
  WriteHistory history;
  history.Record(5'000);
  history.Record(INT64_MIN);
  EXPECT_EQ(history.MinTimeSince(1), INT64_MIN);
}

// Against the list of all writes: never later than the truth, and exact to the grain as long as
// few are remembered.
TEST(WriteHistoryTest, AgreesWithAFullList) {
  std::mt19937_64 random(7);
  for (const size_t write_count : {size_t{300}, size_t{20'000}}) {
    WriteHistory history;
    std::vector<int64_t> writes;
    for (size_t i = 0; i < write_count; ++i) {
      const auto now_ms = static_cast<int64_t>(i) * 2'000;
      const bool late = random() % 50 == 0;
      writes.push_back(late ? now_ms - static_cast<int64_t>(random() % 1'000'000) : now_ms);
      history.Record(writes.back());
    }
    for (size_t version = 0; version < write_count; version += 37) {
      const int64_t truth =
          *std::min_element(writes.begin() + static_cast<std::ptrdiff_t>(version), writes.end());
      const int64_t told = history.MinTimeSince(version);
      EXPECT_LE(told, truth);
      if (write_count < 1000) {
        EXPECT_GT(told, truth - kGrainMs);
      }
    }
  }
}

}  // namespace
}  // namespace varve::engine
