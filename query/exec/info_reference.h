// The time at which info() looks for info series.
#pragma once

#include <optional>

#include "query/promql/ast.h"

namespace varve::promql::exec {

// `@` and `offset` of a selector with those of the subqueries around it.
struct InfoReference {
  AtModifier at;
  int64_t offset_ms = 0;
};

// What all vectors that go into `expr`, the first argument of info(), have in common; nullopt when
// they differ, or when one of them comes from no selector: then the evaluation time counts. Pure.
std::optional<InfoReference> CommonReference(const Expr& expr);

}  // namespace varve::promql::exec
