// totalQueryableSamples, with the cases that the reference's own test of it has.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "query/exec/query_engine.h"
#include "tests/unit/query/exec/fake_reader.h"

namespace varve::promql::exec {
namespace {

class QueryableSamplesTest : public testing::Test {
 protected:
  QueryableSamplesTest() {
    std::vector<double> values(101);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
    store_.Add({{"__name__", "one"}}, 10'000, values);
    for (const char* a : {"1", "2", "3"})
      store_.Add({{"__name__", "three"}, {"a", a}}, 10'000, values);
  }
  QueryEngine MakeEngine() {
    EngineOptions options;
    options.thread_count = 1;
    return QueryEngine([this] { return std::make_unique<FakeReader>(&store_); }, options, &clock_);
  }
  uint64_t Instant(const std::string& text, int64_t time_ms) {
    QueryEngine engine = MakeEngine();
    auto result = engine.Instant(text, time_ms, {});
    EXPECT_TRUE(result.ok()) << text;
    return result->statistics.queryable_samples;
  }
  // Total, then by step.
  std::vector<uint64_t> Range(const std::string& text, int64_t start_ms, int64_t end_ms,
                              int64_t step_ms) {
    QueryEngine engine = MakeEngine();
    QueryOptions options;
    options.per_step_statistics = true;
    auto result = engine.Range(text, start_ms, end_ms, step_ms, options);
    EXPECT_TRUE(result.ok()) << text;
    std::vector<uint64_t> out = {result->statistics.queryable_samples};
    for (const auto& [time_ms, samples] : result->statistics.queryable_samples_per_step) {
      out.push_back(samples);
    }
    return out;
  }

  FakeStore store_;
  ManualClock clock_{1'000'000};
};

using Counts = std::vector<uint64_t>;

TEST_F(QueryableSamplesTest, InstantQueries) {
  EXPECT_EQ(Instant("one", 21'000), 1u);
  EXPECT_EQ(Instant("three", 21'000), 3u);
  EXPECT_EQ(Instant("one[60s]", 201'000), 6u);
  EXPECT_EQ(Instant("max_over_time(one[59s])[20s:5s]", 201'000), 24u);
  EXPECT_EQ(Instant("sum by (a) (max_over_time(three[60s]))", 201'000), 18u);
  EXPECT_EQ(Instant("max_over_time(one[60s:5s])", 201'000), 12u);
  EXPECT_EQ(Instant("one + one", 21'000), 2u);
  EXPECT_EQ(Instant("sum(one) + sum(one)", 21'000), 2u);  // evaluated once, counted twice
}

TEST_F(QueryableSamplesTest, EveryStepByItself) {
  EXPECT_EQ(Range("three", 201'000, 220'000, 5'000), (Counts{12, 3, 3, 3, 3}));
  EXPECT_EQ(Range("max_over_time(one[60s])", 201'000, 220'000, 5'000), (Counts{24, 6, 6, 6, 6}));
  EXPECT_EQ(Range("max_over_time(one[100s:25s])", 201'000, 220'000, 5'000)[0], 16u);
  EXPECT_EQ(Range("three @ 30", 201'000, 220'000, 5'000), (Counts{12, 3, 3, 3, 3}));
}

}  // namespace
}  // namespace varve::promql::exec
