// The plan of a query: what the executor walks. It differs from the syntax tree in that selectors
// are numbered and fetched together, parentheses and sugar are gone, constants are folded, and
// what does not depend on the step is marked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/reader.h"
#include "query/exec/histogram_detail.h"
#include "query/exec/info_function.h"
#include "query/exec/label_ops.h"
#include "query/exec/row_operation.h"
#include "query/exec/time_grid.h"
#include "query/promql/ast.h"
#include "query/promql/function_table.h"
#include "varve/labels.h"

namespace varve::promql::exec {

struct PlanNode;
using PlanPtr = std::unique_ptr<PlanNode>;

// Scalars.
struct ConstantNode {
  double value = 0;
};
struct TimeNode {};
struct ScalarOfNode {
  PlanPtr vector;
};
struct ScalarBinaryNode {
  BinaryOp op = BinaryOp::kAdd;
  PlanPtr lhs;
  PlanPtr rhs;
};

// max_of and min_of.
struct ScalarChoiceNode {
  enum class Choice : uint8_t { kGreater, kLesser };
  Choice choice = Choice::kGreater;
  PlanPtr lhs;
  PlanPtr rhs;
};

struct StringNode {
  std::string value;
};

// Leaves of instant vectors. `selector` is an index into Plan::selectors.
struct ScanNode {
  // kTimestamp: timestamp() of a selector, the time of the sample instead of its value;
  // kStartTimestamp: start_timestamp(), when counting towards it began.
  enum class Output : uint8_t { kValue, kTimestamp, kStartTimestamp };
  size_t selector = 0;
  TimeShift shift;
  Output output = Output::kValue;
  RangeEdges edges = RangeEdges::kPlain;  // or kSmoothed, of kValue only
  PositionRange position;
  HistogramDetail histograms = HistogramDetail::kWhole;
};
// A range of samples: of a selector, or of a subquery when `subquery` is set.
struct RangeSource {
  size_t selector = 0;
  PlanPtr subquery;
  int64_t subquery_step_ms = 0;
  TimeShift shift;
  int64_t range_ms = 0;
  RangeEdges edges = RangeEdges::kPlain;  // of selectors only
  HistogramDetail histograms = HistogramDetail::kWhole;
};
struct RangeFunctionNode {
  FunctionId function = FunctionId::kRate;
  RangeSource source;
  PlanPtr arg0;  // the scalar arguments in order, nullptr where there is none
  PlanPtr arg1;
  PositionRange range_position;
  PositionRange arg0_position;
};
// A range vector as the whole query.
struct RangeVectorNode {
  RangeSource source;
};

// One series at a time.
struct RowFunctionNode {
  FunctionId function = FunctionId::kAbs;
  PlanPtr vector;
  PlanPtr arg0;
  PlanPtr arg1;
};
struct VectorScalarNode {
  BinaryOp op = BinaryOp::kAdd;
  ComparisonResult comparison = ComparisonResult::kFilter;
  VectorSide vector_side = VectorSide::kLeft;
  PlanPtr vector;
  PlanPtr scalar;
  PositionRange position;
};
struct NegateNode {
  PlanPtr vector;
};

// Several series together.
struct AggregationNode {
  AggregationOp op = AggregationOp::kSum;
  PlanPtr vector;
  PlanPtr param;            // a scalar, or nullptr
  std::string value_label;  // count_values
  LabelProjection projection = LabelProjection::Only({});
  PositionRange param_position;
  PositionRange vector_position;
  PositionRange position;
};
struct VectorBinaryNode {
  BinaryOp op = BinaryOp::kAdd;
  ComparisonResult comparison = ComparisonResult::kFilter;
  VectorMatching matching;
  PlanPtr lhs;
  PlanPtr rhs;
  PositionRange position;
};
struct VectorOfNode {
  PlanPtr scalar;
};
// absent and absent_over_time: one series with `labels` where `vector` has none.
struct AbsentNode {
  PlanPtr vector;
  Labels labels;
};
struct HistogramNode {
  FunctionId function = FunctionId::kHistogramQuantile;  // or kHistogramQuantiles, -Fraction
  // The quantiles, or the lower and the upper bound.
  std::vector<PlanPtr> scalars;
  std::vector<PositionRange> scalar_positions;
  std::string quantile_label;  // histogram_quantiles
  PlanPtr vector;
  PositionRange vector_position;
};
struct InfoNode {
  PlanPtr vector;
  InfoMatchers matchers;
  size_t selector = 0;  // of the info series
  TimeShift shift;
};
struct LabelReplaceNode {
  PlanPtr vector;
  std::string destination;
  std::string replacement;
  std::string source;
  std::string pattern;
};
struct LabelJoinNode {
  PlanPtr vector;
  std::string destination;
  std::string separator;
  std::vector<std::string> sources;
};
struct SortNode {
  FunctionId function = FunctionId::kSort;
  PlanPtr vector;
  std::vector<std::string> labels;
  PositionRange position;
};

// Evaluated at the first step only; the result stands for every step.
struct StepInvariantNode {
  PlanPtr child;
};

struct PlanNode {
  ValueType type = ValueType::kVector;
  // What the node stands for; nullptr where the planner added one. Outlived by the query's tree.
  const Expr* expr = nullptr;
  std::variant<ConstantNode, TimeNode, ScalarOfNode, ScalarBinaryNode, ScalarChoiceNode, StringNode,
               ScanNode, RangeFunctionNode, RangeVectorNode, RowFunctionNode, VectorScalarNode,
               NegateNode, AggregationNode, VectorBinaryNode, VectorOfNode, AbsentNode,
               HistogramNode, InfoNode, LabelReplaceNode, LabelJoinNode, SortNode,
               StepInvariantNode>
      op;
};

// What to fetch for all uses of a selector together.
struct SelectorPlan {
  engine::SelectRequest request;
  // Whether one metric name is demanded, so that series differ without it, too.
  enum class Names : uint8_t { kOne, kAny };
  Names names = Names::kAny;
};

struct Plan {
  PlanPtr root;
  std::vector<SelectorPlan> selectors;
};

}  // namespace varve::promql::exec
