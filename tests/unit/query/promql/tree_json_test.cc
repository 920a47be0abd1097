#include "query/promql/tree_json.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "varve/promql.h"

namespace varve::promql {
namespace {

std::string Json(std::string_view text) {
  const Result<std::string> json = ParseToJson(text);
  return json.ok() ? *json : json.status().message();
}

constexpr std::string_view kFoo =
    R"({"type":"vectorSelector","name":"foo","offset":0,"offsetExpr":null,"timestamp":null,)"
    R"("startOrEnd":null,"anchored":false,"smoothed":false,)"
    R"("matchers":[{"name":"__name__","type":"=","value":"foo"}]})";

TEST(PrintJson, Literals) {
  EXPECT_EQ(Json("1.50"), R"({"type":"numberLiteral","val":"1.5"})");
  EXPECT_EQ(Json("5m"), R"({"type":"numberLiteral","val":"300"})");
  EXPECT_EQ(Json("-Inf"), R"({"type":"numberLiteral","val":"-Inf"})");
  EXPECT_EQ(Json(R"("a\"\\\n\xff")"), R"({"type":"stringLiteral","val":"a\"\\\u000a)"
                                      "\uFFFD\"}");
}

TEST(PrintJson, Selectors) {
  EXPECT_EQ(Json("foo"), kFoo);
  EXPECT_EQ(
      Json(R"({a!~"b?"}[5m] smoothed @ 1.5 offset -1m)"),
      R"({"type":"matrixSelector","name":"","offset":-60000,"offsetExpr":null,"timestamp":1500,)"
      R"("startOrEnd":null,"anchored":false,"smoothed":true,)"
      R"("matchers":[{"name":"a","type":"!~","value":"b?"}],"range":300000,"rangeExpr":null})");
  EXPECT_EQ(Json("foo[1h:step()] @ end()"),
            R"({"type":"subquery","expr":)" + std::string(kFoo) +
                R"(,"range":3600000,"rangeExpr":null,"step":0,)"
                R"("stepExpr":{"type":"durationExpr","op":"step","lhs":null,"rhs":null,)"
                R"("wrapped":false},"offset":0,"offsetExpr":null,"timestamp":null,)"
                R"("startOrEnd":"end"})");
}

TEST(PrintJson, DurationExpressions) {
  const std::string json = Json("foo offset -(1m + 2)");
  EXPECT_NE(
      json.find(R"("offset":0,"offsetExpr":{"type":"durationExpr","op":"-","lhs":null,"rhs":)"
                R"({"type":"durationExpr","op":"+","lhs":{"type":"numberLiteral","val":"60",)"
                R"("duration":true},"rhs":{"type":"numberLiteral","val":"2","duration":false},)"
                R"("wrapped":true},"wrapped":false})"),
      std::string::npos)
      << json;
}

TEST(PrintJson, Calls) {
  EXPECT_EQ(Json("round(foo)"),
            R"({"type":"call","func":{"name":"round","argTypes":["vector","scalar"],)"
            R"("variadic":1,"returnType":"vector"},"args":[)" +
                std::string(kFoo) + "]}");
  EXPECT_EQ(Json("(time())"),
            R"({"type":"parenExpr","expr":{"type":"call","func":{"name":"time","argTypes":[],)"
            R"("variadic":0,"returnType":"scalar"},"args":[]}})");
}

TEST(PrintJson, Operators) {
  const std::string foo(kFoo);
  EXPECT_EQ(Json("-foo"), R"({"type":"unaryExpr","op":"-","expr":)" + foo + "}");
  EXPECT_EQ(Json("sum without (a) (foo)"), R"({"type":"aggregation","op":"sum","expr":)" + foo +
                                               R"(,"param":null,"grouping":["a"],"without":true})");
  EXPECT_EQ(Json("foo > bool 1"),
            R"({"type":"binaryExpr","op":">","lhs":)" + foo +
                R"(,"rhs":{"type":"numberLiteral","val":"1"},"bool":true,"matching":null})");
  EXPECT_EQ(Json("foo / on (a) group_left (b) fill_left (NaN) fill_right (0) foo"),
            R"({"type":"binaryExpr","op":"/","lhs":)" + foo + R"(,"rhs":)" + foo +
                R"(,"bool":false,"matching":{"card":"many-to-one","labels":["a"],"on":true,)"
                R"("include":["b"],"fillValues":{"lhs":"NaN","rhs":0}}})");
}

TEST(PrintJson, RefusesWhatDoesNotParse) {
  EXPECT_EQ(ParseToJson("foo[").status().code(), StatusCode::kInvalidArgument);
}

TEST(Selectors, AreThoseOfTheWholeTree) {
  const Result<std::vector<Selector>> selectors =
      Selectors(R"(topk(scalar(a), rate(b{c="d"}[5m])) + max_over_time(e[1h:]) * 2)");
  ASSERT_TRUE(selectors.ok());
  const auto name = [](const char* text) { return Matcher{MatchOp::kEqual, "__name__", text}; };
  EXPECT_EQ(*selectors, (std::vector<Selector>{
                            {name("a")}, {{MatchOp::kEqual, "c", "d"}, name("b")}, {name("e")}}));
  EXPECT_TRUE(Selectors("1 + 1")->empty());
  EXPECT_FALSE(Selectors("rate(a)").ok());
}

}  // namespace
}  // namespace varve::promql
