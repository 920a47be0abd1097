#include "query/exec/planner.h"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "query/exec/go_format.h"
#include "query/exec/info_reference.h"
#include "query/exec/range_kernels.h"
#include "query/exec/scalar_ops.h"

namespace varve::promql::exec {
namespace {

enum class Variance : uint8_t { kPerStep, kInvariant };

// A node and whether its value is the same at every step; a caller that varies itself settles it.
struct Planned {
  PlanPtr node;
  Variance variance = Variance::kPerStep;
};

template <typename Op>
PlanPtr MakeNode(ValueType type, Op op) {
  auto node = std::make_unique<PlanNode>();
  node->type = type;
  node->op = std::move(op);
  return node;
}

// Functions of the evaluation time, or of samples' times where `@` hides the evaluation time.
bool DependsOnStep(FunctionId function) {
  switch (function) {
    case FunctionId::kDayOfMonth:
    case FunctionId::kDayOfWeek:
    case FunctionId::kDayOfYear:
    case FunctionId::kDaysInMonth:
    case FunctionId::kHour:
    case FunctionId::kMinute:
    case FunctionId::kMonth:
    case FunctionId::kPredictLinear:
    case FunctionId::kTime:
    case FunctionId::kTimestamp:
    case FunctionId::kYear:
      return true;
    default:
      return false;
  }
}

// Marks an invariant child of a varying parent.
PlanPtr Settle(Planned planned) {
  if (planned.variance == Variance::kPerStep ||
      std::holds_alternative<ConstantNode>(planned.node->op) ||
      std::holds_alternative<StringNode>(planned.node->op)) {
    return std::move(planned.node);
  }
  const ValueType type = planned.node->type;
  return MakeNode(type, StepInvariantNode{std::move(planned.node)});
}

const std::string& StringArgument(const Expr& arg) {
  return WithoutParens(arg).As<StringLiteral>().value;
}

bool IsValidLabelName(const std::string& name) { return !name.empty() && IsValidUtf8(name); }

// The labels that absent() gives its series: those that the selector fixes by one `=`.
Labels AbsentLabels(const Expr& arg) {
  const Expr& inner = WithoutParens(arg);
  const VectorSelector* selector = inner.TryAs<VectorSelector>();
  if (const auto* matrix = inner.TryAs<MatrixSelector>()) selector = matrix->vector.get();
  if (selector == nullptr) return {};
  LabelsBuilder builder;
  std::vector<std::string_view> seen;
  for (const Matcher& matcher : selector->matchers) {
    if (matcher.name == kMetricNameLabel) continue;
    const bool repeated = std::find(seen.begin(), seen.end(), matcher.name) != seen.end();
    if (matcher.op == MatchOp::kEqual && !repeated) {
      builder.Set(matcher.name, matcher.value);
      seen.push_back(matcher.name);
    } else {
      builder.Remove(matcher.name);
    }
  }
  return builder.Build();
}

// Only some functions know what to do with samples outside of the range.
Status CheckEdges(RangeEdges edges, const Function& function) {
  if (FindRangeKernel(function.id, edges) != nullptr) return OkStatus();
  const bool anchored = edges == RangeEdges::kAnchored;
  return OutOfRangeError(
      std::string(anchored ? "anchored" : "smoothed") + " modifier can only be used with: " +
      (anchored ? "changes, delta, increase, rate, resets" : "delta, increase, rate") +
      " - not with " + std::string(function.name));
}

class Planner {
 public:
  explicit Planner(const PlanOptions& options) : options_(options) {}
  Result<Plan> Run(const Expr& expr);

