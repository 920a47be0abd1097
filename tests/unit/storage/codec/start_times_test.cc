#include "storage/codec/start_times.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace varve::codec {
namespace {

std::string Encode(const std::vector<int64_t>& timestamps, const std::vector<int64_t>& starts) {
  StartTimeColumn column;
  for (size_t i = 0; i < starts.size(); ++i) {
    column.Append(starts[i], i == 0 ? 0 : timestamps[i - 1]);
  }
  return std::string(column.payload());
}

void ExpectRoundTrip(const std::vector<int64_t>& timestamps, const std::vector<int64_t>& starts) {
  std::vector<int64_t> decoded;
  ASSERT_TRUE(DecodeStartTimes(Encode(timestamps, starts), timestamps, 0, &decoded).ok());
  EXPECT_EQ(decoded, starts);
}

TEST(StartTimesTest, EveryValueComesBack) {
  ExpectRoundTrip({}, {});
  ExpectRoundTrip({10, 20, 30, 40, 50}, {0, 10, 10, 30, 0});
  ExpectRoundTrip({INT64_MIN, 0, INT64_MAX}, {INT64_MAX, INT64_MIN, -1});
  ExpectRoundTrip({0, 0}, {0, 0});
}

TEST(StartTimesTest, OneThatStaysTakesABitOneThatFollowsTwo) {
  std::vector<int64_t> timestamps;
  std::vector<int64_t> stays;
  std::vector<int64_t> follows{0};
  for (int64_t i = 0; i < 80; ++i) {
    timestamps.push_back(1'700'000'000'000 + i * 15'000);
    stays.push_back(1'600'000'000'000);
    if (i > 0) follows.push_back(timestamps[static_cast<size_t>(i) - 1]);
  }
  EXPECT_EQ(Encode(timestamps, stays).size(), (2 + 7 + 64 + 79 + 7) / 8u);
  EXPECT_EQ(Encode(timestamps, follows).size(), (1 + 2 * 79 + 7) / 8u);
  ExpectRoundTrip(timestamps, stays);
  ExpectRoundTrip(timestamps, follows);
}

TEST(StartTimesTest, GoesOnBehindWhatTheColumnsHold) {
  std::vector<int64_t> timestamps{1, 2, 100, 200};
  std::vector<int64_t> decoded{7, 8};
  ASSERT_TRUE(DecodeStartTimes(Encode({100, 200}, {5, 100}), timestamps, 2, &decoded).ok());
  EXPECT_EQ(decoded, (std::vector<int64_t>{7, 8, 5, 100}));
}

TEST(StartTimesTest, BytesThatEndEarlyAreDamage) {
  const std::vector<int64_t> timestamps{10, 20, 30};
  const std::string payload = Encode(timestamps, {5, 6, 7});
  for (size_t size = 0; size < payload.size(); ++size) {
    std::vector<int64_t> decoded;
    EXPECT_EQ(DecodeStartTimes(payload.substr(0, size), timestamps, 0, &decoded).code(),
              StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace varve::codec
