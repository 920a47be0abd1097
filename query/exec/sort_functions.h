// sort, sort_desc, sort_by_label, sort_by_label_desc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "query/exec/vector_value.h"
#include "query/promql/function_table.h"

namespace varve::promql::exec {

// Orders the rows by their values at the only step (NaN last), or by labels in natural order.
// REQUIRES: one step.
void SortRows(FunctionId function, const std::vector<std::string>& labels, VectorValue* value);

// Whether `a` comes before `b` when runs of digits compare as numbers: "node9" before "node10".
bool NaturalLess(std::string_view a, std::string_view b);

// Takes out the values that are native histograms, which have no order.
void DropHistograms(VectorValue* value);

}  // namespace varve::promql::exec
