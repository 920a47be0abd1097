#include "query/traceql/evaluator.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>

#include "base/status_macros.h"

namespace varve::traceql {
namespace {

using Kind = FieldExpression::Kind;

Operator Mirrored(Operator op) {
  switch (op) {
    case Operator::kGreater:
      return Operator::kLess;
    case Operator::kGreaterEqual:
      return Operator::kLessEqual;
    case Operator::kLess:
      return Operator::kGreater;
    case Operator::kLessEqual:
      return Operator::kGreaterEqual;
    default:
      return op;
  }
}

// How much work a condition is, roughly: the cheaper side of && goes first.
int CostOf(const FieldExpression& field) {
  if (field.kind == Kind::kLiteral) return 0;
  if (field.kind == Kind::kAttribute) {
    if (BlockView::NeedsTrace(field.attribute)) return 1000;
    if (field.attribute.scope == Scope::kResource) return 1;
    if (field.attribute.intrinsic != Intrinsic::kNone) return 3;
    return field.attribute.scope == Scope::kSpan ? 2 : 20;
  }
  int cost = field.left ? CostOf(*field.left) : 0;
  if (field.right) cost += CostOf(*field.right);
  if (field.regex != nullptr) cost += 5;
  if (field.kind == Kind::kBinary && IsArithmetic(field.op)) cost += 100;
  return cost;
}

bool IsBoolean(const FieldExpression& field) {
  if (field.kind == Kind::kNot) return true;
  return field.kind == Kind::kBinary && !IsArithmetic(field.op);
}

// What is the same for all spans of a trace.
bool IsOfTrace(const Attribute& attribute) {
  switch (attribute.intrinsic) {
    case Intrinsic::kTraceDuration:
    case Intrinsic::kTraceRootName:
    case Intrinsic::kTraceRootService:
    case Intrinsic::kTraceId:
      return !attribute.of_parent;
    default:
      return false;
  }
}

std::vector<uint32_t> Union(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  std::vector<uint32_t> both;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

// Texts of values that are kept beyond what they point to.
Value Kept(Value value) {
  if (value.type != ValueType::kString) return value;
  // An alias that owns the text and points to no list.
  auto text = std::make_shared<std::string>(value.text);
  value.text = *text;
  value.list = std::shared_ptr<const std::vector<Value>>(std::move(text), nullptr);
  return value;
}

}  // namespace

std::string ToText(const FieldExpression& field) {
  switch (field.kind) {
    case Kind::kLiteral:
      return field.literal.type == ValueType::kString ? '`' + field.text + '`'
                                                      : field.literal.ToText();
    case Kind::kAttribute:
      return field.attribute.ToText();
    case Kind::kNegate:
      return '-' + ToText(*field.left);
    case Kind::kNot:
      return '!' + ToText(*field.left);
    case Kind::kBinary:
      break;
  }
  return ToText(*field.left) + ' ' + std::string(OperatorText(field.op)) + ' ' +
         ToText(*field.right);
}

std::string ToText(const ScalarExpression& scalar) {
  static constexpr std::string_view kNames[] = {"count", "min", "max", "sum", "avg"};
  switch (scalar.kind) {
    case ScalarExpression::Kind::kLiteral:
      return scalar.literal.ToText();
    case ScalarExpression::Kind::kAggregate:
      return std::string(kNames[static_cast<size_t>(scalar.aggregate)]) + '(' +
             (scalar.field ? ToText(*scalar.field) : "") + ')';
    case ScalarExpression::Kind::kBinary:
      break;
  }
  return ToText(*scalar.left) + ' ' + std::string(OperatorText(scalar.op)) + ' ' +
         ToText(*scalar.right);
}

Evaluator::Evaluator(const Query* query, TraceTable* table)
    : query_(query), table_(table), filters_(query->filter_count) {
  NotePipeline(query->pipeline);
  const auto& stages = query->pipeline.stages;
  const bool begins_plain = !stages.empty() && stages.front().kind == Stage::Kind::kSpanset &&
                            stages.front().spanset->kind == SpansetExpression::Kind::kFilter;
  if (begins_plain) plain_filter_ = stages.front().spanset->filter_index;
  if (query->metric && query->metric->selection) Note(*query->metric->selection);
}

void Evaluator::NotePipeline(const Pipeline& pipeline) {
  for (const Stage& stage : pipeline.stages) {
    if (stage.spanset) Note(*stage.spanset);
    for (const Attribute& attribute : stage.select) {
      if (std::find(shown_.begin(), shown_.end(), attribute) == shown_.end()) {
        shown_.push_back(attribute);
      }
    }
  }
}

void Evaluator::Note(const SpansetExpression& spanset) {
  switch (spanset.kind) {
    case SpansetExpression::Kind::kFilter:
      filters_[spanset.filter_index] = &spanset;
      return NoteField(spanset.filter.get());
    case SpansetExpression::Kind::kOperation:
      Note(*spanset.left);
      return Note(*spanset.right);
    case SpansetExpression::Kind::kPipeline:
      return NotePipeline(*spanset.pipeline);
  }
}

void Evaluator::NoteField(const FieldExpression* field) {
  if (field == nullptr) return;
  if (field->kind == Kind::kAttribute) {
    if (std::find(shown_.begin(), shown_.end(), field->attribute) == shown_.end()) {
      shown_.push_back(field->attribute);
    }
    return;
  }
  NoteField(field->left.get());
  NoteField(field->right.get());
}

bool Evaluator::is_plain_filter() const {
  if (query_->pipeline.stages.empty()) return true;
  for (size_t i = 0; i < query_->pipeline.stages.size(); ++i) {
    const Stage& stage = query_->pipeline.stages[i];
    const bool is_filter = stage.kind == Stage::Kind::kSpanset && i == 0 &&
                           stage.spanset->kind == SpansetExpression::Kind::kFilter;
    if (!is_filter && stage.kind != Stage::Kind::kSelect) return false;
  }
  return true;
}

Status Evaluator::MatchFilters() {
  matches_.resize(filters_.size());
  for (; matched_blocks_ < table_->block_count(); ++matched_blocks_) {
    bool any = filters_.empty();
    for (size_t filter = 0; filter < filters_.size(); ++filter) {
      const SpansetExpression* spanset = filters_[filter];
      if (spanset == nullptr) {  // of another query of an arithmetic expression
        matches_[filter].emplace_back();
        continue;
      }
      Bitmap rows = Bitmap::Full(table_->row_count(matched_blocks_));
      if (spanset->filter != nullptr) {
        RETURN_IF_ERROR(Match(*spanset->filter, matched_blocks_, &rows));
      }
      any = any || !rows.none();
      matches_[filter].push_back(std::move(rows));
    }
    if (!any) {
      table_->view(matched_blocks_).Close();
    } else {
      table_->CloseBeyond(kOpenBytesMax);
    }
  }
  return OkStatus();
}

Status Evaluator::Match(const FieldExpression& field, size_t block, Bitmap* rows) {
  if (rows->none()) return OkStatus();
  if (field.kind == Kind::kNot) return MatchNegation(field, block, rows);
  if (field.kind != Kind::kBinary) return MatchByRow(field, block, rows);
  if (field.op == Operator::kAnd && IsBoolean(*field.left) && IsBoolean(*field.right)) {
    const bool swap = CostOf(*field.right) < CostOf(*field.left);
    RETURN_IF_ERROR(Match(swap ? *field.right : *field.left, block, rows));
    return Match(swap ? *field.left : *field.right, block, rows);
  }
  if (field.op == Operator::kOr && IsBoolean(*field.left) && IsBoolean(*field.right)) {
    Bitmap left = *rows;
    RETURN_IF_ERROR(Match(*field.left, block, &left));
    Bitmap rest = *rows;
    rest.AndNot(left);
    RETURN_IF_ERROR(Match(*field.right, block, &rest));
    left.Or(rest);
    *rows = std::move(left);
    return OkStatus();
  }
  if (!IsComparison(field.op)) return MatchByRow(field, block, rows);
  const bool is_mirrored = field.left->kind == Kind::kLiteral;
  const FieldExpression& attribute = is_mirrored ? *field.right : *field.left;
  const FieldExpression& literal = is_mirrored ? *field.left : *field.right;
  if (attribute.kind == Kind::kAttribute && literal.kind == Kind::kLiteral &&
      IsOfTrace(attribute.attribute)) {
    return MatchByTrace(field, block, rows);
  }
  if (attribute.kind != Kind::kAttribute || literal.kind != Kind::kLiteral) {
    return MatchByRow(field, block, rows);
  }
  if (BlockView::NeedsTrace(attribute.attribute)) {
    const Operator op = is_mirrored ? Mirrored(field.op) : field.op;
    return MatchByTree({&attribute.attribute, op, &literal.literal, field.regex.get()}, block,
                       rows);
  }
  BlockView::Comparison comparison;
  comparison.attribute = &attribute.attribute;
  comparison.op = is_mirrored ? Mirrored(field.op) : field.op;
  comparison.value = &literal.literal;
  comparison.regex = field.regex.get();
  return table_->view(block).Keep(comparison, rows);
}

Status Evaluator::MatchNegation(const FieldExpression& field, size_t block, Bitmap* rows) {
  if (!IsBoolean(*field.left)) return MatchByRow(field, block, rows);
  Bitmap held = *rows;
  RETURN_IF_ERROR(Match(*field.left, block, &held));
  rows->AndNot(held);
  return OkStatus();
}

// Of a condition that all spans of a trace meet or none.
Status Evaluator::MatchByTrace(const FieldExpression& field, size_t block, Bitmap* rows) {
  for (const auto& [begin, end] : table_->TraceRows(block)) {
    bool any = false;
    for (uint32_t row = begin; row < end && !any; ++row) any = rows->Test(row);
    if (!any) continue;
    ASSIGN_OR_RETURN(const Value value,
                     EvaluateField(field, {static_cast<uint32_t>(block), begin}));
    if (value.is_true()) continue;
    for (uint32_t row = begin; row < end; ++row) rows->Clear(row);
  }
  return OkStatus();
}

// Of a condition on how a span stands in its trace.
Status Evaluator::MatchByTree(const BlockView::Comparison& comparison, size_t block, Bitmap* rows) {
  for (const auto& [begin, end] : table_->TraceRows(block)) {
    bool any = false;
    for (uint32_t row = begin; row < end && !any; ++row) any = rows->Test(row);
    if (!any) continue;
    const auto number = static_cast<uint32_t>(block);
    RETURN_IF_ERROR(table_->Tree(table_->TraceOf({number, begin})).status());
    for (uint32_t row = begin; row < end; ++row) {
      if (!rows->Test(row)) continue;
      ASSIGN_OR_RETURN(const uint32_t index, table_->IndexOf({number, row}));
      if (index == UINT32_MAX) {
        rows->Clear(row);
        continue;
      }
      ASSIGN_OR_RETURN(const Value value, table_->TreeValue(*comparison.attribute, index));
      if (!Compare(comparison.op, value, *comparison.value, comparison.regex)) rows->Clear(row);
    }
  }
  return OkStatus();
}

Status Evaluator::MatchByRow(const FieldExpression& field, size_t block, Bitmap* rows) {
  Status status;
  rows->VisitSet([&](size_t row) {
    if (!status.ok()) return;
    const Result<Value> value =
        EvaluateField(field, {static_cast<uint32_t>(block), static_cast<uint32_t>(row)});
    if (!value.ok()) {
      status = value.status();
    } else if (!value->is_true()) {
      rows->Clear(row);
    }
  });
  return status;
}

Result<Value> Evaluator::EvaluateField(const FieldExpression& field, SpanRef span) {
  switch (field.kind) {
    case Kind::kLiteral:
      return field.literal;
    case Kind::kAttribute:
      return table_->Get(field.attribute, span);
    case Kind::kNegate: {
      ASSIGN_OR_RETURN(Value value, EvaluateField(*field.left, span));
      if (!value.is_numeric()) return Value::Nil();
      value.integer = static_cast<int64_t>(0 - static_cast<uint64_t>(value.integer));
      value.number = -value.number;
      return value;
    }
    case Kind::kNot: {
      ASSIGN_OR_RETURN(const Value value, EvaluateField(*field.left, span));
      if (value.type != ValueType::kBool) return Value::Nil();
      return Value::Bool(value.integer == 0);
    }
    case Kind::kBinary:
      break;
  }
  ASSIGN_OR_RETURN(Value left, EvaluateField(*field.left, span));
  if (field.op == Operator::kAnd && !left.is_true()) return Value::Bool(false);
  if (field.op == Operator::kOr && left.is_true()) return Value::Bool(true);
  left = Kept(std::move(left));
  ASSIGN_OR_RETURN(const Value right, EvaluateField(*field.right, span));
  if (field.op == Operator::kAnd || field.op == Operator::kOr) {
    return Value::Bool(right.is_true());
  }
  if (IsArithmetic(field.op)) return Calculate(field.op, left, right);
  return Value::Bool(Compare(field.op, left, right, field.regex.get()));
}

bool Evaluator::AnyMatch(size_t filter, size_t trace) const {
  for (const Segment& segment : table_->segments(trace)) {
    const Bitmap& rows = matches_[filter][segment.block];
    for (uint32_t row = segment.begin; row < segment.end; ++row) {
      if (rows.Test(row)) return true;
    }
  }
  return false;
}

bool Evaluator::MayMatch(const SpansetExpression& spanset, size_t trace) const {
  switch (spanset.kind) {
    case SpansetExpression::Kind::kFilter:
      return AnyMatch(spanset.filter_index, trace);
    case SpansetExpression::Kind::kPipeline:
      return spanset.pipeline->stages.front().kind != Stage::Kind::kSpanset ||
             MayMatch(*spanset.pipeline->stages.front().spanset, trace);
    case SpansetExpression::Kind::kOperation:
      break;
  }
  if (spanset.op == Operator::kOr) {
    return MayMatch(*spanset.left, trace) || MayMatch(*spanset.right, trace);
  }
  if (spanset.form == SpansetExpression::Form::kNegated) return MayMatch(*spanset.right, trace);
  return MayMatch(*spanset.left, trace) && MayMatch(*spanset.right, trace);
}

bool Evaluator::MayMatch(size_t trace) const {
  const auto& stages = query_->pipeline.stages;
  if (stages.empty() || stages.front().kind != Stage::Kind::kSpanset) return true;
  return MayMatch(*stages.front().spanset, trace);
}

Result<std::vector<Spanset>> Evaluator::Evaluate(size_t trace) {
  ASSIGN_OR_RETURN(const TraceSpans* spans, table_->Spans(trace));
  Spanset all;
  all.spans.resize(spans->spans.size());
  for (uint32_t i = 0; i < all.spans.size(); ++i) all.spans[i] = i;
  std::vector<Spanset> spansets;
  spansets.push_back(std::move(all));
  return EvaluatePipeline(query_->pipeline, trace, std::move(spansets));
}

Result<std::vector<Spanset>> Evaluator::EvaluatePipeline(const Pipeline& pipeline, size_t trace,
                                                         std::vector<Spanset> spansets) {
  for (const Stage& stage : pipeline.stages) {
    ASSIGN_OR_RETURN(const TraceSpans* spans, table_->Spans(trace));
    std::vector<Spanset> kept;
    switch (stage.kind) {
      case Stage::Kind::kSpanset:
        for (Spanset& spanset : spansets) {
          ASSIGN_OR_RETURN(spanset.spans, EvaluateSpanset(*stage.spanset, trace, spanset.spans));
          if (!spanset.spans.empty()) kept.push_back(std::move(spanset));
        }
        break;
      case Stage::Kind::kScalarFilter:
        for (Spanset& spanset : spansets) {
          ASSIGN_OR_RETURN(const Value left, EvaluateScalar(*stage.left, *spans, &spanset));
          if (stage.right != nullptr) {
            ASSIGN_OR_RETURN(const Value right, EvaluateScalar(*stage.right, *spans, &spanset));
            const bool is_nil = left.is_nil() || right.is_nil();
            if (is_nil || !Compare(stage.op, left, right, nullptr)) continue;
          }
          kept.push_back(std::move(spanset));
        }
        break;
      case Stage::Kind::kGroupBy:
        RETURN_IF_ERROR(GroupBy(*stage.group, *spans, &spansets));
        kept = std::move(spansets);
        break;
      case Stage::Kind::kCoalesce: {
        Spanset merged;
        for (const Spanset& spanset : spansets) {
          merged.spans = Union(merged.spans, spanset.spans);
        }
        if (!merged.spans.empty()) kept.push_back(std::move(merged));
        break;
      }
      case Stage::Kind::kSelect:
        kept = std::move(spansets);
        break;
    }
    spansets = std::move(kept);
    if (spansets.empty()) break;
  }
  return spansets;
}

Result<Evaluator::Indices> Evaluator::EvaluateSpanset(const SpansetExpression& spanset,
                                                      size_t trace, const Indices& universe) {
  if (spanset.kind == SpansetExpression::Kind::kFilter) {
    ASSIGN_OR_RETURN(const TraceSpans* spans, table_->Spans(trace));
    Indices matched;
    for (const uint32_t i : universe) {
      const SpanRef span = spans->spans[i];
      if (matches_[spanset.filter_index][span.block].Test(span.row)) matched.push_back(i);
    }
    return matched;
  }
  if (spanset.kind == SpansetExpression::Kind::kPipeline) {
    std::vector<Spanset> input(1);
    input[0].spans = universe;
    ASSIGN_OR_RETURN(const std::vector<Spanset> output,
                     EvaluatePipeline(*spanset.pipeline, trace, std::move(input)));
    Indices all;
    for (const Spanset& one : output) all = Union(all, one.spans);
    return all;
  }
  ASSIGN_OR_RETURN(const Indices left, EvaluateSpanset(*spanset.left, trace, universe));
  ASSIGN_OR_RETURN(const Indices right, EvaluateSpanset(*spanset.right, trace, universe));
  if (spanset.op == Operator::kAnd) {
    return left.empty() || right.empty() ? Indices() : Union(left, right);
  }
  if (spanset.op == Operator::kOr) return Union(left, right);
  return Structural(spanset, trace, left, right);
}

namespace {

// Which spans of a set stand in a relation to some span of another, for one trace.
class Relations {
 public:
  explicit Relations(const TraceSpans& spans) : spans_(spans) {}

