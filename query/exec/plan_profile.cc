#include "query/exec/plan_profile.h"

#include <string>
#include <string_view>
#include <utility>

#include "query/exec/plan_children.h"
#include "query/promql/printer.h"

namespace varve::promql::exec {
namespace {

constexpr size_t kTextBytesMax = 200;

std::string TextOf(const Expr& expr) {
  return PrintsWithin(expr, kTextBytesMax) ? Print(expr) : "...";
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The function and what it runs over; what is below it in the plan is not repeated.
std::string DescribeCall(const Call& call) {
  std::string out(call.function->name);
  for (const ExprPtr& arg : call.args) {
    const Expr& inner = WithoutParens(*arg);
    if (inner.kind() == ExprKind::kMatrixSelector) return out + " over " + TextOf(inner);
    if (const auto* subquery = inner.TryAs<Subquery>()) {
      return out + " over subquery " + PrintSubqueryTail(*subquery);
    }
  }
  return out;
}

std::string Describe(const PlanNode& node) {
  if (std::holds_alternative<StepInvariantNode>(node.op)) return "once for all steps";
  if (node.expr == nullptr) {
    return std::holds_alternative<RangeFunctionNode>(node.op) ? "range function" : "vector";
  }
  const Expr& expr = WithoutParens(*node.expr);
  switch (expr.kind()) {
    case ExprKind::kAggregation:
      return "aggregate " + std::string(Trimmed(PrintAggregationHead(expr.As<Aggregation>())));
    case ExprKind::kBinary:
      return "binary " + std::string(Trimmed(PrintBinaryHead(expr.As<Binary>())));
    case ExprKind::kCall:
      return DescribeCall(expr.As<Call>());
    case ExprKind::kVectorSelector:
    case ExprKind::kMatrixSelector:
      return "scan " + TextOf(expr);
    case ExprKind::kSubquery:
      return "subquery " + PrintSubqueryTail(expr.As<Subquery>());
    case ExprKind::kUnary:
      return "negate";
    default:
      return TextOf(expr);
  }
}

}  // namespace

PlanProfile::PlanProfile(const Plan& plan) : plan_(plan) { AddSubtree(*plan.root); }

void PlanProfile::AddSubtree(const PlanNode& node) {
  profiles_.emplace(&node, std::make_unique<NodeProfile>());
  VisitChildren(node, [this](const PlanNode& child) { AddSubtree(child); });
}

NodeProfile* PlanProfile::Find(const PlanNode& node) const {
  const auto found = profiles_.find(&node);
  return found == profiles_.end() ? nullptr : found->second.get();
}

std::vector<ExplainNode> PlanProfile::Render() const {
  std::vector<ExplainNode> out;
  RenderSubtree(*plan_.root, 0, &out);
  return out;
}

void PlanProfile::RenderSubtree(const PlanNode& node, size_t depth,
                                std::vector<ExplainNode>* out) const {
  const NodeProfile& profile = *Find(node);
  ExplainNode explain;
  explain.depth = depth;
  explain.operation = Describe(node);
  explain.series = profile.series.load();
  explain.chunks = profile.chunks.load();
  explain.samples = profile.samples.load();
  explain.bytes = profile.bytes.load();
  explain.rollup_rows = profile.rollup_rows.load();
  explain.rollup_resolution_ms = profile.rollup_resolution_ms.load();
  explain.elapsed_ns = profile.elapsed_ns.load();
  out->push_back(std::move(explain));
  VisitChildren(node, [&](const PlanNode& child) { RenderSubtree(child, depth + 1, out); });
}

}  // namespace varve::promql::exec
