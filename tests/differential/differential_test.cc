// The engine against the naive evaluator on random data and queries.
//
//   VARVE_DIFFERENTIAL_CASES=100000 VARVE_DIFFERENTIAL_SEED=7 build/debug/bin/differential
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <optional>
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

enum class Asked : uint8_t { kOnce, kBefore };

struct Totals {
  uint64_t failures = 0;
  uint64_t empty = 0;
  uint64_t differences = 0;
};

// The next case and how its result differs, if it does.
void RunCase(Asked asked, const std::string& name, Case* test, Random* random, Totals* totals) {
  test->query = QueryGenerator(random).Query();
  test->times = RandomTimes(random);
  test->kind =
      asked == Asked::kOnce && (*random)() % 3 == 0 ? QueryKind::kInstant : QueryKind::kRange;
  std::optional<Earlier> earlier;
  if (asked == Asked::kBefore) {
    const int64_t span_ms = test->times.end_ms - test->times.start_ms + 600'000;
    earlier.emplace();
    earlier->known_until_ms = test->times.start_ms - 300'000 +
                              static_cast<int64_t>((*random)() % static_cast<uint64_t>(span_ms));
    earlier->steps_before = static_cast<int64_t>((*random)() % 6);
  }
  const auto parsed = promql::Parse(test->query);
  ASSERT_TRUE(parsed.ok()) << test->query << ": " << parsed.status().ToString();
  const Result<Table> naive = NaiveResult(*test);
  totals->failures += naive.ok() ? 0 : 1;
  totals->empty += naive.ok() && naive->empty() ? 1 : 0;
  if (!Difference(*test, earlier).has_value()) return;
  ++totals->differences;
  const Case small = Shrink(
      *test, [&](const Case& candidate) { return Difference(candidate, earlier).has_value(); });
  ADD_FAILURE() << name << ": " << test->query << "\nshrunk to\n" << *Difference(small, earlier);
}

void RunCases(Asked asked, uint64_t cases) {
  const uint64_t first_seed = FromEnvironment("VARVE_DIFFERENTIAL_SEED", 1);
  Totals totals;
  for (uint64_t i = 0; i < cases;) {
    const uint64_t seed = first_seed + i / kQueriesPerDataset;
    Random random(seed);
    Case test;
    test.data = RandomDataset(&random);
    for (uint64_t k = 0; k < kQueriesPerDataset && i < cases; ++k, ++i) {
      RunCase(asked, "seed " + std::to_string(seed) + ", query " + std::to_string(k), &test,
              &random, &totals);
      if (totals.differences == kDifferencesShown || testing::Test::HasFatalFailure()) return;
    }
  }
  // A generator whose queries mostly fail or select nothing tests nothing.
  EXPECT_LT(totals.failures, cases / 4 + 10);
  EXPECT_LT(totals.empty, cases / 2 + 10);
  std::cout << cases << " queries, " << totals.failures << " failed in both, " << totals.empty
            << " selected nothing\n";
}

TEST(Differential, EngineAgreesWithTheNaiveEvaluator) {
  RunCases(Asked::kOnce, FromEnvironment("VARVE_DIFFERENTIAL_CASES", 2000));
}

TEST(Differential, EngineAgreesWhenItHasKeptResults) {
  RunCases(Asked::kBefore, FromEnvironment("VARVE_DIFFERENTIAL_CASES", 2000) / 2);
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