  // Of `right`, those that are `op` of some of `left`: its children, descendants, ...
  std::vector<uint32_t> Related(Operator op, const std::vector<uint32_t>& left,
                                const std::vector<uint32_t>& right) const {
    std::vector<bool> is_left(spans_.spans.size());
    for (const uint32_t i : left) is_left[i] = true;
    std::vector<bool> is_related(spans_.spans.size());
    switch (op) {
      case Operator::kChild:
        for (const uint32_t i : right) {
          is_related[i] = spans_.parents[i] >= 0 && is_left[Parent(i)];
        }
        break;
      case Operator::kDescendant:
        MarkBelow(is_left, &is_related);
        break;
      case Operator::kParent:
        for (const uint32_t i : left) {
          if (spans_.parents[i] >= 0) is_related[Parent(i)] = true;
        }
        break;
      case Operator::kAncestor:
        MarkAbove(left, &is_related);
        break;
      default:
        MarkSiblings(left, right, &is_related);
    }
    std::vector<uint32_t> related;
    for (const uint32_t i : right) {
      if (is_related[i]) related.push_back(i);
    }
    return related;
  }

 private:
  uint32_t Parent(uint32_t i) const { return static_cast<uint32_t>(spans_.parents[i]); }

  // A span is below one of the set if its parent is in the set or below it.
  void MarkBelow(const std::vector<bool>& is_in, std::vector<bool>* is_below) const {
    enum class State : uint8_t { kUnknown, kOpen, kDone };
    std::vector<State> states(is_in.size(), State::kUnknown);
    std::vector<uint32_t> path;
    for (uint32_t i = 0; i < is_in.size(); ++i) {
      uint32_t at = i;
      while (states[at] == State::kUnknown) {
        states[at] = State::kOpen;
        path.push_back(at);
        if (spans_.parents[at] < 0) break;
        at = Parent(at);
      }
      // Parents first; of a circle, which malformed spans can make, once around is enough.
      for (; !path.empty(); path.pop_back()) {
        const uint32_t span = path.back();
        states[span] = State::kDone;
        if (spans_.parents[span] < 0) continue;
        (*is_below)[span] = is_in[Parent(span)] || (*is_below)[Parent(span)];
      }
    }
  }

