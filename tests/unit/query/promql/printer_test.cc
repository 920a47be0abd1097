#include "query/promql/printer.h"

#include <gtest/gtest.h>

#include <string>

#include "query/promql/parser.h"
#include "varve/promql.h"

namespace varve::promql {
namespace {

std::string Formatted(std::string_view text) {
  const Result<std::string> formatted = Format(text);
  return formatted.ok() ? *formatted : "error " + formatted.status().message();
}

TEST(PrintDuration, UsesTheLargestUnits) {
  EXPECT_EQ(PrintDuration(0), "0s");
  EXPECT_EQ(PrintDuration(1), "1ms");
  EXPECT_EQ(PrintDuration(1000), "1s");
  EXPECT_EQ(PrintDuration(61'001), "1m1s1ms");
  EXPECT_EQ(PrintDuration(int64_t{90} * 86'400'000), "90d");
  EXPECT_EQ(PrintDuration(int64_t{14} * 86'400'000), "2w");
  EXPECT_EQ(PrintDuration(int64_t{730} * 86'400'000), "2y");
  EXPECT_EQ(PrintDuration(-300'000), "-5m");
}

TEST(Prettify, KeepsWhatFitsOnOneLine) {
  EXPECT_EQ(Formatted("sum(rate(foo[5m]))by(a)"), "sum by (a) (rate(foo[5m]))");
  EXPECT_EQ(Formatted("a+b"), "a + b");
  const std::string exactly_100 = "a" + std::string(99, 'b');
  EXPECT_EQ(Formatted(exactly_100), exactly_100);
}

TEST(Prettify, SplitsAggregationsAndCalls) {
  EXPECT_EQ(
      Formatted("sum by (job, instance) (rate(http_requests_total{job=\"api-server\", "
                "handler=\"/api/v1/query\", code=~\"5..\"}[5m]))"),
      "sum by (job, instance) (\n"
      "  "
      "rate(http_requests_total{code=~\"5..\",handler=\"/api/v1/query\",job=\"api-server\"}[5m])\n"
      ")");
  EXPECT_EQ(
      Formatted("topk(5, max_over_time(some_very_long_metric_name_for_this_test{label=\"some value "
                "that is long\"}[5m]))"),
      "topk(\n"
      "  5,\n"
      "  max_over_time(some_very_long_metric_name_for_this_test{label=\"some value that is "
      "long\"}[5m])\n"
      ")");
  EXPECT_EQ(
      Formatted("label_replace(some_very_long_metric_name_for_this_test, \"destination_label\", "
                "\"$1-replacement\", \"source\", \"(.*)\")"),
      "label_replace(\n"
      "  some_very_long_metric_name_for_this_test,\n"
      "  \"destination_label\",\n"
      "  \"$1-replacement\",\n"
      "  \"source\",\n"
      "  \"(.*)\"\n"
      ")");
}

TEST(Prettify, SplitsBinariesAndParentheses) {
  EXPECT_EQ(
      Formatted("first_metric_with_a_long_name{a=\"b\"} / on(instance, job) group_left(version) "
                "second_metric_with_a_long_name{a=\"b\"}"),
      "  first_metric_with_a_long_name{a=\"b\"}\n"
      "/ on (instance, job) group_left (version)\n"
      "  second_metric_with_a_long_name{a=\"b\"}");
  EXPECT_EQ(Formatted("1 - (first_metric_with_a_long_name{a=\"b\"} > bool "
                      "second_metric_with_a_very_much_longer_name"
                      "{a=\"b\",c=\"d\",e=\"f\"})"),
            "  1\n"
            "-\n"
            "  (\n"
            "      first_metric_with_a_long_name{a=\"b\"}\n"
            "    > bool\n"
            "      second_metric_with_a_very_much_longer_name{a=\"b\",c=\"d\",e=\"f\"}\n"
            "  )");
}

TEST(Prettify, SplitsSubqueriesAndSigns) {
  EXPECT_EQ(
      Formatted(
          "max_over_time(sum by (instance)(rate(some_metric_with_a_long_name_total{a=\"b\"}[5m]))"
          "[1h:1m] @ end() offset 5m)"),
      "max_over_time(\n"
      "sum by (instance) (rate(some_metric_with_a_long_name_total{a=\"b\"}[5m]))[1h:1m] @ end() "
      "offset 5m\n"
      ")");
  EXPECT_EQ(
      Formatted(
          "-(first_metric_with_a_long_name{a=\"b\"} * second_metric_with_a_very_much_longer_name"
          "{a=\"b\",c=\"d\",e=\"f\",g=\"h\"})"),
      "-(\n"
      "    first_metric_with_a_long_name{a=\"b\"}\n"
      "  *\n"
      "    second_metric_with_a_very_much_longer_name{a=\"b\",c=\"d\",e=\"f\",g=\"h\"}\n"
      ")");
}

TEST(Prettify, ReadsBackToTheSameTree) {
  for (const std::string text : {
           "sum by (job) (rate(first_metric_with_a_long_name[5m])) / -on_metric ^ 2 > bool 5 and "
           "ignoring(x) "
           "(last_metric_with_a_long_name offset 5m @ start())",
           "quantile_over_time(0.99, (first_metric_with_a_long_name - "
           "second_metric_with_a_long_name{a=~\"b|c\"})"
           "[1h30m:5m] offset -1d) or vector(0)",
       }) {
    const std::string pretty = Formatted(text);
    EXPECT_NE(pretty.find('\n'), std::string::npos);
    EXPECT_EQ(Print(**Parse(pretty)), Print(**Parse(text)));
    EXPECT_EQ(Formatted(pretty), pretty);
  }
}

TEST(Prettify, StaysOnOneLineWhereIndentsWouldExplode) {
  std::string deep = "x";
  for (int i = 0; i < 300; ++i) deep = "abs(" + deep + ")";
  std::string sum = deep;
  for (int i = 0; i < 300; ++i) sum += " + " + deep;
  EXPECT_EQ(Formatted(sum), sum);
  EXPECT_NE(Formatted(deep), deep);
}

TEST(Format, ReportsErrors) {
  EXPECT_EQ(Formatted("sum("), "error 1:5: parse error: unclosed left parenthesis");
}

TEST(ParseSelector, ReadsMatchParameters) {
  const auto selector = ParseSelector("up{job=~\"a|b\", x!=\"\"}");
  ASSERT_TRUE(selector.ok()) << selector.status().ToString();
  const Selector wanted = {{MatchOp::kRegexMatch, "job", "a|b"},
                           {MatchOp::kNotEqual, "x", ""},
                           {MatchOp::kEqual, "__name__", "up"}};
  EXPECT_EQ(*selector, wanted);
  EXPECT_EQ(ParseSelector("{\"a.b\"}")->front(), (Matcher{MatchOp::kEqual, "__name__", "a.b"}));
  EXPECT_TRUE(ParseSelector("sum").ok());
}

TEST(ParseSelector, RefusesAnythingElse) {
  const auto error = [](std::string_view text) { return ParseSelector(text).status().message(); };
  EXPECT_EQ(error(""), "unknown position: parse error: unexpected end of input");
  EXPECT_EQ(error("1"), "1:1: parse error: unexpected number \"1\"");
  EXPECT_EQ(error("rate(up[5m])"), "1:5: parse error: unexpected \"(\"");
  EXPECT_EQ(error("up[5m]"), "1:3: parse error: unexpected \"[\"");
  EXPECT_EQ(error("up offset 5m"), "1:4: parse error: unexpected <offset>");
  EXPECT_EQ(error("{}"), "match[] must contain at least one non-empty matcher");
  EXPECT_EQ(error("{a=~\".*\"}"), "match[] must contain at least one non-empty matcher");
  EXPECT_EQ(error("{a=~\"(\"}"), "1:2: parse error: error parsing regexp: missing closing ): `(`");
}

TEST(ParseDurationMs, ReadsPrometheusDurations) {
  EXPECT_EQ(*ParseDurationMs("5m"), 300'000);
  EXPECT_EQ(*ParseDurationMs("1h30m"), 5'400'000);
  EXPECT_EQ(*ParseDurationMs("1y"), int64_t{365} * 86'400'000);
  EXPECT_EQ(*ParseDurationMs("0"), 0);
  EXPECT_EQ(*ParseDurationMs("1d2ms"), 86'400'002);
  for (const std::string_view text :
       {"", "5", "1.5h", "-5m", "5 m", "5m1h", "m", "5x", "1s1s", "300y", "5mh"}) {
    const Result<int64_t> duration = ParseDurationMs(text);
    EXPECT_FALSE(duration.ok()) << text;
    EXPECT_EQ(duration.status().code(), StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(ParseDurationMs("1.5h").status().message(), "not a valid duration string: \"1.5h\"");
}

}  // namespace
}  // namespace varve::promql
