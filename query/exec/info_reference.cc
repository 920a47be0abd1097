#include "query/exec/info_reference.h"

#include <vector>

#include "query/exec/time_grid.h"
#include "query/promql/function_table.h"
#include "query/promql/walk.h"

namespace varve::promql::exec {
namespace {

bool IsVector(const Expr& expr) {
  return expr.type() == ValueType::kVector || expr.type() == ValueType::kMatrix;
}

bool Same(const InfoReference& a, const InfoReference& b) {
  if (a.at.kind != b.at.kind) return false;
  const int64_t a_time = SaturatingSub(a.at.timestamp_ms, a.offset_ms);
  return a_time == SaturatingSub(b.at.timestamp_ms, b.offset_ms);
}

class ReferenceWalk {
 public:
  // Whether a selector lies below `expr`.
  bool Visit(const Expr& expr) {
    if (!IsVector(expr)) return false;  // scalars describe nothing
    if (const auto* selector = expr.TryAs<VectorSelector>()) {
      Add({selector->at, selector->offset_ms});
      return true;
    }
    const auto* subquery = expr.TryAs<Subquery>();
    if (subquery != nullptr) subqueries_.push_back(subquery);
    const bool any = VisitChildren(expr);
    if (subquery != nullptr) subqueries_.pop_back();
    // A vector without a selector is of the evaluation time.
    if (!any) uniform_ = false;
    return any;
  }

  std::optional<InfoReference> Common() const { return uniform_ ? first_ : std::nullopt; }

 private:
  bool VisitChildren(const Expr& expr) {
    const auto* call = expr.TryAs<Call>();
    if (call != nullptr && call->function->id == FunctionId::kInfo) {
      return Visit(*call->args[0]);  // the other argument only looks like a selector
    }
    bool any = false;
    ForEachChild(expr, [&](const Expr& child) {
      if (Visit(child)) any = true;
    });
    return any;
  }

  void Add(InfoReference reference) {
    for (auto outer = subqueries_.rbegin(); outer != subqueries_.rend(); ++outer) {
      if (reference.at.present()) break;
      reference.offset_ms = SaturatingAdd(reference.offset_ms, (*outer)->offset_ms);
      reference.at = (*outer)->at;
    }
    if (!first_.has_value()) first_ = reference;
    if (!Same(*first_, reference)) uniform_ = false;
  }

  std::vector<const Subquery*> subqueries_;  // outermost first
  std::optional<InfoReference> first_;
  bool uniform_ = true;
};

}  // namespace

std::optional<InfoReference> CommonReference(const Expr& expr) {
  ReferenceWalk walk;
  walk.Visit(expr);
  return walk.Common();
}

}  // namespace varve::promql::exec
