#include "query/promql/parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "query/promql/function_table.h"
#include "query/promql/printer.h"

namespace varve::promql {
namespace {

// The canonical form, or "error " and the message.
std::string Canonical(std::string_view text) {
  const Result<ExprPtr> expr = Parse(text);
  return expr.ok() ? Print(**expr) : "error " + expr.status().message();
}

struct Pair {
  std::string text;
  std::string canonical;
};

// Every pair's canonical form must also read back to itself.
void ExpectCanonical(const std::vector<Pair>& pairs) {
  for (const Pair& pair : pairs) {
    EXPECT_EQ(Canonical(pair.text), pair.canonical) << "for " << pair.text;
    EXPECT_EQ(Canonical(pair.canonical), pair.canonical) << "read back from " << pair.text;
  }
}

void ExpectUnchanged(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) EXPECT_EQ(Canonical(text), text);
}

TEST(Parser, ReadsNumbers) {
  ExpectCanonical({
      {"1", "1"},
      {"+1", "1"},
      {"-1", "-1"},
      {"--1", "1"},
      {".5", "0.5"},
      {"5.", "5"},
      {"123.4567", "123.4567"},
      {"5e-3", "0.005"},
      {"5e3", "5000"},
      {"1E+3", "1000"},
      {"0xc", "12"},
      {"0XfF", "255"},
      {"0x1_0", "16"},
      {"0x_10", "16"},
      {"0755", "493"},
      {"0_17", "15"},
      {"08", "8"},
      {"09.5", "9.5"},
      {"-0755", "-493"},
      {"1_000_000", "1000000"},
      {"1_0.2_5", "10.25"},
      {"Inf", "+Inf"},
      {"+inf", "+Inf"},
      {"-iNF", "-Inf"},
      {"NaN", "NaN"},
      {"nAn", "NaN"},
      {"0", "0"},
      {"9223372036854775807", "9223372036854776000"},
      {"9223372036854775808", "9223372036854776000"},
      {"1e23", "100000000000000000000000"},
      {"1e-7", "0.0000001"},
      {"1e-400", "0"},
      {"0.1", "0.1"},
      {"(0xee)", "(238)"},
      {"inf ^ 2", "Inf ^ 2"},
      {"2 ^ inf", "2 ^ +Inf"},
      {"-inf ^ 2", "-Inf ^ 2"},
  });
  // 2^63 - 1 is read as an integer first, then rounded like any double.
  EXPECT_EQ((*Parse("9223372036854775807"))->As<NumberLiteral>().value, 9223372036854775808.0);
}

TEST(Parser, ReadsDurationsAsNumbers) {
  ExpectCanonical({
      {"5m", "5m"},
      {"-5m", "-5m"},
      {"1h30m", "1h30m"},
      {"90m", "1h30m"},
      {"7d", "1w"},
      {"8d", "8d"},
      {"365d", "1y"},
      {"1y2w3d4h5m6s7ms", "382d4h5m6s7ms"},
      {"0s", "0s"},
      {"1500ms", "1s500ms"},
      {"1s + 500ms", "1s + 500ms"},
  });
  const Result<ExprPtr> expr = Parse("1m30s250ms");
  ASSERT_TRUE(expr.ok());
  EXPECT_EQ((*expr)->As<NumberLiteral>().value, 90.25);
  EXPECT_EQ((*expr)->As<NumberLiteral>().form, NumberForm::kDuration);
}

TEST(Parser, ReadsStrings) {
  ExpectCanonical({
      {R"("a")", R"("a")"},
      {R"('a')", R"("a")"},
      {"`a`", R"("a")"},
      {R"("it's")", R"("it's")"},
      {R"('it\'s')", R"("it's")"},
      {R"('say "x"')", R"("say \"x\"")"},
      {R"("say \"x\"")", R"("say \"x\"")"},
      {R"(`a\n`)", R"("a\\n")"},
      {"`a\nb`", R"("a\nb")"},
      {R"("\a\b\f\n\r\t\v\\")", R"("\a\b\f\n\r\t\v\\")"},
      {R"("\x41\101\u0041\U00000041")", R"("AAAA")"},
      {R"("\u00e4\u65e5\U0001F600")", "\"\u00e4\u65e5\U0001F600\""},
      {R"("\x00\x7f")", R"("\x00\x7f")"},
      {R"("\xff")", R"("\xff")"},
      {R"("\377")", R"("\xff")"},
      {R"("\u00a0\u200b")", R"("\u00a0\u200b")"},
      {"\"\u65e5\u672c\"", "\"\u65e5\u672c\""},
      {"\"\"", "\"\""},
  });
}

TEST(Parser, ReadsSelectors) {
  ExpectUnchanged({
      "foo",
      "foo:bar:rate5m",
      ":leading",
      "_x9",
      R"(foo{a="b"})",
      R"(foo{a!="b",c=~"d.*",e!~"f|g"})",
      R"({a="b"})",
      R"({__name__=~"a.+"})",
      R"(foo{a="b\\c\n\"d\""})",
      R"({__name__="foo"})",
  });
  ExpectCanonical({
      {"foo{}", "foo"},
      {"foo { }", "foo"},
      {"foo{a='b',}", R"(foo{a="b"})"},
      {"foo{ b = 'x' , a=\"y\" }", R"(foo{a="y",b="x"})"},
      {"{'foo'}", R"({__name__="foo"})"},
      {R"({"http.requests", "le.x"="1"})", R"({"le.x"="1",__name__="http.requests"})"},
      {R"({"quoted"='y', plain=~"z"})", R"({plain=~"z",quoted="y"})"},
      {R"(foo{bool="1",on="2",by="3",inf="4",sum="5"})",
       R"(foo{bool="1",by="3",inf="4",on="2",sum="5"})"},
      {"foo{a=\"1\", a=\"2\"}", "foo{a=\"1\",a=\"2\"}"},
      {R"({a="",b!=""})", R"({a="",b!=""})"},
      {R"({a=~".+"})", R"({a=~".+"})"},
      {R"(foo{a=""})", R"(foo{a=""})"},
  });
}

