#include "query/exec/executor.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "query/exec/extended_samples.h"
#include "query/exec/group_accumulator.h"
#include "query/exec/histogram_functions.h"
#include "query/exec/label_functions.h"
#include "query/exec/ranked_aggregation.h"
#include "query/exec/rollup_use.h"
#include "query/exec/row_merge.h"
#include "query/exec/scalar_ops.h"
#include "query/exec/sort_functions.h"
#include "query/exec/vector_matching.h"

namespace varve::promql::exec {
namespace {

uint64_t SamplesOf(const Series& series) {
  uint64_t samples = series.points.size();
  for (const HistogramPoint& point : series.histograms) {
    samples += QueryableSamplesOf(*point.histogram);
  }
  return samples;
}

TimeGrid FirstStep(const TimeGrid& grid) { return {grid.start_ms, grid.step_ms, 1}; }

Status HistogramsAtEdges(RangeEdges edges) {
  return OutOfRangeError(std::string(edges == RangeEdges::kAnchored ? "anchored" : "smoothed") +
                         " modifier is not supported with histograms");
}

}  // namespace

Result<ScalarColumn> Executor::Scalar(const PlanNode& node, const TimeGrid& grid) const {
  VARVE_CHECK(node.type == ValueType::kScalar);
  if (const auto* constant = std::get_if<ConstantNode>(&node.op)) {
    return ScalarColumn(grid.count, constant->value);
  }
  if (std::holds_alternative<TimeNode>(node.op)) {
    ScalarColumn out(grid.count);
    for (size_t i = 0; i < grid.count; ++i) out[i] = static_cast<double>(grid.At(i)) / 1000;
    return out;
  }
  if (const auto* binary = std::get_if<ScalarBinaryNode>(&node.op)) {
    ASSIGN_OR_RETURN(ScalarColumn lhs, Scalar(*binary->lhs, grid));
    ASSIGN_OR_RETURN(const ScalarColumn rhs, Scalar(*binary->rhs, grid));
    for (size_t i = 0; i < grid.count; ++i) {
      lhs[i] = IsComparison(binary->op)
                   ? (EvaluateComparison(binary->op, lhs[i], rhs[i]) ? 1.0 : 0.0)
                   : EvaluateArithmetic(binary->op, lhs[i], rhs[i]);
    }
    return lhs;
  }
  if (const auto* choice = std::get_if<ScalarChoiceNode>(&node.op)) {
    ASSIGN_OR_RETURN(ScalarColumn lhs, Scalar(*choice->lhs, grid));
    ASSIGN_OR_RETURN(const ScalarColumn rhs, Scalar(*choice->rhs, grid));
    const bool greater = choice->choice == ScalarChoiceNode::Choice::kGreater;
    for (size_t i = 0; i < grid.count; ++i) {
      lhs[i] = greater ? GoMax(lhs[i], rhs[i]) : GoMin(lhs[i], rhs[i]);
    }
    return lhs;
  }
  if (const auto* invariant = std::get_if<StepInvariantNode>(&node.op)) {
    if (grid.count == 0) return ScalarColumn();
    ASSIGN_OR_RETURN(const ScalarColumn first, Scalar(*invariant->child, FirstStep(grid)));
    return ScalarColumn(grid.count, first[0]);
  }
  return ScalarOf(std::get<ScalarOfNode>(node.op), grid);
}

// The one float of a step, or NaN when there is none or several.
Result<ScalarColumn> Executor::ScalarOf(const ScalarOfNode& node, const TimeGrid& grid) const {
  ASSIGN_OR_RETURN(const VectorValue value, Vector(*node.vector, grid));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ScalarColumn out(grid.count, nan);
  std::vector<uint64_t> seen(BitmapWords(grid.count));
  for (const SeriesRow& row : value.rows()) {
    ForEachBit(row.column.present, grid.count, [&](size_t i) {
      if (row.column.IsHistogram(i)) return;
      out[i] = TestBit(seen.data(), i) ? nan : row.column.values[i];
      SetBit(seen.data(), i);
    });
  }
  return out;
}

Result<VectorValue> Executor::Vector(const PlanNode& node, const TimeGrid& grid) const {
  VARVE_CHECK(node.type == ValueType::kVector);
  RETURN_IF_ERROR(context_.budget->CheckTime());
  RETURN_IF_ERROR(context_.budget->CheckSteps(grid.count));
  if (grid.count == 0) return VectorValue(0, context_.budget);
  ASSIGN_OR_RETURN(std::optional<VectorValue> kept, context_.shared->Take(node));
  if (kept.has_value()) {
    if (context_.queryable != nullptr) context_.queryable->Add(context_.shared->LookedAt(node));
    return *std::move(kept);
  }
  const size_t annotation_count = context_.annotations->add_count();
  const uint64_t queryable = context_.queryable == nullptr ? 0 : context_.queryable->total();
  ASSIGN_OR_RETURN(VectorValue value, EvaluateProfiled(node, grid));
  if (context_.shared->IsAwaited(node) && context_.annotations->add_count() == annotation_count) {
    const uint64_t looked_at =
        context_.queryable == nullptr ? 0 : context_.queryable->total() - queryable;
    RETURN_IF_ERROR(context_.shared->Keep(node, value, looked_at));
  }
  return value;
}

Result<VectorValue> Executor::EvaluateProfiled(const PlanNode& node, const TimeGrid& grid) const {
  if (context_.profile == nullptr) return Evaluate(node, grid);
  NodeProfile* const profile = context_.profile->Find(node);
  const ProfiledTime time({&profile, 1}, context_.budget->clock());
  Result<VectorValue> value = Evaluate(node, grid);
  if (value.ok()) profile->series.store(value->rows().size());
  return value;
}

Result<VectorValue> Executor::Evaluate(const PlanNode& node, const TimeGrid& grid) const {
  if (const auto* op = std::get_if<AggregationNode>(&node.op)) return Aggregation(*op, grid);
  if (const auto* op = std::get_if<VectorBinaryNode>(&node.op)) return Binary(*op, grid);
  if (const auto* op = std::get_if<VectorOfNode>(&node.op)) return VectorOf(*op, grid);
  if (const auto* op = std::get_if<AbsentNode>(&node.op)) return Absent(*op, grid);
  if (const auto* op = std::get_if<HistogramNode>(&node.op)) return Histogram(*op, grid);
  if (const auto* op = std::get_if<InfoNode>(&node.op)) return Info(*op, grid);
  if (const auto* op = std::get_if<LabelReplaceNode>(&node.op)) return LabelReplace(*op, grid);
  if (const auto* op = std::get_if<LabelJoinNode>(&node.op)) return LabelJoin(*op, grid);
  if (const auto* op = std::get_if<SortNode>(&node.op)) return Sort(*op, grid);
  if (const auto* op = std::get_if<StepInvariantNode>(&node.op)) return StepInvariant(*op, grid);
  return RowOperations(node, grid);
}

// The node at the first step; what it looked at counts at every step.
Result<VectorValue> Executor::Once(const PlanNode& node, const TimeGrid& grid) const {
  if (context_.queryable == nullptr) return Vector(node, FirstStep(grid));
  QueryableSamples counts(1, QueryableSamples::Detail::kTotal);
  QueryContext counted = context_;
  counted.queryable = &counts;
  ASSIGN_OR_RETURN(VectorValue once, Executor(&counted).Vector(node, FirstStep(grid)));
  context_.queryable->Add(counts.total() * grid.count);
  for (size_t step = 0; context_.queryable->wants_steps() && step < grid.count; ++step) {
    context_.queryable->AddAt(step, counts.total());
  }
  return once;
}

Result<VectorValue> Executor::StepInvariant(const StepInvariantNode& node,
                                            const TimeGrid& grid) const {
  ASSIGN_OR_RETURN(VectorValue once, Once(*node.child, grid));
  if (grid.count == 1) return once;
  VectorValue out(grid.count, context_.budget);
  for (SeriesRow& row : once.rows()) {
    if (!TestBit(row.column.present, 0)) continue;
    ASSIGN_OR_RETURN(const Column column, out.AppendEmpty(std::move(row.labels)));
    std::fill_n(column.values, grid.count, row.column.values[0]);
    FillBits(column.present, grid.count);
    out.rows().back().drop_name = row.drop_name;
    if (!row.column.IsHistogram(0)) continue;
    RETURN_IF_ERROR(out.MakeRoomForHistograms(&out.rows().back()));
    std::fill_n(out.rows().back().column.histograms, grid.count, row.column.histograms[0]);
    RETURN_IF_ERROR(out.ChargeHistograms(out.rows().back().column));
  }
  return out;
}

Result<VectorValue> Executor::VectorOf(const VectorOfNode& node, const TimeGrid& grid) const {
  ASSIGN_OR_RETURN(const ScalarColumn scalar, Scalar(*node.scalar, grid));
  VectorValue out(grid.count, context_.budget);
  ASSIGN_OR_RETURN(const Column column, out.AppendEmpty(Labels()));
  std::copy(scalar.begin(), scalar.end(), column.values);
  FillBits(column.present, grid.count);
  return out;
}

Result<VectorValue> Executor::Aggregation(const AggregationNode& node, const TimeGrid& grid) const {
  if (IsStreamingAggregation(node.op)) return StreamingAggregation(node, grid);
  ScalarColumn param;
  if (node.param != nullptr) {
    ASSIGN_OR_RETURN(param, Scalar(*node.param, grid));
  }
  ASSIGN_OR_RETURN(VectorValue input, Vector(*node.vector, grid));
  if (node.op == AggregationOp::kCountValues) {
    return CountValues(node.projection, node.value_label, input);
  }
  const AggregationNotes notes{context_.annotations, node.position, node.vector_position};
  if (node.op == AggregationOp::kQuantile) {
    return AggregateQuantile(node.projection, param, node.param_position, std::move(input), notes);
  }
  return SelectRanked(node.op, node.projection, param, node.param_position, std::move(input),
                      notes);
}

Result<VectorValue> Executor::Binary(const VectorBinaryNode& node, const TimeGrid& grid) const {
  ASSIGN_OR_RETURN(VectorValue lhs, Vector(*node.lhs, grid));
  ASSIGN_OR_RETURN(VectorValue rhs, Vector(*node.rhs, grid));
  const BinaryRule rule{node.op, node.comparison, &node.matching, context_.names, node.position};
  if (IsSetOperator(node.op)) return EvaluateSetOperator(rule, std::move(lhs), std::move(rhs));
  return EvaluateVectorBinary(rule, lhs, rhs, context_.annotations);
}

Result<VectorValue> Executor::Absent(const AbsentNode& node, const TimeGrid& grid) const {
  ASSIGN_OR_RETURN(std::vector<uint64_t> absent, PresentSteps(*node.vector, grid));
  std::vector<uint64_t> every(absent.size());
  FillBits(every.data(), grid.count);
  AndNotBits(absent.data(), grid.count, every.data());
  VectorValue out(grid.count, context_.budget);
  if (!AnyBit(every.data(), grid.count)) return out;
  ASSIGN_OR_RETURN(const Column column, out.AppendEmpty(node.labels));
  std::fill_n(column.values, grid.count, 1.0);
  OrBits(every.data(), grid.count, column.present);
  return out;
}

Result<VectorValue> Executor::Histogram(const HistogramNode& node, const TimeGrid& grid) const {
  HistogramFunctionArgs args;
  args.function = node.function;
  for (const PlanPtr& scalar : node.scalars) {
    ASSIGN_OR_RETURN(ScalarColumn column, Scalar(*scalar, grid));
    args.scalars.push_back(std::move(column));
  }
  args.scalar_positions = node.scalar_positions;
  args.quantile_label = node.quantile_label;
  args.vector_position = node.vector_position;
  ASSIGN_OR_RETURN(const VectorValue input, Vector(*node.vector, grid));
  return EvaluateHistogramFunction(args, context_.names, grid, input, context_.annotations);
}

Result<VectorValue> Executor::Info(const InfoNode& node, const TimeGrid& grid) const {
  ASSIGN_OR_RETURN(VectorValue value, Vector(*node.vector, grid));
  return AddInfoLabels(
      node.matchers,
      {context_.selections[node.selector].get(), grid, node.shift, context_.lookback_ms},
      std::move(value));
}

Result<VectorValue> Executor::LabelReplace(const LabelReplaceNode& node,
                                           const TimeGrid& grid) const {
  ASSIGN_OR_RETURN(const auto replacer, LabelReplacer::Compile(node.destination, node.replacement,
                                                               node.source, node.pattern));
  ASSIGN_OR_RETURN(VectorValue value, Vector(*node.vector, grid));
  RETURN_IF_ERROR(replacer->Apply(&value));
  return value;
}

Result<VectorValue> Executor::LabelJoin(const LabelJoinNode& node, const TimeGrid& grid) const {
  ASSIGN_OR_RETURN(VectorValue value, Vector(*node.vector, grid));
  RETURN_IF_ERROR(JoinLabels(node.destination, node.separator, node.sources, &value));
  return value;
}

Result<VectorValue> Executor::Sort(const SortNode& node, const TimeGrid& grid) const {
  ASSIGN_OR_RETURN(VectorValue value, Vector(*node.vector, grid));
  if (node.function == FunctionId::kSort || node.function == FunctionId::kSortDesc) {
    DropHistograms(&value);
  }
  if (grid.count > 1) {
    context_.annotations->SortInRangeQuery(node.position);
  } else {
    SortRows(node.function, node.labels, &value);
  }
  return value;
}

Result<Matrix> Executor::RangeVector(const RangeVectorNode& node, const TimeGrid& grid) const {
  VARVE_CHECK(grid.count == 1);
  SelectorPlan::Names names;
  // A subquery as the whole query counts for what it looks at, a selector for its samples.
  QueryableSamples in_subquery(1, QueryableSamples::Detail::kTotal);
  ASSIGN_OR_RETURN(const std::unique_ptr<SeriesSource> source,
                   Source(node.source, grid, &names, &in_subquery));
  if (node.source.subquery != nullptr) CountQueryable(in_subquery.total());
  const int64_t end = node.source.shift.Apply(grid.start_ms);
  const int64_t start = SaturatingSub(end, node.source.range_ms);
  const RangeEdges edges = node.source.edges;
  const RangeReach reach = ReachOf(edges, context_.lookback_ms);
  const int64_t begin = SaturatingAdd(SaturatingSub(start, reach.before_ms), 1);
  Matrix out;
  engine::SampleBuffer samples;
  samples.rollups = RollupsForSamples(node.source.range_ms);
  BudgetShare held(context_.budget);
  for (size_t i = 0; i < source->series_count(); ++i) {
    RETURN_IF_ERROR(context_.budget->CheckTime());
    RETURN_IF_ERROR(source->Read(i, begin, SaturatingAdd(end, reach.after_ms), &samples));
    RETURN_IF_ERROR(held.Add(SampleCount(samples), SampleBytes(samples)));
    if (samples.rollups_stand_in) {
      context_.annotations->RollupsStandIn(source->labels(i).Get(kMetricNameLabel),
                                           samples.rollup_resolution_ms, {});
    }
    RemoveStaleMarkers(&samples);
    RemoveStaleHistograms(&samples);
    if (edges != RangeEdges::kPlain) {
      if (!samples.histograms.empty()) return HistogramsAtEdges(edges);
      ExtendToEdges(edges, start, end, &samples);
    }
    if (samples.size() == 0) continue;
    Series series{source->labels(i), {}, {}};
    if (source->name(i) == MetricName::kDrop) {
      series.labels = DropMetadata(series.labels, context_.names.metadata);
    }
    series.points.reserve(samples.values.size());
    for (size_t s = 0; s < samples.values.size(); ++s) {
      series.points.push_back({samples.timestamps_ms[s], samples.values[s]});
    }
    series.histograms.reserve(samples.histograms.size());
    for (size_t s = 0; s < samples.histograms.size(); ++s) {
      series.histograms.push_back({samples.histogram_timestamps_ms[s], samples.histograms[s]});
    }
    if (node.source.subquery == nullptr) CountQueryable(SamplesOf(series));
    out.push_back(std::move(series));
  }
  return out;
}

void Executor::CountQueryable(uint64_t samples) const {
  if (context_.queryable == nullptr) return;
  context_.queryable->Add(samples);
  if (context_.queryable->wants_steps()) context_.queryable->AddAt(0, samples);
}

}  // namespace varve::promql::exec
