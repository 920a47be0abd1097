// Native histograms through the engine, over a reader in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "query/exec/histogram_text.h"
#include "query/exec/query_engine.h"
#include "tests/unit/query/exec/fake_reader.h"
#include "tests/unit/query/exec/histogram/histogram_samples.h"

namespace varve::promql::exec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kMinute = 60'000;

class HistogramQueryTest : public testing::Test {
 protected:
  FakeSeries& Series(std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
    return store_.Add(Labels(labels));
  }
  // One histogram a minute, from minute 0 on.
  static void Fill(const std::vector<HistogramText>& texts, FakeSeries* series) {
    for (size_t i = 0; i < texts.size(); ++i) {
      series->histograms[static_cast<int64_t>(i) * kMinute] = Make(texts[i]);
    }
  }

  Result<QueryResult> Run(const std::string& text, int64_t time_ms, EngineOptions options = {}) {
    options.thread_count = 1;
    QueryEngine engine([this] { return std::make_unique<FakeReader>(&store_); }, options, &clock_);
    return engine.Instant(text, time_ms, {});
  }
  // "labels value" per sample, in the order of the result.
  std::vector<std::string> Instant(const std::string& text, int64_t time_ms) {
    auto result = Run(text, time_ms);
    if (!result.ok()) return {result.status().ToString()};
    last_ = *std::move(result);
    std::vector<std::string> out;
    if (const auto* scalar = std::get_if<Scalar>(&last_.value)) {
      return {std::to_string(scalar->point.value)};
    }
    for (const VectorSample& sample : std::get<Vector>(last_.value)) {
      out.push_back(sample.labels.ToString() + " " +
                    (sample.histogram == nullptr ? std::to_string(sample.point.value)
                                                 : ToText(*sample.histogram)));
    }
    return out;
  }

  FakeStore store_;
  ManualClock clock_{1'000'000};
  QueryResult last_;
};

TEST_F(HistogramQueryTest, TheNewerOfFloatAndHistogramStandsForASeries) {
  FakeSeries& series = Series({{"__name__", "m"}});
  series.samples = {{0, 1}, {2 * kMinute, 2}};
  series.histograms[kMinute] = Make({.count = 3, .sum = 4, .buckets = {3}});
  series.histograms[3 * kMinute] = Make({.count = 5, .sum = 6, .buckets = {5}});
  Histogram stale;
  stale.sum = std::bit_cast<double>(kStaleMarkerBits);
  series.histograms[4 * kMinute] = stale;
  EXPECT_THAT(Instant("m", 0), ElementsAre("m 1.000000"));
  EXPECT_THAT(Instant("m", kMinute), ElementsAre("m {count:3, sum:4, (0.5,1]:3}"));
  EXPECT_THAT(Instant("m", 2 * kMinute), ElementsAre("m 2.000000"));
  EXPECT_THAT(Instant("m", 3 * kMinute + 1), ElementsAre("m {count:5, sum:6, (0.5,1]:5}"));
  EXPECT_THAT(Instant("m", 4 * kMinute), IsEmpty());
  EXPECT_THAT(Instant("timestamp(m)", 3 * kMinute + 7), ElementsAre("{} 180.000000"));
  EXPECT_THAT(Instant("count_over_time(m[10m])", 4 * kMinute), ElementsAre("{} 4.000000"));
}

TEST_F(HistogramQueryTest, RangeQueriesHaveBothKindsOfPoints) {
  FakeSeries& series = Series({{"__name__", "m"}});
  series.samples = {{0, 1}, {3 * kMinute, 2}};
  Fill({{}, {.count = 3}, {.count = 4}}, &series);
  series.histograms.erase(0);
  QueryEngine engine([this] { return std::make_unique<FakeReader>(&store_); }, {}, &clock_);
  const auto result = engine.Range("m", 0, 4 * kMinute, kMinute, {});
  ASSERT_TRUE(result.ok());
  const Matrix& matrix = std::get<Matrix>(result->value);
  ASSERT_EQ(matrix.size(), 1u);
  EXPECT_EQ(matrix[0].points.size(), 3u);
  ASSERT_EQ(matrix[0].histograms.size(), 2u);
  EXPECT_EQ(matrix[0].histograms[0].timestamp_ms, kMinute);
  EXPECT_EQ(matrix[0].histograms[1].histogram->count, 4);
  const auto range = Run("m[10m]", 4 * kMinute);
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(std::get<Matrix>(range->value)[0].histograms.size(), 2u);
}

