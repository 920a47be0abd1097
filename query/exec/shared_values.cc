#include "query/exec/shared_values.h"

#include <utility>
#include <variant>

#include "base/check.h"
#include "base/status_macros.h"
#include "query/exec/plan_children.h"
#include "query/promql/printer.h"

namespace varve::promql::exec {
namespace {

// Longer nodes are not compared, which bounds what this costs.
constexpr size_t kTextBytesMax = 1024;

size_t CountLeaves(const PlanNode& node) {
  size_t count = std::holds_alternative<ScanNode>(node.op) ||
                         std::holds_alternative<RangeFunctionNode>(node.op)
                     ? 1
                     : 0;
  VisitChildren(node, [&](const PlanNode& child) { count += CountLeaves(child); });
  return count;
}

// How much of histograms the leaves below read: that depends on what is above a node, not on its
// text.
std::string DetailBelow(const PlanNode& node) {
  std::string out;
  const auto add = [&out](HistogramDetail detail) {
    out += detail == HistogramDetail::kWhole ? 'w' : 'c';
  };
  if (const auto* scan = std::get_if<ScanNode>(&node.op)) add(scan->histograms);
  if (const auto* range = std::get_if<RangeFunctionNode>(&node.op)) add(range->source.histograms);
  VisitChildren(node, [&](const PlanNode& child) { out += DetailBelow(child); });
  return out;
}

bool IsSubquery(const PlanNode& parent, const PlanNode& child) {
  const auto* range = std::get_if<RangeFunctionNode>(&parent.op);
  return range != nullptr && range->source.subquery.get() == &child;
}

Result<VectorValue> CopyOf(const VectorValue& value) {
  VectorValue out(value.step_count(), value.budget());
  for (const SeriesRow& row : value.rows()) {
    RETURN_IF_ERROR(out.Append(row.labels, row.column));
    out.rows().back().drop_name = row.drop_name;
  }
  return out;
}

}  // namespace

SharedValues::SharedValues(const Plan& plan) {
  if (CountLeaves(*plan.root) < 2) return;
  Numbers numbers;
  AddSubtree(*plan.root, "", &numbers);
}

void SharedValues::AddSubtree(const PlanNode& node, const std::string& steps, Numbers* numbers) {
  const bool printable = node.expr != nullptr && PrintsWithin(*node.expr, kTextBytesMax);
  if (printable && node.type == ValueType::kVector) {
    const auto [at, added] =
        numbers->emplace(steps + DetailBelow(node) + ' ' + Print(*node.expr), shared_.size());
    if (added) shared_.emplace_back();
    ++shared_[at->second].uses_left;
    number_by_node_.emplace(&node, at->second);
    if (!added) return;  // what is below will not be evaluated again
  }
  VisitChildren(node, [&](const PlanNode& child) {
    if (std::holds_alternative<StepInvariantNode>(node.op)) {
      AddSubtree(child, steps + "once ", numbers);
    } else if (!IsSubquery(node, child)) {
      AddSubtree(child, steps, numbers);
    } else if (printable) {
      // The function's text holds the subquery's range, step and shift.
      AddSubtree(child, steps + "in " + Print(*node.expr) + ' ', numbers);
    }
  });
}

bool SharedValues::Has(const PlanNode& node) const {
  const auto found = number_by_node_.find(&node);
  return found != number_by_node_.end() && shared_[found->second].value.has_value();
}

bool SharedValues::IsAwaited(const PlanNode& node) const {
  const auto found = number_by_node_.find(&node);
  return found != number_by_node_.end() && shared_[found->second].uses_left > 1 &&
         !shared_[found->second].value.has_value();
}

Result<std::optional<VectorValue>> SharedValues::Take(const PlanNode& node) {
  const auto found = number_by_node_.find(&node);
  if (found == number_by_node_.end()) return std::optional<VectorValue>();
  Shared& shared = shared_[found->second];
  if (!shared.value.has_value()) return std::optional<VectorValue>();
  if (shared.uses_left-- > 1) {
    ASSIGN_OR_RETURN(VectorValue copy, CopyOf(*shared.value));
    return std::optional<VectorValue>(std::move(copy));
  }
  return std::exchange(shared.value, std::nullopt);
}

Status SharedValues::Keep(const PlanNode& node, const VectorValue& value, uint64_t looked_at) {
  Shared& shared = shared_[number_by_node_.at(&node)];
  VARVE_CHECK(shared.uses_left > 1);
  --shared.uses_left;
  shared.looked_at = looked_at;
  ASSIGN_OR_RETURN(VectorValue copy, CopyOf(value));
  shared.value.emplace(std::move(copy));
  return OkStatus();
}

}  // namespace varve::promql::exec