 private:
  Result<Planned> Node(const Expr& expr, const TimeGrid& grid);
  Result<Planned> NodeOfKind(const Expr& expr, const TimeGrid& grid);
  Result<Planned> OfCall(const Call& call, const TimeGrid& grid);
  std::optional<double> OfQuery(FunctionId function) const;
  Result<Planned> OfInfo(const Call& call, const TimeGrid& grid);
  Result<Planned> OfRangeCall(const Call& call, size_t range_index, const TimeGrid& grid);
  Result<Planned> OfPlainCall(const Call& call, const TimeGrid& grid);
  Result<PlanPtr> CallNode(const Call& call, std::vector<PlanPtr> args);
  Result<PlanPtr> HistogramCallNode(const Call& call, std::vector<PlanPtr> args);
  Result<PlanPtr> LabelCallNode(const Call& call, PlanPtr vector);
  Result<Planned> OfAggregation(const Aggregation& aggregation, const TimeGrid& grid);
  Result<Planned> OfBinary(const Binary& binary, const TimeGrid& grid);
  Result<Planned> OfUnary(const Unary& unary, const TimeGrid& grid);
  Result<Planned> OfSelector(const VectorSelector& selector, ScanNode::Output output,
                             const TimeGrid& grid);
  // A matrix selector or subquery; its variance is that of its times.
  Result<std::pair<RangeSource, Variance>> Source(const Expr& expr, const TimeGrid& grid);

  TimeShift Shift(const AtModifier& at, int64_t offset_ms) const;
  // The number of the selector, whose request then covers (first - span, last] and what `reach`
  // adds as well.
  size_t UseSelector(std::vector<Matcher> matchers, const TimeShift& shift, int64_t span_ms,
                     RangeReach reach, const TimeGrid& grid);

