// Row operations: what changes the values of one series without looking at another, so that a
// pipeline applies it to each series as it comes by.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "query/exec/annotations.h"
#include "query/exec/label_ops.h"
#include "query/exec/time_grid.h"
#include "query/exec/vector_value.h"
#include "query/promql/ast.h"
#include "query/promql/function_table.h"

namespace varve::promql::exec {

// A scalar at every step.
using ScalarColumn = std::vector<double>;

// abs(v), clamp(v, min, max), hour(v), ... : one value from one value.
struct FunctionOperation {
  FunctionId function = FunctionId::kAbs;
  ScalarColumn arg0;  // per step; empty when the function has no such argument
  ScalarColumn arg1;
};

enum class VectorSide : uint8_t { kLeft, kRight };

// v + 1, 2 > bool v, ...
struct ScalarBinaryOperation {
  BinaryOp op = BinaryOp::kAdd;
  ComparisonResult comparison = ComparisonResult::kFilter;
  VectorSide vector_side = VectorSide::kLeft;
  ScalarColumn scalar;
  PositionRange position;
};

struct NegateOperation {};

using RowOperation = std::variant<FunctionOperation, ScalarBinaryOperation, NegateOperation>;

// Whether Apply knows the function.
bool IsRowFunction(FunctionId function);

// Changes `column`, which has one slot per step of `grid`, in place.
void Apply(const RowOperation& operation, const TimeGrid& grid, Annotations* annotations,
           Column column);

// The two parts of Apply on a column with histograms (row_operation_histogram.cc): takes the steps
// with histograms out of the column and returns them; and applies the operation to those.
std::vector<uint64_t> TakeHistogramSteps(size_t step_count, Column column);
void ApplyToHistograms(const RowOperation& operation, const TimeGrid& grid,
                       const std::vector<uint64_t>& steps, Annotations* annotations, Column column);

// What the operation does to metric names.
MetricName NameAfter(const RowOperation& operation);

}  // namespace varve::promql::exec