TEST(Parser, TakesKeywordsAsNames) {
  ExpectUnchanged({"sum",
                   "avg + count",
                   "by",
                   "without",
                   "offset",
                   "and and and",
                   "or or or",
                   "unless",
                   "start",
                   "end",
                   "step",
                   "range",
                   "group",
                   "topk{a=\"b\"}",
                   "offset offset 5m",
                   "anchored",
                   "smoothed",
                   "fill + fill_left",
                   "min_of",
                   "max_of{a=\"b\"}",
                   "start_timestamp",
                   "limitk",
                   "sum(sum)",
                   "by[5m]",
                   "max_over_time(max[1m])"});
  ExpectCanonical({
      {"SUM(x)", "sum(x)"},
      {"Sum", "Sum"},
      {"sum by (fill, fill_left, min_of, step, smoothed) (x)",
       "sum by (fill, fill_left, min_of, step, smoothed) (x)"},
      {"sum by (by, without, bool, on, and, atan2, offset, start, group_left) (x)",
       "sum by (by, without, bool, on, and, atan2, offset, start, group_left) (x)"},
      {"a AND b", "a and b"},
      {"a oR b", "a or b"},
      {"foo OFFSET 5m", "foo offset 5m"},
      {"a == BOOL 1", "a == bool 1"},
  });
}

TEST(Parser, ReadsModifiers) {
  ExpectUnchanged({
      "foo offset 5m",
      "foo offset -1w",
      "foo[5m] offset 5m",
      "foo @ 10.000",
      "foo @ -1.500",
      "foo @ start()",
      "foo @ end() offset 5m",
      "foo[5m] @ 1.000 offset -5m",
      "foo[1h:5m]",
      "foo[1h:]",
      "foo[1h:5m] @ end() offset 1d",
      "rate(foo[5m])[1h:1m]",
      "(a + b)[1h:] offset 5m",
      "-rate(foo[5m:])",
      "min_over_time(rate(foo[5m] @ 2.000)[1h:1m])[1d:1h]",
  });
  ExpectCanonical({
      {"foo offset 5m @ 10", "foo @ 10.000 offset 5m"},
      {"foo @ 10 offset 5m", "foo @ 10.000 offset 5m"},
      {"foo @ +1e3", "foo @ 1000.000"},
      {"foo @ 1m30s", "foo @ 90.000"},
      {"foo @ 1.2345", "foo @ 1.235"},
      {"foo offset 30", "foo offset 30s"},
      {"foo offset +5m", "foo offset 5m"},
      {"foo offset -30.5", "foo offset -30s500ms"},
      {"foo offset 0", "foo"},
      {"foo[300]", "foo[5m]"},
      {"foo[0x3C]", "foo[1m]"},
      {"foo[1.5]", "foo[1s500ms]"},
      {"foo[ 5m ]", "foo[5m]"},
      {"foo[+5m]", "foo[5m]"},
      {"foo[--5m]", "foo[5m]"},
      {"foo[1h : 5m]", "foo[1h:5m]"},
      {"foo[3600:300]", "foo[1h:5m]"},
      {"foo offset 1m + 2m", "foo offset 1m + 2m"},
      {"foo offset -2 ^ 2", "foo offset -2s ^ 2"},
      {"foo offset 1m[5m:]", "foo offset 1m[5m:]"},
      {"foo @ start()[5m]", "foo[5m] @ start()"},
  });
}