  const PlanOptions& options_;
  HistogramDetailTracker histograms_;
  std::vector<SelectorPlan> selectors_;
};

Result<Plan> Planner::Run(const Expr& expr) {
  Plan plan;
  if (WithoutParens(expr).type() == ValueType::kMatrix) {
    ASSIGN_OR_RETURN(auto source, Source(WithoutParens(expr), options_.grid));
    plan.root = MakeNode(ValueType::kMatrix, RangeVectorNode{std::move(source.first)});
    plan.root->expr = &expr;
  } else {
    ASSIGN_OR_RETURN(Planned root, Node(expr, options_.grid));
    plan.root = Settle(std::move(root));
  }
  for (SelectorPlan& selector : selectors_) {
    engine::SelectRequest& request = selector.request;
    // Only used within a subquery without a single step: nothing will be read.
    if (request.min_ms > request.max_ms) request.min_ms = request.max_ms = options_.grid.start_ms;
  }
  plan.selectors = std::move(selectors_);
  return plan;
}

Result<Planned> Planner::Node(const Expr& expr, const TimeGrid& grid) {
  const HistogramDetailTracker::Scope scope(expr, &histograms_);
  ASSIGN_OR_RETURN(Planned planned, NodeOfKind(expr, grid));
  if (planned.node->expr == nullptr) planned.node->expr = &expr;
  return planned;
}

Result<Planned> Planner::NodeOfKind(const Expr& expr, const TimeGrid& grid) {
  switch (expr.kind()) {
    case ExprKind::kNumberLiteral:
      return Planned{MakeNode(ValueType::kScalar, ConstantNode{expr.As<NumberLiteral>().value}),
                     Variance::kInvariant};
    case ExprKind::kStringLiteral:
      return Planned{MakeNode(ValueType::kString, StringNode{expr.As<StringLiteral>().value}),
                     Variance::kInvariant};
    case ExprKind::kVectorSelector:
      return OfSelector(expr.As<VectorSelector>(), ScanNode::Output::kValue, grid);
    case ExprKind::kCall:
      return OfCall(expr.As<Call>(), grid);
    case ExprKind::kAggregation:
      return OfAggregation(expr.As<Aggregation>(), grid);
    case ExprKind::kBinary:
      return OfBinary(expr.As<Binary>(), grid);
    case ExprKind::kUnary:
      return OfUnary(expr.As<Unary>(), grid);
    case ExprKind::kParen:
      return Node(*expr.As<Paren>().expr, grid);
    case ExprKind::kMatrixSelector:
    case ExprKind::kSubquery:
      break;
  }
  // The type check lets range vectors stand only as arguments and as the whole query.
  VARVE_CHECK(!"a node that is no range vector");
  return InternalError("unreachable");
}

TimeShift Planner::Shift(const AtModifier& at, int64_t offset_ms) const {
  TimeShift shift;
  shift.offset_ms = offset_ms;
  switch (at.kind) {
    case AtModifier::Kind::kNone:
      break;
    case AtModifier::Kind::kTimestamp:
      shift.at_ms = at.timestamp_ms;
      break;
    case AtModifier::Kind::kStart:
      shift.at_ms = options_.grid.start_ms;
      break;
    case AtModifier::Kind::kEnd:
      shift.at_ms = options_.end_ms;
      break;
  }
  return shift;
}

size_t Planner::UseSelector(std::vector<Matcher> matchers, const TimeShift& shift, int64_t span_ms,
                            RangeReach reach, const TimeGrid& grid) {
  std::sort(matchers.begin(), matchers.end(), [](const Matcher& a, const Matcher& b) {
    return std::tie(a.name, a.op, a.value) < std::tie(b.name, b.op, b.value);
  });
  size_t index = 0;
  while (index < selectors_.size() && selectors_[index].request.matchers != matchers) ++index;
  if (index == selectors_.size()) {
    SelectorPlan& added = selectors_.emplace_back();
    added.request.matchers = std::move(matchers);
    added.request.min_ms = INT64_MAX;
    added.request.max_ms = INT64_MIN;
    added.request.reset_hints = engine::ResetHints::kResolved;
    added.request.with_rollups = true;
    for (const Matcher& matcher : added.request.matchers) {
      if (matcher.name == kMetricNameLabel && matcher.op == MatchOp::kEqual) {
        added.names = SelectorPlan::Names::kOne;
      }
    }
  }
  if (grid.count == 0) return index;
  engine::SelectRequest& request = selectors_[index].request;
  const int64_t before =
      SaturatingSub(SaturatingSub(shift.Apply(grid.start_ms), span_ms), reach.before_ms);
  const int64_t last = SaturatingAdd(shift.Apply(grid.end_ms()), reach.after_ms);
  request.min_ms = std::min(request.min_ms, SaturatingAdd(before, 1));
  request.max_ms = std::max(request.max_ms, last);
  return index;
}

Result<Planned> Planner::OfSelector(const VectorSelector& selector, ScanNode::Output output,
                                    const TimeGrid& grid) {
  ScanNode node;
  node.shift = Shift(selector.at, selector.offset_ms);
  node.output = output;
  node.position = selector.position;
  RangeReach reach;
  // The times of samples cannot be smoothed, and anchoring is about ranges.
  if (selector.edges == RangeEdges::kSmoothed && output == ScanNode::Output::kValue) {
    node.edges = selector.edges;
    reach.after_ms = options_.lookback_ms;
  }
  node.selector = UseSelector(selector.matchers, node.shift, options_.lookback_ms, reach, grid);
  node.histograms = histograms_.detail();
  const Variance variance = selector.at.present() ? Variance::kInvariant : Variance::kPerStep;
  return Planned{MakeNode(ValueType::kVector, std::move(node)), variance};
}

Result<std::pair<RangeSource, Variance>> Planner::Source(const Expr& expr, const TimeGrid& grid) {
  const HistogramDetailTracker::Scope scope(expr, &histograms_);
  RangeSource source;
  source.histograms = histograms_.detail();
  if (const auto* matrix = expr.TryAs<MatrixSelector>()) {
    const VectorSelector& selector = *matrix->vector;
    source.edges = selector.edges;
    source.shift = Shift(selector.at, selector.offset_ms);
    source.range_ms = matrix->range_ms;
    source.selector = UseSelector(selector.matchers, source.shift, source.range_ms,
                                  ReachOf(source.edges, options_.lookback_ms), grid);
  } else {
    const Subquery& subquery = expr.As<Subquery>();
    source.shift = Shift(subquery.at, subquery.offset_ms);
    source.range_ms = subquery.range_ms;
    source.subquery_step_ms = subquery.step_ms != 0 ? subquery.step_ms : options_.default_step_ms;
    const TimeGrid inner =
        SubqueryGrid(grid, source.shift, source.range_ms, source.subquery_step_ms);
    ASSIGN_OR_RETURN(Planned child, Node(*subquery.expr, inner));
    source.subquery = Settle(std::move(child));
  }
  const Variance variance =
      source.shift.at_ms.has_value() ? Variance::kInvariant : Variance::kPerStep;
  return std::make_pair(std::move(source), variance);
}

Result<Planned> Planner::OfCall(const Call& call, const TimeGrid& grid) {
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (call.args[i]->type() == ValueType::kMatrix) return OfRangeCall(call, i, grid);
  }
  const FunctionId id = call.function->id;
  if (id == FunctionId::kTimestamp || id == FunctionId::kStartTimestamp) {
    // The functions that see the samples' own times, and only of a selector itself.
    const auto output = id == FunctionId::kTimestamp ? ScanNode::Output::kTimestamp
                                                     : ScanNode::Output::kStartTimestamp;
    if (const auto* selector = WithoutParens(*call.args[0]).TryAs<VectorSelector>()) {
      ASSIGN_OR_RETURN(Planned scan, OfSelector(*selector, output, grid));
      scan.variance = Variance::kPerStep;
      return scan;
    }
  }
  if (id == FunctionId::kInfo) return OfInfo(call, grid);
  if (const std::optional<double> constant = OfQuery(id)) {
    return Planned{MakeNode(ValueType::kScalar, ConstantNode{*constant}), Variance::kInvariant};
  }
  return OfPlainCall(call, grid);
}

// start(), end(), range() and step(), in seconds; nullopt for other functions.
std::optional<double> Planner::OfQuery(FunctionId function) const {
  const int64_t start_ms = options_.grid.start_ms;
  const auto seconds = [](int64_t ms) { return static_cast<double>(ms) / 1000; };
  switch (function) {
    case FunctionId::kStart:
      return seconds(start_ms);
    case FunctionId::kEnd:
      return seconds(options_.end_ms);
    case FunctionId::kRange:
      return seconds(SaturatingSub(options_.end_ms, start_ms));
    case FunctionId::kStep:
      // A query of one instant has no step.
      return options_.end_ms == start_ms ? 0 : seconds(options_.grid.step_ms);
    default:
      return std::nullopt;
  }
}

// The second argument is written like a selector but says what to add.
Result<Planned> Planner::OfInfo(const Call& call, const TimeGrid& grid) {
  ASSIGN_OR_RETURN(Planned vector, Node(*call.args[0], grid));
  InfoNode node;
  const std::optional<InfoReference> reference = CommonReference(*call.args[0]);
  if (reference.has_value()) node.shift = Shift(reference->at, reference->offset_ms);
  // Only info of a fixed time is the same at every step.
  const Variance variance = node.shift.at_ms.has_value() ? vector.variance : Variance::kPerStep;
  node.vector = variance == Variance::kPerStep ? Settle(std::move(vector)) : std::move(vector.node);
  std::vector<Matcher> written;
  if (call.args.size() > 1) written = WithoutParens(*call.args[1]).As<VectorSelector>().matchers;
  node.matchers = ToInfoMatchers(written);
  std::vector<Matcher> matchers = node.matchers.names;
  matchers.insert(matchers.end(), node.matchers.data.begin(), node.matchers.data.end());
  node.selector =
      UseSelector(std::move(matchers), node.shift, options_.lookback_ms, RangeReach(), grid);
  return Planned{MakeNode(ValueType::kVector, std::move(node)), variance};
}

Result<Planned> Planner::OfRangeCall(const Call& call, size_t range_index, const TimeGrid& grid) {
  RangeFunctionNode node;
  node.function = call.function->id;
  const Expr& range = WithoutParens(*call.args[range_index]);
  node.range_position = range.position;
  node.arg0_position = WithoutParens(*call.args[0]).position;
  VARVE_CHECK(FindRangeKernel(node.function) != nullptr);
  ASSIGN_OR_RETURN(auto source, Source(range, grid));
  node.source = std::move(source.first);
  RETURN_IF_ERROR(CheckEdges(node.source.edges, *call.function));
  Variance variance = DependsOnStep(node.function) ? Variance::kPerStep : source.second;
  std::vector<Planned> scalars;
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (i == range_index) continue;
    ASSIGN_OR_RETURN(Planned scalar, Node(*call.args[i], grid));
    if (scalar.variance == Variance::kPerStep) variance = Variance::kPerStep;
    scalars.push_back(std::move(scalar));
  }
  VARVE_CHECK(scalars.size() <= 2);
  for (size_t i = 0; i < scalars.size(); ++i) {
    PlanPtr& slot = i == 0 ? node.arg0 : node.arg1;
    slot =
        variance == Variance::kPerStep ? Settle(std::move(scalars[i])) : std::move(scalars[i].node);
  }
  const bool absent = node.function == FunctionId::kAbsentOverTime;
  PlanPtr plan = MakeNode(ValueType::kVector, std::move(node));
  if (absent) plan = MakeNode(ValueType::kVector, AbsentNode{std::move(plan), AbsentLabels(range)});
  return Planned{std::move(plan), variance};
}

