// Series that metrics queries make of spans.
#include "query/traceql/metrics.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "query/traceql/parser.h"
#include "tests/unit/query/traceql/fake_spans.h"

namespace varve::traceql {
namespace {

constexpr uint64_t kS = 1'000'000'000;

// "{a=x} 10:1 20:2; ...": times in seconds.
std::string Show(const MetricsResult& result) {
  std::string text;
  for (const MetricSeries& series : result.series) {
    if (!text.empty()) text += "; ";
    text += '{';
    for (const auto& [name, value] : series.labels) {
      if (text.back() != '{') text += ',';
      text += name + "=" + (value.type == ResultValue::Type::kNil ? "nil" : value.text);
    }
    text += '}';
    for (const auto& [time_ms, value] : series.points) {
      char buffer[64];
      std::snprintf(buffer, sizeof buffer, " %lld:%.4g", static_cast<long long>(time_ms / 1000),
                    value);
      text += buffer;
    }
  }
  return text;
}

FakeSpanReader TenSpans() {
  FakeSpanReader reader;
  std::vector<TestSpan> spans;
  for (uint64_t i = 1; i <= 10; ++i) {
    TestSpan span;
    span.trace = i;
    span.name = i % 2 == 0 ? "even" : "odd";
    span.start_ns = 100 * kS + i * kS;  // 101 to 110 s
    span.duration_ns = i * kS;
    span.status = i == 3 ? 2 : 0;
    span.attributes = {{"n", std::to_string(i)}};
    if (i == 10) span.trace_state = "ot=th:8";  // one of two
    spans.push_back(span);
  }
  reader.AddBlock(spans);
  return reader;
}

Result<MetricsResult> RunMetrics(const FakeSpanReader& reader, const std::string& text,
                                 uint64_t step_s, size_t exemplars = 0) {
  Result<Query> query = Parse(text);
  if (!query.ok()) return query.status();
  MetricsRequest request;
  request.start_ns = 100 * kS;
  request.end_ns = 110 * kS;
  request.step_ns = step_s * kS;
  request.exemplars_max = exemplars;
  Result<std::unique_ptr<TraceTable>> table = TraceTable::Open(&reader, 0, UINT64_MAX);
  if (!table.ok()) return table.status();
  return EvaluateMetrics(*query, request, Buckets::Of(request), EngineOptions(), table->get(),
                         [] { return OkStatus(); });
}

TEST(TraceQlMetricsTest, Functions) {
  const FakeSpanReader reader = TenSpans();
  struct Case {
    const char* query;
    const char* series;
  };
  for (const auto& [query, series] : std::vector<Case>{
           {"{} | rate()", "{__name__=rate} 105:1 110:1"},
           {"{} | count_over_time()", "{__name__=count_over_time} 105:5 110:5"},
           {"{} | count_over_time() by (name)", "{name=even} 105:2 110:3; {name=odd} 105:3 110:2"},
           {"{ span.n > 100 } | count_over_time()", "{__name__=count_over_time} 105:0 110:0"},
           {"{} | min_over_time(span.n)", "{__name__=min_over_time} 105:1 110:6"},
           {"{} | max_over_time(duration)", "{__name__=max_over_time} 105:5 110:10"},
           {"{} | sum_over_time(span.n)", "{__name__=sum_over_time} 105:15 110:40"},
           {"{} | avg_over_time(span.n)", "{__name__=avg_over_time} 105:3 110:8"},
           {"{} | histogram_over_time(duration)",
            "{__bucket=1.073741824} 105:1 110:0; {__bucket=17.179869184} 105:0 110:2; "
            "{__bucket=2.147483648} 105:1 110:0; {__bucket=4.294967296} 105:2 110:0; "
            "{__bucket=8.589934592} 105:1 110:3"},
           {"{} | count_over_time() with(extrapolate=true)",
            "{__name__=count_over_time} 105:5 110:6"},
           {"{} | count_over_time() by(name) | topk(1)", "{name=even} 110:3; {name=odd} 105:3"},
           {"{} | count_over_time() by(name) | bottomk(1)", "{name=even} 105:2; {name=odd} 110:2"},
           {"{} | count_over_time() by(name) > 2", "{name=even} 110:3; {name=odd} 105:3"},
           {"({status=error} | count_over_time()) / ({} | count_over_time())", "{} 105:0.2 110:0"},
           {"({} | count_over_time()) * 2 + 1", "{__name__=count_over_time} 105:11 110:11"},
           {"{} | count_over_time() by(span.missing)", "{span.missing=nil} 105:5 110:5"},
       }) {
    const Result<MetricsResult> result = RunMetrics(reader, query, 5);
    ASSERT_TRUE(result.ok()) << query << ": " << result.status().message();
    EXPECT_EQ(Show(*result), series) << query;
  }
}

TEST(TraceQlMetricsTest, AnInstantIsOneBucketOfAll) {
  const FakeSpanReader reader = TenSpans();
  EXPECT_EQ(Show(*RunMetrics(reader, "{} | count_over_time()", 0)),
            "{__name__=count_over_time} 110:10");
}

TEST(TraceQlMetricsTest, QuantilesLieInTheirBucket) {
  const FakeSpanReader reader = TenSpans();
  const auto result = RunMetrics(reader, "{} | quantile_over_time(duration, 0.5, 1)", 10);
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->series.size(), 2u);
  EXPECT_EQ(result->series[0].labels.front().first, "p");
  const double median = result->series[0].points.front().second;
  EXPECT_GT(median, 4.29);  // the fifth of ten lasts 5 s: (4.29, 8.59] s
  EXPECT_LE(median, 8.59);
  EXPECT_NEAR(result->series[1].points.front().second, 17.18, 0.01);
}

TEST(TraceQlMetricsTest, CompareSetsValuesApart) {
  const FakeSpanReader reader = TenSpans();
  const auto result = RunMetrics(reader, "{} | compare({ name = \"even\" }, 2)", 0);
  ASSERT_TRUE(result.ok());
  const std::string shown = Show(*result);
  for (const char* part : {
           "{__meta_type=baseline,name=odd} 110:5",
           "{__meta_type=selection,name=even} 110:5",
           "{__meta_type=selection_total,name=nil} 110:5",
           "{__meta_type=baseline,status=error} 110:1",
           "{__meta_type=baseline,status=unset} 110:4",
           "{__meta_type=selection,__meta_error=__too_many_values__,span.n=nil}",
           "{__meta_type=selection,resource.service.name=s} 110:5",
           "{__meta_type=selection,rootName=even} 110:5",
       }) {
    EXPECT_NE(shown.find(part), std::string::npos) << part << " in " << shown;
  }
}

TEST(TraceQlMetricsTest, ExemplarsOfCountsHaveTheSeriesValue) {
  const FakeSpanReader reader = TenSpans();
  const auto counts = RunMetrics(reader, "{} | count_over_time() by(name)", 5, 2);
  ASSERT_TRUE(counts.ok());
  for (const MetricSeries& series : counts->series) {
    ASSERT_EQ(series.exemplars.size(), 2u);
    EXPECT_EQ(series.exemplars[0].value, series.points[0].second);
    EXPECT_EQ(series.exemplars[0].labels.front().first, "trace:id");
  }
  const auto values = RunMetrics(reader, "{} | max_over_time(span.n) with(exemplars=3)", 5, 1);
  ASSERT_TRUE(values.ok());
  ASSERT_EQ(values->series.front().exemplars.size(), 3u);
  EXPECT_EQ(values->series.front().exemplars[2].value, 3);
  EXPECT_EQ(values->series.front().exemplars[2].timestamp_ms, 103'000);
  const auto quantiles = RunMetrics(reader, "{} | quantile_over_time(duration, 0, 1)", 10, 100);
  ASSERT_TRUE(quantiles.ok());
  EXPECT_EQ(quantiles->series[0].exemplars.size() + quantiles->series[1].exemplars.size(), 10u);
  EXPECT_EQ(quantiles->series[0].exemplars.front().value, 1);
  EXPECT_EQ(quantiles->series[1].exemplars.back().value, 10);
  const auto none = RunMetrics(reader, "{} | rate() with(exemplars=false)", 5, 9);
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->series.front().exemplars.empty());
}

TEST(TraceQlMetricsTest, WhatIsNoMetricsQuery) {
  const FakeSpanReader reader = TenSpans();
  EXPECT_EQ(RunMetrics(reader, "{}", 5).status().code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(RunMetrics(reader, "1 + 2", 5).ok());
}

}  // namespace
}  // namespace varve::traceql
