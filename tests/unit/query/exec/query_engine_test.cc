// The engine over a reader in memory: budgets, ends, matching errors, and range queries against
// instant ones.
#include "query/exec/query_engine.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "tests/unit/query/exec/fake_reader.h"

namespace varve::promql::exec {
namespace {

constexpr int64_t kMinute = 60'000;

class QueryEngineTest : public testing::Test {
 protected:
  QueryEngine MakeEngine(EngineOptions options = {}) {
    if (options.thread_count == 0) options.thread_count = 1;
    return QueryEngine([this] { return std::make_unique<FakeReader>(&store_); }, options, &clock_);
  }
  // "labels value" per sample, in the order of the result.
  std::vector<std::string> Instant(const std::string& text, int64_t time_ms) {
    QueryEngine engine = MakeEngine();
    auto result = engine.Instant(text, time_ms, {});
    if (!result.ok()) return {result.status().ToString()};
    last_ = *std::move(result);
    std::vector<std::string> out;
    if (const auto* scalar = std::get_if<Scalar>(&last_.value)) {
      out.push_back(std::to_string(scalar->point.value));
    } else if (const auto* vector = std::get_if<Vector>(&last_.value)) {
      for (const VectorSample& sample : *vector) {
        out.push_back(sample.labels.ToString() + " " + std::to_string(sample.point.value));
      }
    }
    return out;
  }
  Status Fail(const std::string& text, int64_t time_ms) {
    QueryEngine engine = MakeEngine();
    auto result = engine.Instant(text, time_ms, {});
    EXPECT_FALSE(result.ok()) << text;
    return result.status();
  }

