#include "server/api/result_json.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "server/api/explanation_json.h"

namespace varve::server {
namespace {

Histogram TestHistogram() {
  Histogram histogram;
  histogram.zero_threshold = 0.25;
  histogram.zero_count = 3;
  histogram.count = 42;
  histogram.sum = 34593.34;
  histogram.positive_spans = {{0, 2}, {1, 1}};
  histogram.positive_buckets = {12, 0, 6};
  histogram.negative_spans = {{1, 1}};
  histogram.negative_buckets = {21};
  return histogram;
}

std::string Json(const promql::QueryResult& result) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  WriteValue(result, &json);
  json.EndObject();
  return out;
}

constexpr std::string_view kHistogramJson =
    R"({"count":"42","sum":"34593.34","buckets":[[1,"-2","-1","21"],[3,"-0.25","0.25","3"],)"
    R"([0,"0.5","1","12"],[0,"4","8","6"]]})";

TEST(ResultJsonTest, HistogramsLeaveOutEmptyBuckets) {
  std::string out;
  JsonWriter json(&out);
  WriteHistogram(TestHistogram(), &json);
  EXPECT_EQ(out, kHistogramJson);
  out.clear();
  JsonWriter empty(&out);
  WriteHistogram(Histogram(), &empty);
  EXPECT_EQ(out, R"({"count":"0","sum":"0"})");
}

TEST(ResultJsonTest, VectorsHoldFloatsAndHistograms) {
  const auto histogram = std::make_shared<const Histogram>(TestHistogram());
  promql::QueryResult result;
  result.value = promql::Vector{{Labels{{"a", "b"}}, {1500, 2}, nullptr},
                                {Labels{{"a", "c"}}, {2000, 0}, histogram}};
  EXPECT_EQ(Json(result),
            R"({"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.500,"2"]},)"
            R"({"metric":{"a":"c"},"histogram":[2,)" +
                std::string(kHistogramJson) + "]}]}");
}

TEST(ResultJsonTest, MatricesHaveTheKeysTheyNeed) {
  const auto histogram = std::make_shared<const Histogram>(Histogram());
  promql::QueryResult result;
  result.value = promql::Matrix{{Labels(), {{1000, 1}}, {}},
                                {Labels(), {}, {{1000, histogram}}},
                                {Labels(), {{1000, 1}}, {{2000, histogram}}}};
  EXPECT_EQ(Json(result),
            R"({"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"]]},)"
            R"({"metric":{},"histograms":[[1,{"count":"0","sum":"0"}]]},)"
            R"({"metric":{},"values":[[1,"1"]],"histograms":[[2,{"count":"0","sum":"0"}]]}]})");
}

TEST(ResultJsonTest, StatisticsPerStepOnlyWhenGathered) {
  promql::QueryStatistics statistics;
  statistics.queryable_samples = 7;
  statistics.samples_read = 9;
  statistics.samples_peak = 3;
  const auto json = [&] {
    std::string out;
    JsonWriter writer(&out);
    writer.BeginObject();
    WriteStatistics(statistics, &writer);
    writer.EndObject();
    return out;
  };
  EXPECT_NE(json().find(R"("samples":{"totalQueryableSamples":7,"samplesRead":9,"peakSamples":3})"),
            std::string::npos);
  statistics.queryable_samples_per_step = {{1000, 3}, {1500, 4}};
  EXPECT_NE(json().find(R"("samples":{"totalQueryableSamplesPerStep":[[1,3],[1.500,4]],)"),
            std::string::npos);
}

TEST(ExplanationJsonTest, ChildrenNest) {
  const auto node = [](size_t depth, std::string operation) {
    promql::ExplainNode result;
    result.depth = depth;
    result.operation = std::move(operation);
    return result;
  };
  const auto plan = [](std::vector<promql::ExplainNode> nodes) {
    std::string out;
    JsonWriter json(&out);
    json.BeginObject();
    WriteExplanation(nodes, &json);
    json.EndObject();
    return out;
  };
  const auto text = [](std::string_view operation, std::string_view children) {
    return R"({"operation":")" + std::string(operation) +
           R"(","series":0,"chunks":0,"samples":0,"bytes":0,"seconds":0,"children":[)" +
           std::string(children) + "]}";
  };
  EXPECT_EQ(plan({}), R"({"plan":null})");
  EXPECT_EQ(plan({node(0, "a"), node(1, "b"), node(2, "c"), node(1, "d")}),
            R"({"plan":)" + text("a", text("b", text("c", "")) + "," + text("d", "")) + "}");
  // Whatever the depths say, it is one well-formed tree.
  EXPECT_EQ(plan({node(3, "a"), node(3, "b"), node(0, "c")}),
            R"({"plan":)" + text("a", text("b", "") + "," + text("c", "")) + "}");
}

}  // namespace
}  // namespace varve::server
