// Aggregations that need all values of a group at one step together: topk, bottomk, quantile,
// count_values, limitk, limit_ratio.
#pragma once

#include <cstdint>
#include <string>

#include "query/exec/annotations.h"
#include "query/exec/histogram_group.h"
#include "query/exec/label_ops.h"
#include "query/exec/name_rules.h"
#include "query/exec/row_operation.h"
#include "query/exec/vector_value.h"
#include "varve/status.h"

namespace varve::promql::exec {

// topk, bottomk, limitk, limit_ratio: the input series with the values that were chosen. `param`
// holds k (or the ratio) per step. For a single step the rows come in order of their values.
// Errors: kOutOfRange in the reference's words for a parameter that is NaN or no int64.
Result<VectorValue> SelectRanked(AggregationOp op, const LabelProjection& projection,
                                 const ScalarColumn& param, PositionRange param_position,
                                 VectorValue input, const AggregationNotes& notes);

// quantile.
Result<VectorValue> AggregateQuantile(const LabelProjection& projection, const ScalarColumn& param,
                                      PositionRange param_position, VectorValue input,
                                      const AggregationNotes& notes);

// count_values. `value_label` is part of the groups: named by `projection` if that is a `by`.
Result<VectorValue> CountValues(const LabelProjection& projection, const std::string& value_label,
                                const VectorValue& input);

}  // namespace varve::promql::exec
