#include "query/exec/info_reference.h"

#include <gtest/gtest.h>

#include <string_view>

#include "query/exec/query_engine.h"
#include "query/promql/parser.h"
#include "tests/unit/query/exec/fake_reader.h"

namespace varve::promql::exec {
namespace {

std::optional<InfoReference> Of(std::string_view text) {
  const auto expr = Parse(text);
  EXPECT_TRUE(expr.ok()) << text;
  return CommonReference(**expr);
}

TEST(InfoReference, IsThatOfAllSelectors) {
  EXPECT_EQ(Of("m")->offset_ms, 0);
  EXPECT_EQ(Of("rate(m[5m] offset 1m)")->offset_ms, 60'000);
  EXPECT_EQ(Of("m @ 120")->at.timestamp_ms, 120'000);
  EXPECT_EQ(Of("sum_over_time((m offset 1m)[10m:1m] offset 2m)")->offset_ms, 180'000);
  EXPECT_EQ(Of("sum_over_time(m[10m:1m] @ 60)")->at.timestamp_ms, 60'000);
  // The selector's own time hides that of the subquery.
  EXPECT_EQ(Of("sum_over_time((m @ 120)[10m:1m] offset 2m)")->offset_ms, 0);
}

TEST(InfoReference, IsNoneWhereTheyDiffer) {
  EXPECT_TRUE(Of("m @ 180 offset 1m or n @ 120").has_value());
  EXPECT_FALSE(Of("m @ 120 or n @ 480").has_value());
  EXPECT_FALSE(Of("m or n offset 1m").has_value());
  EXPECT_FALSE(Of("m or vector(1)").has_value());
  EXPECT_FALSE(Of("vector(1)").has_value());
  // Scalars describe nothing.
  EXPECT_EQ(Of("scalar(n @ 120) * m")->at.present(), false);
  EXPECT_EQ(Of("info(m @ 60, {x=\"1\"})")->at.timestamp_ms, 60'000);
}

TEST(InfoFunction, SelectsTogetherWithTheRest) {
  FakeStore store;
  store.Add({{"__name__", "up"}, {"instance", "1"}}, 60'000, {1, 1, 1});
  store.Add({{"__name__", "target_info"}, {"instance", "1"}, {"os", "linux"}}, 60'000, {1, 1, 1});
  ManualClock clock{0};
  EngineOptions options;
  options.thread_count = 1;
  QueryEngine engine([&] { return std::make_unique<FakeReader>(&store); }, options, &clock);
  const auto result = engine.Instant("info(up) + on(os) group_left () info(up)", 60'000, {});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(store.select_count, 1u);
  EXPECT_EQ(store.requests.size(), 2u);
  const auto& vector = std::get<Vector>(result->value);
  ASSERT_EQ(vector.size(), 1u);
  EXPECT_EQ(vector[0].labels.Get("os"), "linux");
  EXPECT_EQ(vector[0].point.value, 2);
}

}  // namespace
}  // namespace varve::promql::exec
