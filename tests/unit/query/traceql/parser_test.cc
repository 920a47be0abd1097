// What parses, what is refused and where.
#include "query/traceql/parser.h"

#include <gtest/gtest.h>

#include <string>

namespace varve::traceql {
namespace {

std::string ErrorOf(std::string_view query) {
  const Result<Query> parsed = Parse(query);
  return parsed.ok() ? "" : parsed.status().message();
}

TEST(TraceQlParserTest, TheLanguage) {
  for (const char* query : {
           "{}",
           "{ true }",
           "{ .a = \"b\" }",
           "{ span.\"a b\".c != `x` && resource.d =~ \"e.*\" || !(kind = server) }",
           "{ duration > 1h30m && span:duration < 1.5s }",
           "{ -.a + 2 * 3 ^ 2 % 4 / 1.5 - 1 >= 2 }",
           "{ .a = nil || nil != event.b }",
           "{ event:timeSinceStart > 2ms && link:traceID = \"ab\" && instrumentation:name = \"x\" "
           "}",
           "{ status = error } >> { kind = client } | count() > 2 | select(.a, name)",
           "({ .a = 1 } && { .b = 2 }) || { .c = 3 } ~ { .d = 4 }",
           "{ .a } !>> { .b } &< { .c } !~ { .d }",
           "{ } | by(resource.service.name) | avg(duration) > 2 * max(.x) + 1 | coalesce()",
           "({ .a } | count() > 1) && ({ .b } | count() > 1)",
           "{ } | rate() by(.a, span:name) | topk(5)",
           "{ } | quantile_over_time(duration, .5, 0.99) by(name) > 2 with(exemplars=10)",
           "{ } | compare({ status = error }, 5, 100, 200)",
           "({ status = error } | rate()) / ({ } | rate()) * 100",
           "{ } // a comment\n/* and another */ | histogram_over_time(duration)",
           "{ parent.a = 1 && parent.span.b = 2 && span:parentID = \"\" && nestedSetParent < 0 }",
           "{ name = \"\\u00e9\\x41\\n\" }",
           // As Grafana's trace views ask.
           "{nestedSetParent<0 && true} | rate()  with(sample=true)",
           "{nestedSetParent<0 && true && resource.service.name != nil} | "
           "quantile_over_time(duration, 0.9) by(resource.service.name)",
           "{nestedSetParent<0 && true} | compare({duration >= 1.2s && duration <= 3s}, 10, 1, 2)",
           "({nestedSetParent<0 && true  && status = error} &>> { status = error }) || "
           "({nestedSetParent<0 && true  && status = error}) | select(status, name, "
           "resource.service.name, nestedSetParent, nestedSetLeft, nestedSetRight)",
           "{true && status = error} | select(event.exception.message) with(most_recent=true)",
           "{ trace:duration > 1w && event:timeSinceStart < 1y } | 2 < count()",
       }) {
    EXPECT_EQ(ErrorOf(query), "") << query;
  }
}

TEST(TraceQlParserTest, RefusalsSayWhereAndWhat) {
  EXPECT_EQ(ErrorOf("{ foo = 1 }").substr(0, 30), "parse error at line 1, col 3: ");
  EXPECT_EQ(ErrorOf("{\n  .a = \n}").substr(0, 30), "parse error at line 3, col 1: ");
  for (const char* query : {
           "",
           "{",
           "}",
           "{ .a = }",
           "{ .a = \"x }",
           "{ .a =~ .b }",
           "{ .a =~ \"(\" }",
           "{} |",
           "{} | count(",
           "{} | rate() | rate()",
           "{} | quantile_over_time(duration)",
           "{} | quantile_over_time(duration, 2)",
           "{} | topk(1)",
           "{} | rate() | topk(0)",
           "{} > ",
           "{ . = 1 }",
           "{ .a = 1x }",
           "{ .a = 99999999999999999999 }",
           "{} with(x)",
           "{ \"\\q\" = 1 }",
           "/* no end",
           "{} && | count() > 1",
           "{} | compare()",
           "{} | compare({}, 0)",
           "{} | min() > 1",
       }) {
    EXPECT_NE(ErrorOf(query), "") << query;
  }
}

TEST(TraceQlParserTest, DepthHasALimit) {
  EXPECT_EQ(ErrorOf("{ " + std::string(50, '(') + ".a = 1" + std::string(50, ')') + " }"), "");
  const std::string deep = std::string(100'000, '(') + ".a = 1" + std::string(100'000, ')');
  EXPECT_NE(ErrorOf("{ " + deep + " }"), "");
  EXPECT_NE(ErrorOf("{ " + std::string(100'000, '!') + ".a = 1 }"), "");
  EXPECT_NE(ErrorOf("{ " + std::string(100'000, '-') + "1 = 1 }"), "");
  EXPECT_NE(ErrorOf(std::string(100'000, '(') + "{}" + std::string(100'000, ')')), "");
}

TEST(TraceQlParserTest, AttributesAlone) {
  for (const char* text : {".a", "span.b.c", "resource.\"x y\"", "name", "span:status"}) {
    EXPECT_TRUE(ParseAttribute(text).ok()) << text;
  }
  for (const char* text : {"", "a b", "foo", "{}", ".a .b"}) {
    EXPECT_FALSE(ParseAttribute(text).ok()) << text;
  }
}

}  // namespace
}  // namespace varve::traceql
