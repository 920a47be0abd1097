#include "tests/conformance/script.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "varve/write_batch.h"

namespace varve::conformance {
namespace {

std::vector<double> Floats(std::string_view line) {
  const Result<SeriesLine> series = ParseSeriesLine(line);
  EXPECT_TRUE(series.ok()) << series.status().ToString();
  std::vector<double> out;
  if (series.ok()) {
    for (const SequenceValue& value : series->values) out.push_back(value.value);
  }
  return out;
}

TEST(SeriesNotation, ExpandsRepetitionsAndSteps) {
  EXPECT_EQ(Floats("a 1 2 3"), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(Floats("a 1+2x3"), (std::vector<double>{1, 3, 5, 7}));
  EXPECT_EQ(Floats("a 10-5x2"), (std::vector<double>{10, 5, 0}));
  EXPECT_EQ(Floats("a -1-2x1"), (std::vector<double>{-1, -3}));
  EXPECT_EQ(Floats("a 7x2"), (std::vector<double>{7, 7, 7}));
  EXPECT_EQ(Floats("a 1e2+1e-1x1"), (std::vector<double>{100, 100.1}));
  EXPECT_EQ(Floats("a  \t 1e+3 .5 Inf -inf"),
            (std::vector<double>{1000, 0.5, INFINITY, -INFINITY}));
  EXPECT_EQ(Floats("a"), (std::vector<double>{}));
}

TEST(SeriesNotation, ReadsGapsStaleMarkersAndHistograms) {
  const Result<SeriesLine> series =
      ParseSeriesLine("a _ _x3 stale NaN {{schema:0 count:1}} {{}}+{{count:2}}x2");
  ASSERT_TRUE(series.ok()) << series.status().ToString();
  ASSERT_EQ(series->values.size(), 10u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(series->values[i].kind, SequenceValue::Kind::kGap);
  EXPECT_EQ(std::bit_cast<uint64_t>(series->values[4].value), kStaleMarkerBits);
  EXPECT_TRUE(std::isnan(series->values[5].value));
  EXPECT_NE(std::bit_cast<uint64_t>(series->values[5].value), kStaleMarkerBits);
  for (int i = 6; i < 10; ++i) EXPECT_EQ(series->values[i].kind, SequenceValue::Kind::kHistogram);
}

TEST(SeriesNotation, ReadsWhatHistogramsHold) {
  const Result<SeriesLine> series = ParseSeriesLine(
      "a {{schema:1 count:7 sum:-5.5 z_bucket:1 z_bucket_w:0.001 buckets:[2 0 3] offset:-1 "
      "n_buckets:[1] counter_reset_hint:gauge}}");
  ASSERT_TRUE(series.ok()) << series.status().ToString();
  const NotedHistogram& noted = *series->values.at(0).histogram;
  EXPECT_TRUE(noted.has_hint);
  EXPECT_EQ(noted.histogram.reset_hint, CounterResetHint::kGauge);
  EXPECT_EQ(noted.histogram.schema, 1);
  EXPECT_EQ(noted.histogram.count, 7);
  EXPECT_EQ(noted.histogram.sum, -5.5);
  EXPECT_EQ(noted.histogram.zero_count, 1);
  EXPECT_EQ(noted.histogram.zero_threshold, 0.001);
  EXPECT_EQ(noted.histogram.positive_spans, (std::vector<BucketSpan>{{-1, 3}}));
  EXPECT_EQ(noted.histogram.positive_buckets, (std::vector<double>{2, 0, 3}));
  EXPECT_EQ(noted.histogram.negative_buckets, (std::vector<double>{1}));
  EXPECT_FALSE(ParseSeriesLine("a {{schema:x}}").ok());
  EXPECT_FALSE(ParseSeriesLine("a {{colour:1}}").ok());
  EXPECT_FALSE(ParseSeriesLine("a {{buckets:[1 2}}").ok());
}

TEST(SeriesNotation, StepsHistograms) {
  const Result<SeriesLine> series = ParseSeriesLine(
      "a {{schema:0 count:2 sum:1 buckets:[2]}}+{{schema:1 count:3 buckets:[1 1 1]}}x2");
  ASSERT_TRUE(series.ok()) << series.status().ToString();
  ASSERT_EQ(series->values.size(), 3u);
  const Histogram& last = series->values[2].histogram->histogram;
  EXPECT_EQ(last.count, 8);
  // Buckets 0, 1 and 2 of schema 1 are buckets 0, 1 and 1 of schema 0.
  EXPECT_EQ(last.positive_buckets, (std::vector<double>{4, 4}));
  const NotedHistogram want{last, false};
  EXPECT_FALSE(CompareHistograms(want, last).has_value());
  EXPECT_TRUE(CompareHistograms(want, series->values[1].histogram->histogram).has_value());
}

TEST(SeriesNotation, ReadsStartTimes) {
  const auto offsets = ParseStartTimeLine("a{b=\"c\"}@st _ _x2 -30s-1mx2 0 1ms");
  ASSERT_TRUE(offsets.ok()) << offsets.status().ToString();
  using Offset = std::optional<int64_t>;
  EXPECT_EQ(*offsets, (std::vector<Offset>{{}, {}, {}, -30'000, -90'000, -150'000, 0, 1}));
  EXPECT_FALSE(ParseStartTimeLine("a@st soon").ok());
}

TEST(SeriesNotation, ReadsMetrics) {
  const auto labels = [](std::string_view line) {
    const Result<SeriesLine> series = ParseSeriesLine(line);
    return series.ok() ? series->labels.ToString() : series.status().message();
  };
  EXPECT_EQ(labels("up 1"), "up");
  EXPECT_EQ(labels("job:up:sum{a=\"b\", c='d'} 1"), "job:up:sum{a=\"b\", c=\"d\"}");
  EXPECT_EQ(labels("up {a=\"b\"} 1"), "up{a=\"b\"}");
  EXPECT_EQ(labels("{} 1"), "{}");
  EXPECT_EQ(labels("{a=\"b}\\\"\",} 1"), "{a=\"b}\\\"\"}");
  EXPECT_EQ(labels("{\"http.requests\", \"a.b\"=`c`} 1"),
            Labels({{"__name__", "http.requests"}, {"a.b", "c"}}).ToString());
}

TEST(SeriesNotation, RefusesWhatItCannotRead) {
  for (const std::string_view line :
       {"", "1", "a 1+2", "a 1x", "a 1xx2", "a foo", "a{b} 1", "a{b=\"c} 1", "a 1 {{count:1",
        "a{b=\"c\"}1", "a 1x99999999999"}) {
    EXPECT_FALSE(ParseSeriesLine(line).ok()) << line;
  }
}

std::vector<Command> Parsed(std::string_view text) {
  Result<std::vector<Command>> commands = ParseScript(text, "x.test");
  EXPECT_TRUE(commands.ok()) << commands.status().ToString();
  return commands.ok() ? *std::move(commands) : std::vector<Command>();
}

TEST(Script, ReadsLoadsAndClears) {
  const auto commands =
      Parsed("# a comment\nload 5m\n  a 1 2\n  b{x=\"y\"} 3\n\nclear\nload 1m30s\n  c 1\n");
  ASSERT_EQ(commands.size(), 3u);
  const auto& load = std::get<LoadCommand>(commands[0]);
  EXPECT_EQ(load.step_ms, 300'000);
  EXPECT_EQ(load.line, 2);
  ASSERT_EQ(load.series.size(), 2u);
  EXPECT_EQ(load.series[1].labels.ToString(), "b{x=\"y\"}");
  EXPECT_TRUE(std::holds_alternative<ClearCommand>(commands[1]));
  EXPECT_EQ(std::get<LoadCommand>(commands[2]).step_ms, 90'000);
}

TEST(Script, ReadsInstantEvaluations) {
  const auto commands = Parsed(
      "# id: y.test:7 class=native_histograms split=shared\n"
      "eval instant at 10m sum (a)  by (b)\n  expect no_warn\n  expect info regex: a.*b\n  "
      "{b=\"1\"} 5\n\n"
      "eval_fail instant at -1m a\n  expected_fail_message no luck\n\n"
      "eval_ordered instant at 0 1\n  -1.5\n");
  ASSERT_EQ(commands.size(), 3u);
  const auto& first = std::get<EvalCommand>(commands[0]);
  EXPECT_EQ(first.id, "y.test:7");
  EXPECT_EQ(first.klass, "native_histograms");
  EXPECT_EQ(first.expression, "sum (a)  by (b)");
  EXPECT_EQ(first.steps.start_ms, 600'000);
  ASSERT_EQ(first.expectations.size(), 2u);
  EXPECT_EQ(first.expectations[1].match, Expectation::Match::kRegex);
  EXPECT_EQ(first.expectations[1].text, "a.*b");
  ASSERT_EQ(first.series.size(), 1u);

  const auto& second = std::get<EvalCommand>(commands[1]);
  EXPECT_EQ(second.id, "x.test:7");
  EXPECT_EQ(second.klass, "stable");
  EXPECT_EQ(second.steps.start_ms, -60'000);
  EXPECT_TRUE(second.Expects(Expectation::Kind::kFail));
  EXPECT_EQ(second.expectations.back().text, "no luck");

  const auto& third = std::get<EvalCommand>(commands[2]);
  EXPECT_TRUE(third.Expects(Expectation::Kind::kOrdered));
  EXPECT_EQ(third.scalar, -1.5);
}

TEST(Script, ReadsRangeEvaluationsStringsAndRangeVectors) {
  const auto commands = Parsed(
      "eval range from 0 to 5m step 1m a + b\n  {} 1 _ 2\n\n"
      "eval instant at 1m \"x\"\n  expect string \"x\\n\"\n\n"
      "eval instant at 1m a[5m]\n  expect range vector from 10s to 1m step 10s\n  a 1 2 3\n");
  ASSERT_EQ(commands.size(), 3u);
  const auto& range = std::get<EvalCommand>(commands[0]);
  EXPECT_TRUE(range.is_range);
  EXPECT_EQ(range.steps.end_ms, 300'000);
  EXPECT_EQ(range.steps.step_ms, 60'000);
  EXPECT_EQ(range.expression, "a + b");
  EXPECT_EQ(range.series.front().values.size(), 3u);
  EXPECT_EQ(std::get<EvalCommand>(commands[1]).string, "x\n");
  EXPECT_EQ(std::get<EvalCommand>(commands[2]).range_vector->start_ms, 10'000);
}

TEST(Script, ReportsTheLine) {
  const auto error = [](std::string_view text) {
    return ParseScript(text, "x.test").status().message();
  };
  EXPECT_EQ(error("\nnonsense 5m\n"), "x.test:2: unknown command \"nonsense\"");
  EXPECT_EQ(error("load five\n"), "x.test:1: not a valid duration string: \"five\"");
  EXPECT_EQ(error("eval sometimes at 5m a\n"),
            "x.test:1: expected \"instant\" or \"range\", got \"sometimes\"");
  EXPECT_EQ(error("eval instant at 5m a\n  expect wonders\n"),
            "x.test:1: unknown expectation \"wonders\"");
  EXPECT_EQ(error("eval instant at 5m a\n  a 1 2\n"),
            "x.test:1: an instant evaluation with several values for one series");
}

}  // namespace
}  // namespace varve::conformance
