// Row operations on the steps that have native histograms.
#include <cmath>
#include <memory>
#include <utility>

#include "base/histogram/arithmetic.h"
#include "base/histogram/statistics.h"
#include "query/exec/histogram_binary.h"
#include "query/exec/row_operation.h"

namespace varve::promql::exec {
namespace {

// The functions that read a number off a histogram, and timestamp(); false for all others, which
// ignore histograms.
bool ApplyFunction(FunctionId function, const Histogram& histogram, int64_t time_ms,
                   double* value) {
  switch (function) {
    case FunctionId::kHistogramAvg:
      *value = histogram.sum / histogram.count;
      return true;
    case FunctionId::kHistogramCount:
      *value = histogram.count;
      return true;
    case FunctionId::kHistogramStddev:
      *value = std::sqrt(histogram::Variance(histogram));
      return true;
    case FunctionId::kHistogramStdvar:
      *value = histogram::Variance(histogram);
      return true;
    case FunctionId::kHistogramSum:
      *value = histogram.sum;
      return true;
    case FunctionId::kTimestamp:
      *value = static_cast<double>(time_ms) / 1000;
      return true;
    default:
      return false;
  }
}

HistogramPtr Negated(const Histogram& histogram) {
  auto out = std::make_shared<Histogram>(histogram);
  histogram::Multiply(-1, out.get());
  return out;
}

// One step of a vector with a scalar.
void ApplyScalar(const ScalarBinaryOperation& op, size_t step, const HistogramPtr& histogram,
                 BinaryNotes* notes, Column column) {
  const Element scalar{op.scalar[step], nullptr};
  const Element vector{0, histogram};
  const bool left = op.vector_side == VectorSide::kLeft;
  const Element& lhs = left ? vector : scalar;
  const Element& rhs = left ? scalar : vector;
  BinaryResult out = EvaluateElements(op.op, lhs, rhs);
  notes->Set(step, out, lhs.type(), rhs.type());
  if (out.fault == BinaryResult::Fault::kNone) {
    column.SetHistogram(step, std::move(out.element.histogram));
  }
}

}  // namespace

std::vector<uint64_t> TakeHistogramSteps(size_t step_count, Column column) {
  std::vector<uint64_t> steps(BitmapWords(step_count));
  ForEachBit(column.present, step_count, [&](size_t step) {
    if (column.IsHistogram(step)) SetBit(steps.data(), step);
  });
  AndNotBits(steps.data(), step_count, column.present);
  return steps;
}

void ApplyToHistograms(const RowOperation& operation, const TimeGrid& grid,
                       const std::vector<uint64_t>& steps, Annotations* annotations,
                       Column column) {
  BinaryNotes notes(grid.count);
  const auto* function = std::get_if<FunctionOperation>(&operation);
  const auto* binary = std::get_if<ScalarBinaryOperation>(&operation);
  ForEachBit(steps.data(), grid.count, [&](size_t step) {
    const HistogramPtr histogram = std::move(column.histograms[step]);
    if (function != nullptr) {
      double value = 0;
      if (ApplyFunction(function->function, *histogram, grid.At(step), &value)) {
        column.SetFloat(step, value);
      }
    } else if (binary != nullptr) {
      ApplyScalar(*binary, step, histogram, &notes, column);
    } else {
      column.SetHistogram(step, Negated(*histogram));
    }
  });
  if (binary != nullptr) notes.Annotate(binary->op, binary->position, annotations);
}

}  // namespace varve::promql::exec