  void MarkAbove(const std::vector<uint32_t>& of, std::vector<bool>* is_above) const {
    for (uint32_t i : of) {
      while (spans_.parents[i] >= 0 && !(*is_above)[Parent(i)]) {
        i = Parent(i);
        (*is_above)[i] = true;
      }
    }
  }

  void MarkSiblings(const std::vector<uint32_t>& left, const std::vector<uint32_t>& right,
                    std::vector<bool>* is_sibling) const {
    // By parent: how many of `left` are below it, and which, if it is one.
    std::map<int32_t, std::pair<uint32_t, uint32_t>> below;
    for (const uint32_t i : left) {
      if (spans_.parents[i] < 0) continue;
      auto& [count, last] = below[spans_.parents[i]];
      ++count;
      last = i;
    }
    for (const uint32_t i : right) {
      if (spans_.parents[i] < 0) continue;
      const auto at = below.find(spans_.parents[i]);
      if (at == below.end()) continue;
      const auto& [count, last] = at->second;
      (*is_sibling)[i] = count > 1 || last != i;
    }
  }

  const TraceSpans& spans_;
};

Operator Inverse(Operator op) {
  switch (op) {
    case Operator::kChild:
      return Operator::kParent;
    case Operator::kDescendant:
      return Operator::kAncestor;
    case Operator::kParent:
      return Operator::kChild;
    case Operator::kAncestor:
      return Operator::kDescendant;
    default:
      return op;
  }
}

}  // namespace

Result<Evaluator::Indices> Evaluator::Structural(const SpansetExpression& spanset, size_t trace,
                                                 const Indices& left, const Indices& right) {
  ASSIGN_OR_RETURN(const TraceSpans* spans, table_->Tree(trace));
  const Relations relations(*spans);
  Indices related = relations.Related(spanset.op, left, right);
  switch (spanset.form) {
    case SpansetExpression::Form::kPlain:
      return related;
    case SpansetExpression::Form::kNegated: {
      Indices others;
      std::set_difference(right.begin(), right.end(), related.begin(), related.end(),
                          std::back_inserter(others));
      return others;
    }
    case SpansetExpression::Form::kUnion:
      break;
  }
  return Union(related, relations.Related(Inverse(spanset.op), right, left));
}

Result<Value> Evaluator::EvaluateScalar(const ScalarExpression& scalar, const TraceSpans& spans,
                                        Spanset* spanset) {
  switch (scalar.kind) {
    case ScalarExpression::Kind::kLiteral:
      return scalar.literal;
    case ScalarExpression::Kind::kAggregate: {
      ASSIGN_OR_RETURN(Value value, EvaluateAggregate(scalar, spans, spanset->spans));
      const std::string name = ToText(scalar);
      const auto known = std::find_if(spanset->computed.begin(), spanset->computed.end(),
                                      [&](const auto& entry) { return entry.first == name; });
      if (known == spanset->computed.end()) spanset->computed.emplace_back(name, value);
      return value;
    }
    case ScalarExpression::Kind::kBinary:
      break;
  }
  ASSIGN_OR_RETURN(const Value left, EvaluateScalar(*scalar.left, spans, spanset));
  ASSIGN_OR_RETURN(const Value right, EvaluateScalar(*scalar.right, spans, spanset));
  return Calculate(scalar.op, left, right);
}

Result<Value> Evaluator::EvaluateAggregate(const ScalarExpression& scalar, const TraceSpans& spans,
                                           const Indices& indices) {
  if (scalar.aggregate == AggregateKind::kCount) {
    return Value::Of(ValueType::kInt, static_cast<int64_t>(indices.size()));
  }
  double sum = 0;
  size_t count = 0;
  bool are_durations = true;
  Value chosen;
  for (const uint32_t i : indices) {
    ASSIGN_OR_RETURN(const Value value, EvaluateField(*scalar.field, spans.spans[i]));
    if (!value.is_numeric()) continue;
    sum += value.as_number();
    ++count;
    are_durations = are_durations && value.type == ValueType::kDuration;
    const bool is_better = chosen.is_nil() || (scalar.aggregate == AggregateKind::kMin
                                                   ? value.as_number() < chosen.as_number()
                                                   : value.as_number() > chosen.as_number());
    if (is_better) chosen = value;
  }
  if (count == 0) return Value::Nil();
  if (scalar.aggregate == AggregateKind::kMin || scalar.aggregate == AggregateKind::kMax) {
    return chosen;
  }
  const double result =
      scalar.aggregate == AggregateKind::kAvg ? sum / static_cast<double>(count) : sum;
  if (!are_durations) return Value::Float(result);
  return Value::Of(ValueType::kDuration, static_cast<int64_t>(result));
}

Status Evaluator::GroupBy(const FieldExpression& field, const TraceSpans& spans,
                          std::vector<Spanset>* spansets) {
  std::vector<Spanset> groups;
  const std::string name = "by(" + ToText(field) + ")";
  for (const Spanset& spanset : *spansets) {
    std::map<std::pair<ValueType, std::string>, size_t> numbers;
    for (const uint32_t i : spanset.spans) {
      ASSIGN_OR_RETURN(const Value value, EvaluateField(field, spans.spans[i]));
      const auto [at, is_new] = numbers.try_emplace({value.type, value.ToText()}, groups.size());
      if (is_new) {
        Spanset& group = groups.emplace_back();
        group.computed = spanset.computed;
        group.computed.emplace_back(name, Kept(value));
      }
      groups[at->second].spans.push_back(i);
    }
  }
  *spansets = std::move(groups);
  return OkStatus();
}

}  // namespace varve::traceql
