#include "query/promql/function_table.h"

#include <algorithm>
#include <array>

namespace varve::promql {
namespace {

constexpr ValueType kS = ValueType::kScalar;
constexpr ValueType kT = ValueType::kString;
constexpr ValueType kV = ValueType::kVector;
constexpr ValueType kM = ValueType::kMatrix;

constexpr std::array<ValueType, 0> kNoArgs = {};
constexpr std::array kOneScalar = {kS};
constexpr std::array kOneVector = {kV};
constexpr std::array kOneMatrix = {kM};
constexpr std::array kVectorScalar = {kV, kS};
constexpr std::array kVectorScalarScalar = {kV, kS, kS};
constexpr std::array kMatrixScalar = {kM, kS};
constexpr std::array kMatrixScalarScalar = {kM, kS, kS};
constexpr std::array kScalarVector = {kS, kV};
constexpr std::array kScalarScalarVector = {kS, kS, kV};
constexpr std::array kScalarMatrix = {kS, kM};
constexpr std::array kVectorString = {kV, kT};
constexpr std::array kTwoScalars = {kS, kS};
constexpr std::array kInfoArgs = {kV, kV};
constexpr std::array kHistogramQuantilesArgs = {kV, kT, kS, kS};
constexpr std::array kLabelReplaceArgs = {kV, kT, kT, kT, kT};
constexpr std::array kLabelJoinArgs = {kV, kT, kT, kT};

// Ascending by name.
constexpr std::array<Function, 90> kFunctions = {{
    {FunctionId::kAbs, "abs", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kAbsent, "absent", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kAbsentOverTime, "absent_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kAcos, "acos", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kAcosh, "acosh", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kAsin, "asin", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kAsinh, "asinh", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kAtan, "atan", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kAtanh, "atanh", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kAvgOverTime, "avg_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kCeil, "ceil", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kChanges, "changes", kOneMatrix, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kClamp, "clamp", kVectorScalarScalar, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kClampMax, "clamp_max", kVectorScalar, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kClampMin, "clamp_min", kVectorScalar, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kCos, "cos", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kCosh, "cosh", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kCountOverTime, "count_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kDayOfMonth, "day_of_month", kOneVector, 1, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kDayOfWeek, "day_of_week", kOneVector, 1, ValueType::kVector, Stability::kStable},
    {FunctionId::kDayOfYear, "day_of_year", kOneVector, 1, ValueType::kVector, Stability::kStable},
    {FunctionId::kDaysInMonth, "days_in_month", kOneVector, 1, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kDeg, "deg", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kDelta, "delta", kOneMatrix, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kDeriv, "deriv", kOneMatrix, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kDoubleExponentialSmoothing, "double_exponential_smoothing", kMatrixScalarScalar,
     0, ValueType::kVector, Stability::kExperimental},
    {FunctionId::kEnd, "end", kNoArgs, 0, ValueType::kScalar, Stability::kExperimental},
    {FunctionId::kExp, "exp", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kFirstOverTime, "first_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kExperimental},
    {FunctionId::kFloor, "floor", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kHistogramAvg, "histogram_avg", kOneVector, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kHistogramCount, "histogram_count", kOneVector, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kHistogramFraction, "histogram_fraction", kScalarScalarVector, 0,
     ValueType::kVector, Stability::kStable},
    {FunctionId::kHistogramQuantile, "histogram_quantile", kScalarVector, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kHistogramQuantiles, "histogram_quantiles", kHistogramQuantilesArgs, 9,
     ValueType::kVector, Stability::kExperimental},
    {FunctionId::kHistogramStddev, "histogram_stddev", kOneVector, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kHistogramStdvar, "histogram_stdvar", kOneVector, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kHistogramSum, "histogram_sum", kOneVector, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kHour, "hour", kOneVector, 1, ValueType::kVector, Stability::kStable},
    {FunctionId::kIdelta, "idelta", kOneMatrix, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kIncrease, "increase", kOneMatrix, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kInfo, "info", kInfoArgs, 1, ValueType::kVector, Stability::kExperimental},
    {FunctionId::kIrate, "irate", kOneMatrix, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kLabelJoin, "label_join", kLabelJoinArgs, -1, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kLabelReplace, "label_replace", kLabelReplaceArgs, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kLastOverTime, "last_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kLn, "ln", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kLog10, "log10", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kLog2, "log2", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kMadOverTime, "mad_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kExperimental},
    {FunctionId::kMaxOf, "max_of", kTwoScalars, 0, ValueType::kScalar, Stability::kExperimental},
    {FunctionId::kMaxOverTime, "max_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kMinOf, "min_of", kTwoScalars, 0, ValueType::kScalar, Stability::kExperimental},
    {FunctionId::kMinOverTime, "min_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kMinute, "minute", kOneVector, 1, ValueType::kVector, Stability::kStable},
    {FunctionId::kMonth, "month", kOneVector, 1, ValueType::kVector, Stability::kStable},
    {FunctionId::kPi, "pi", kNoArgs, 0, ValueType::kScalar, Stability::kStable},
    {FunctionId::kPredictLinear, "predict_linear", kMatrixScalar, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kPresentOverTime, "present_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kQuantileOverTime, "quantile_over_time", kScalarMatrix, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kRad, "rad", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kRange, "range", kNoArgs, 0, ValueType::kScalar, Stability::kExperimental},
    {FunctionId::kRate, "rate", kOneMatrix, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kResets, "resets", kOneMatrix, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kRound, "round", kVectorScalar, 1, ValueType::kVector, Stability::kStable},
    {FunctionId::kScalar, "scalar", kOneVector, 0, ValueType::kScalar, Stability::kStable},
    {FunctionId::kSgn, "sgn", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kSin, "sin", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kSinh, "sinh", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kSort, "sort", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kSortByLabel, "sort_by_label", kVectorString, -1, ValueType::kVector,
     Stability::kExperimental},
    {FunctionId::kSortByLabelDesc, "sort_by_label_desc", kVectorString, -1, ValueType::kVector,
     Stability::kExperimental},
    {FunctionId::kSortDesc, "sort_desc", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kSqrt, "sqrt", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kStart, "start", kNoArgs, 0, ValueType::kScalar, Stability::kExperimental},
    {FunctionId::kStartTimestamp, "start_timestamp", kOneVector, 0, ValueType::kVector,
     Stability::kExperimental},
    {FunctionId::kStddevOverTime, "stddev_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kStdvarOverTime, "stdvar_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kStep, "step", kNoArgs, 0, ValueType::kScalar, Stability::kExperimental},
    {FunctionId::kSumOverTime, "sum_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kStable},
    {FunctionId::kTan, "tan", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kTanh, "tanh", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kTime, "time", kNoArgs, 0, ValueType::kScalar, Stability::kStable},
    {FunctionId::kTimestamp, "timestamp", kOneVector, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kTsOfFirstOverTime, "ts_of_first_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kExperimental},
    {FunctionId::kTsOfLastOverTime, "ts_of_last_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kExperimental},
    {FunctionId::kTsOfMaxOverTime, "ts_of_max_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kExperimental},
    {FunctionId::kTsOfMinOverTime, "ts_of_min_over_time", kOneMatrix, 0, ValueType::kVector,
     Stability::kExperimental},
    {FunctionId::kVector, "vector", kOneScalar, 0, ValueType::kVector, Stability::kStable},
    {FunctionId::kYear, "year", kOneVector, 1, ValueType::kVector, Stability::kStable},
}};

}  // namespace

std::span<const Function> AllFunctions() { return kFunctions; }

const Function* FindFunction(std::string_view name) {
  const auto at =
      std::lower_bound(kFunctions.begin(), kFunctions.end(), name,
                       [](const Function& f, std::string_view n) { return f.name < n; });
  return at != kFunctions.end() && at->name == name ? &*at : nullptr;
}

}  // namespace varve::promql
