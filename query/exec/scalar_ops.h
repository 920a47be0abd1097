// The arithmetic and comparisons of binary operators on two floats.
#pragma once

#include <cmath>
#include <limits>

#include "query/promql/ast.h"

namespace varve::promql::exec {

// Maximum and minimum as Go has them: an infinity that wins does so over NaN as well, NaN from
// either side over anything else, and -0 is less than 0.
inline double GoMax(double a, double b) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (a == infinity || b == infinity) return infinity;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
inline double GoMin(double a, double b) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (a == -infinity || b == -infinity) return -infinity;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

// REQUIRES: `op` is arithmetic.
inline double EvaluateArithmetic(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd:
      return a + b;
    case BinaryOp::kSub:
      return a - b;
    case BinaryOp::kMul:
      return a * b;
    case BinaryOp::kDiv:
      return a / b;
    case BinaryOp::kMod:
      return std::fmod(a, b);
    case BinaryOp::kPow:
      return std::pow(a, b);
    case BinaryOp::kAtan2:
      return std::atan2(a, b);
    default:
      VARVE_CHECK(!"an arithmetic operator");
      return 0;
  }
}

// REQUIRES: IsComparison(op).
inline bool EvaluateComparison(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kEqual:
      return a == b;
    case BinaryOp::kNotEqual:
      return a != b;
    case BinaryOp::kLess:
      return a < b;
    case BinaryOp::kLessOrEqual:
      return a <= b;
    case BinaryOp::kGreater:
      return a > b;
    case BinaryOp::kGreaterOrEqual:
      return a >= b;
    default:
      VARVE_CHECK(!"a comparison");
      return false;
  }
}

constexpr bool IsTrim(BinaryOp op) {
  return op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower;
}
constexpr bool IsArithmetic(BinaryOp op) {
  return !IsComparison(op) && !IsSetOperator(op) && !IsTrim(op);
}

}  // namespace varve::promql::exec
