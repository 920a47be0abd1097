// The series of both sides of a binary operation by the labels on which they match.
#pragma once

#include <cstddef>
#include <vector>

#include "query/exec/label_ops.h"
#include "query/exec/name_rules.h"
#include "query/exec/vector_value.h"
#include "query/promql/ast.h"

namespace varve::promql::exec {

// The labels that `on` or `ignoring` leave for matching. Types and units match like any label; but
// where they fall at once and one side has lost them already, `ignoring` leaves them out, too.
LabelProjection MatchingProjection(const VectorMatching& matching, const NameRules& rules,
                                   const VectorValue& lhs, const VectorValue& rhs);

// One match group: indices of rows, ascending.
struct MatchGroup {
  std::vector<size_t> lhs;
  std::vector<size_t> rhs;
};

// In order of first appearance, the left side first.
std::vector<MatchGroup> GroupByMatch(const LabelProjection& projection, const VectorValue& lhs,
                                     const VectorValue& rhs);

}  // namespace varve::promql::exec