Result<Planned> Planner::OfPlainCall(const Call& call, const TimeGrid& grid) {
  std::vector<Planned> args;
  Variance variance = DependsOnStep(call.function->id) ? Variance::kPerStep : Variance::kInvariant;
  for (const ExprPtr& arg : call.args) {
    ASSIGN_OR_RETURN(Planned planned, Node(*arg, grid));
    if (planned.variance == Variance::kPerStep) variance = Variance::kPerStep;
    args.push_back(std::move(planned));
  }
  std::vector<PlanPtr> nodes;
  for (Planned& arg : args) {
    nodes.push_back(variance == Variance::kPerStep ? Settle(std::move(arg)) : std::move(arg.node));
  }
  ASSIGN_OR_RETURN(PlanPtr node, CallNode(call, std::move(nodes)));
  return Planned{std::move(node), variance};
}

Result<PlanPtr> Planner::CallNode(const Call& call, std::vector<PlanPtr> args) {
  const FunctionId id = call.function->id;
  constexpr ValueType kVector = ValueType::kVector;
  switch (id) {
    case FunctionId::kTime:
      return MakeNode(ValueType::kScalar, TimeNode{});
    case FunctionId::kPi:
      return MakeNode(ValueType::kScalar, ConstantNode{3.141592653589793});
    case FunctionId::kMaxOf:
    case FunctionId::kMinOf: {
      using Choice = ScalarChoiceNode::Choice;
      const Choice choice = id == FunctionId::kMaxOf ? Choice::kGreater : Choice::kLesser;
      return MakeNode(ValueType::kScalar,
                      ScalarChoiceNode{choice, std::move(args[0]), std::move(args[1])});
    }
    case FunctionId::kScalar:
      return MakeNode(ValueType::kScalar, ScalarOfNode{std::move(args[0])});
    case FunctionId::kVector:
      return MakeNode(kVector, VectorOfNode{std::move(args[0])});
    case FunctionId::kAbsent:
      return MakeNode(kVector, AbsentNode{std::move(args[0]), AbsentLabels(*call.args[0])});
    case FunctionId::kHistogramQuantile:
    case FunctionId::kHistogramQuantiles:
    case FunctionId::kHistogramFraction:
      return HistogramCallNode(call, std::move(args));
    case FunctionId::kLabelReplace:
    case FunctionId::kLabelJoin:
      return LabelCallNode(call, std::move(args[0]));
    case FunctionId::kSort:
    case FunctionId::kSortDesc:
    case FunctionId::kSortByLabel:
    case FunctionId::kSortByLabelDesc: {
      SortNode node{id, std::move(args[0]), {}, call.position};
      for (size_t i = 1; i < args.size(); ++i) {
        node.labels.push_back(StringArgument(*call.args[i]));
      }
      return MakeNode(kVector, std::move(node));
    }
    default:
      break;
  }
  if (!IsRowFunction(id)) {
    return UnimplementedError("the function " + std::string(call.function->name) +
                              " is not supported");
  }
  RowFunctionNode node;
  node.function = id;
  // Date functions without an argument are about the evaluation time.
  node.vector = !args.empty()
                    ? std::move(args[0])
                    : MakeNode(kVector, VectorOfNode{MakeNode(ValueType::kScalar, TimeNode{})});
  if (args.size() > 1) node.arg0 = std::move(args[1]);
  if (args.size() > 2) node.arg1 = std::move(args[2]);
  return MakeNode(kVector, std::move(node));
}