TEST(Parser, ReadsEdges) {
  ExpectUnchanged({"foo anchored", "foo smoothed", "foo @ 1.000 smoothed offset 5m",
                   "rate(foo[5m] anchored)", "rate(foo[5m] smoothed @ end() offset 5m)"});
  ExpectCanonical({
      {"foo smoothed[5m]", "foo[5m] smoothed"},
      {"foo[5m] offset 1m ANCHORED", "foo[5m] anchored offset 1m"},
      {"foo[5m] anchored anchored", "foo[5m] anchored"},
      {"foo offset 1m smoothed @ 1", "foo @ 1.000 smoothed offset 1m"},
  });
  const Result<ExprPtr> expr = Parse("foo[5m] smoothed");
  ASSERT_TRUE(expr.ok());
  EXPECT_EQ((*expr)->As<MatrixSelector>().vector->edges, RangeEdges::kSmoothed);
}

TEST(Parser, ReadsFillModifiers) {
  ExpectUnchanged({"a + fill (0) b", "a + on (x) fill_left (-1) b",
                   "a + fill_left (1) fill_right (2) b", "a == bool fill (+Inf) b",
                   "a / on (x) group_left (y) fill_right (0.5) b",
                   "a + fill_left (NaN) fill_right (NaN) b", "a </ fill (1e+06) b"});
  ExpectCanonical({
      {"a + FILL(5m) b", "a + fill (300) b"},
      {"a + fill_right(2) fill_left(+1) b", "a + fill_left (1) fill_right (2) b"},
      {"a + fill_right(2) fill_left(2) b", "a + fill (2) b"},
      {"a + fill + b", "a + fill + b"},
  });
  const Result<ExprPtr> expr = Parse("a + fill_right(2) b");
  ASSERT_TRUE(expr.ok());
  const auto& matching = (*expr)->As<Binary>().matching;
  EXPECT_EQ(matching->fill_left, std::nullopt);
  EXPECT_EQ(matching->fill_right, 2);
}

TEST(Parser, BindsOperatorsByPrecedence) {
  const auto grouped = [](std::string_view text) {
    const auto print = [](const Expr& expr, const auto& self) -> std::string {
      if (const auto* binary = expr.TryAs<Binary>()) {
        return "(" + self(*binary->lhs, self) + " " + PrintBinaryHead(*binary) + " " +
               self(*binary->rhs, self) + ")";
      }
      if (const auto* unary = expr.TryAs<Unary>()) {
        return (unary->op == UnaryOp::kMinus ? "-" : "+") + self(*unary->expr, self);
      }
      return Print(expr);
    };
    const Result<ExprPtr> expr = Parse(text);
    return expr.ok() ? print(**expr, print) : expr.status().message();
  };
  EXPECT_EQ(grouped("1 + 2 * 3"), "(1 + (2 * 3))");
  EXPECT_EQ(grouped("1 * 2 + 3"), "((1 * 2) + 3)");
  EXPECT_EQ(grouped("1 - 2 - 3"), "((1 - 2) - 3)");
  EXPECT_EQ(grouped("2 ^ 3 ^ 4"), "(2 ^ (3 ^ 4))");
  EXPECT_EQ(grouped("2 * 3 % 4 / 5"), "(((2 * 3) % 4) / 5)");
  EXPECT_EQ(grouped("a atan2 b * c"), "((a atan2 b) * c)");
  EXPECT_EQ(grouped("1 + 2 > bool 3 * 4"), "((1 + 2) > bool (3 * 4))");
  EXPECT_EQ(grouped("a > b == c"), "((a > b) == c)");
  EXPECT_EQ(grouped("a or b and c"), "(a or (b and c))");
  EXPECT_EQ(grouped("a and b unless c or d"), "(((a and b) unless c) or d)");
  EXPECT_EQ(grouped("a == b and c"), "((a == b) and c)");
  EXPECT_EQ(grouped("-a ^ b"), "-(a ^ b)");
  EXPECT_EQ(grouped("-a * b"), "(-a * b)");
  EXPECT_EQ(grouped("-1 ^ 2"), "-(1 ^ 2)");
  EXPECT_EQ(grouped("2 ^ -3 * 4"), "((2 ^ -3) * 4)");
  EXPECT_EQ(grouped("2 ^ -a ^ 2 * 4"), "((2 ^ -(a ^ 2)) * 4)");
  EXPECT_EQ(grouped("a + -b * c"), "(a + (-b * c))");
  EXPECT_EQ(grouped("a - -b"), "(a - -b)");
  EXPECT_EQ(grouped("a </ b + c >/ d"), "((a </ (b + c)) >/ d)");
  EXPECT_EQ(grouped("a </b and c</d"), "((a </ b) and (c </ d))");
  EXPECT_EQ(grouped("a + on(x) b * ignoring(y) c"), "(a + on (x) (b * ignoring (y) c))");
}

