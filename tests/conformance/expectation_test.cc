#include "tests/conformance/expectation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace varve::conformance {
namespace {

EvalCommand Eval(std::string_view text) {
  Result<std::vector<Command>> commands = ParseScript(text, "x.test");
  EXPECT_TRUE(commands.ok()) << commands.status().ToString();
  return std::get<EvalCommand>(commands->front());
}

promql::QueryResult VectorOf(promql::Vector vector) {
  promql::QueryResult result;
  result.value = std::move(vector);
  return result;
}

const Labels kA{{"__name__", "a"}};
const Labels kB{{"__name__", "b"}};

TEST(AlmostEqual, IsRelative) {
  EXPECT_TRUE(AlmostEqual(1, 1 + 1e-6));
  EXPECT_FALSE(AlmostEqual(1, 1 + 3e-6));
  EXPECT_TRUE(AlmostEqual(NAN, NAN));
  EXPECT_FALSE(AlmostEqual(NAN, 1));
  EXPECT_TRUE(AlmostEqual(INFINITY, INFINITY));
  EXPECT_FALSE(AlmostEqual(INFINITY, -INFINITY));
  EXPECT_FALSE(AlmostEqual(INFINITY, 1e308));
  EXPECT_FALSE(AlmostEqual(0, 1e-9));
  EXPECT_TRUE(AlmostEqual(0, -0.0));
}

TEST(CheckValue, ComparesVectorsAsSets) {
  const EvalCommand eval = Eval("eval instant at 0 x\n  a 1\n  b 2\n");
  EXPECT_EQ(CheckValue(eval, VectorOf({{kB, {0, 2}}, {kA, {0, 1}}})), std::nullopt);
  EXPECT_NE(CheckValue(eval, VectorOf({{kA, {0, 1}}})), std::nullopt);
  EXPECT_NE(CheckValue(eval, VectorOf({{kA, {0, 1}}, {kB, {0, 3}}})), std::nullopt);
  EXPECT_NE(CheckValue(eval, VectorOf({{kA, {0, 1}}, {kA, {0, 1}}, {kB, {0, 2}}})), std::nullopt);
  EXPECT_NE(CheckValue(eval, VectorOf({{kA, {0, 1}}, {kB, {0, 2}}, {Labels(), {0, 2}}})),
            std::nullopt);
}

TEST(CheckValue, ComparesTheOrderWhenAsked) {
  const EvalCommand eval = Eval("eval instant at 0 x\n  expect ordered\n  b 2\n  a 1\n");
  EXPECT_EQ(CheckValue(eval, VectorOf({{kB, {0, 2}}, {kA, {0, 1}}})), std::nullopt);
  EXPECT_NE(CheckValue(eval, VectorOf({{kA, {0, 1}}, {kB, {0, 2}}})), std::nullopt);
}

TEST(CheckValue, ComparesTypes) {
  promql::QueryResult scalar;
  scalar.value = promql::Scalar{{0, 5}};
  EXPECT_EQ(CheckValue(Eval("eval instant at 0 x\n  5\n"), scalar), std::nullopt);
  EXPECT_NE(CheckValue(Eval("eval instant at 0 x\n  6\n"), scalar), std::nullopt);
  EXPECT_NE(CheckValue(Eval("eval instant at 0 x\n  {} 5\n"), scalar), std::nullopt);
  EXPECT_NE(CheckValue(Eval("eval instant at 0 x\n  5\n"), VectorOf({{Labels(), {0, 5}}})),
            std::nullopt);
  promql::QueryResult string;
  string.value = promql::String{0, "s"};
  EXPECT_EQ(CheckValue(Eval("eval instant at 0 x\n  expect string \"s\"\n"), string), std::nullopt);
  EXPECT_NE(CheckValue(Eval("eval instant at 0 x\n  expect string \"t\"\n"), string), std::nullopt);
  EXPECT_NE(CheckValue(Eval("eval instant at 0 x\n  expect string \"5\"\n"), scalar), std::nullopt);
}

TEST(CheckValue, ComparesMatricesStepByStep) {
  const EvalCommand eval = Eval("eval range from 0 to 2m step 1m x\n  a 1 _ 3\n");
  promql::QueryResult result;
  result.value = promql::Matrix{{kA, {{0, 1}, {120'000, 3}}}};
  EXPECT_EQ(CheckValue(eval, result), std::nullopt);
  result.value = promql::Matrix{{kA, {{0, 1}, {60'000, 3}}}};
  EXPECT_NE(CheckValue(eval, result), std::nullopt);
  result.value = promql::Matrix{{kA, {{0, 1}, {60'000, 2}, {120'000, 3}}}};
  EXPECT_NE(CheckValue(eval, result), std::nullopt);
  result.value = promql::Matrix{};
  EXPECT_NE(CheckValue(eval, result), std::nullopt);
}

TEST(CheckAnnotations, WantsEachExpectedOneAndNoOther) {
  promql::QueryResult result = VectorOf({});
  const EvalCommand any = Eval("eval instant at 0 x\n  expect warn\n  expect no_info\n");
  EXPECT_NE(CheckAnnotations(any, result), std::nullopt);
  result.warnings = {"PromQL warning: odd (1:1)"};
  EXPECT_EQ(CheckAnnotations(any, result), std::nullopt);
  EXPECT_EQ(
      CheckAnnotations(Eval("eval instant at 0 x\n  expect warn msg: PromQL warning: odd (1:1)\n"),
                       result),
      std::nullopt);
  EXPECT_EQ(CheckAnnotations(Eval("eval instant at 0 x\n  expect warn regex: odd \\(\\d:\\d\\)\n"),
                             result),
            std::nullopt);
  EXPECT_NE(CheckAnnotations(Eval("eval instant at 0 x\n  expect warn msg: odd\n"), result),
            std::nullopt);
  EXPECT_NE(CheckAnnotations(Eval("eval instant at 0 x\n  expect no_warn\n"), result),
            std::nullopt);
  result.infos = {"PromQL info: hm (1:1)"};
  EXPECT_NE(CheckAnnotations(any, result), std::nullopt);
}

TEST(CheckFailure, ComparesTheMessage) {
  const Status status = OutOfRangeError("no luck");
  EXPECT_EQ(CheckFailure(Eval("eval instant at 0 x\n  expect fail\n"), status), std::nullopt);
  EXPECT_EQ(CheckFailure(Eval("eval instant at 0 x\n  expect fail msg: no luck\n"), status),
            std::nullopt);
  EXPECT_EQ(CheckFailure(Eval("eval instant at 0 x\n  expect fail regex: l.ck\n"), status),
            std::nullopt);
  EXPECT_NE(CheckFailure(Eval("eval instant at 0 x\n  expect fail msg: luck\n"), status),
            std::nullopt);
}

TEST(CheckRangeMode, TakesTheMiddleStep) {
  const EvalCommand eval = Eval("eval instant at 1m x\n  a 2\n");
  EXPECT_EQ(CheckRangeMode(eval, {{kA, {{0, 1}, {60'000, 2}, {120'000, 3}}}}), std::nullopt);
  EXPECT_NE(CheckRangeMode(eval, {{kA, {{0, 1}, {120'000, 3}}}}), std::nullopt);
  const EvalCommand scalar = Eval("eval instant at 1m x\n  2\n");
  EXPECT_EQ(CheckRangeMode(scalar, {{Labels(), {{0, 1}, {60'000, 2}}}}), std::nullopt);
  EXPECT_NE(CheckRangeMode(scalar, {{kA, {{0, 1}, {60'000, 2}}}}), std::nullopt);
}

}  // namespace
}  // namespace varve::conformance