// The vector comes last, but first in histogram_quantiles, there followed by a label.
Result<PlanPtr> Planner::HistogramCallNode(const Call& call, std::vector<PlanPtr> args) {
  HistogramNode node;
  node.function = call.function->id;
  const bool several = node.function == FunctionId::kHistogramQuantiles;
  const size_t vector = several ? 0 : args.size() - 1;
  if (several) {
    node.quantile_label = StringArgument(*call.args[1]);
    if (!IsValidLabelName(node.quantile_label)) {
      return OutOfRangeError("invalid label name " + QuoteGo(node.quantile_label));
    }
  }
  node.vector_position = WithoutParens(*call.args[vector]).position;
  for (size_t i = several ? 2 : 0; i < args.size(); ++i) {
    if (i == vector) continue;
    node.scalars.push_back(std::move(args[i]));
    node.scalar_positions.push_back(WithoutParens(*call.args[i]).position);
  }
  node.vector = std::move(args[vector]);
  return MakeNode(ValueType::kVector, std::move(node));
}

Result<PlanPtr> Planner::LabelCallNode(const Call& call, PlanPtr vector) {
  const std::string function(call.function->name);
  const std::string& destination = StringArgument(*call.args[1]);
  if (call.function->id == FunctionId::kLabelJoin) {
    LabelJoinNode node{std::move(vector), destination, StringArgument(*call.args[2]), {}};
    for (size_t i = 3; i < call.args.size(); ++i) {
      node.sources.push_back(StringArgument(*call.args[i]));
      if (!IsValidLabelName(node.sources.back())) {
        return OutOfRangeError("invalid source label name in label_join(): " + node.sources.back());
      }
    }
    if (!IsValidLabelName(destination)) {
      return OutOfRangeError("invalid destination label name in label_join(): " + destination);
    }
    return MakeNode(ValueType::kVector, std::move(node));
  }
  LabelReplaceNode node{std::move(vector), destination, StringArgument(*call.args[2]),
                        StringArgument(*call.args[3]), StringArgument(*call.args[4])};
  return MakeNode(ValueType::kVector, std::move(node));
}

