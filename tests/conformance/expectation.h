// Whether the result of a query is what an evaluation of a script expects.
#pragma once

#include <optional>
#include <string>

#include "tests/conformance/script.h"
#include "varve/promql.h"
#include "varve/status.h"

namespace varve::conformance {

// Equal within the reference's tolerance: a relative error of 1e-6; any NaN equals any NaN.
bool AlmostEqual(double a, double b);

// Each returns nothing when the result is as expected, otherwise what is wrong.
std::optional<std::string> CheckValue(const EvalCommand& eval, const promql::QueryResult& result);
std::optional<std::string> CheckAnnotations(const EvalCommand& eval,
                                            const promql::QueryResult& result);
std::optional<std::string> CheckFailure(const EvalCommand& eval, const Status& status);
// `matrix` is the same instant query evaluated as a range query; its values at the evaluation time
// must be the same.
std::optional<std::string> CheckRangeMode(const EvalCommand& eval, const promql::Matrix& matrix);

}  // namespace varve::conformance
