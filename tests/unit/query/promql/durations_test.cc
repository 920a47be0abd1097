// Durations that are expressions: how they are read, printed and resolved.
#include "query/promql/durations.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "query/promql/parser.h"
#include "query/promql/printer.h"

namespace varve::promql {
namespace {

constexpr DurationContext kContext = {10'000, 60'000};

// The selector or subquery of the text with its durations replaced, or the error.
std::string Resolved(std::string_view text, const DurationContext& context = kContext) {
  const Result<ExprPtr> expr = Parse(text);
  if (!expr.ok()) return expr.status().message();
  if (const Status status = ResolveDurations(context, expr->get()); !status.ok()) {
    return status.message();
  }
  if (const auto* vector = (*expr)->TryAs<VectorSelector>()) {
    return std::to_string(vector->offset_ms);
  }
  if (const auto* matrix = (*expr)->TryAs<MatrixSelector>()) {
    return std::to_string(matrix->range_ms) + " " + std::to_string(matrix->vector->offset_ms);
  }
  const auto& subquery = (*expr)->As<Subquery>();
  return std::to_string(subquery.range_ms) + ":" + std::to_string(subquery.step_ms) + " " +
         std::to_string(subquery.offset_ms);
}

TEST(Durations, PrintAsWritten) {
  for (const std::string_view text : {
           "foo[5m + 1m]",
           "foo[step()]",
           "foo[range() / 2]",
           "foo[(5m + 1m) * 2]",
           "foo[min_of(step(), 5m)]",
           "foo[max_of(2 ^ 3, -(step() + 1s))]",
           "foo[5m:step()]",
           "foo[5m + 1m:step() * 2] @ end() offset (1m + 1m)",
           "foo offset -(step() - 1s)",
           "foo offset range()",
           "foo offset -min_of(1s, 2s)",
           "foo[1m + 1m] smoothed offset (2m % 1m)",
       }) {
    const Result<ExprPtr> expr = Parse(text);
    ASSERT_TRUE(expr.ok()) << expr.status().ToString();
    EXPECT_EQ(Print(**expr), text);
  }
}

TEST(Durations, PrintWithoutWhatHasNoMeaning) {
  const auto printed = [](std::string_view text) { return Print(**Parse(text)); };
  EXPECT_EQ(printed("foo[(5m)]"), "foo[5m]");
  EXPECT_EQ(printed("foo[((step()))]"), "foo[(step())]");
  EXPECT_EQ(printed("foo[+step()]"), "foo[step()]");
  EXPECT_EQ(printed("foo offset +RANGE()"), "foo offset range()");
  EXPECT_EQ(printed("foo offset -(5m)"), "foo offset -5m");
  EXPECT_EQ(printed("foo offset (300)"), "foo offset 5m");
  EXPECT_EQ(printed("foo[60 * 5]"), "foo[60 * 5]");
  // What follows an offset that is no parenthesis is an operator of the whole selector.
  EXPECT_EQ(printed("foo offset step()*2"), "foo offset step() * 2");
  EXPECT_EQ((*Parse("foo offset step()*2"))->kind(), ExprKind::kBinary);
  EXPECT_EQ((*Parse("foo offset -1m+1m"))->kind(), ExprKind::kBinary);
}

TEST(Durations, ResolveByPrecedence) {
  EXPECT_EQ(Resolved("foo[2m + 3m * 2]"), "480000 0");
  EXPECT_EQ(Resolved("foo[(2m + 3m) * 2]"), "600000 0");
  EXPECT_EQ(Resolved("foo[10m - 2m - 1m]"), "420000 0");
  EXPECT_EQ(Resolved("foo[2 ^ 3 ^ 2]"), "512000 0");
  EXPECT_EQ(Resolved("foo[-2 ^ 2 + 5]"), "1000 0");
  EXPECT_EQ(Resolved("foo[1h / 4]"), "900000 0");
  EXPECT_EQ(Resolved("foo[30m1s - 30m1s % 1m]"), "1800000 0");
  EXPECT_EQ(Resolved("foo[0.0015 * 1]"), "1 0");
  EXPECT_EQ(Resolved("foo[1 / 3]"), "333 0");
}

TEST(Durations, ResolveTheWordsOfTheQuery) {
  EXPECT_EQ(Resolved("foo[step()]"), "10000 0");
  EXPECT_EQ(Resolved("foo[range()]"), "60000 0");
  EXPECT_EQ(Resolved("foo[1 + (STep() - 5) * 2]"), "11000 0");
  EXPECT_EQ(Resolved("foo[min_of(step() + 1, 1h)]"), "11000 0");
  EXPECT_EQ(Resolved("foo[max_of(step() + 1, 1h)]"), "3600000 0");
  EXPECT_EQ(Resolved("foo offset -(step())"), "-10000");
  EXPECT_EQ(Resolved("foo offset -step()"), "-10000");
  EXPECT_EQ(Resolved("foo offset +step()"), "10000");
  EXPECT_EQ(Resolved("foo offset range()", {}), "0");
  EXPECT_EQ(Resolved("foo[5m:step()] offset (step() - 30s)"), "300000:10000 -20000");
  EXPECT_EQ(Resolved("foo[1m + step() : 5s + 5s]"), "70000:10000 0");
  EXPECT_EQ(Resolved("foo offset step()[range()]"), "60000 10000");
}

TEST(Durations, ResolveEveryNodeOfTheTree) {
  const Result<ExprPtr> expr = Parse(
      "sum by (a) (topk(2, rate(a[step()]))) + "
      "-max_over_time((b offset step())[1 * range():])");
  ASSERT_TRUE(expr.ok()) << expr.status().ToString();
  ASSERT_TRUE(ResolveDurations(kContext, expr->get()).ok());
  const auto& sum = (*expr)->As<Binary>();
  const auto& rate = sum.lhs->As<Aggregation>().expr->As<Aggregation>().expr->As<Call>();
  EXPECT_EQ(rate.args[0]->As<MatrixSelector>().range_ms, 10'000);
  const auto& subquery = sum.rhs->As<Unary>().expr->As<Call>().args[0]->As<Subquery>();
  EXPECT_EQ(subquery.range_ms, 60'000);
  EXPECT_EQ(subquery.expr->As<Paren>().expr->As<VectorSelector>().offset_ms, 10'000);
}

TEST(Durations, RefuseWhatIsNoDuration) {
  EXPECT_EQ(Resolved("foo[step()]", {}), "4:10: duration must be greater than 0");
  EXPECT_EQ(Resolved("foo[5m - 5m]"), "4:11: duration must be greater than 0");
  EXPECT_EQ(Resolved("foo[5m:5m - 6m]"), "7:14: duration must be greater than 0");
  EXPECT_EQ(Resolved("foo[5m / (1 - 1)]"), "4:15: division by zero");
  EXPECT_EQ(Resolved("foo[1 + 5m % (step() - 10)]"), "8:25: modulo by zero");
  EXPECT_EQ(Resolved("foo[9e9 * 9e9]"), "4:13: duration is out of range");
  EXPECT_EQ(Resolved("foo offset (-9e9 * 9e9)"), "12:22: duration is out of range");
  EXPECT_EQ(Resolved("foo[(0 - 8) ^ 0.5]"), "5:17: duration is NaN or infinite");
  EXPECT_EQ(Resolved("foo[9 ^ 999]"), "4:11: duration is NaN or infinite");
}

TEST(Durations, ReachAsFarAsNanosecondsIn64Bits) {
  EXPECT_EQ(Resolved("foo[9223372036]"), "9223372036000 0");
  EXPECT_EQ(Resolved("foo[9223372036.854775808]"), "1:5: parse error: duration out of range");
  EXPECT_EQ(Resolved("foo offset -9223372036.854775808"),
            "1:12: parse error: duration out of range");
}

TEST(Durations, LimitDepth) {
  std::string sum = "foo[1";
  for (int i = 0; i < 5000; ++i) sum += "+1";
  EXPECT_EQ(Resolved(sum + "]"), "1:5: parse error: expression is more than 1000 operations deep");
  std::string signs = "foo[";
  for (int i = 0; i < 5000; ++i) signs += "-(";
  EXPECT_NE(Resolved(signs).find("nested deeper than 500 levels"), std::string::npos);
}

}  // namespace
}  // namespace varve::promql
