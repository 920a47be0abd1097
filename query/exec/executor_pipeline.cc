// The executor's streaming half: chains of nodes run as one pass over the series.
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "query/exec/executor.h"
#include "query/exec/group_accumulator.h"
#include "query/exec/row_merge.h"

namespace varve::promql::exec {
namespace {

class CollectSink final : public RowSink {
 public:
  CollectSink(const NameRules& names, size_t step_count, QueryBudget* budget)
      : names_(names), value_(step_count, budget) {}
  Status Consume(const Labels& labels, MetricName name, const Column& column) override {
    RETURN_IF_ERROR(value_.Append(names_.After(name, labels), column));
    value_.rows().back().drop_name = names_.delayed() && name == MetricName::kDrop;
    return OkStatus();
  }
  VectorValue& value() { return value_; }

 private:
  const NameRules names_;
  VectorValue value_;
};

class GroupSink final : public RowSink {
 public:
  explicit GroupSink(GroupAccumulator groups) : groups_(std::move(groups)) {}
  Status Consume(const Labels& labels, MetricName name, const Column& column) override {
    return groups_.Add(labels, name, column);
  }
  GroupAccumulator& groups() { return groups_; }

 private:
  GroupAccumulator groups_;
};

template <typename Sink>
std::vector<RowSink*> Pointers(std::vector<Sink>* sinks) {
  std::vector<RowSink*> out;
  for (Sink& sink : *sinks) out.push_back(&sink);
  return out;
}

// The vector below a node that a row operation stands for; nullptr for other nodes.
const PlanNode* RowOperationChild(const PlanNode& node) {
  if (const auto* op = std::get_if<RowFunctionNode>(&node.op)) return op->vector.get();
  if (const auto* op = std::get_if<VectorScalarNode>(&node.op)) return op->vector.get();
  if (const auto* op = std::get_if<NegateNode>(&node.op)) return op->vector.get();
  return nullptr;
}

bool IsLeaf(const PlanNode& node) {
  return std::holds_alternative<ScanNode>(node.op) ||
         std::holds_alternative<RangeFunctionNode>(node.op);
}

// Range functions that return samples as they are keep the metric name.
MetricName NameAfter(FunctionId function) {
  return function == FunctionId::kLastOverTime || function == FunctionId::kFirstOverTime
             ? MetricName::kKeep
             : MetricName::kDrop;
}

// Whether no node of the chain, its leaf included, drops the metric name.
bool KeepsNames(const PlanNode& node) {
  if (const auto* binary = std::get_if<VectorScalarNode>(&node.op)) {
    const ScalarBinaryOperation like{binary->op, binary->comparison, binary->vector_side, {}, {}};
    return exec::NameAfter(RowOperation(like)) == MetricName::kKeep && KeepsNames(*binary->vector);
  }
  if (const auto* scan = std::get_if<ScanNode>(&node.op)) {
    return scan->output == ScanNode::Output::kValue;
  }
  const auto* range = std::get_if<RangeFunctionNode>(&node.op);
  return range != nullptr && NameAfter(range->function) == MetricName::kKeep;
}

// Whether the node is a pipeline whose series cannot become equal: the input of one metric.
bool StreamsDistinctSeries(const PlanNode& node, const QueryContext& context) {
  const PlanNode* leaf = &node;
  while (const PlanNode* child = RowOperationChild(*leaf)) leaf = child;
  size_t selector = 0;
  if (const auto* scan = std::get_if<ScanNode>(&leaf->op)) {
    selector = scan->selector;
  } else if (const auto* range = std::get_if<RangeFunctionNode>(&leaf->op)) {
    if (range->source.subquery != nullptr) return false;
    selector = range->source.selector;
  } else {
    return false;
  }
  return (*context.selectors)[selector].names == SelectorPlan::Names::kOne ||
         context.names.delayed() || KeepsNames(node);
}

GroupAccumulator MakeGroups(const AggregationNode& node, size_t step_count,
                            const QueryContext& context) {
  const AggregationNotes notes{context.annotations, node.position, node.vector_position};
  return GroupAccumulator(node.op, &node.projection, context.names, notes, step_count,
                          context.budget);
}

Result<GroupAccumulator> RunGroups(const SeriesPipeline& pipeline, const AggregationNode& node,
                                   const QueryContext& context) {
  std::vector<GroupSink> sinks;
  const size_t sink_count = SinkCount(pipeline, context);
  sinks.reserve(sink_count);
  for (size_t i = 0; i < sink_count; ++i) {
    sinks.emplace_back(MakeGroups(node, pipeline.grid.count, context));
  }
  RETURN_IF_ERROR(RunPipeline(pipeline, context, Pointers(&sinks)));
  for (size_t i = 1; i < sink_count; ++i) {
    RETURN_IF_ERROR(sinks[0].groups().Merge(std::move(sinks[i].groups())));
  }
  return std::move(sinks[0].groups());
}

}  // namespace

Result<std::unique_ptr<SeriesSource>> Executor::Source(const RangeSource& source,
                                                       const TimeGrid& grid,
                                                       SelectorPlan::Names* names,
                                                       QueryableSamples* queryable) const {
  if (source.subquery == nullptr) {
    *names = (*context_.selectors)[source.selector].names;
    return std::unique_ptr<SeriesSource>(std::make_unique<SelectionSource>(
        context_.selections[source.selector].get(), context_.budget));
  }
  *names = SelectorPlan::Names::kAny;
  const TimeGrid inner = SubqueryGrid(grid, source.shift, source.range_ms, source.subquery_step_ms);
  RETURN_IF_ERROR(context_.budget->CheckSteps(inner.count));
  QueryContext counted = context_;
  counted.queryable = queryable;
  ASSIGN_OR_RETURN(VectorValue value, Executor(&counted).Vector(*source.subquery, inner));
  return std::unique_ptr<SeriesSource>(std::make_unique<SubquerySource>(std::move(value), inner));
}

Result<SeriesPipeline> Executor::ScanPipeline(const ScanNode& node, const TimeGrid& grid) const {
  SeriesPipeline pipeline;
  pipeline.source =
      std::make_unique<SelectionSource>(context_.selections[node.selector].get(), context_.budget);
  pipeline.names = (*context_.selectors)[node.selector].names;
  pipeline.grid = grid;
  pipeline.shift = node.shift;
  pipeline.lookback = {node.output, node.edges, node.position};
  pipeline.histograms = node.histograms;
  if (node.output != ScanNode::Output::kValue) pipeline.name = MetricName::kDrop;
  return pipeline;
}

Result<SeriesPipeline> Executor::RangePipeline(const RangeFunctionNode& node,
                                               const TimeGrid& grid) const {
  SeriesPipeline pipeline;
  pipeline.grid = grid;
  pipeline.shift = node.source.shift;
  pipeline.histograms = node.source.histograms;
  RangeStage range;
  range.function = node.function;
  range.range_ms = node.source.range_ms;
  range.edges = node.source.edges;
  range.range_position = node.range_position;
  range.arg0_position = node.arg0_position;
  if (node.arg0 != nullptr) {
    ASSIGN_OR_RETURN(range.arg0, Scalar(*node.arg0, grid));
  }
  if (node.arg1 != nullptr) {
    ASSIGN_OR_RETURN(range.arg1, Scalar(*node.arg1, grid));
  }
  pipeline.range = std::move(range);
  ASSIGN_OR_RETURN(pipeline.source, Source(node.source, grid, &pipeline.names, nullptr));
  pipeline.name = NameAfter(node.function);
  return pipeline;
}

Result<RowOperation> Executor::Operation(const PlanNode& node, const TimeGrid& grid) const {
  if (const auto* function = std::get_if<RowFunctionNode>(&node.op)) {
    FunctionOperation out;
    out.function = function->function;
    if (function->arg0 != nullptr) {
      ASSIGN_OR_RETURN(out.arg0, Scalar(*function->arg0, grid));
    }
    if (function->arg1 != nullptr) {
      ASSIGN_OR_RETURN(out.arg1, Scalar(*function->arg1, grid));
    }
    return RowOperation(std::move(out));
  }
  if (const auto* binary = std::get_if<VectorScalarNode>(&node.op)) {
    ASSIGN_OR_RETURN(ScalarColumn scalar, Scalar(*binary->scalar, grid));
    return RowOperation(ScalarBinaryOperation{binary->op, binary->comparison, binary->vector_side,
                                              std::move(scalar), binary->position});
  }
  return RowOperation(NegateOperation{});
}

Result<std::optional<SeriesPipeline>> Executor::Pipeline(const PlanNode& node,
                                                         const TimeGrid& grid) const {
  std::vector<const PlanNode*> operations;  // outermost first
  const PlanNode* leaf = &node;
  while (const PlanNode* child = RowOperationChild(*leaf)) {
    operations.push_back(leaf);
    leaf = child;
  }
  if (!IsLeaf(*leaf)) return std::optional<SeriesPipeline>();
  SeriesPipeline pipeline;
  if (const auto* scan = std::get_if<ScanNode>(&leaf->op)) {
    ASSIGN_OR_RETURN(pipeline, ScanPipeline(*scan, grid));
  } else {
    ASSIGN_OR_RETURN(pipeline, RangePipeline(std::get<RangeFunctionNode>(leaf->op), grid));
  }
  if (context_.profile != nullptr) {
    for (const PlanNode* op : operations) pipeline.profiles.push_back(context_.profile->Find(*op));
    pipeline.profiles.push_back(context_.profile->Find(*leaf));
  }
  for (auto op = operations.rbegin(); op != operations.rend(); ++op) {
    ASSIGN_OR_RETURN(RowOperation operation, Operation(**op, grid));
    if (exec::NameAfter(operation) == MetricName::kDrop) pipeline.name = MetricName::kDrop;
    pipeline.operations.push_back(std::move(operation));
  }
  return std::optional<SeriesPipeline>(std::move(pipeline));
}

Result<VectorValue> Executor::Collect(const SeriesPipeline& pipeline) const {
  std::vector<CollectSink> sinks;
  const size_t sink_count = SinkCount(pipeline, context_);
  sinks.reserve(sink_count);
  for (size_t i = 0; i < sink_count; ++i) {
    sinks.emplace_back(context_.names, pipeline.grid.count, context_.budget);
  }
  RETURN_IF_ERROR(RunPipeline(pipeline, context_, Pointers(&sinks)));
  for (size_t i = 1; i < sink_count; ++i) sinks[0].value().Absorb(std::move(sinks[i].value()));
  return std::move(sinks[0].value());
}

// Where names are dropped, series of several metrics may become equal, which the reference refuses
// at the node that drops them, before any filter above it. There the chain is cut in three: up to
// that node, the check, and the rest on the rows in place.
Result<VectorValue> Executor::RowOperations(const PlanNode& node, const TimeGrid& grid) const {
  ASSIGN_OR_RETURN(std::optional<SeriesPipeline> pipeline, Pipeline(node, grid));
  if (!pipeline.has_value()) {
    const PlanNode* child = RowOperationChild(node);
    VARVE_CHECK(child != nullptr);
    ASSIGN_OR_RETURN(VectorValue value, Vector(*child, grid));
    ASSIGN_OR_RETURN(const RowOperation operation, Operation(node, grid));
    for (SeriesRow& row : value.rows()) {
      exec::Apply(operation, grid, context_.annotations, row.column);
      context_.names.Apply(exec::NameAfter(operation), &row);
    }
    RETURN_IF_ERROR(ResolveEqualLabels(EqualLabels::kMergeDisjoint, &value));
    return value;
  }
  if (pipeline->names == SelectorPlan::Names::kOne || pipeline->name == MetricName::kKeep ||
      context_.names.delayed()) {
    return Collect(*pipeline);
  }
  std::vector<RowOperation> all = std::exchange(pipeline->operations, {});
  const bool leaf_drops = pipeline->range
                              ? NameAfter(pipeline->range->function) == MetricName::kDrop
                              : pipeline->lookback.output != ScanNode::Output::kValue;
  size_t done = 0;
  for (bool dropped = leaf_drops; !dropped; ++done) {
    dropped = exec::NameAfter(all[done]) == MetricName::kDrop;
    pipeline->operations.push_back(std::move(all[done]));
  }
  ASSIGN_OR_RETURN(VectorValue value, Collect(*pipeline));
  const bool at_range_function = leaf_drops && pipeline->range.has_value();
  RETURN_IF_ERROR(ResolveEqualLabels(
      at_range_function ? EqualLabels::kRefuse : EqualLabels::kMergeDisjoint, &value));
  for (; done < all.size(); ++done) {
    for (SeriesRow& row : value.rows()) {
      exec::Apply(all[done], grid, context_.annotations, row.column);
    }
  }
  value.DropEmptyRows();
  return value;
}

Result<VectorValue> Executor::StreamingAggregation(const AggregationNode& node,
                                                   const TimeGrid& grid) const {
  if (!context_.shared->Has(*node.vector) && StreamsDistinctSeries(*node.vector, context_)) {
    ASSIGN_OR_RETURN(const std::optional<SeriesPipeline> pipeline, Pipeline(*node.vector, grid));
    ASSIGN_OR_RETURN(GroupAccumulator groups, RunGroups(*pipeline, node, context_));
    return groups.Finish();
  }
  ASSIGN_OR_RETURN(const VectorValue input, Vector(*node.vector, grid));
  GroupAccumulator groups = MakeGroups(node, grid.count, context_);
  for (const SeriesRow& row : input.rows()) {
    RETURN_IF_ERROR(groups.Add(row.labels, NameOf(row), row.column));
  }
  return groups.Finish();
}

Result<std::vector<uint64_t>> Executor::PresentSteps(const PlanNode& node,
                                                     const TimeGrid& grid) const {
  const auto* range = std::get_if<RangeFunctionNode>(&node.op);
  if (range != nullptr && range->function == FunctionId::kAbsentOverTime) {
    // The one function of a range that does not mind series becoming equal.
    ASSIGN_OR_RETURN(SeriesPipeline pipeline, RangePipeline(*range, grid));
    if (context_.profile != nullptr) pipeline.profiles = {context_.profile->Find(node)};
    AggregationNode all;
    all.op = AggregationOp::kGroup;
    ASSIGN_OR_RETURN(const GroupAccumulator groups, RunGroups(pipeline, all, context_));
    return groups.PresentSteps();
  }
  ASSIGN_OR_RETURN(const VectorValue value, Vector(node, grid));
  std::vector<uint64_t> out(BitmapWords(grid.count));
  for (const SeriesRow& row : value.rows()) OrBits(row.column.present, grid.count, out.data());
  return out;
}

}  // namespace varve::promql::exec
