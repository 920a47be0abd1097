// Walking trees without a switch in every walker.
#pragma once

#include <type_traits>

#include "query/promql/ast.h"

namespace varve::promql {

// Calls `visit` with each child of `expr` in the order written, as `const Expr&` or `Expr&`
// according to E. A matrix selector's vector selector is a child.
template <typename E, typename Visit>
void ForEachChild(E& expr, Visit visit) {
  static_assert(std::is_same_v<std::remove_const_t<E>, Expr>);
  switch (expr.kind()) {
    case ExprKind::kNumberLiteral:
    case ExprKind::kStringLiteral:
    case ExprKind::kVectorSelector:
      return;
    case ExprKind::kMatrixSelector:
      return visit(static_cast<E&>(*expr.template As<MatrixSelector>().vector));
    case ExprKind::kSubquery:
      return visit(static_cast<E&>(*expr.template As<Subquery>().expr));
    case ExprKind::kCall:
      for (const ExprPtr& arg : expr.template As<Call>().args) visit(static_cast<E&>(*arg));
      return;
    case ExprKind::kAggregation: {
      auto& aggregation = expr.template As<Aggregation>();
      if (aggregation.param != nullptr) visit(static_cast<E&>(*aggregation.param));
      return visit(static_cast<E&>(*aggregation.expr));
    }
    case ExprKind::kBinary:
      visit(static_cast<E&>(*expr.template As<Binary>().lhs));
      return visit(static_cast<E&>(*expr.template As<Binary>().rhs));
    case ExprKind::kUnary:
      return visit(static_cast<E&>(*expr.template As<Unary>().expr));
    case ExprKind::kParen:
      return visit(static_cast<E&>(*expr.template As<Paren>().expr));
  }
}

}  // namespace varve::promql
