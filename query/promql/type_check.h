// The rules of PromQL that are about types rather than about grammar.
#pragma once

#include <string_view>

#include "query/promql/ast.h"
#include "varve/status.h"

namespace varve::promql {

// Checks the tree against the invariants of ast.h in the order of Prometheus, so that the first
// error is the same, and settles Binary::matching. `text` is what was parsed, for positions.
Status CheckTypes(std::string_view text, Expr* root);

// "1:7: parse error: <message>" as kInvalidArgument.
Status ParseErrorAt(std::string_view text, uint32_t offset, std::string_view message);

}  // namespace varve::promql
