// What a query says twice is read once, and means the same.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "query/exec/query_engine.h"
#include "tests/unit/query/exec/fake_reader.h"

namespace varve::promql::exec {
namespace {

class SharedValuesTest : public testing::Test {
 protected:
  SharedValuesTest() {
    store_.Add({{"__name__", "m_total"}, {"job", "a"}}, 10'000, {1, 2, 3, 4, 5, 6, 7});
    store_.Add({{"__name__", "m_total"}, {"job", "b"}}, 10'000, {2, 4, 6, 8, 10, 12, 14});
    store_.Add({{"__name__", "gauge"}, {"job", "b"}}, 10'000, {2, 1, 6, 8, 1, 12, 14});
  }
  // The values of the first series of the result.
  std::vector<double> Run(const std::string& text) {
    EngineOptions options;
    options.thread_count = 1;
    QueryEngine engine([this] { return std::make_unique<FakeReader>(&store_); }, options, &clock_);
    store_.read_count = 0;
    auto result = engine.Range(text, 30'000, 60'000, 10'000, {});
    EXPECT_TRUE(result.ok()) << text << ": " << result.status().ToString();
    infos_ = result->infos;
    std::vector<double> out;
    for (const Point& point : std::get<Matrix>(result->value).at(0).points) {
      out.push_back(point.value);
    }
    return out;
  }

  FakeStore store_;
  ManualClock clock_{1'000'000};
  std::vector<std::string> infos_;
};

using Values = std::vector<double>;

TEST_F(SharedValuesTest, AnAggregationIsEvaluatedOnce) {
  EXPECT_EQ(Run("sum(m_total) - sum(m_total)"), (Values{0, 0, 0, 0}));
  EXPECT_EQ(store_.read_count, 2u);
  EXPECT_EQ(Run("sum(m_total) / (sum(m_total) + sum(m_total))"), (Values{0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(store_.read_count, 2u);
}

TEST_F(SharedValuesTest, ASelectorBelowAStreamIsTakenFromWhatIsKept) {
  EXPECT_EQ(Run("m_total{job=\"a\"} / on () group_left () sum(m_total{job=\"a\"})"),
            (Values{1, 1, 1, 1}));
  EXPECT_EQ(store_.read_count, 1u);
}

TEST_F(SharedValuesTest, OtherStepsAreOtherValues) {
  Run("sum(m_total) - max_over_time(sum(m_total)[20s:10s])");
  EXPECT_EQ(store_.read_count, 4u);
  EXPECT_EQ(Run("sum(m_total) - sum(m_total offset 10s)"), (Values{3, 3, 3, 3}));
  EXPECT_EQ(Run("max_over_time(sum(m_total)[20s:10s]) - max_over_time(sum(m_total)[20s:10s])"),
            (Values{0, 0, 0, 0}));
  EXPECT_EQ(store_.read_count, 2u);
}

TEST_F(SharedValuesTest, WhatAnnotatesIsEvaluatedInEachPlace) {
  Run("sum(rate(gauge[20s])) - sum(rate(gauge[20s]))");
  EXPECT_EQ(store_.read_count, 2u);
  ASSERT_EQ(infos_.size(), 1u);
  EXPECT_NE(infos_[0].find("1:34"), std::string::npos) << infos_[0];  // the last place
}

}  // namespace
}  // namespace varve::promql::exec
