// Binary operators between two instant vectors: arithmetic, comparisons and set operators, with
// the reference's matching rules applied step by step but computed column by column.
#pragma once

#include "query/exec/annotations.h"
#include "query/exec/name_rules.h"
#include "query/exec/vector_value.h"
#include "query/promql/ast.h"
#include "varve/status.h"

namespace varve::promql::exec {

struct BinaryRule {
  BinaryOp op = BinaryOp::kAdd;
  ComparisonResult comparison = ComparisonResult::kFilter;
  const VectorMatching* matching = nullptr;  // borrowed
  NameRules names;
  PositionRange position;
};

// and, or, unless. Errors: kOutOfRange for equal label sets at one step (`or` only).
Result<VectorValue> EvaluateSetOperator(const BinaryRule& rule, VectorValue lhs, VectorValue rhs);

// The other operators. Errors: kOutOfRange, in the reference's words, where the matching is many
// to many or ambiguous; of several the one at the earliest step.
Result<VectorValue> EvaluateVectorBinary(const BinaryRule& rule, const VectorValue& lhs,
                                         const VectorValue& rhs, Annotations* annotations);

}  // namespace varve::promql::exec