TEST_F(HistogramQueryTest, RatesExtrapolateAndKnowResets) {
  Fill({{.count = 4, .sum = 5, .buckets = {1, 3}},
        {.count = 8, .sum = 9, .buckets = {2, 6}},
        {.count = 3, .sum = 1, .buckets = {1, 2}},
        {.count = 6, .sum = 4, .buckets = {2, 4}}},
       &Series({{"__name__", "h"}}));
  // 8 - 4 before the reset, 6 behind it.
  EXPECT_THAT(Instant("increase(h[181s])", 3 * kMinute), ElementsAre(HasSubstr("{} {count:10.05")));
  EXPECT_EQ(std::get<Vector>(last_.value)[0].histogram->reset_hint, CounterResetHint::kGauge);
  EXPECT_THAT(last_.warnings, IsEmpty());
  EXPECT_THAT(last_.infos, IsEmpty());
  EXPECT_THAT(Instant("irate(h[2m]) * 60", 3 * kMinute),
              ElementsAre("{} {count:3, sum:3, (0.5,1]:1, (1,2]:2}"));
  EXPECT_THAT(Instant("irate(h[2m]) * 60", 2 * kMinute),
              ElementsAre("{} {count:3, sum:1, (0.5,1]:1, (1,2]:2}"));
  EXPECT_THAT(Instant("idelta(h[2m])", 2 * kMinute),
              ElementsAre("{} {count:-5, sum:-8, (0.5,1]:-1, (1,2]:-4}"));
  EXPECT_THAT(last_.warnings,
              ElementsAre("PromQL warning: this native histogram metric is not a gauge: \"h\" "
                          "(1:8)"));
  EXPECT_THAT(Instant("resets(h[10m])", 3 * kMinute), ElementsAre("{} 1.000000"));
  EXPECT_THAT(Instant("changes(h[10m])", 3 * kMinute), ElementsAre("{} 3.000000"));
}

TEST_F(HistogramQueryTest, MixedRangesAreRefusedOrIgnoredWithAWord) {
  FakeSeries& series = Series({{"__name__", "m"}});
  series.samples = {{0, 1}, {kMinute, 3}};
  series.histograms[2 * kMinute] = Make({.count = 3});
  for (const char* call :
       {"rate(m[5m])", "increase(m[5m])", "sum_over_time(m[5m])", "avg_over_time(m[5m])"}) {
    EXPECT_THAT(Instant(call, 2 * kMinute), IsEmpty()) << call;
    EXPECT_THAT(last_.warnings,
                ElementsAre(HasSubstr("encountered a mix of histograms and floats for metric "
                                      "name \"m\"")))
        << call;
  }
  for (const char* call : {"max_over_time(m[5m])", "quantile_over_time(1, m[5m])"}) {
    EXPECT_THAT(Instant(call, 2 * kMinute), ElementsAre("{} 3.000000")) << call;
    EXPECT_THAT(last_.infos, ElementsAre(HasSubstr("ignored histograms in a range containing both "
                                                   "floats and histograms for metric name \"m\"")))
        << call;
  }
  EXPECT_THAT(Instant("max_over_time(m[30s])", 2 * kMinute), IsEmpty());
  EXPECT_THAT(last_.infos, IsEmpty());
  EXPECT_THAT(Instant("last_over_time(m[5m])", 2 * kMinute), ElementsAre("m {count:3, sum:0}"));
  EXPECT_THAT(Instant("first_over_time(m[5m])", 2 * kMinute), ElementsAre("m 1.000000"));
  EXPECT_THAT(Instant("resets(m[5m])", 2 * kMinute), ElementsAre("{} 1.000000"));
  EXPECT_THAT(Instant("present_over_time(m[30s])", 2 * kMinute), ElementsAre("{} 1.000000"));
  EXPECT_THAT(Instant("absent_over_time(m[30s])", 2 * kMinute), IsEmpty());
}

