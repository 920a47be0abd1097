#include "compaction/hidden_samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/compaction/series_samples.h"

namespace varve::compaction {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kMinMs = INT64_MIN;
constexpr int64_t kMaxMs = INT64_MAX;

TEST(HiddenSamplesTest, RangesUnite) {
  HiddenSamples hidden;
  EXPECT_TRUE(hidden.empty());
  const index::Ordinal one = 1;
  hidden.Hide({&one, 1}, {10, 20});
  hidden.Hide({&one, 1}, {40, 50});
  hidden.Hide({&one, 1}, {0, 5});
  EXPECT_THAT(hidden.Of(1),
              ElementsAre(HiddenRange{0, 5}, HiddenRange{10, 20}, HiddenRange{40, 50}));
  hidden.Hide({&one, 1}, {21, 30});  // touches
  hidden.Hide({&one, 1}, {4, 12});   // overlaps two
  EXPECT_THAT(hidden.Of(1), ElementsAre(HiddenRange{0, 30}, HiddenRange{40, 50}));
  EXPECT_THAT(hidden.Of(2), IsEmpty());
  EXPECT_TRUE(hidden.Hides(1, 30));
  EXPECT_FALSE(hidden.Hides(1, 31));
  EXPECT_TRUE(hidden.Covers(1, {0, 30}));
  EXPECT_FALSE(hidden.Covers(1, {0, 31}));
  hidden.Hide({&one, 1}, {kMinMs, kMaxMs});
  EXPECT_THAT(hidden.Of(1), ElementsAre(HiddenRange{kMinMs, kMaxMs}));
}

TEST(VisibleChunksTest, KeepsWhatIsNotHiddenOfEveryChunk) {
  ChunkList list;
  list.Add(Ramp(0, 10, 10, 0));     // 0 .. 90
  list.Add(Ramp(100, 10, 10, 10));  // 100 .. 190
  list.Add(Ramp(200, 10, 10, 20));  // 200 .. 290
  const std::vector<std::vector<HiddenRange>> cases = {
      {},
      {{kMinMs, kMaxMs}},
      {{100, 190}},
      {{95, 99}},
      {{-5, 30}, {50, 50}, {70, 120}, {185, 1000}},
      {{0, 0}, {90, 100}, {290, 290}},
  };
  for (const auto& hidden : cases) {
    SampleMap expected;
    for (const auto& [time, bits] : Ramp(0, 10, 30, 0)) {
      bool visible = true;
      for (const HiddenRange& range : hidden) {
        visible = visible && (time < range.min_ms || time > range.max_ms);
      }
      if (visible) expected[time] = bits;
    }
    VisibleChunks filter;
    const auto visible = filter.Filter(list.chunks(), hidden);
    ASSERT_TRUE(visible.ok()) << visible.status().ToString();
    format::SampleColumns samples;
    int64_t last_ms = kMinMs;
    for (const format::ChunkView& chunk : *visible) {
      EXPECT_GT(chunk.min_time_ms, last_ms);
      last_ms = chunk.max_time_ms;
      ASSERT_TRUE(format::DecodeChunk(chunk, &samples).ok());
    }
    EXPECT_EQ(ToMap(samples.timestamps_ms, samples.values), expected);
  }
}

}  // namespace
}  // namespace varve::compaction