Result<Planned> Planner::OfAggregation(const Aggregation& aggregation, const TimeGrid& grid) {
  AggregationNode node;
  node.op = aggregation.op;
  node.vector_position = WithoutParens(*aggregation.expr).position;
  node.position = aggregation.position;
  LabelNames names(aggregation.labels);
  ASSIGN_OR_RETURN(Planned vector, Node(*aggregation.expr, grid));
  // The reference looks at the vector alone, whatever the parameter.
  const Variance variance = vector.variance;
  if (aggregation.param != nullptr) {
    node.param_position = WithoutParens(*aggregation.param).position;
    if (aggregation.op == AggregationOp::kCountValues) {
      node.value_label = StringArgument(*aggregation.param);
      if (!IsValidLabelName(node.value_label)) {
        return OutOfRangeError("invalid label name " + QuoteGo(node.value_label));
      }
      if (aggregation.grouping == Grouping::kBy) names = names.With(node.value_label);
    } else {
      ASSIGN_OR_RETURN(Planned param, Node(*aggregation.param, grid));
      node.param =
          variance == Variance::kPerStep ? Settle(std::move(param)) : std::move(param.node);
    }
  }
  node.projection = aggregation.grouping == Grouping::kBy
                        ? LabelProjection::Only(std::move(names), options_.metadata)
                        : LabelProjection::AllBut(std::move(names), options_.metadata);
  node.vector = std::move(vector.node);
  return Planned{MakeNode(ValueType::kVector, std::move(node)), variance};
}