TEST_F(HistogramQueryTest, AggregationsAddUpCountOrIgnore) {
  Fill({{.count = 2, .sum = 1, .buckets = {2}}}, &Series({{"__name__", "m"}, {"s", "a"}}));
  Fill({{.schema = 1, .count = 4, .sum = 3, .buckets = {0, 4}}},
       &Series({{"__name__", "m"}, {"s", "b"}}));
  EXPECT_THAT(Instant("sum(m)", 0), ElementsAre("{} {count:6, sum:4, (0.5,1]:2, (1,2]:4}"));
  EXPECT_THAT(Instant("avg(m)", 0), ElementsAre("{} {count:3, sum:2, (0.5,1]:1, (1,2]:2}"));
  EXPECT_THAT(Instant("count(m)", 0), ElementsAre("{} 2.000000"));
  EXPECT_THAT(Instant("group(m)", 0), ElementsAre("{} 1.000000"));
  EXPECT_THAT(Instant("count_values(\"v\", m{s=\"a\"})", 0),
              ElementsAre("{v=\"{count:2, sum:1, (0.5,1]:2}\"} 1.000000"));
  EXPECT_THAT(Instant("limitk(1, m)", 0), ElementsAre(HasSubstr("m{s=\"a\"} {count:2")));
  Series({{"__name__", "m"}, {"s", "c"}}).samples[0] = 7;
  EXPECT_THAT(Instant("sum(m)", 0), IsEmpty());
  EXPECT_THAT(last_.warnings, ElementsAre("PromQL warning: encountered a mix of histograms and "
                                          "floats for aggregation (1:5)"));
  EXPECT_THAT(Instant("max(m)", 0), ElementsAre("{} 7.000000"));
  EXPECT_THAT(last_.infos, ElementsAre("PromQL info: ignored histogram in max aggregation (1:5)"));
  EXPECT_THAT(Instant("topk(3, m)", 0), ElementsAre("m{s=\"c\"} 7.000000"));
  EXPECT_THAT(last_.infos, ElementsAre("PromQL info: ignored histogram in topk aggregation (1:1)"));
  EXPECT_THAT(Instant("quantile(0.5, m)", 0), ElementsAre("{} 7.000000"));
  EXPECT_THAT(Instant("stddev by (s) (m)", 0), ElementsAre("{s=\"c\"} 0.000000"));
}

TEST_F(HistogramQueryTest, AggregationsRefuseToMixSchemas) {
  Fill({{.count = 2, .buckets = {2}}}, &Series({{"__name__", "m"}, {"s", "a"}}));
  Fill({{.schema = -53, .count = 4, .buckets = {4}, .custom_values = {1}}},
       &Series({{"__name__", "m"}, {"s", "b"}}));
  EXPECT_THAT(Instant("sum(m)", 0), IsEmpty());
  EXPECT_THAT(last_.warnings,
              ElementsAre(HasSubstr("vector contains a mix of histograms with exponential and "
                                    "custom buckets schemas for metric name \"m\" (1:5)")));
  EXPECT_THAT(Instant("m{s=\"a\"} + ignoring(s) m{s=\"b\"}", 0), IsEmpty());
  EXPECT_THAT(last_.warnings, ElementsAre("PromQL warning: incompatible bucket layout encountered "
                                          "for binary operator + (1:1)"));
}

TEST_F(HistogramQueryTest, SumsOverManySeriesAreTheSameHoweverSplit) {
  for (int i = 0; i < 300; ++i) {
    Fill({{.count = 1, .sum = 0.1, .buckets = {1}}},
         &Series({{"__name__", "m"}, {"s", std::to_string(i)}}));
  }
  EngineOptions parallel;
  parallel.thread_count = 4;
  QueryEngine engine([this] { return std::make_unique<FakeReader>(&store_); }, parallel, &clock_);
  for (const char* text : {"sum(m)", "avg(m) * 300"}) {
    const auto result = engine.Instant(text, 0, {});
    ASSERT_TRUE(result.ok());
    const HistogramPtr& sum = std::get<Vector>(result->value)[0].histogram;
    EXPECT_DOUBLE_EQ(sum->count, 300);
    EXPECT_NEAR(sum->sum, 30, 1e-12);
  }
}

