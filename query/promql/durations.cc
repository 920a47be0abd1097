#include "query/promql/durations.h"

#include <cmath>
#include <string>

#include "base/status_macros.h"
#include "query/promql/walk.h"

namespace varve::promql {
namespace {

constexpr double kSecondsMax = 9223372036854775808.0 / 1e9;  // 2^63 ns

enum class Sign : uint8_t { kPositive, kAny };

Status Fail(const DurationExpr& duration, const std::string& message) {
  return InvalidArgumentError(std::to_string(duration.position.begin) + ":" +
                              std::to_string(duration.position.end) + ": " + message);
}

// Go's math.Min and math.Max: infinities win over NaN, which wins over numbers; -0 < +0.
double MinOf(double a, double b) {
  if (std::isinf(a) && a < 0) return a;
  if (std::isinf(b) && b < 0) return b;
  if (std::isnan(a) || std::isnan(b)) return std::nan("");
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

double MaxOf(double a, double b) { return -MinOf(-a, -b); }

class DurationResolver {
 public:
  explicit DurationResolver(const DurationContext& context) : context_(context) {}

  Status Resolve(Expr* expr) const {
    RETURN_IF_ERROR(ResolveNode(expr));
    Status status;
    ForEachChild(*expr, [&](Expr& child) {
      if (status.ok()) status = Resolve(&child);
    });
    return status;
  }

 private:
  Status ResolveNode(Expr* expr) const {
    if (auto* vector = expr->TryAs<VectorSelector>()) {
      return Settle(vector->offset_expr.get(), Sign::kAny, &vector->offset_ms);
    }
    if (auto* matrix = expr->TryAs<MatrixSelector>()) {
      return Settle(matrix->range_expr.get(), Sign::kPositive, &matrix->range_ms);
    }
    if (auto* subquery = expr->TryAs<Subquery>()) {
      RETURN_IF_ERROR(Settle(subquery->offset_expr.get(), Sign::kAny, &subquery->offset_ms));
      RETURN_IF_ERROR(Settle(subquery->step_expr.get(), Sign::kPositive, &subquery->step_ms));
      return Settle(subquery->range_expr.get(), Sign::kPositive, &subquery->range_ms);
    }
    return OkStatus();
  }

  Status Settle(const DurationExpr* duration, Sign sign, int64_t* ms) const {
    if (duration == nullptr) return OkStatus();
    ASSIGN_OR_RETURN(const double seconds, Seconds(*duration));
    if (!std::isfinite(seconds)) return Fail(*duration, "duration is NaN or infinite");
    if (sign == Sign::kPositive && seconds <= 0) {
      return Fail(*duration, "duration must be greater than 0");
    }
    if (std::abs(seconds) > kSecondsMax) return Fail(*duration, "duration is out of range");
    *ms = static_cast<int64_t>(seconds * 1000);
    return OkStatus();
  }

  Result<double> Seconds(const DurationExpr& duration) const {
    double lhs = 0;
    double rhs = 0;
    if (duration.lhs != nullptr) {
      ASSIGN_OR_RETURN(lhs, Seconds(*duration.lhs));
    }
    if (duration.rhs != nullptr) {
      ASSIGN_OR_RETURN(rhs, Seconds(*duration.rhs));
    }
    switch (duration.op) {
      case DurationOp::kLiteral:
        return duration.value;
      case DurationOp::kStep:
        return static_cast<double>(context_.step_ms) / 1000;
      case DurationOp::kRange:
        return static_cast<double>(context_.range_ms) / 1000;
      case DurationOp::kMinOf:
        return MinOf(lhs, rhs);
      case DurationOp::kMaxOf:
        return MaxOf(lhs, rhs);
      case DurationOp::kAdd:
        return duration.lhs != nullptr ? lhs + rhs : rhs;
      case DurationOp::kSub:
        return duration.lhs != nullptr ? lhs - rhs : -rhs;
      case DurationOp::kMul:
        return lhs * rhs;
      case DurationOp::kDiv:
        if (rhs == 0) return Fail(duration, "division by zero");
        return lhs / rhs;
      case DurationOp::kMod:
        if (rhs == 0) return Fail(duration, "modulo by zero");
        return std::fmod(lhs, rhs);
      case DurationOp::kPow:
        return std::pow(lhs, rhs);
    }
    return InternalError("no such duration operator");
  }

  const DurationContext& context_;
};

}  // namespace

Status ResolveDurations(const DurationContext& context, Expr* root) {
  return DurationResolver(context).Resolve(root);
}

}  // namespace varve::promql
