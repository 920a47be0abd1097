// Executor: evaluates plan nodes over a grid of steps.
#pragma once

#include <optional>
#include <vector>

#include "query/exec/plan.h"
#include "query/exec/query_context.h"
#include "query/exec/series_pipeline.h"
#include "query/exec/vector_value.h"
#include "varve/promql.h"
#include "varve/status.h"

namespace varve::promql::exec {

// Thread safety: const methods from any thread, but one query runs on one thread (and the
// context's pool).
class Executor {
 public:
  // `context` is borrowed.
  explicit Executor(const QueryContext* context) : context_(*context) {}

  const NameRules& names() const { return context_.names; }

  // REQUIRES: node.type is kScalar.
  Result<ScalarColumn> Scalar(const PlanNode& node, const TimeGrid& grid) const;
  // REQUIRES: node.type is kVector.
  Result<VectorValue> Vector(const PlanNode& node, const TimeGrid& grid) const;
  // The samples of a range vector at the only step of `grid`, series without one left out.
  Result<Matrix> RangeVector(const RangeVectorNode& node, const TimeGrid& grid) const;

 private:
  // At the only step.
  void CountQueryable(uint64_t samples) const;
  Result<VectorValue> Evaluate(const PlanNode& node, const TimeGrid& grid) const;
  Result<VectorValue> EvaluateProfiled(const PlanNode& node, const TimeGrid& grid) const;
  // The node as one pass over series: a selector or range function under any number of row
  // operations; nullopt when it is anything else.
  Result<std::optional<SeriesPipeline>> Pipeline(const PlanNode& node, const TimeGrid& grid) const;
  // What a subquery looks at is counted in `queryable`, which may be nullptr.
  Result<std::unique_ptr<SeriesSource>> Source(const RangeSource& source, const TimeGrid& grid,
                                               SelectorPlan::Names* names,
                                               QueryableSamples* queryable) const;
  Result<SeriesPipeline> ScanPipeline(const ScanNode& node, const TimeGrid& grid) const;
  Result<SeriesPipeline> RangePipeline(const RangeFunctionNode& node, const TimeGrid& grid) const;
  Result<RowOperation> Operation(const PlanNode& node, const TimeGrid& grid) const;
  Result<VectorValue> Collect(const SeriesPipeline& pipeline) const;

  Result<VectorValue> RowOperations(const PlanNode& node, const TimeGrid& grid) const;
  Result<VectorValue> Aggregation(const AggregationNode& node, const TimeGrid& grid) const;
  Result<VectorValue> StreamingAggregation(const AggregationNode& node, const TimeGrid& grid) const;
  Result<VectorValue> Binary(const VectorBinaryNode& node, const TimeGrid& grid) const;
  Result<VectorValue> Absent(const AbsentNode& node, const TimeGrid& grid) const;
  Result<std::vector<uint64_t>> PresentSteps(const PlanNode& node, const TimeGrid& grid) const;
  Result<VectorValue> Histogram(const HistogramNode& node, const TimeGrid& grid) const;
  Result<VectorValue> Info(const InfoNode& node, const TimeGrid& grid) const;
  Result<VectorValue> LabelReplace(const LabelReplaceNode& node, const TimeGrid& grid) const;
  Result<VectorValue> LabelJoin(const LabelJoinNode& node, const TimeGrid& grid) const;
  Result<VectorValue> Sort(const SortNode& node, const TimeGrid& grid) const;
  Result<VectorValue> VectorOf(const VectorOfNode& node, const TimeGrid& grid) const;
  Result<VectorValue> Once(const PlanNode& node, const TimeGrid& grid) const;
  Result<VectorValue> StepInvariant(const StepInvariantNode& node, const TimeGrid& grid) const;
  Result<ScalarColumn> ScalarOf(const ScalarOfNode& node, const TimeGrid& grid) const;

  const QueryContext& context_;
};

}  // namespace varve::promql::exec