TEST_F(HistogramQueryTest, BinaryOperators) {
  Fill({{.count = 2, .sum = 1, .buckets = {2}}}, &Series({{"__name__", "a"}, {"s", "1"}}));
  Fill({{.count = 3, .sum = 5, .buckets = {1, 2}}}, &Series({{"__name__", "b"}, {"s", "1"}}));
  Series({{"__name__", "f"}, {"s", "1"}}).samples[0] = 2;
  EXPECT_THAT(Instant("a + b", 0), ElementsAre("{s=\"1\"} {count:5, sum:6, (0.5,1]:3, (1,2]:2}"));
  EXPECT_THAT(Instant("a - b", 0),
              ElementsAre("{s=\"1\"} {count:-1, sum:-4, (0.5,1]:1, (1,2]:-2}"));
  EXPECT_THAT(Instant("f * a", 0), ElementsAre("{s=\"1\"} {count:4, sum:2, (0.5,1]:4}"));
  EXPECT_THAT(Instant("a / 2", 0), ElementsAre("{s=\"1\"} {count:1, sum:0.5, (0.5,1]:1}"));
  EXPECT_THAT(Instant("-a", 0), ElementsAre("{s=\"1\"} {count:-2, sum:-1, (0.5,1]:-2}"));
  EXPECT_THAT(Instant("b </ 1", 0),
              ElementsAre("b{s=\"1\"} {count:1, sum:0.7071067811865476, (0.5,1]:1}"));
  EXPECT_THAT(Instant("a == a", 0), ElementsAre("a{s=\"1\"} {count:2, sum:1, (0.5,1]:2}"));
  EXPECT_THAT(Instant("a == bool b", 0), ElementsAre("{s=\"1\"} 0.000000"));
  EXPECT_THAT(Instant("a != b", 0), ElementsAre("a{s=\"1\"} {count:2, sum:1, (0.5,1]:2}"));
  EXPECT_THAT(Instant("a and b", 0), ElementsAre("a{s=\"1\"} {count:2, sum:1, (0.5,1]:2}"));
  EXPECT_THAT(Instant("f or a", 0), ElementsAre("f{s=\"1\"} 2.000000"));
  for (const auto& [text, types] :
       std::vector<std::pair<std::string, std::string>>{{"a + 1", "histogram + float"},
                                                        {"1 / a", "float / histogram"},
                                                        {"a > b", "histogram > histogram"},
                                                        {"f - a", "float - histogram"},
                                                        {"f </ 1", "float </ float"}}) {
    EXPECT_THAT(Instant(text, 0), IsEmpty()) << text;
    EXPECT_THAT(last_.infos, ElementsAre(HasSubstr(types))) << text;
  }
}

TEST_F(HistogramQueryTest, FunctionsOfOneKindLeaveTheOtherOut) {
  Fill({{.count = 4, .sum = 10, .buckets = {0, 4}}}, &Series({{"__name__", "m"}, {"s", "h"}}));
  Series({{"__name__", "m"}, {"s", "f"}}).samples[0] = -2;
  EXPECT_THAT(Instant("abs(m)", 0), ElementsAre("{s=\"f\"} 2.000000"));
  EXPECT_THAT(Instant("histogram_count(m)", 0), ElementsAre("{s=\"h\"} 4.000000"));
  EXPECT_THAT(Instant("histogram_sum(m)", 0), ElementsAre("{s=\"h\"} 10.000000"));
  EXPECT_THAT(Instant("histogram_avg(m)", 0), ElementsAre("{s=\"h\"} 2.500000"));
  EXPECT_THAT(Instant("histogram_stdvar(m) > 0", 0), ElementsAre("{s=\"h\"} 1.178932"));
  EXPECT_THAT(Instant("sort(m)", 0), ElementsAre("m{s=\"f\"} -2.000000"));
  EXPECT_THAT(Instant("scalar(m)", 0), ElementsAre("-2.000000"));
  EXPECT_THAT(Instant("absent(m{s=\"h\"})", 0), IsEmpty());
  EXPECT_THAT(Instant("label_replace(m{s=\"h\"}, \"t\", \"$1\", \"s\", \"(.*)\")", 0),
              ElementsAre(HasSubstr("m{s=\"h\", t=\"h\"} {count:4")));
  EXPECT_THAT(Instant("m{s=\"h\"} @ 0", 5 * kMinute), ElementsAre(HasSubstr("{count:4")));
}

