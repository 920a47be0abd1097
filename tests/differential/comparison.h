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
Result<Table> EngineResult(const Case& test);
Result<Table> NaiveResult(const Case& test);

// Sums in another order and variances by another formula differ in the last bits only: all numbers
// that the generator adds up are below 1e9 and differences of squares lose at most half of the 16
// digits, so that 1e-7 of the larger one, or 1e-7 at all where the difference is close to zero, is
// still far below any wrong answer.
bool AboutEqual(double a, double b);

// How the two differ; nothing when they agree. Two failures agree, whatever their words.
std::optional<std::string> Difference(const Case& test);

// A smaller case that `differs` still: less query, fewer steps, fewer series and samples. Only
// queries that parse are tried. REQUIRES: differs(test).
Case Shrink(Case test, const std::function<bool(const Case&)>& differs);

}  // namespace varve::differential