TEST(Parser, ReadsVectorMatching) {
  ExpectCanonical({
      {"a + on(x) b", "a + on (x) b"},
      {"a + on() b", "a + on () b"},
      {"a + ignoring() b", "a + b"},
      {"a + ignoring(x,y,) b", "a + ignoring (x, y) b"},
      {"a / on(x) group_left b", "a / on (x) group_left () b"},
      {"a / on(x) group_left() b", "a / on (x) group_left () b"},
      {"a / ignoring(x) group_right(y, z,) b", "a / ignoring (x) group_right (y, z) b"},
      {"a > bool on(x) group_left(y) b", "a > bool on (x) group_left (y) b"},
      {"a and on('a.b', c) b", R"(a and on ("a.b", c) b)"},
      {"a unless ignoring(x) b", "a unless ignoring (x) b"},
      {"a / ignoring() group_left(x) b", "a / ignoring () group_left (x) b"},
  });
  const Result<ExprPtr> expr = Parse("a / on (x) group_right (y) b");
  ASSERT_TRUE(expr.ok());
  const auto& matching = (*expr)->As<Binary>().matching;
  ASSERT_TRUE(matching.has_value());
  EXPECT_EQ(matching->cardinality, Cardinality::kOneToMany);
  EXPECT_EQ(matching->on, MatchOn::kOn);
  EXPECT_EQ(matching->include, std::vector<std::string>{"y"});
}

TEST(Parser, SettlesMatchingByType) {
  EXPECT_FALSE((*Parse("a + 1"))->As<Binary>().matching.has_value());
  EXPECT_FALSE((*Parse("1 + 1"))->As<Binary>().matching.has_value());
  EXPECT_EQ((*Parse("a + b"))->As<Binary>().matching->cardinality, Cardinality::kOneToOne);
  EXPECT_EQ((*Parse("a or b"))->As<Binary>().matching->cardinality, Cardinality::kManyToMany);
}

TEST(Parser, ReadsAggregations) {
  ExpectUnchanged({"sum(x)", "avg by (a, b) (x)", "count without (a) (x)", "min without () (x)",
                   "max(x) + group(y)", "stddev(x)", "stdvar(x)", "topk(5, x)",
                   "bottomk by (a) (2 + 3, x)", "count_values(\"v\", x)", "quantile(0.9, x)",
                   "limitk(2, x)", "limit_ratio(-0.5, x)", "sum(count by (a) (x))"});
  ExpectCanonical({
      {"sum(x) by (a)", "sum by (a) (x)"},
      {"sum by () (x)", "sum(x)"},
      {"sum by (a,) (x)", "sum by (a) (x)"},
      {"topk(5, x) without (a)", "topk without (a) (5, x)"},
      {"sum by ('a b', \"c\") (x)", "sum by (\"a b\", c) (x)"},
      {"sum by (a:b) (x)", "sum by (\"a:b\") (x)"},
  });
}

TEST(Parser, ReadsEveryFunctionOfTheTable) {
  for (const Function& function : AllFunctions()) {
    std::string call = std::string(function.name) + "(";
    for (size_t i = 0; i < function.arg_types.size(); ++i) {
      if (i > 0) call += ", ";
      const bool label_selectors = function.id == FunctionId::kInfo && i == 1;
      switch (function.arg_types[i]) {
        case ValueType::kScalar:
          call += "1";
          break;
        case ValueType::kString:
          call += "\"s\"";
          break;
        case ValueType::kMatrix:
          call += "x[5m]";
          break;
        default:
          call += label_selectors ? "{a=\"\"}" : "x";
      }
    }
    call += ")";
    const Result<ExprPtr> expr = Parse(call);
    ASSERT_TRUE(expr.ok()) << call << ": " << expr.status().ToString();
    EXPECT_EQ((*expr)->type(), function.return_type) << call;
    EXPECT_EQ((*expr)->As<Call>().function, &function) << call;
    EXPECT_EQ(Print(**expr), call);
  }
  EXPECT_EQ(AllFunctions().size(), 90u);
  ExpectUnchanged({"hour()", "round(x)", "round(x, 5)", "label_join(x, \"d\", \"-\")",
                   "label_join(x, \"d\", \"-\", \"a\", \"b\", \"c\")", "sort_by_label(x)"});
}