TEST_F(HistogramQueryTest, QuantilesOfNativeAndClassicHistograms) {
  Fill({{.count = 8, .sum = 10, .buckets = {4, 4}}}, &Series({{"__name__", "n"}}));
  Series({{"__name__", "c"}, {"le", "1"}}).samples[0] = 4;
  Series({{"__name__", "c"}, {"le", "+Inf"}}).samples[0] = 4;
  EXPECT_THAT(Instant("histogram_quantile(0.5, c)", 0), ElementsAre("{} 0.500000"));
  EXPECT_THAT(Instant("histogram_quantile(0.5, n)", 0), ElementsAre("{} 1.000000"));
  EXPECT_THAT(Instant("histogram_fraction(0, 1, n)", 0), ElementsAre("{} 0.500000"));
  EXPECT_THAT(Instant("histogram_quantiles(n, \"q\", 0.5, 1)", 0),
              UnorderedElementsAre("{q=\"0.5\"} 1.000000", "{q=\"1.0\"} 2.000000"));
  // One name and labels for both kinds: neither counts.
  Fill({{.count = 8, .sum = 10, .buckets = {4, 4}}}, &Series({{"__name__", "c"}}));
  EXPECT_THAT(Instant("histogram_quantile(0.5, c)", 0), IsEmpty());
  EXPECT_THAT(last_.warnings, ElementsAre(HasSubstr("vector contains a mix of classic and native "
                                                    "histograms for metric name \"c\"")));
}

TEST_F(HistogramQueryTest, SubqueriesForgetHints) {
  Fill({{.count = 1, .hint = CounterResetHint::kReset},
        {.count = 2, .hint = CounterResetHint::kNoReset},
        {.count = 3, .hint = CounterResetHint::kReset}},
       &Series({{"__name__", "h"}}));
  EXPECT_THAT(Instant("resets(h[5m])", 2 * kMinute), ElementsAre("{} 1.000000"));
  EXPECT_THAT(Instant("resets(h[5m:1m])", 2 * kMinute), ElementsAre("{} 0.000000"));
}

TEST_F(HistogramQueryTest, CountsAndSumsAloneAreReadWhereNothingElseIsAsked) {
  Fill({{.count = 4, .sum = 5, .buckets = {1, 3}},
        {.count = 8, .sum = 9, .buckets = {2, 6}},
        // The count goes on, a bucket does not.
        {.count = 9, .sum = 12, .buckets = {9, 0}}},
       &Series({{"__name__", "h"}}));
  EXPECT_THAT(Instant("histogram_count(sum_over_time(h[5m]))", 2 * kMinute),
              ElementsAre("{} 21.000000"));
  EXPECT_THAT(last_.warnings, ElementsAre(HasSubstr("conflicting counter resets")));
  EXPECT_THAT(Instant("resets(h[5m])", 2 * kMinute), ElementsAre("{} 1.000000"));
  // One text, but what is above it reads the buckets in one place and not in the other.
  EXPECT_THAT(Instant("histogram_count(irate(h[5m])) / histogram_fraction(0, 1, irate(h[5m]))",
                      2 * kMinute),
              ElementsAre("{} 0.150000"));
}

TEST_F(HistogramQueryTest, HistogramsCountAgainstTheBudgetByTheirSize) {
  Fill(std::vector<HistogramText>(5, {.count = 1, .buckets = std::vector<double>(400, 1)}),
       &Series({{"__name__", "h"}}));
  EngineOptions options;
  options.samples_max = 1000;
  EXPECT_EQ(Run("h[10m]", 4 * kMinute, options).status().code(), StatusCode::kResourceExhausted);
  options.samples_max = 50'000;
  EXPECT_TRUE(Run("h[10m]", 4 * kMinute, options).ok());
  EXPECT_EQ(Run("h[10m]", 4 * kMinute)->statistics.samples_read, 5u * 211);
}

}  // namespace
}  // namespace varve::promql::exec
