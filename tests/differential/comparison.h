// One query on one set of data by both evaluators.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tests/differential/dataset.h"
#include "varve/status.h"

namespace varve::differential {

enum class QueryKind : uint8_t { kInstant, kRange };

struct Case {
  Dataset data;
  std::string query;
  QueryKind kind = QueryKind::kRange;
  Times times;  // an instant query is evaluated at times.start_ms
};

std::string ToString(const Case& test);

// What the engine under test and the naive one give. kInvalidArgument: the query does not parse.
// The engine may have been asked before, when the samples from `known_until_ms` on were not written
// yet, for the range that ends `steps_before` steps earlier: it may use what it kept of that.
struct Earlier {
  int64_t known_until_ms = 0;
  int64_t steps_before = 0;
};
Result<Table> EngineResult(const Case& test, const std::optional<Earlier>& earlier);
Result<Table> NaiveResult(const Case& test);

// Sums in another order and variances by another formula differ in the last bits only: all numbers
// that the generator adds up are below 1e9 and differences of squares lose at most half of the 16
// digits, so that 1e-7 of the larger one, or 1e-7 at all where the difference is close to zero, is
// still far below any wrong answer.
bool AboutEqual(double a, double b);

// How the two differ; nothing when they agree. Two failures agree, whatever their words.
std::optional<std::string> Difference(const Case& test, const std::optional<Earlier>& earlier);

// A smaller case that `differs` still: less query, fewer steps, fewer series and samples. Only
// queries that parse are tried. REQUIRES: differs(test).
Case Shrink(Case test, const std::function<bool(const Case&)>& differs);

}  // namespace varve::differential