TEST(Parser, SkipsSpacesAndComments) {
  ExpectCanonical({
      {" \t\r\n a  # comment { ( \"\n + # another\n b # last", "a + b"},
      {"a{ # inside\n x=\"y\" # more\n}", "a{x=\"y\"}"},
      {"a{x=\"#no comment\"}", "a{x=\"#no comment\"}"},
      {"sum # c\n by # c\n (a) # c\n (b)", "sum by (a) (b)"},
  });
}

TEST(Parser, GivesPositions) {
  const std::string text = "  sum(rate(foo[5m])) / on(a) (bar offset 1m)";
  const Result<ExprPtr> expr = Parse(text);
  ASSERT_TRUE(expr.ok());
  const auto shown = [&](const Expr& e) {
    return text.substr(e.position.begin, e.position.end - e.position.begin);
  };
  const auto& binary = (*expr)->As<Binary>();
  EXPECT_EQ(shown(binary), "sum(rate(foo[5m])) / on(a) (bar offset 1m)");
  EXPECT_EQ(shown(*binary.lhs), "sum(rate(foo[5m]))");
  EXPECT_EQ(shown(*binary.lhs->As<Aggregation>().expr), "rate(foo[5m])");
  const auto& matrix = binary.lhs->As<Aggregation>().expr->As<Call>().args[0]->As<MatrixSelector>();
  EXPECT_EQ(shown(matrix), "foo[5m]");
  EXPECT_EQ(shown(*matrix.vector), "foo");
  EXPECT_EQ(shown(*binary.rhs), "(bar offset 1m)");
  EXPECT_EQ(shown(WithoutParens(*binary.rhs)), "bar offset 1m");
}

TEST(Parser, AssignsTypes) {
  const auto type = [](std::string_view text) { return (*Parse(text))->type(); };
  EXPECT_EQ(type("1"), ValueType::kScalar);
  EXPECT_EQ(type("1 + time()"), ValueType::kScalar);
  EXPECT_EQ(type("1 + foo"), ValueType::kVector);
  EXPECT_EQ(type("(foo)"), ValueType::kVector);
  EXPECT_EQ(type("-(1)"), ValueType::kScalar);
  EXPECT_EQ(type("foo[5m]"), ValueType::kMatrix);
  EXPECT_EQ(type("foo[5m:]"), ValueType::kMatrix);
  EXPECT_EQ(type("\"x\""), ValueType::kString);
  EXPECT_EQ(type("scalar(foo)"), ValueType::kScalar);
  EXPECT_EQ(type("sum(foo)"), ValueType::kVector);
}

TEST(Parser, LimitsDepthInsteadOfOverflowingTheStack) {
  const auto nested = [](size_t n, const std::string& open, const std::string& close) {
    std::string text;
    for (size_t i = 0; i < n; ++i) text += open;
    text += "x";
    for (size_t i = 0; i < n; ++i) text += close;
    return text;
  };
  EXPECT_TRUE(Parse(nested(400, "(", ")")).ok());
  for (const auto& [open, close] : std::vector<std::pair<std::string, std::string>>{
           {"(", ")"}, {"-", ""}, {"abs(", ")"}, {"sum(", ")"}, {"1 + (", ")"}, {"2 ^ ", ""}}) {
    const Result<ExprPtr> expr = Parse(nested(100'000, open, close));
    ASSERT_FALSE(expr.ok()) << open;
    EXPECT_EQ(expr.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(expr.status().message().find("nested deeper than 500 levels"), std::string::npos)
        << expr.status().message();
  }
  // Left-associative chains nest the tree, not the parser.
  std::string chain = "x";
  for (int i = 0; i < 900; ++i) chain += " + x";
  EXPECT_TRUE(Parse(chain).ok());
  for (int i = 0; i < 100'000; ++i) chain += " + x";
  const Result<ExprPtr> deep = Parse(chain);
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(deep.status().message(),
            "1:1: parse error: expression is more than 1000 operations deep");
}

TEST(Parser, RefusesHugeTexts) {
  const Result<ExprPtr> expr = Parse(std::string(kQueryBytesMax + 1, 'x'));
  ASSERT_FALSE(expr.ok());
  EXPECT_EQ(expr.status().message(),
            "1:1: parse error: the expression has 1048577 bytes, more than the 1048576 allowed");
  EXPECT_TRUE(Parse(std::string(kQueryBytesMax, 'x')).ok());
}

}  // namespace
}  // namespace varve::promql
