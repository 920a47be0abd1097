#include "query/exec/plan_children.h"

#include <variant>

namespace varve::promql::exec {
namespace {

using Visit = std::function<void(const PlanNode&)>;

// One overload per node, so that a new node does not compile until it says what is below it.
struct Children {
  const Visit& visit;

  template <typename... Child>
  void All(const Child&... children) const {
    (One(children), ...);
  }
  void One(const PlanPtr& child) const {
    if (child != nullptr) visit(*child);
  }

  void operator()(const ConstantNode&) const {}
  void operator()(const TimeNode&) const {}
  void operator()(const StringNode&) const {}
  void operator()(const ScanNode&) const {}
  void operator()(const ScalarOfNode& n) const { One(n.vector); }
  void operator()(const ScalarBinaryNode& n) const { All(n.lhs, n.rhs); }
  void operator()(const ScalarChoiceNode& n) const { All(n.lhs, n.rhs); }
  void operator()(const RangeFunctionNode& n) const { All(n.source.subquery, n.arg0, n.arg1); }
  void operator()(const RangeVectorNode& n) const { One(n.source.subquery); }
  void operator()(const RowFunctionNode& n) const { All(n.vector, n.arg0, n.arg1); }
  void operator()(const VectorScalarNode& n) const { All(n.vector, n.scalar); }
  void operator()(const NegateNode& n) const { One(n.vector); }
  void operator()(const AggregationNode& n) const { All(n.param, n.vector); }
  void operator()(const VectorBinaryNode& n) const { All(n.lhs, n.rhs); }
  void operator()(const VectorOfNode& n) const { One(n.scalar); }
  void operator()(const AbsentNode& n) const { One(n.vector); }
  void operator()(const HistogramNode& n) const {
    for (const PlanPtr& scalar : n.scalars) One(scalar);
    One(n.vector);
  }
  void operator()(const InfoNode& n) const { One(n.vector); }
  void operator()(const LabelReplaceNode& n) const { One(n.vector); }
  void operator()(const LabelJoinNode& n) const { One(n.vector); }
  void operator()(const SortNode& n) const { One(n.vector); }
  void operator()(const StepInvariantNode& n) const { One(n.child); }
};

}  // namespace

void VisitChildren(const PlanNode& node, const std::function<void(const PlanNode&)>& visit) {
  std::visit(Children{visit}, node.op);
}

}  // namespace varve::promql::exec
