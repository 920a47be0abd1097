// Every query of the reference's scripts through the parser and the printers, without data.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "query/promql/durations.h"
#include "query/promql/parser.h"
#include "query/promql/printer.h"
#include "tests/conformance/script.h"
#include "varve/promql.h"

namespace varve::conformance {
namespace {

// The reference's scripts lie outside the project: in $VARVE_SHARED, or beside the checkout.
std::filesystem::path ReferenceScripts() {
  if (const char* shared = std::getenv("VARVE_SHARED"))
    return std::filesystem::path(shared) / "promqltest";
  return std::filesystem::path(VARVE_SOURCE_DIR) / ".." / "shared" / "promqltest";
}

// What prints must read back to the same tree.
void ExpectReadsBack(const std::string& printed, const std::string& what) {
  const Result<promql::ExprPtr> again = promql::Parse(printed);
  ASSERT_TRUE(again.ok()) << what << "\n" << printed << "\n" << again.status().ToString();
  EXPECT_EQ(promql::Print(**again), printed) << what;
}

// A query that is to fail may fail here or later; a refusal must name its place.
void CheckQuery(const EvalCommand& eval) {
  const Result<promql::ExprPtr> expr = promql::Parse(eval.expression);
  if (!expr.ok()) {
    EXPECT_TRUE(eval.Expects(Expectation::Kind::kFail))
        << eval.id << ": " << eval.expression << "\n"
        << expr.status().ToString();
    EXPECT_EQ(expr.status().code(), StatusCode::kInvalidArgument) << eval.id;
    EXPECT_NE(expr.status().message().find(": parse error: "), std::string::npos) << eval.id;
    return;
  }
  const std::string printed = promql::Print(**expr);
  ExpectReadsBack(printed, eval.id);
  const Result<promql::ExprPtr> laid_out = promql::Parse(promql::Prettify(**expr));
  ASSERT_TRUE(laid_out.ok()) << eval.id << ": " << laid_out.status().ToString();
  EXPECT_EQ(promql::Print(**laid_out), printed) << eval.id;
  EXPECT_TRUE(promql::ParseToJson(eval.expression).ok()) << eval.id;
  const int64_t range_ms = eval.steps.end_ms - eval.steps.start_ms;
  const Status resolved =
      promql::ResolveDurations({eval.is_range ? eval.steps.step_ms : 0, range_ms}, expr->get());
  EXPECT_TRUE(resolved.ok() || eval.Expects(Expectation::Kind::kFail))
      << eval.id << ": " << resolved.ToString();
}

TEST(ReferenceQueries, ParseAndPrint) {
  size_t count = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(ReferenceScripts(), error)) {
    if (entry.path().extension() != ".test") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const auto commands = ParseScript(text, entry.path().filename().string());
    ASSERT_TRUE(commands.ok()) << commands.status().ToString();
    for (const Command& command : *commands) {
      const auto* eval = std::get_if<EvalCommand>(&command);
      if (eval == nullptr) continue;
      ++count;
      CheckQuery(*eval);
    }
  }
  if (count == 0) {
    GTEST_SKIP() << "PROMETHEUS' QUERIES WERE NOT PARSED: no *.test file in " << ReferenceScripts()
                 << "; set VARVE_SHARED to the folder that holds promqltest/";
  }
}

}  // namespace
}  // namespace varve::conformance
