// Series that an operation left with equal label sets.
#pragma once

#include <cstdint>

#include "query/exec/vector_value.h"
#include "varve/status.h"

namespace varve::promql::exec {

// kMergeDisjoint: series with equal labels become one if no step has both (the reference looks at
// one step at a time); kRefuse: they are an error whatever their steps (functions of ranges).
enum class EqualLabels : uint8_t { kMergeDisjoint, kRefuse };

// Also drops rows that are empty at every step. Errors: kOutOfRange, "vector cannot contain
// metrics with the same labelset". Keeps the order of first appearance. O(rows).
Status ResolveEqualLabels(EqualLabels treatment, VectorValue* value);

}  // namespace varve::promql::exec
