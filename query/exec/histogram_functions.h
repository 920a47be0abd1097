// histogram_quantile, histogram_quantiles and histogram_fraction, over native histograms and over
// classic ones: series with a label `le`.
#pragma once

#include <string>
#include <vector>

#include "query/exec/annotations.h"
#include "query/exec/name_rules.h"
#include "query/exec/row_operation.h"
#include "query/exec/time_grid.h"
#include "query/exec/vector_value.h"
#include "varve/status.h"

namespace varve::promql::exec {

struct HistogramFunctionArgs {
  FunctionId function = FunctionId::kHistogramQuantile;
  // The quantiles (one, or for histogram_quantiles any number), or the lower and the upper bound.
  std::vector<ScalarColumn> scalars;
  std::vector<PositionRange> scalar_positions;
  std::string quantile_label;  // histogram_quantiles: gets the quantile
  PositionRange vector_position;
};

// A classic and a native histogram of one name and labels at one step are both left out, with a
// warning. Errors: kOutOfRange when histograms differ only in their metric name.
Result<VectorValue> EvaluateHistogramFunction(const HistogramFunctionArgs& args,
                                              const NameRules& names, const TimeGrid& grid,
                                              const VectorValue& input, Annotations* annotations);

}  // namespace varve::promql::exec
