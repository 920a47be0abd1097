// The series of both sides of a binary operation by the labels on which they match.
#pragma once

#include <cstddef>
#include <vector>

#include "query/exec/label_ops.h"
#include "query/exec/name_rules.h"
#include "query/exec/vector_value.h"
#include "query/promql/ast.h"

namespace varve::promql::exec {

// The labels that `on` or `ignoring` leave for matching. Where metadata labels fall at once, one
// side may have lost its type and unit already, so `ignoring` leaves them out as it does the name.
LabelProjection MatchingProjection(const VectorMatching& matching, const NameRules& rules);

// One match group: indices of rows, ascending.
struct MatchGroup {
  std::vector<size_t> lhs;
  std::vector<size_t> rhs;
};

// In order of first appearance, the left side first.
std::vector<MatchGroup> GroupByMatch(const LabelProjection& projection, const VectorValue& lhs,
                                     const VectorValue& rhs);

}  // namespace varve::promql::exec
