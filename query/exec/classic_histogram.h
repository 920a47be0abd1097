// histogram_quantile and histogram_fraction over classic histograms: series with a label `le`.
#pragma once

#include "query/exec/annotations.h"
#include "query/exec/name_rules.h"
#include "query/exec/row_operation.h"
#include "query/exec/time_grid.h"
#include "query/exec/vector_value.h"
#include "varve/status.h"

namespace varve::promql::exec {

struct HistogramQuantileArgs {
  ScalarColumn quantile;
  PositionRange quantile_position;
  PositionRange vector_position;
};
// Errors: kOutOfRange when histograms differ only in their metric name.
Result<VectorValue> EvaluateHistogramQuantile(const HistogramQuantileArgs& args,
                                              const NameRules& names, const TimeGrid& grid,
                                              const VectorValue& input, Annotations* annotations);

struct HistogramFractionArgs {
  ScalarColumn lower;
  ScalarColumn upper;
  PositionRange vector_position;
};
// Errors: as above.
Result<VectorValue> EvaluateHistogramFraction(const HistogramFractionArgs& args,
                                              const NameRules& names, const VectorValue& input,
                                              Annotations* annotations);

}  // namespace varve::promql::exec
