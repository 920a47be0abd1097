// What Prometheus refuses, and with which words at which place.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "query/promql/parser.h"

namespace varve::promql {
namespace {

struct Refused {
  std::string text;
  std::string error;  // "line:column: message"
};

void ExpectRefused(const std::vector<Refused>& cases) {
  for (const Refused& refused : cases) {
    const Result<ExprPtr> expr = Parse(refused.text);
    ASSERT_FALSE(expr.ok()) << refused.text;
    EXPECT_EQ(expr.status().code(), StatusCode::kInvalidArgument);
    std::string wanted = refused.error;
    const size_t space = wanted.find(": ");
    wanted.insert(space + 2, "parse error: ");
    EXPECT_EQ(expr.status().message(), wanted) << "for " << refused.text;
  }
}

TEST(ParseError, EmptyInput) {
  ExpectRefused({
      {"", "unknown position: no expression found in input"},
      {" ", "1:1: no expression found in input"},
      {"# just a comment", "1:1: no expression found in input"},
  });
}

TEST(ParseError, Characters) {
  ExpectRefused({
      {"$", "1:1: unexpected character: '$'"},
      {"a ; b", "1:3: unexpected character: ';'"},
      {"foo }", "1:5: unexpected character: '}'"},
      {"\xff", "1:1: unexpected character: '\uFFFD'"},
      {"a ! b", "1:3: unexpected character after '!': ' '"},
      {"a =~ b", "1:3: unexpected character after '=': '~'"},
      {"a !~ b", "1:3: unexpected character after '!': '~'"},
      {"foo)", "1:5: unexpected right parenthesis ')'"},
      {"(foo", "1:5: unclosed left parenthesis"},
      {"(foo + (bar)", "1:13: unclosed left parenthesis"},
      {"foo]", "1:4: unexpected right bracket ']'"},
      {"foo\n  + $", "2:5: unexpected character: '$'"},
  });
}

TEST(ParseError, Numbers) {
  ExpectRefused({
      {"1..2", "1:1: bad number or duration syntax: \"1..\""},
      {"1.2.3", "1:1: bad number or duration syntax: \"1.2.\""},
      {"0x", "1:1: error parsing number: strconv.ParseFloat: parsing \"0x\": invalid syntax"},
      {"1e", "1:1: bad number or duration syntax: \"1e\""},
      {"1__0", "1:1: bad number or duration syntax: \"1__\""},
      {"1_", "1:1: bad number or duration syntax: \"1_\""},
      {"1a", "1:1: bad number or duration syntax: \"1\""},
      {"5mm", "1:1: bad number or duration syntax: \"5mm\""},
      {"5m6x", "1:1: bad number or duration syntax: \"5m6\""},
      {"0x1.8", "1:1: bad number or duration syntax: \"0x1.\""},
      {"0xee", "1:1: bad number or duration syntax: \"0xee\""},
      {"0xGG", "1:1: bad number or duration syntax: \"0x\""},
      {"1_ ", "1:1: error parsing number: strconv.ParseFloat: parsing \"1_\": invalid syntax"},
      {"1e999",
       "1:1: error parsing number: strconv.ParseFloat: parsing \"1e999\": value out of range"},
      {"5 6", "1:3: unexpected number \"6\""},
      {"1 5m", "1:3: unexpected duration \"5m\""},
      {"1 12345678901", "1:3: unexpected number \"1234567890\"..."},
  });
}

TEST(ParseError, Durations) {
  ExpectRefused({
      {"1m1h", "1:1: not a valid duration string: \"1m1h\""},
      {"1d1d", "1:1: not a valid duration string: \"1d1d\""},
      {"1hs", "1:1: not a valid duration string: \"1hs\""},
      {"300y", "1:1: duration out of range"},
      {"99999999999999999999d", "1:1: duration out of range"},
      {"foo[0]", "1:5: duration must be greater than 0"},
      {"foo[-5m]", "1:5: duration must be greater than 0"},
      {"foo[0s:]", "1:5: duration must be greater than 0"},
      {"foo[5m:0s]", "1:8: duration must be greater than 0"},
      {"foo[1e10]", "1:5: duration out of range"},
      {"foo offset 1e10", "1:12: duration out of range"},
      {"foo offset NaN", "1:12: duration out of range"},
      {"foo offset -(Inf)", "1:14: duration out of range"},
  });
}

TEST(ParseError, DurationExpressions) {
  constexpr std::string_view kBracket =
      " in subquery or range selector, expected number, duration, step(), or range()";
  constexpr std::string_view kOffset = " in offset, expected number, duration, step(), or range()";
  ExpectRefused({
      {"foo[5m/0]", "1:7: division by zero"},
      {"foo[5m%(0)]", "1:7: modulo by zero"},
      {"foo[(-5m)]", "1:6: duration must be greater than 0"},
      {"foo[5m+]", "1:8: unexpected \"]\"" + std::string(kBracket)},
      {"foo[5m+(1m]", "1:11: unexpected \"]\"" + std::string(kBracket)},
      {"foo[step]", "1:9: unexpected \"]\"" + std::string(kBracket)},
      {"foo[step(1)]", "1:10: unexpected number \"1\"" + std::string(kBracket)},
      {"foo[min_of(1)]", "1:13: unexpected \")\"" + std::string(kBracket)},
      {"foo[min(1, 2)]", "1:5: unexpected character in duration expression: 'm'"},
      {"foo[5m ** 2]", "1:9: unexpected <op:*>" + std::string(kBracket)},
      {"foo[5m == 2]", "1:8: unexpected <op:==> in subquery or range, expected \":\" or \"]\""},
      {"foo[step():1m]", "1:11: unexpected colon before duration in duration expression"},
      {"foo[5m:1m/0]", "1:10: division by zero"},
      {"foo[5m:-1m]", "1:8: duration must be greater than 0"},
      {"foo offset -sum(x)", "1:13: unexpected <aggr:sum>" + std::string(kOffset)},
      {"foo offset min_of(1m)", "1:21: unexpected \")\"" + std::string(kOffset)},
      {"foo offset step", "1:16: unexpected end of input" + std::string(kOffset)},
      {"foo offset step() offset 1m", "1:1: offset may not be set multiple times"},
      {"foo offset 1m offset range()", "1:1: offset may not be set multiple times"},
      {"1 offset step()",
       "1:1: offset modifier must be preceded by an instant vector selector or range vector "
       "selector or a subquery"},
  });
}

TEST(ParseError, Strings) {
  ExpectRefused({
      {"\"a", "1:1: unterminated quoted string"},
      {"'a\n'", "1:1: unterminated quoted string"},
      {"`a", "1:1: unterminated raw string"},
      {R"('a\q')", "1:1: unknown escape sequence U+0071 'q'"},
      {R"("\'")", R"(1:1: unknown escape sequence U+0027 '\'')"},
      {R"("\xZZ")", "1:1: illegal character U+005A 'Z' in escape sequence"},
      {R"("\u12")", "1:1: illegal character U+0022 '\"' in escape sequence"},
      {R"("\x4)", "1:1: escape sequence not terminated"},
      {"\"\\", "1:1: escape sequence not terminated"},
      {R"("\400")", "1:1: escape sequence is an invalid Unicode code point"},
      {R"("\ud800")", "1:1: escape sequence is an invalid Unicode code point"},
      {R"("\U00110000")", "1:1: escape sequence is an invalid Unicode code point"},
      {"\"\xff\"", "1:1: invalid UTF-8 rune"},
      {"`\xc3`", "1:1: invalid UTF-8 rune"},
      {"label_replace(a, `b`, `c\xff`, `d`, `.*`)", "1:23: invalid UTF-8 rune"},
  });
}

TEST(ParseError, UnexpectedTokens) {
  ExpectRefused({
      {"*1", "1:1: unexpected <op:*>"},
      {"1 +", "1:4: unexpected end of input"},
      {"a b", "1:3: unexpected identifier \"b\""},
      {"a b:c", "1:3: unexpected metric identifier \"b:c\""},
      {"a \"s\"", "1:3: unexpected string \"\\\"s\\\"\""},
      {"a \"a long string\"", "1:3: unexpected string \"\\\"a long st\"..."},
      {"a, b", "1:2: unexpected \",\""},
      {"()", "1:2: unexpected \")\""},
      {"a == == b", "1:6: unexpected <op:==>"},
      {"a = b", "1:3: unexpected \"=\""},
      {"bool", "1:1: unexpected <bool>"},
      {"a + by by b", "1:8: unexpected <by>"},
      {"a + group_left(x) b", "1:5: unexpected <group_left>"},
      {"atan2", "1:1: unexpected <op:atan2>"},
      {"a @ b", "1:5: unexpected identifier \"b\" in @, expected timestamp"},
      {"foo{a=\"b\"}{c=\"d\"}", "1:11: unexpected \"{\""},
      {"foo bar(x)", "1:5: unexpected identifier \"bar\""},
      {"sum foo", "1:5: unexpected identifier \"foo\""},
      {"sum(foo) bar", "1:10: unexpected identifier \"bar\""},
  });
}

TEST(ParseError, Matchers) {
  ExpectRefused({
      {"foo{", "1:5: unexpected end of input inside braces"},
      {"foo{a", "1:6: unexpected end of input inside braces"},
      {"foo{a b",
       "1:7: unexpected identifier \"b\" in label matching, expected label matching operator"},
      {"foo{a=b}", "1:7: unexpected identifier \"b\" in label matching, expected string"},
      {"foo{'a'=b}", "1:9: unexpected identifier \"b\" in label matching, expected string"},
      {"foo{a=\"b\" c=\"d\"}",
       "1:11: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
      {"foo{,}", "1:5: unexpected \",\" in label matching, expected identifier or \"}\""},
      {"foo{a=\"b\",,}", "1:11: unexpected \",\" in label matching, expected identifier or \"}\""},
      {"foo{=\"b\"}", "1:5: unexpected \"=\" in label matching, expected identifier or \"}\""},
      {"foo{1}", "1:5: unexpected character inside braces: '1'"},
      {"foo{a>\"b\"}", "1:6: unexpected character inside braces: '>'"},
      {"foo{a!b}", "1:6: unexpected character after '!' inside braces: 'b'"},
      {"foo{{}", "1:5: unexpected left brace '{'"},
      {"foo{a=~\"(\"}", "1:5: error parsing regexp: missing closing ): `(`"},
      {"foo{a!~\"[b\"}", "1:5: error parsing regexp: missing closing ]: `[b`"},
      {"foo{a=~\"*\"}", "1:5: error parsing regexp: missing argument to repetition operator: `*`"},
      {"foo{a=~\"b)\"}", "1:5: error parsing regexp: unexpected ): `b)`"},
      {"{}", "1:1: vector selector must contain at least one non-empty matcher"},
      {"{a=\"\"}", "1:1: vector selector must contain at least one non-empty matcher"},
      {"1 + {a=~\".*\",b!~\".+\"}",
       "1:5: vector selector must contain at least one non-empty matcher"},
      {"{a!=\"b\"}", "1:1: vector selector must contain at least one non-empty matcher"},
      {"foo{__name__=\"bar\"}", "1:1: metric name must not be set twice: \"foo\" or \"bar\""},
      {"foo{\"bar\"}", "1:1: metric name must not be set twice: \"foo\" or \"bar\""},
      {"foo{__name__=~\"b.*\"}[5m]", "1:1: metric name must not be set twice: \"foo\" or \"b.*\""},
  });
}

TEST(ParseError, Modifiers) {
  ExpectRefused({
      {"foo offset",
       "1:11: unexpected end of input in offset, expected number, duration, step(), or range()"},
      {"foo offset bar",
       "1:12: unexpected identifier \"bar\" in offset, expected number, duration, step(), or "
       "range()"},
      {"foo offset 5m offset 3m", "1:1: offset may not be set multiple times"},
      {"1 + foo offset 5m @ 1 offset 3m", "1:5: offset may not be set multiple times"},
      {"foo @ 5 @ 6", "1:1: @ <timestamp> may not be set multiple times"},
      {"foo @ start() @ 6", "1:1: @ <timestamp> may not be set multiple times"},
      {"foo @", "1:6: unexpected end of input in @, expected timestamp"},
      {"foo @ (1)", "1:7: unexpected \"(\" in @, expected timestamp"},
      {"foo @ start", "1:12: unexpected end of input in @, expected timestamp"},
      {"foo @ start(1)", "1:13: unexpected number \"1\" in @, expected timestamp"},
      {"foo @ Inf", "1:1: timestamp out of bounds for @ modifier: +Inf"},
      {"foo @ -Inf", "1:1: timestamp out of bounds for @ modifier: -Inf"},
      {"foo @ NaN", "1:1: timestamp out of bounds for @ modifier: NaN"},
      {"foo @ 1e20", "1:1: timestamp out of bounds for @ modifier: 100000000000000000000.000000"},
      {"rate(foo[5m]) offset 5m",
       "1:1: offset modifier must be preceded by an instant vector selector or range vector "
       "selector or a subquery"},
      {"1 offset 5m",
       "1:1: offset modifier must be preceded by an instant vector selector or range vector "
       "selector or a subquery"},
      {"sum(foo) @ 5",
       "1:1: @ modifier must be preceded by an instant vector selector or range vector selector or "
       "a subquery"},
      {"(foo) @ 5",
       "1:1: @ modifier must be preceded by an instant vector selector or range vector selector or "
       "a subquery"},
      {"foo anchored smoothed", "1:1: anchored and smoothed modifiers cannot be used together"},
      {"rate(foo[5m] smoothed anchored)",
       "1:6: anchored and smoothed modifiers cannot be used together"},
      {"rate(foo[5m:] anchored)", "1:6: anchored modifier is not supported for subqueries"},
      {"rate(foo[5m:1m] smoothed)", "1:6: smoothed modifier is not supported for subqueries"},
      {"1 + sum(foo) anchored", "1:5: anchored modifier not implemented"},
      {"(foo) smoothed", "1:1: smoothed modifier not implemented"},
  });
}

TEST(ParseError, Brackets) {
  ExpectRefused({
      {"foo[", "1:5: unexpected end of input in duration expression"},
      {"foo[5m", "1:7: unclosed left bracket"},
      {"foo[]",
       "1:5: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or "
       "range()"},
      {"foo[\"5m\"]", "1:5: unexpected character in duration expression: '\"'"},
      {"foo[[5m]]", "1:5: unexpected character in duration expression: '['"},
      {"foo[:5m]", "1:5: unexpected colon before duration in duration expression"},
      {"foo[bar]", "1:5: unexpected character in duration expression: 'b'"},
      {"foo[5m bar]", "1:8: unexpected character: 'b', expected ':'"},
      {"foo[5m:1m:]", "1:10: unexpected colon ':'"},
      {"foo[5m 5m]",
       "1:8: unexpected duration \"5m\" in subquery or range, expected \":\" or \"]\""},
      {"foo[5m:1m 1m]", "1:11: unexpected duration \"1m\" in subquery selector, expected \"]\""},
      {"foo[5m:,]",
       "1:8: unexpected \",\" in subquery selector, expected number, duration, step(), range(), or "
       "\"]\""},
      {"foo[5m:1m]]", "1:11: unexpected right bracket ']'"},
      {"1[5m]", "1:2: ranges only allowed for vector selectors"},
      {"(a + b)[5m]", "1:8: ranges only allowed for vector selectors"},
      {"foo[5m][5m]", "1:8: ranges only allowed for vector selectors"},
      {"foo offset 5m[5m]", "1:14: no offset modifiers allowed before range"},
      {"foo @ 5[5m]", "1:8: no @ modifiers allowed before range"},
      {"1[5m:]", "1:1: subquery is only allowed on instant vector, got scalar instead"},
      {"\"x\"[5m:]", "1:1: subquery is only allowed on instant vector, got string instead"},
      {"foo[5m][5m:]", "1:1: subquery is only allowed on instant vector, got matrix instead"},
  });
}

TEST(ParseError, Aggregations) {
  ExpectRefused({
      {"sum(foo bar)", "1:9: unexpected identifier \"bar\" in aggregation"},
      {"sum(rate(foo bar))", "1:14: unexpected identifier \"bar\" in aggregation"},
      {"rate(sum(foo) bar)", "1:15: unexpected identifier \"bar\""},
      {"sum by (a) foo", "1:12: unexpected identifier \"foo\" in aggregation"},
      {"sum by foo", "1:8: unexpected identifier \"foo\" in grouping opts, expected \"(\""},
      {"sum (foo) by test",
       "1:14: unexpected identifier \"test\" in grouping opts, expected \"(\""},
      {"sum without(==)(foo)", "1:13: unexpected <op:==> in grouping opts, expected label"},
      {"sum without(,)(foo)", "1:13: unexpected \",\" in grouping opts, expected label"},
      {"sum without(a,,)(foo)", "1:15: unexpected \",\" in grouping opts, expected label"},
      {"sum by (1)(foo)", "1:9: unexpected number \"1\" in grouping opts, expected label"},
      {"sum by (inf)(foo)", "1:9: unexpected number \"inf\" in grouping opts, expected label"},
      {"sum by (a b)(foo)",
       "1:11: unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""},
      {"sum by (\"\")(foo)", "1:9: invalid label name for grouping: \"\""},
      {"sum by (\"\\xff\")(foo)", "1:9: invalid label name for grouping: \"\\xff\""},
      {"sum (a) without (b) by (c)", "1:21: unexpected <by>"},
      {"sum without (b) (a) by (c)", "1:21: unexpected <by>"},
      {"sum()", "1:1: no arguments for aggregate expression provided"},
      {"1 + sum () by (a)", "1:5: no arguments for aggregate expression provided"},
      {"topk(foo)",
       "1:1: wrong number of arguments for aggregate expression provided, expected 2, got 1"},
      {"sum(1, foo)",
       "1:1: wrong number of arguments for aggregate expression provided, expected 1, got 2"},
      {"topk(foo,)", "1:9: trailing commas not allowed in function call args"},
      {"sum(1)", "1:5: expected type instant vector in aggregation expression, got scalar"},
      {"sum(foo[5m])",
       "1:5: expected type instant vector in aggregation expression, got range vector"},
      {"topk(foo, bar)", "1:6: expected type scalar in aggregation parameter, got instant vector"},
      {"quantile(\"x\", foo)", "1:10: expected type scalar in aggregation parameter, got string"},
      {"count_values(5, foo)", "1:14: expected type string in aggregation parameter, got scalar"},
  });
}

TEST(ParseError, Calls) {
  ExpectRefused({
      {"nosuch(foo)", "1:1: unknown function with name \"nosuch\""},
      {"holt_winters(foo[5m], 1, 1)", "1:1: unknown function with name \"holt_winters\""},
      {"ABS(foo)", "1:1: unknown function with name \"ABS\""},
      {"STEP()", "1:1: unknown function with name \"STEP\""},
      {"step(1)", "1:1: expected 0 argument(s) in call to \"step\", got 1"},
      {"min_of(1)", "1:1: expected 2 argument(s) in call to \"min_of\", got 1"},
      {"max_of(1, foo)",
       "1:11: expected type scalar in call to function \"max_of\", got instant vector"},
      {"info()", "1:1: expected at least 1 argument(s) in call to \"info\", got 0"},
      {"info(foo, bar, baz)", "1:1: expected at most 2 argument(s) in call to \"info\", got 3"},
      {"info(foo, bar)", "1:11: expected label selectors only, got vector selector instead"},
      {"info(foo, sum(bar))", "1:11: expected label selectors only"},
      {"info(foo, ({a=\"b\"}))", "1:11: expected label selectors only"},
      {"info(foo, 1)",
       "1:1: expected type instant vector in call to function \"info\", got scalar"},
      {"histogram_quantiles(foo, \"q\")",
       "1:1: expected at least 3 argument(s) in call to \"histogram_quantiles\", got 2"},
      {"histogram_quantiles(foo, \"q\", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
       "1:1: expected at most 12 argument(s) in call to \"histogram_quantiles\", got 13"},
      {"rate(foo)",
       "1:6: expected type range vector in call to function \"rate\", got instant vector"},
      {"abs(foo[5m])",
       "1:5: expected type instant vector in call to function \"abs\", got range vector"},
      {"abs(1)", "1:5: expected type instant vector in call to function \"abs\", got scalar"},
      {"vector(foo)",
       "1:8: expected type scalar in call to function \"vector\", got instant vector"},
      {"label_join(foo, \"a\", \"b\", 1)",
       "1:27: expected type string in call to function \"label_join\", got scalar"},
      {"label_join(foo, \"a\", \"b\", \"c\", 1)",
       "1:32: expected type string in call to function \"label_join\", got scalar"},
      {"rate(foo[5m], 2)", "1:1: expected 1 argument(s) in call to \"rate\", got 2"},
      {"floor()", "1:1: expected 1 argument(s) in call to \"floor\", got 0"},
      {"time(foo)", "1:1: expected 0 argument(s) in call to \"time\", got 1"},
      {"hour(a, b, c)", "1:1: expected at most 1 argument(s) in call to \"hour\", got 3"},
      {"round(a, 1, 2)", "1:1: expected at most 2 argument(s) in call to \"round\", got 3"},
      {"round()", "1:1: expected at least 1 argument(s) in call to \"round\", got 0"},
      {"label_join(foo, \"a\")",
       "1:1: expected at least 3 argument(s) in call to \"label_join\", got 2"},
      {"rate(foo[5m],)", "1:13: trailing commas not allowed in function call args"},
      {"rate(,)", "1:6: unexpected \",\""},
      {"rate(foo[5m] 5)", "1:14: unexpected number \"5\""},
      {"foo:bar(x)", "1:8: unexpected \"(\""},
  });
}

TEST(ParseError, Operators) {
  ExpectRefused({
      {"1 == 1", "1:3: comparisons between scalars must use BOOL modifier"},
      {"(1) >= time()", "1:5: comparisons between scalars must use BOOL modifier"},
      {"foo + bool bar", "1:5: bool modifier can only be used on comparison operators"},
      {"foo and bool bar", "1:5: bool modifier can only be used on comparison operators"},
      {"foo and 1", "1:1: set operator \"and\" not allowed in binary scalar expression"},
      {"1 or 2", "1:1: set operator \"or\" not allowed in binary scalar expression"},
      {"x + (1 unless foo)",
       "1:6: set operator \"unless\" not allowed in binary scalar expression"},
      {"a + on(x) group_left(x) b",
       "1:3: label \"x\" must not occur in ON and GROUP clause at once"},
      {"a or on(x) group_left(y) b", "1:1: no grouping allowed for \"or\" operation"},
      {"a and ignoring(x) group_right b", "1:1: no grouping allowed for \"and\" operation"},
      {"1 + on(x) 2", "1:1: vector matching only allowed between instant vectors"},
      {"foo + ignoring(x) 2", "1:1: vector matching only allowed between instant vectors"},
      {"1 + foo[5m]", "1:5: binary expression must contain only scalar and instant vector types"},
      {"\"a\" + 1", "1:1: binary expression must contain only scalar and instant vector types"},
      {"-foo[5m]",
       "1:1: unary expression only allowed on expressions of type scalar or instant vector, got "
       "\"range vector\""},
      {"1 - -\"a\"",
       "1:5: unary expression only allowed on expressions of type scalar or instant vector, got "
       "\"string\""},
      {"a + fill(0) 1", "1:1: filling in missing series only allowed between instant vectors"},
      {"1 + fill_left(0) 1", "1:1: filling in missing series only allowed between instant vectors"},
      {"a or fill(0) b", "1:1: filling in missing series not allowed for set operators"},
      {"a and on(x) fill_right(0) b",
       "1:1: filling in missing series not allowed for set operators"},
      {"a + fill() b", "1:10: unexpected \")\""},
      {"a + fill(x) b", "1:10: unexpected identifier \"x\""},
      {"a + fill(1 + 2) b", "1:12: unexpected <op:+>"},
      {"a + fill(1) fill_left(2) b", "1:22: unexpected \"(\""},
      {"a + fill(1) on(x) b", "1:13: unexpected <on>"},
      {"a </ bool b", "1:3: bool modifier can only be used on comparison operators"},
      {"a + on b", "1:8: unexpected identifier \"b\" in grouping opts, expected \"(\""},
  });
}

TEST(ParseError, SyntaxComesBeforeTypes) {
  ExpectRefused({
      {"rate(foo) +", "1:12: unexpected end of input"},
      {"rate(foo) + nosuch(bar)", "1:13: unknown function with name \"nosuch\""},
      {"rate(foo) + abs(1)",
       "1:6: expected type range vector in call to function \"rate\", got instant vector"},
  });
}

}  // namespace
}  // namespace varve::promql
