// Trees as JSON.
#pragma once

#include <string>

#include "query/promql/ast.h"

namespace varve::promql {

// The document that Prometheus answers /api/v1/parse_query with (web/api/v1/translate_ast.go
// describes it). Durations that are expressions stand beside a 0 until they are resolved. A fill
// value that JSON has no number for is a string: "NaN", "+Inf".
std::string PrintJson(const Expr& expr);

}  // namespace varve::promql
