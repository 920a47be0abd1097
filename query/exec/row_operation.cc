#include "query/exec/row_operation.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "base/check.h"
#include "query/exec/civil_time.h"
#include "query/exec/scalar_ops.h"

namespace varve::promql::exec {
namespace {

// value = f(value, step) where present.
template <typename F>
void Map(size_t step_count, Column column, F&& f) {
  if (AllBits(column.present, step_count)) {
    for (size_t i = 0; i < step_count; ++i) column.values[i] = f(column.values[i], i);
    return;
  }
  ForEachBit(column.present, step_count,
             [&](size_t i) { column.values[i] = f(column.values[i], i); });
}

// Keeps the values for which keep(value, step).
template <typename F>
void Filter(size_t step_count, Column column, F&& keep) {
  ForEachBit(column.present, step_count, [&](size_t i) {
    if (!keep(column.values[i], i)) ClearBit(column.present, i);
  });
}

double Sign(double v) { return v < 0 ? -1.0 : v > 0 ? 1.0 : v; }

double DateField(FunctionId function, double value) {
  // Values that are no time are as far away as can be, as where the reference runs.
  const bool fits = value >= -9.2e18 && value <= 9.2e18;
  const CivilTime civil = CivilFromUnixSeconds(fits ? static_cast<int64_t>(value) : INT64_MIN);
  switch (function) {
    case FunctionId::kYear:
      return static_cast<double>(civil.year);
    case FunctionId::kMonth:
      return civil.month;
    case FunctionId::kDayOfMonth:
      return civil.day;
    case FunctionId::kDayOfWeek:
      return civil.weekday;
    case FunctionId::kDayOfYear:
      return civil.day_of_year;
    case FunctionId::kDaysInMonth:
      return civil.days_in_month;
    case FunctionId::kHour:
      return civil.hour;
    default:
      return civil.minute;
  }
}

void Clamp(const ScalarColumn& low, const ScalarColumn& high, size_t n, Column column) {
  Filter(n, column, [&](double, size_t i) { return !(high[i] < low[i]); });
  Map(n, column, [&](double v, size_t i) { return GoMax(low[i], GoMin(high[i], v)); });
}

void Round(const ScalarColumn& to_nearest, size_t n, Column column) {
  Map(n, column, [&](double v, size_t i) {
    // The inverse rounds better than dividing: 0.1 is no float, 10 is.
    const double inverse = 1.0 / (to_nearest.empty() ? 1.0 : to_nearest[i]);
    return std::floor(v * inverse + 0.5) / inverse;
  });
}

// Rounding, powers and logarithms; false when `function` is none.
bool ApplyElementary(FunctionId function, size_t n, Column c) {
  switch (function) {
    case FunctionId::kAbs:
      Map(n, c, [](double v, size_t) { return std::fabs(v); });
      return true;
    case FunctionId::kCeil:
      Map(n, c, [](double v, size_t) { return std::ceil(v); });
      return true;
    case FunctionId::kFloor:
      Map(n, c, [](double v, size_t) { return std::floor(v); });
      return true;
    case FunctionId::kExp:
      Map(n, c, [](double v, size_t) { return std::exp(v); });
      return true;
    case FunctionId::kSqrt:
      Map(n, c, [](double v, size_t) { return std::sqrt(v); });
      return true;
    case FunctionId::kLn:
      Map(n, c, [](double v, size_t) { return std::log(v); });
      return true;
    case FunctionId::kLog2:
      Map(n, c, [](double v, size_t) { return std::log2(v); });
      return true;
    case FunctionId::kLog10:
      Map(n, c, [](double v, size_t) { return std::log10(v); });
      return true;
    case FunctionId::kSgn:
      Map(n, c, [](double v, size_t) { return Sign(v); });
      return true;
    default:
      return false;
  }
}

// The trigonometric and hyperbolic functions; false when `function` is none.
bool ApplyTrigonometry(FunctionId function, size_t n, Column c) {
  constexpr double kPi = std::numbers::pi;
  switch (function) {
    case FunctionId::kSin:
      Map(n, c, [](double v, size_t) { return std::sin(v); });
      return true;
    case FunctionId::kCos:
      Map(n, c, [](double v, size_t) { return std::cos(v); });
      return true;
    case FunctionId::kTan:
      Map(n, c, [](double v, size_t) { return std::tan(v); });
      return true;
    case FunctionId::kAsin:
      Map(n, c, [](double v, size_t) { return std::asin(v); });
      return true;
    case FunctionId::kAcos:
      Map(n, c, [](double v, size_t) { return std::acos(v); });
      return true;
    case FunctionId::kAtan:
      Map(n, c, [](double v, size_t) { return std::atan(v); });
      return true;
    case FunctionId::kSinh:
      Map(n, c, [](double v, size_t) { return std::sinh(v); });
      return true;
    case FunctionId::kCosh:
      Map(n, c, [](double v, size_t) { return std::cosh(v); });
      return true;
    case FunctionId::kTanh:
      Map(n, c, [](double v, size_t) { return std::tanh(v); });
      return true;
    case FunctionId::kAsinh:
      Map(n, c, [](double v, size_t) { return std::asinh(v); });
      return true;
    case FunctionId::kAcosh:
      Map(n, c, [](double v, size_t) { return std::acosh(v); });
      return true;
    case FunctionId::kAtanh:
      Map(n, c, [](double v, size_t) { return std::atanh(v); });
      return true;
    case FunctionId::kRad:
      Map(n, c, [](double v, size_t) { return v * kPi / 180; });
      return true;
    case FunctionId::kDeg:
      Map(n, c, [](double v, size_t) { return v * 180 / kPi; });
      return true;
    default:
      return false;
  }
}

void ApplyFunction(const FunctionOperation& op, const TimeGrid& grid, Column column) {
  const size_t n = grid.count;
  if (ApplyElementary(op.function, n, column)) return;
  if (ApplyTrigonometry(op.function, n, column)) return;
  const double infinity = std::numeric_limits<double>::infinity();
  switch (op.function) {
    case FunctionId::kClamp:
      Clamp(op.arg0, op.arg1, n, column);
      return;
    case FunctionId::kClampMin:
      Clamp(op.arg0, ScalarColumn(n, infinity), n, column);
      return;
    case FunctionId::kClampMax:
      Clamp(ScalarColumn(n, -infinity), op.arg0, n, column);
      return;
    case FunctionId::kRound:
      Round(op.arg0, n, column);
      return;
    case FunctionId::kStartTimestamp:
      // Only samples know when counting towards them began, not what was made of them.
      ClearBits(column.present, n);
      return;
    case FunctionId::kTimestamp:
      Map(n, column, [&](double, size_t i) { return static_cast<double>(grid.At(i)) / 1000; });
      return;
    case FunctionId::kYear:
    case FunctionId::kMonth:
    case FunctionId::kDayOfMonth:
    case FunctionId::kDayOfWeek:
    case FunctionId::kDayOfYear:
    case FunctionId::kDaysInMonth:
    case FunctionId::kHour:
    case FunctionId::kMinute:
      Map(n, column, [&](double v, size_t) { return DateField(op.function, v); });
      return;
    // These answer for native histograms only.
    case FunctionId::kHistogramAvg:
    case FunctionId::kHistogramCount:
    case FunctionId::kHistogramStddev:
    case FunctionId::kHistogramStdvar:
    case FunctionId::kHistogramSum:
      ClearBits(column.present, n);
      return;
    default:
      VARVE_CHECK(!"a row function");
  }
}

// op with the vector on either side; kOp lets the compiler unswitch the loop.
template <BinaryOp kOp>
void ApplyArithmetic(const ScalarBinaryOperation& op, size_t n, Column column) {
  if (op.vector_side == VectorSide::kLeft) {
    Map(n, column, [&](double v, size_t i) { return EvaluateArithmetic(kOp, v, op.scalar[i]); });
  } else {
    Map(n, column, [&](double v, size_t i) { return EvaluateArithmetic(kOp, op.scalar[i], v); });
  }
}

void ApplyComparison(const ScalarBinaryOperation& op, size_t n, Column column) {
  const auto holds = [&](double v, size_t i) {
    return op.vector_side == VectorSide::kLeft ? EvaluateComparison(op.op, v, op.scalar[i])
                                               : EvaluateComparison(op.op, op.scalar[i], v);
  };
  if (op.comparison == ComparisonResult::kBool) {
    Map(n, column, [&](double v, size_t i) { return holds(v, i) ? 1.0 : 0.0; });
  } else {
    Filter(n, column, holds);
  }
}

void ApplyScalarBinary(const ScalarBinaryOperation& op, size_t n, Annotations* annotations,
                       Column column) {
  switch (op.op) {
    case BinaryOp::kAdd:
      ApplyArithmetic<BinaryOp::kAdd>(op, n, column);
      return;
    case BinaryOp::kSub:
      ApplyArithmetic<BinaryOp::kSub>(op, n, column);
      return;
    case BinaryOp::kMul:
      ApplyArithmetic<BinaryOp::kMul>(op, n, column);
      return;
    case BinaryOp::kDiv:
      ApplyArithmetic<BinaryOp::kDiv>(op, n, column);
      return;
    case BinaryOp::kMod:
      ApplyArithmetic<BinaryOp::kMod>(op, n, column);
      return;
    case BinaryOp::kPow:
      ApplyArithmetic<BinaryOp::kPow>(op, n, column);
      return;
    case BinaryOp::kAtan2:
      ApplyArithmetic<BinaryOp::kAtan2>(op, n, column);
      return;
    // Trimming has no meaning for floats.
    case BinaryOp::kTrimLower:
    case BinaryOp::kTrimUpper:
      if (!AnyBit(column.present, n)) return;
      annotations->IncompatibleTypes(op.op, SampleType::kFloat, SampleType::kFloat, op.position);
      ClearBits(column.present, n);
      return;
    default:
      ApplyComparison(op, n, column);
  }
}

void ApplyToFloats(const RowOperation& operation, const TimeGrid& grid, Annotations* annotations,
                   Column column) {
  if (const auto* function = std::get_if<FunctionOperation>(&operation)) {
    ApplyFunction(*function, grid, column);
  } else if (const auto* binary = std::get_if<ScalarBinaryOperation>(&operation)) {
    ApplyScalarBinary(*binary, grid.count, annotations, column);
  } else {
    Map(grid.count, column, [](double v, size_t) { return -v; });
  }
}

}  // namespace

bool IsRowFunction(FunctionId function) {
  switch (function) {
    case FunctionId::kAbs:
    case FunctionId::kAcos:
    case FunctionId::kAcosh:
    case FunctionId::kAsin:
    case FunctionId::kAsinh:
    case FunctionId::kAtan:
    case FunctionId::kAtanh:
    case FunctionId::kCeil:
    case FunctionId::kClamp:
    case FunctionId::kClampMax:
    case FunctionId::kClampMin:
    case FunctionId::kCos:
    case FunctionId::kCosh:
    case FunctionId::kDayOfMonth:
    case FunctionId::kDayOfWeek:
    case FunctionId::kDayOfYear:
    case FunctionId::kDaysInMonth:
    case FunctionId::kDeg:
    case FunctionId::kExp:
    case FunctionId::kFloor:
    case FunctionId::kHistogramAvg:
    case FunctionId::kHistogramCount:
    case FunctionId::kHistogramStddev:
    case FunctionId::kHistogramStdvar:
    case FunctionId::kHistogramSum:
    case FunctionId::kHour:
    case FunctionId::kLn:
    case FunctionId::kLog10:
    case FunctionId::kLog2:
    case FunctionId::kMinute:
    case FunctionId::kMonth:
    case FunctionId::kRad:
    case FunctionId::kRound:
    case FunctionId::kSgn:
    case FunctionId::kSin:
    case FunctionId::kSinh:
    case FunctionId::kSqrt:
    case FunctionId::kStartTimestamp:
    case FunctionId::kTan:
    case FunctionId::kTanh:
    case FunctionId::kTimestamp:
    case FunctionId::kYear:
      return true;
    default:
      return false;
  }
}

void Apply(const RowOperation& operation, const TimeGrid& grid, Annotations* annotations,
           Column column) {
  if (column.histograms == nullptr) {
    ApplyToFloats(operation, grid, annotations, column);
    return;
  }
  const std::vector<uint64_t> histogram_steps = TakeHistogramSteps(grid.count, column);
  ApplyToFloats(operation, grid, annotations, column);
  ApplyToHistograms(operation, grid, histogram_steps, annotations, column);
}

MetricName NameAfter(const RowOperation& operation) {
  const auto* binary = std::get_if<ScalarBinaryOperation>(&operation);
  if (binary == nullptr) return MetricName::kDrop;
  const bool keeps = !IsArithmetic(binary->op) && binary->comparison == ComparisonResult::kFilter;
  return keeps ? MetricName::kKeep : MetricName::kDrop;
}

}  // namespace varve::promql::exec
