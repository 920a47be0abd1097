#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "query/exec/query_engine.h"
#include "tests/unit/query/exec/fake_reader.h"

namespace varve::promql::exec {
namespace {

class ExplainTest : public testing::Test {
 protected:
  ExplainTest() {
    for (int i = 0; i < 4; ++i) {
      store_.Add({{"__name__", "m_total"}, {"i", std::to_string(i)}, {"job", i < 2 ? "a" : "b"}},
                 10'000, {1, 2, 3, 4, 5, 6, 7});
    }
  }
  std::vector<ExplainNode> Explain(const std::string& text) {
    EngineOptions options;
    options.thread_count = 1;
    QueryEngine engine([this] { return std::make_unique<FakeReader>(&store_); }, options, &clock_);
    QueryOptions query_options;
    query_options.explain = true;
    auto result = engine.Range(text, 0, 60'000, 10'000, query_options);
    EXPECT_TRUE(result.ok()) << text;
    return result->explain;
  }

  FakeStore store_;
  ManualClock clock_{1'000'000};
};

TEST_F(ExplainTest, OneNodePerNodeOfThePlanWithWhatItDid) {
  const auto nodes = Explain("sum by (job) (rate(m_total[30s])) / 2");
  ASSERT_EQ(nodes.size(), 4u);
  EXPECT_EQ(nodes[0].operation, "binary /");
  EXPECT_EQ(nodes[0].depth, 0u);
  EXPECT_EQ(nodes[0].series, 2u);
  EXPECT_EQ(nodes[1].operation, "aggregate sum by (job)");
  EXPECT_EQ(nodes[1].depth, 1u);
  EXPECT_EQ(nodes[1].series, 2u);
  EXPECT_EQ(nodes[1].samples, 0u);
  EXPECT_EQ(nodes[2].operation, "rate over m_total[30s]");
  EXPECT_EQ(nodes[2].depth, 2u);
  EXPECT_EQ(nodes[2].series, 4u);
  EXPECT_EQ(nodes[2].samples, 4u * 7);
  EXPECT_EQ(nodes[3].operation, "2");
  EXPECT_EQ(nodes[3].depth, 1u);
}

TEST_F(ExplainTest, SubqueriesAndWhatRunsOnce) {
  const auto nodes = Explain("max_over_time(m_total[20s:10s]) > scalar(sum(m_total @ 30))");
  std::vector<std::string> operations;
  for (const ExplainNode& node : nodes) {
    operations.push_back(std::string(2 * node.depth, ' ') + node.operation);
  }
  EXPECT_EQ(operations,
            (std::vector<std::string>{"binary >", "  max_over_time over subquery [20s:10s]",
                                      "    scan m_total", "  once for all steps", "    scalar",
                                      "      aggregate sum", "        scan m_total @ 30.000"}));
}

TEST_F(ExplainTest, NothingUnlessAskedFor) {
  QueryEngine engine([this] { return std::make_unique<FakeReader>(&store_); }, {}, &clock_);
  auto result = engine.Range("m_total", 0, 60'000, 10'000, {});
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->explain.empty());
}

}  // namespace
}  // namespace varve::promql::exec