  FakeStore store_;
  ManualClock clock_{1'000'000};
  QueryResult last_;
};

using Lines = std::vector<std::string>;

TEST_F(QueryEngineTest, ScalarsStringsAndRangeVectors) {
  store_.Add({{"__name__", "m"}, {"a", "2"}}, 10'000, {1, 2, 3});
  store_.Add({{"__name__", "m"}, {"a", "1"}}, 10'000,
             {4, std::bit_cast<double>(kStaleMarkerBits), 6});
  EXPECT_EQ(Instant("1 + 2 * 3", 0), Lines{"7.000000"});
  QueryEngine engine = MakeEngine();
  auto text = engine.Instant("\"hi\"", 5, {});
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(std::get<String>(text->value).value, "hi");
  EXPECT_EQ(std::get<String>(text->value).timestamp_ms, 5);
  auto range = engine.Instant("m[20s]", 20'000, {});
  ASSERT_TRUE(range.ok());
  const Matrix& matrix = std::get<Matrix>(range->value);
  ASSERT_EQ(matrix.size(), 2u);  // sorted by labels; left-open; stale markers left out
  EXPECT_EQ(matrix[0].labels.Get("a"), "1");
  ASSERT_EQ(matrix[0].points.size(), 1u);
  EXPECT_EQ(matrix[0].points[0].timestamp_ms, 20'000);
  ASSERT_EQ(matrix[1].points.size(), 2u);
  EXPECT_EQ(matrix[1].points[0].timestamp_ms, 10'000);
  EXPECT_EQ(matrix[1].points[0].value, 2);
}

TEST_F(QueryEngineTest, RangeQueriesOfWrongTypesAndTimes) {
  QueryEngine engine = MakeEngine();
  auto result = engine.Range("m[5m]", 0, 10, 1, {});
  EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(result.status().message(),
            "invalid expression type \"range vector\" for range query, must be Scalar or instant "
            "Vector");
  EXPECT_EQ(engine.Range("m", 10, 0, 1, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(engine.Range("m", 0, 10, 0, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(engine.Range("m{", 0, 10, 1, {}).status().code(), StatusCode::kInvalidArgument);
  auto scalar = engine.Range("time()", 0, 20'000, 10'000, {});
  ASSERT_TRUE(scalar.ok());
  const Matrix& matrix = std::get<Matrix>(scalar->value);
  ASSERT_EQ(matrix.size(), 1u);
  EXPECT_TRUE(matrix[0].labels.empty());
  ASSERT_EQ(matrix[0].points.size(), 3u);
  EXPECT_EQ(matrix[0].points[2].value, 20);
}

TEST_F(QueryEngineTest, SelectsOnceWithTheUnionOfTimes) {
  store_.Add({{"__name__", "m"}}, 10'000, {1, 2, 3});
  Instant("sum(m offset 1h) + sum(rate(m[5m])) + sum(n)", 7'200'000);
  EXPECT_EQ(store_.select_count, 1u);
  ASSERT_EQ(store_.requests.size(), 2u);
  EXPECT_EQ(store_.requests[0].min_ms, 7'200'000 - 3'600'000 - 300'000 + 1);
  EXPECT_EQ(store_.requests[0].max_ms, 7'200'000);
  EXPECT_EQ(store_.requests[1].min_ms, 7'200'000 - 300'000 + 1);
  Instant("{b=\"1\",a=\"2\"} + {a=\"2\",b=\"1\"}", 0);
  EXPECT_EQ(store_.requests.size(), 1u);
}

TEST_F(QueryEngineTest, ReadsNothingWithoutSelectors) {
  Instant("vector(1) + 2", 0);
  EXPECT_EQ(store_.select_count, 0u);
}

TEST_F(QueryEngineTest, EvaluatesStepInvariantPartsOnce) {
  store_.Add({{"__name__", "m_total"}}, 10'000, std::vector<double>(100, 1));
  QueryEngine engine = MakeEngine();
  for (const std::string text : {"sum(rate(m_total[1m] @ 500)) + time()", "m_total @ end() * 2"}) {
    store_.read_count = 0;
    auto result = engine.Range(text, 0, 600'000, 10'000, {});
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(store_.read_count, 1u) << text;
    EXPECT_EQ(std::get<Matrix>(result->value)[0].points.size(), 61u) << text;
  }
  // Within a subquery: once in all, not once per step.
  store_.read_count = 0;
  ASSERT_TRUE(engine.Range("max_over_time((m_total @ 500)[5m:10s])", 0, 600'000, 10'000, {}).ok());
  EXPECT_EQ(store_.read_count, 1u);
}

TEST_F(QueryEngineTest, EachSeriesIsReadOncePerRangeQuery) {
  for (int i = 0; i < 5; ++i) {
    store_.Add({{"__name__", "m_total"}, {"i", std::to_string(i)}}, 10'000,
               std::vector<double>(100, 1));
  }
  QueryEngine engine = MakeEngine();
  ASSERT_TRUE(engine.Range("sum(rate(m_total[1m]))", 0, 900'000, 10'000, {}).ok());
  EXPECT_EQ(store_.read_count, 5u);
}

TEST_F(QueryEngineTest, ReportsWhatItRead) {
  store_.Add({{"__name__", "m"}}, 10'000, std::vector<double>(10, 1));
  store_.Add({{"__name__", "m"}, {"a", "1"}}, 10'000, std::vector<double>(10, 1));
  Instant("m", 90'000);
  EXPECT_EQ(last_.statistics.series_read, 2u);
  EXPECT_EQ(last_.statistics.samples_read, 20u);
  EXPECT_GE(last_.statistics.samples_peak, 10u);
  EXPECT_LE(last_.statistics.samples_peak, 22u);
}

TEST_F(QueryEngineTest, RefusesTooManySamples) {
  for (int i = 0; i < 50; ++i) {
    store_.Add({{"__name__", "m"}, {"i", std::to_string(i)}}, 1'000, std::vector<double>(100, 1));
  }
  EngineOptions options;
  options.samples_max = 1'000;
  QueryEngine engine = MakeEngine(options);
  // All points of all series together are too many; added up they are not.
  const auto refused = engine.Range("m", 0, 99'000, 1'000, {}).status();
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.message(),
            "query processing would load too many samples into memory in query execution (limit: "
            "1000 samples)");
  EXPECT_TRUE(engine.Range("sum(m)", 0, 99'000, 1'000, {}).ok());
  EXPECT_EQ(engine.Instant("m[100s]", 99'000, {}).status().code(), StatusCode::kResourceExhausted);
  // A subquery whose steps alone are too many is refused before it is evaluated.
  store_.read_count = 0;
  EXPECT_EQ(engine.Instant("sum_over_time(m[1d:1s])", 99'000, {}).status().code(),
            StatusCode::kResourceExhausted);
  EXPECT_EQ(store_.read_count, 0u);
}

TEST_F(QueryEngineTest, RefusesTooManyBytes) {
  for (int i = 0; i < 50; ++i) {
    store_.Add({{"__name__", "m"}, {"i", std::to_string(i)}}, 1'000, std::vector<double>(100, 1));
  }
  EngineOptions options;
  options.bytes_max = 20'000;
  QueryEngine engine = MakeEngine(options);
  const auto refused = engine.Range("m", 0, 99'000, 1'000, {}).status();
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(refused.message().find("limit: 20000 bytes"), std::string::npos) << refused.message();
  EXPECT_TRUE(engine.Range("sum(m)", 0, 99'000, 1'000, {}).ok());
  EXPECT_EQ(engine.Instant("count_over_time(vector(1)[10y:1ms])", 0, {}).status().code(),
            StatusCode::kResourceExhausted);
}

TEST_F(QueryEngineTest, EndsAtTheDeadline) {
  for (int i = 0; i < 10; ++i) {
    store_.Add({{"__name__", "m"}, {"i", std::to_string(i)}}, 1'000, {1});
  }
  store_.on_read = [this] {
    clock_.AdvanceMs(300);
    return OkStatus();
  };
  QueryEngine engine = MakeEngine();
  QueryOptions options;
  options.timeout_ms = 1'000;
  const auto status = engine.Instant("sum(m)", 0, options).status();
  EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(status.message(), "query timed out in query execution");
  EXPECT_EQ(store_.read_count, 4u);
}

TEST_F(QueryEngineTest, NeverTakesLongerThanTheEnginesTimeout) {
  store_.Add({{"__name__", "m"}}, 1'000, {1});
  store_.on_read = [this] {
    clock_.AdvanceMs(150);
    return OkStatus();
  };
  EngineOptions engine_options;
  engine_options.timeout_ms = 100;
  QueryEngine engine = MakeEngine(engine_options);
  QueryOptions options;
  options.timeout_ms = 1'000'000;
  EXPECT_EQ(engine.Instant("m", 0, options).status().code(), StatusCode::kDeadlineExceeded);
}

TEST_F(QueryEngineTest, EndsWhenAskedTo) {
  for (int i = 0; i < 10; ++i) {
    store_.Add({{"__name__", "m"}, {"i", std::to_string(i)}}, 1'000, {1});
  }
  std::stop_source source;
  store_.on_read = [&] {
    if (store_.read_count == 3) source.request_stop();
    return OkStatus();
  };
  QueryEngine engine = MakeEngine();
  QueryOptions options;
  options.stop = source.get_token();
  const auto status = engine.Instant("m", 0, options).status();
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  EXPECT_EQ(status.message(), "query was canceled in query execution");
  EXPECT_EQ(store_.read_count, 3u);
}

TEST_F(QueryEngineTest, PassesOnWhatReadingSays) {
  for (int i = 0; i < 500; ++i) {
    store_.Add({{"__name__", "m"}, {"i", std::to_string(i)}}, 1'000, {1});
  }
  store_.on_read = [this] {
    return store_.read_count > 300 ? DataLossError("part 7 is damaged") : OkStatus();
  };
  EngineOptions options;
  options.thread_count = 4;
  QueryEngine engine = MakeEngine(options);
  for (const std::string text : {"m", "sum(m)", "sum_over_time(m[5m])", "absent(m)"}) {
    store_.read_count = 0;
    EXPECT_EQ(engine.Instant(text, 0, {}).status().code(), StatusCode::kDataLoss) << text;
  }
}

TEST_F(QueryEngineTest, WaitsForAPlaceUntilTheTimeout) {
  EngineOptions options;
  options.concurrency_max = 1;
  QueryEngine engine = MakeEngine(options);
  ASSERT_TRUE(engine.gate().Enter(&clock_, INT64_MAX, {}).ok());
  Status waited;
  std::thread other([&] { waited = engine.Instant("1", 0, {}).status(); });
  while (engine.gate().waiting_count() == 0) std::this_thread::yield();
  clock_.AdvanceMs(options.timeout_ms);
  other.join();
  EXPECT_EQ(waited.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(waited.message(), "query timed out in query queue");

  std::stop_source source;
  QueryOptions query_options;
  query_options.stop = source.get_token();
  std::thread cancelled([&] { waited = engine.Instant("1", 0, query_options).status(); });
  while (engine.gate().waiting_count() == 0) std::this_thread::yield();
  source.request_stop();
  cancelled.join();
  EXPECT_EQ(waited.code(), StatusCode::kCancelled);

  std::thread served([&] { waited = engine.Instant("1", 0, {}).status(); });
  while (engine.gate().waiting_count() == 0) std::this_thread::yield();
  engine.gate().Leave();
  served.join();
  EXPECT_TRUE(waited.ok());
}

TEST_F(QueryEngineTest, MatchingErrorsInTheReferencesWords) {
  store_.Add({{"__name__", "one"}, {"job", "a"}, {"i", "1"}}, kMinute, {1});
  store_.Add({{"__name__", "one"}, {"job", "a"}, {"i", "2"}}, kMinute, {2});
  store_.Add({{"__name__", "many"}, {"job", "a"}, {"i", "1"}}, kMinute, {3});
  store_.Add({{"__name__", "many"}, {"job", "a"}, {"i", "2"}}, kMinute, {4});
  store_.Add({{"__name__", "single"}, {"job", "a"}}, kMinute, {5});
  EXPECT_EQ(Fail("many + on(job) one", 0).message(),
            "found duplicate series for the match group {job=\"a\"} on the right hand-side of the "
            "operation: [{__name__=\"one\", i=\"2\", job=\"a\"}, {__name__=\"one\", i=\"1\", "
            "job=\"a\"}];many-to-many matching not allowed: matching labels must be unique on one "
            "side");
  EXPECT_EQ(Fail("one + on(job) group_right many", 0).message(),
            "found duplicate series for the match group {job=\"a\"} on the left hand-side of the "
            "operation: [{__name__=\"one\", i=\"2\", job=\"a\"}, {__name__=\"one\", i=\"1\", "
            "job=\"a\"}];many-to-many matching not allowed: matching labels must be unique on one "
            "side");
  EXPECT_EQ(Fail("many + on(job) single", 0).message(),
            "multiple matches for labels: many-to-one matching must be explicit "
            "(group_left/group_right)");
  EXPECT_EQ(Fail("many > on(job) single", 0).message(),
            "multiple matches for labels: many-to-one matching must be explicit "
            "(group_left/group_right)");
  EXPECT_EQ(Fail("many * on(job) group_left(i) single", 0).message(),
            "multiple matches for labels: grouping labels must ensure unique matches");
  EXPECT_EQ(Fail("rate({job=\"a\"}[5m]) or abs({job=\"a\"})", 0).message(),
            "vector cannot contain metrics with the same labelset");
  EXPECT_EQ(Fail("abs({job=\"a\"}) > 100", 0).message(),
            "vector cannot contain metrics with the same labelset");
  EXPECT_EQ(Fail("abs({job=\"a\"})", 0).code(), StatusCode::kOutOfRange);
  // Nothing on the other side: nothing is looked at.
  EXPECT_EQ(Instant("nothing + on(job) one", 0), Lines{});
  EXPECT_EQ(Instant("single + on(job) group_right() many", 0),
            (Lines{"{i=\"1\", job=\"a\"} 8.000000", "{i=\"2\", job=\"a\"} 9.000000"}));
}

// 50 times 50 results would be too many samples, but they are not made where matching fails.
TEST_F(QueryEngineTest, MatchingManyToManyFailsBeforeItMultiplies) {
  for (int i = 0; i < 50; ++i) {
    const double first = i < 2 ? std::bit_cast<double>(kStaleMarkerBits) : i;
    store_.Add({{"__name__", "m"}, {"i", std::to_string(i)}}, kMinute,
               i == 0 ? std::vector<double>{1, 1} : std::vector<double>{first, 1});
  }
  EngineOptions options;
  options.samples_max = 1'000;
  QueryEngine engine = MakeEngine(options);
  for (const char* query : {"m * on() m", "m * on() group_left m", "m > on() m"}) {
    EXPECT_EQ(engine.Range(query, 0, kMinute, kMinute, {}).status().code(), StatusCode::kOutOfRange)
        << query;
    EXPECT_EQ(engine.Instant(query, kMinute, {}).status().code(), StatusCode::kOutOfRange) << query;
  }
}

TEST_F(QueryEngineTest, SeriesThatTakeTurnsMerge) {
  const double stale = std::bit_cast<double>(kStaleMarkerBits);
  store_.Add({{"__name__", "a"}}, kMinute, {1, stale});
  store_.Add({{"__name__", "b"}}, kMinute, {stale, 2});
  QueryEngine engine = MakeEngine();
  auto result = engine.Range("-{__name__=~\"a|b\"}", 0, kMinute, kMinute, {});
  ASSERT_TRUE(result.ok());
  const Matrix& matrix = std::get<Matrix>(result->value);
  ASSERT_EQ(matrix.size(), 1u);
  EXPECT_EQ(matrix[0].points[0].value, -1);
  EXPECT_EQ(matrix[0].points[1].value, -2);
  // Functions of ranges do not let them.
  EXPECT_EQ(engine.Range("count_over_time({__name__=~\"a|b\"}[1m])", 0, kMinute, kMinute, {})
                .status()
                .code(),
            StatusCode::kOutOfRange);
}

TEST_F(QueryEngineTest, Annotations) {
  store_.Add({{"__name__", "x"}}, kMinute, {1, 2, 3});
  store_.Add({{"__name__", "x_total"}}, kMinute, {1, 2, 3});
  Instant("rate(x[5m])", 2 * kMinute);
  EXPECT_EQ(last_.infos, Lines{"PromQL info: metric might not be a counter, name does not end in "
                               "_total/_sum/_count/_bucket: \"x\" (1:6)"});
  EXPECT_TRUE(last_.warnings.empty());
  Instant("rate(x_total[5m]) + delta(x[5m])", 2 * kMinute);
  EXPECT_TRUE(last_.infos.empty());
  Instant("rate(x[1m])", 2 * kMinute);  // one sample: no result, nothing to say
  EXPECT_TRUE(last_.infos.empty());
  Instant("quantile(\n1.5, x)", 2 * kMinute);
  EXPECT_EQ(last_.warnings,
            Lines{"PromQL warning: quantile value should be between 0 and 1, got 1.5 (2:1)"});
  Instant("quantile_over_time(-1, x[5m])", 2 * kMinute);
  EXPECT_EQ(last_.warnings,
            Lines{"PromQL warning: quantile value should be between 0 and 1, got -1 (1:20)"});
  Instant("quantile_over_time(-1, nothing[5m])", 2 * kMinute);
  EXPECT_TRUE(last_.warnings.empty());
  Instant("histogram_quantile(NaN, nothing)", 2 * kMinute);
  EXPECT_EQ(last_.warnings,
            Lines{"PromQL warning: quantile value should be between 0 and 1, got NaN (1:20)"});
  Instant("histogram_quantile(0.5, x)", 2 * kMinute);
  EXPECT_EQ(last_.warnings,
            Lines{"PromQL warning: bucket label \"le\" is missing or has a malformed value of \"\" "
                  "for metric name \"x\" (1:25)"});
}

TEST_F(QueryEngineTest, ForcedMonotonicityIsOneInfo) {
  for (const auto& [le, count] :
       std::map<std::string, double>{{"1", 10}, {"2", 7}, {"3", 12}, {"+Inf", 12}}) {
    store_.Add({{"__name__", "h_bucket"}, {"le", le}}, kMinute, {count, count, count});
  }
  QueryEngine engine = MakeEngine();
  auto result = engine.Range("histogram_quantile(0.5, h_bucket)", 0, 2 * kMinute, kMinute, {});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->infos,
            Lines{"PromQL info: input to histogram_quantile needed to be fixed for monotonicity "
                  "(see https://prometheus.io/docs/prometheus/latest/querying/functions/"
                  "#histogram_quantile) for metric name \"h_bucket\", from buckets 2 to 2, with a "
                  "max diff of 3, over 3 samples from 1970-01-01T00:00:00Z to "
                  "1970-01-01T00:02:00Z (1:25)"});
}

TEST_F(QueryEngineTest, TopAndBottomAreOrderedWithNanLast) {
  const double nan = std::nan("");
  const std::vector<double> values{3, nan, 1, 2};
  for (size_t i = 0; i < values.size(); ++i) {
    store_.Add({{"__name__", "m"}, {"i", std::to_string(i)}}, kMinute, {values[i]});
  }
  EXPECT_EQ(Instant("topk(3, m)", 0),
            (Lines{"m{i=\"0\"} 3.000000", "m{i=\"3\"} 2.000000", "m{i=\"2\"} 1.000000"}));
  EXPECT_EQ(Instant("bottomk(2, m)", 0), (Lines{"m{i=\"2\"} 1.000000", "m{i=\"3\"} 2.000000"}));
  EXPECT_EQ(Instant("topk(9, m)", 0).back(), "m{i=\"1\"} nan");
  EXPECT_EQ(Instant("sort(m)", 0).back(), "m{i=\"1\"} nan");
  EXPECT_EQ(Instant("sort_desc(m)", 0), (Lines{"m{i=\"0\"} 3.000000", "m{i=\"3\"} 2.000000",
                                               "m{i=\"2\"} 1.000000", "m{i=\"1\"} nan"}));
  EXPECT_EQ(Instant("topk(0, m)", 0), Lines{});
  EXPECT_EQ(Fail("topk(NaN, m)", 0).message(), "Parameter value is NaN");
  EXPECT_EQ(Fail("topk(1e30, m)", 0).message(), "Scalar value 1e+30 overflows int64");
}

TEST_F(QueryEngineTest, LabelReplaceExpandsAsGo) {
  store_.Add({{"__name__", "m"}, {"src", "ab-12"}}, kMinute, {1});
  const auto replaced = [&](const std::string& replacement, const std::string& pattern) {
    const Lines lines = Instant(
        "label_replace(m, \"dst\", \"" + replacement + "\", \"src\", \"" + pattern + "\")", 0);
    return lines.empty() ? "" : lines[0];
  };
  EXPECT_EQ(replaced("$2/$1", "(.*)-(.*)"), "m{dst=\"12/ab\", src=\"ab-12\"} 1.000000");
  EXPECT_EQ(replaced("${1}x", "(.*)-(.*)"), "m{dst=\"abx\", src=\"ab-12\"} 1.000000");
  EXPECT_EQ(replaced("$1x", "(.*)-(.*)"), "m{src=\"ab-12\"} 1.000000");  // the group named 1x
  EXPECT_EQ(replaced("<$9>", "(.*)"), "m{dst=\"<>\", src=\"ab-12\"} 1.000000");
  EXPECT_EQ(replaced("$n", "(?P<n>[a-z]+).*"), "m{dst=\"ab\", src=\"ab-12\"} 1.000000");
  EXPECT_EQ(replaced("$$1 $ ${", "(.*)"), "m{dst=\"$1 $ ${\", src=\"ab-12\"} 1.000000");
  EXPECT_EQ(replaced("x", "b"), "m{src=\"ab-12\"} 1.000000");  // anchored
  EXPECT_EQ(Fail("label_replace(m, \"d\", \"\", \"src\", \"(\")", 0).message(),
            "invalid regular expression in label_replace(): (");
}

TEST_F(QueryEngineTest, DeepTreesFitTheStack) {
  store_.Add({{"__name__", "m"}}, kMinute, {1});
  std::string nested = "m";
  std::string chain = "m";
  std::string functions = "m";
  for (int i = 0; i < 200; ++i) {
    nested = "(m + " + nested + ")";
    functions = "-(abs(sort(" + functions + ")))";
  }
  for (int i = 0; i < 990; ++i) chain += " + m";
  EXPECT_EQ(Instant(nested, 0), Lines{"{} 201.000000"});
  EXPECT_EQ(Instant(chain, 0), Lines{"{} 991.000000"});
  // Either deeper than the parser allows, or an answer.
  const Lines answer = Instant(functions, 0);
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_TRUE(answer[0] == "{} -1.000000" || answer[0].find("nested deeper") != std::string::npos)
      << answer[0];
}

// Values differ in the last bits when series are added in another order.
void ExpectSamePoint(double a, double b, const std::string& what) {
  if (std::isnan(a) || std::isnan(b)) {
    EXPECT_EQ(std::isnan(a), std::isnan(b)) << what;
  } else if (std::isinf(a) || std::isinf(b)) {
    EXPECT_EQ(a, b) << what;
  } else {
    EXPECT_NEAR(a, b, 1e-9 * std::max(1.0, std::fabs(a))) << what;
  }
}

std::map<std::pair<std::string, int64_t>, double> PointsOf(const QueryResult& result) {
  std::map<std::pair<std::string, int64_t>, double> out;
  if (const auto* matrix = std::get_if<Matrix>(&result.value)) {
    for (const Series& series : *matrix) {
      for (const Point& point : series.points) {
        out[{series.labels.ToString(), point.timestamp_ms}] = point.value;
      }
    }
  } else if (const auto* vector = std::get_if<Vector>(&result.value)) {
    for (const VectorSample& sample : *vector) {
      out[{sample.labels.ToString(), sample.point.timestamp_ms}] = sample.point.value;
    }
  } else {
    const Point& point = std::get<Scalar>(result.value).point;
    out[{"{}", point.timestamp_ms}] = point.value;
  }
  return out;
}

const char* const kExpressions[] = {
    "m",
    "m offset 7m",
    "m offset -3m",
    "timestamp(m)",
    "rate(m[3m])",
    "increase(m[7m] offset 2m)",
    "sum by (a) (rate(m[5m]))",
    "avg without (b) (m)",
    "count by (a) (m > 50)",
    "min(m) or max(m)",
    "stddev by (a) (m)",
    "stdvar(m)",
    "group by (b) (m)",
    "topk by (a) (2, m)",
    "bottomk(3, m)",
    "quantile by (a) (0.3, m)",
    "count_values(\"v\", round(m, 20))",
    "limitk(2, m)",
    "m > bool 50",
    "50 < m",
    "m * on (a, b) n",
    "m - ignoring (c) n",
    "m / on (a) group_left () sum by (a) (n)",
    "sum by (a) (n) * on (a) group_right () m",
    "m and on (a) n > 30",
    "m unless n",
    "m or n",
    "-m",
    "clamp(m, 10, 60)",
    "round(m, 0.3)",
    "hour(m * 3600)",
    "absent(m{a=\"9\"})",
    "absent(m > 95)",
    "absent_over_time(m{a=\"1\"}[2m])",
    "scalar(sum(m))",
    "vector(time())",
    "max_over_time(m[6m])",
    "quantile_over_time(0.4, m[6m])",
    "predict_linear(m[10m], 60)",
    "deriv(m[10m])",
    "changes(m[10m])",
    "double_exponential_smoothing(m[10m], 0.3, 0.6)",
    "max_over_time(rate(m[3m])[10m:1m])",
    "sum_over_time(sum by (a) (m)[7m:45s] offset 1m)",
    "avg_over_time(m[10m:2m])",
    "last_over_time(vector(time())[5m:1m])",
    "sum(max_over_time(m[5m:30s])) by (a)",
    "label_replace(m, \"d\", \"$1\", \"b\", \"(.*)\")",
    "label_join(m, \"d\", \"-\", \"a\", \"b\")",
    "histogram_quantile(0.7, h)",
    "histogram_fraction(0, 1.5, h)",
    "m @ 900 + m",
    "sum(m @ 900) * time()",
    "{__name__=~\"m|n\"} > 40",
    "last_over_time({__name__=~\"m|n\"}[5m])",
    "sum by (__name__) ({__name__=~\"m|n\"})",
    "day_of_week()",
    "time() - 1 > bool 100",
};

class RangeAgainstInstant : public testing::TestWithParam<const char*> {
 protected:
  void Fill(uint64_t seed, size_t copies) {
    std::mt19937_64 random(seed);
    for (const std::string name : {"m", "n"}) {
      for (int a = 0; a < 3; ++a) {
        for (size_t b = 0; b < 3 * copies; ++b) {
          FakeSeries& series =
              store_.Add({{"__name__", name}, {"a", std::to_string(a)}, {"b", std::to_string(b)}});
          FillSamples(&series, &random);
        }
      }
    }
    for (const std::string le : {"0.5", "1", "2", "+Inf"}) {
      FakeSeries& series = store_.Add({{"__name__", "h"}, {"le", le}});
      FillSamples(&series, &random);
    }
  }
  static void FillSamples(FakeSeries* series, std::mt19937_64* random) {
    int64_t time = static_cast<int64_t>((*random)() % 60'000);
    while (time < 40 * kMinute) {
      double value = static_cast<double>((*random)() % 1'000) / 10;
      if ((*random)() % 40 == 0) value = std::nan("");
      if ((*random)() % 40 == 0) value = std::bit_cast<double>(kStaleMarkerBits);
      series->samples[time] = value;
      time +=
          (*random)() % 30 == 0 ? 8 * kMinute : 1'000 + static_cast<int64_t>((*random)() % 40'000);
    }
  }
  QueryEngine MakeEngine(size_t threads) {
    EngineOptions options;
    options.thread_count = threads;
    return QueryEngine([this] { return std::make_unique<FakeReader>(&store_); }, options,
                       Clock::System());
  }
  FakeStore store_;
};

TEST_P(RangeAgainstInstant, EveryStepEqualsAnInstantQuery) {
  Fill(11, 1);
  QueryEngine engine = MakeEngine(1);
  const int64_t step = 37'000;
  const auto range = engine.Range(GetParam(), 0, 45 * kMinute, step, {});
  ASSERT_TRUE(range.ok()) << range.status().ToString();
  auto points = PointsOf(*range);
  size_t compared = 0;
  for (int64_t time = 0; time <= 45 * kMinute; time += step) {
    const auto instant = engine.Instant(GetParam(), time, {});
    ASSERT_TRUE(instant.ok()) << instant.status().ToString();
    for (const auto& [key, value] : PointsOf(*instant)) {
      const auto found = points.find(key);
      ASSERT_NE(found, points.end()) << key.first << " at " << key.second;
      ExpectSamePoint(found->second, value, key.first + " at " + std::to_string(key.second));
      points.erase(found);
      ++compared;
    }
  }
  EXPECT_TRUE(points.empty()) << points.size() << " points more in the range query";
  EXPECT_GT(compared, 0u);
}

TEST_P(RangeAgainstInstant, ThreadsDoNotMatter) {
  Fill(12, 60);
  const auto one = MakeEngine(1).Range(GetParam(), 0, 45 * kMinute, 3 * kMinute, {});
  const auto four = MakeEngine(4).Range(GetParam(), 0, 45 * kMinute, 3 * kMinute, {});
  const auto again = MakeEngine(4).Range(GetParam(), 0, 45 * kMinute, 3 * kMinute, {});
  ASSERT_TRUE(one.ok() && four.ok() && again.ok());
  const auto points = PointsOf(*one);
  const auto others = PointsOf(*four);
  const auto repeated = PointsOf(*again);
  ASSERT_EQ(points.size(), others.size());
  ASSERT_EQ(points.size(), repeated.size());
  for (const auto& [key, value] : points) {
    ASSERT_TRUE(others.count(key)) << key.first;
    ExpectSamePoint(others.at(key), value, key.first);
    // To the bit whichever thread was faster.
    EXPECT_EQ(std::bit_cast<uint64_t>(others.at(key)), std::bit_cast<uint64_t>(repeated.at(key)));
  }
}

INSTANTIATE_TEST_SUITE_P(Expressions, RangeAgainstInstant, testing::ValuesIn(kExpressions),
                         [](const auto& suite) { return "e" + std::to_string(suite.index); });

}  // namespace
}  // namespace varve::promql::exec
