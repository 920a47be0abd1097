// The engine against the naive evaluator on random data and queries.
//
//   VARVE_DIFFERENTIAL_CASES=100000 VARVE_DIFFERENTIAL_SEED=7 build/debug/bin/differential
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "query/promql/parser.h"
#include "tests/differential/comparison.h"
#include "tests/differential/generator.h"

namespace varve::differential {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// Data is costly to make, so several queries share it.
constexpr uint64_t kQueriesPerDataset = 50;
constexpr size_t kDifferencesShown = 10;

bool Differs(const Case& test) { return Difference(test).has_value(); }

TEST(Differential, EngineAgreesWithTheNaiveEvaluator) {
  const uint64_t cases = FromEnvironment("VARVE_DIFFERENTIAL_CASES", 2000);
  const uint64_t first_seed = FromEnvironment("VARVE_DIFFERENTIAL_SEED", 1);
  size_t differences = 0;
  size_t failures = 0;
  size_t empty = 0;
  for (uint64_t i = 0; i < cases && differences < kDifferencesShown;) {
    const uint64_t seed = first_seed + i / kQueriesPerDataset;
    Random random(seed);
    Case test;
    test.data = RandomDataset(&random);
    for (uint64_t k = 0; k < kQueriesPerDataset && i < cases; ++k, ++i) {
      test.query = QueryGenerator(&random).Query();
      test.times = RandomTimes(&random);
      test.kind = random() % 3 == 0 ? QueryKind::kInstant : QueryKind::kRange;
      ASSERT_TRUE(promql::Parse(test.query).ok())
          << test.query << ": " << promql::Parse(test.query).status().ToString();
      const Result<Table> naive = NaiveResult(test);
      failures += naive.ok() ? 0 : 1;
      empty += naive.ok() && naive->empty() ? 1 : 0;
      if (!Difference(test).has_value()) continue;
      ++differences;
      ADD_FAILURE() << "seed " << seed << ", query " << k << ": " << test.query << "\nshrunk to\n"
                    << *Difference(Shrink(test, Differs));
      if (differences == kDifferencesShown) break;
    }
  }
  // A generator whose queries mostly fail or select nothing tests nothing.
  EXPECT_LT(failures, cases / 4 + 10);
  EXPECT_LT(empty, cases / 2 + 10);
  RecordProperty("cases", static_cast<int>(cases));
  RecordProperty("failing_queries", static_cast<int>(failures));
  RecordProperty("empty_results", static_cast<int>(empty));
}

TEST(Differential, ToleratesTheLastBitsOnly) {
  EXPECT_TRUE(AboutEqual(1, 1 + 1e-12));
  EXPECT_TRUE(AboutEqual(std::nan(""), std::nan("")));
  EXPECT_TRUE(AboutEqual(HUGE_VAL, HUGE_VAL));
  EXPECT_FALSE(AboutEqual(1, 1.001));
  EXPECT_FALSE(AboutEqual(1, std::nan("")));
  EXPECT_FALSE(AboutEqual(HUGE_VAL, -HUGE_VAL));
}

TEST(Differential, ShrinksToWhatMatters) {
  Random random(3);
  Case test;
  test.data = RandomDataset(&random);
  test.query = "(sum by (job) (abs(gauge)) + on (job) count by (job) (other)) or -(vector(1 + 2))";
  test.times = {kOriginMs + 600'000, kOriginMs + 660'000, 15'000};
  // As if abs() were wrong on a third sample.
  const auto differs = [](const Case& candidate) {
    if (candidate.query.find("abs(") == std::string::npos) return false;
    for (const SeriesData& series : candidate.data) {
      if (series.labels.at("__name__") == "gauge" && series.samples.size() >= 3) return true;
    }
    return false;
  };
  const Case small = Shrink(test, differs);
  EXPECT_EQ(small.query, "abs(gauge)");
  EXPECT_EQ(small.kind, QueryKind::kInstant);
  ASSERT_EQ(small.data.size(), 1u);
  EXPECT_EQ(small.data[0].samples.size(), 3u);
}

}  // namespace
}  // namespace varve::differential