Result<Planned> Planner::OfUnary(const Unary& unary, const TimeGrid& grid) {
  ASSIGN_OR_RETURN(Planned inner, Node(*unary.expr, grid));
  if (unary.op == UnaryOp::kPlus) return inner;
  const ValueType type = inner.node->type;
  if (type == ValueType::kVector) {
    return Planned{MakeNode(type, NegateNode{std::move(inner.node)}), inner.variance};
  }
  if (auto* constant = std::get_if<ConstantNode>(&inner.node->op)) {
    constant->value = -constant->value;
    return inner;
  }
  return Planned{MakeNode(type, ScalarBinaryNode{BinaryOp::kMul, MakeNode(type, ConstantNode{-1}),
                                                 std::move(inner.node)}),
                 inner.variance};
}

Result<Planned> Planner::OfBinary(const Binary& binary, const TimeGrid& grid) {
  ASSIGN_OR_RETURN(Planned lhs, Node(*binary.lhs, grid));
  ASSIGN_OR_RETURN(Planned rhs, Node(*binary.rhs, grid));
  Variance variance = Variance::kInvariant;
  if (lhs.variance == Variance::kPerStep || rhs.variance == Variance::kPerStep) {
    variance = Variance::kPerStep;
    if (lhs.variance == Variance::kInvariant) lhs.node = Settle(std::move(lhs));
    if (rhs.variance == Variance::kInvariant) rhs.node = Settle(std::move(rhs));
  }
  const bool scalar_left = lhs.node->type == ValueType::kScalar;
  const bool scalar_right = rhs.node->type == ValueType::kScalar;
  if (scalar_left && scalar_right) {
    const auto* a = std::get_if<ConstantNode>(&lhs.node->op);
    const auto* b = std::get_if<ConstantNode>(&rhs.node->op);
    if (!IsArithmetic(binary.op) && !IsComparison(binary.op)) {
      return OutOfRangeError("operator " + QuoteGo(BinaryOpText(binary.op)) +
                             " not allowed for Scalar operations");
    }
    if (a != nullptr && b != nullptr) {
      const double value = IsComparison(binary.op)
                               ? (EvaluateComparison(binary.op, a->value, b->value) ? 1.0 : 0.0)
                               : EvaluateArithmetic(binary.op, a->value, b->value);
      return Planned{MakeNode(ValueType::kScalar, ConstantNode{value}), Variance::kInvariant};
    }
    return Planned{MakeNode(ValueType::kScalar,
                            ScalarBinaryNode{binary.op, std::move(lhs.node), std::move(rhs.node)}),
                   variance};
  }
  if (scalar_left || scalar_right) {
    VectorScalarNode node{binary.op,
                          binary.comparison,
                          scalar_left ? VectorSide::kRight : VectorSide::kLeft,
                          std::move(scalar_left ? rhs.node : lhs.node),
                          std::move(scalar_left ? lhs.node : rhs.node),
                          binary.position};
    return Planned{MakeNode(ValueType::kVector, std::move(node)), variance};
  }
  VectorBinaryNode node{binary.op,           binary.comparison,   *binary.matching,
                        std::move(lhs.node), std::move(rhs.node), binary.position};
  return Planned{MakeNode(ValueType::kVector, std::move(node)), variance};
}

}  // namespace

Result<Plan> MakePlan(const Expr& expr, const PlanOptions& options) {
  VARVE_CHECK(options.grid.count >= 1);
  return Planner(options).Run(expr);
}

}  // namespace varve::promql::exec
