#include "query/exec/vector_matching.h"

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/status_macros.h"
#include "query/exec/go_format.h"
#include "query/exec/histogram_binary.h"
#include "query/exec/match_groups.h"
#include "query/exec/row_merge.h"
#include "query/exec/scalar_ops.h"

namespace varve::promql::exec {
namespace {

using Bits = std::vector<uint64_t>;

Bits PresentInAny(const VectorValue& value, const std::vector<size_t>& rows) {
  Bits out(BitmapWords(value.step_count()));
  for (const size_t row : rows) {
    OrBits(value.rows()[row].column.present, value.step_count(), out.data());
  }
  return out;
}

Bits PresentInAny(const VectorValue& value) {
  Bits out(BitmapWords(value.step_count()));
  for (const SeriesRow& row : value.rows()) {
    OrBits(row.column.present, value.step_count(), out.data());
  }
  return out;
}

// The failure to report: the one at the earliest step, and there the one found first.
class EarliestFailure {
 public:
  void Offer(size_t step, std::string message) {
    if (step >= step_) return;
    step_ = step;
    message_ = std::move(message);
  }
  // Whether `step`, kNoBit for none, comes before the failure: what comes after it is lost.
  bool WouldTake(size_t step) const { return step < step_; }
  Status ToStatus() const { return step_ == kNoBit ? OkStatus() : OutOfRangeError(message_); }

 private:
  size_t step_ = kNoBit;
  std::string message_;
};

// A binary operation with the "one" side told from the "many" side.
class VectorBinary {
 public:
  VectorBinary(const BinaryRule& rule, const VectorValue& lhs, const VectorValue& rhs,
               Annotations* annotations)
      : rule_(rule),
        swapped_(rule.matching->cardinality == Cardinality::kOneToMany),
        many_(swapped_ ? rhs : lhs),
        one_(swapped_ ? lhs : rhs),
        step_count_(lhs.step_count()),
        matching_labels_(LabelNames(rule.matching->labels)),
        projection_(MatchingProjection(*rule.matching, rule.names, lhs, rhs)),
        fill_one_(FillColumn(rule.matching->fill_right)),
        fill_many_(FillColumn(rule.matching->fill_left)),
        annotations_(annotations),
        out_(step_count_, lhs.budget()) {}

  Result<VectorValue> Run();

 private:
  std::vector<size_t>& ManyRows(MatchGroup& g) const { return swapped_ ? g.rhs : g.lhs; }
  std::vector<size_t>& OneRows(MatchGroup& g) const { return swapped_ ? g.lhs : g.rhs; }

  // A value at every step, or empty when there is nothing to fill with.
  std::vector<double> FillColumn(const std::optional<double>& fill) const {
    return fill.has_value() ? std::vector<double>(step_count_, *fill) : std::vector<double>();
  }
  bool fills() const { return !fill_one_.empty() || !fill_many_.empty(); }
  Bits EveryStep() const;

  void CheckOneSide(const std::vector<size_t>& one_rows, const Bits& any_many);
  Status MatchGroupRows(const std::vector<size_t>& many_rows, const std::vector<size_t>& one_rows);
  void CheckManySide(const std::vector<size_t>& many_rows, const std::vector<size_t>& one_rows);
  void CheckResultLabels(const Labels& labels, const Bits& matched,
                         std::unordered_map<std::string, Bits>* matched_by_labels);
  Status FillOneSide(const std::vector<size_t>& many_rows, const std::vector<size_t>& one_rows,
                     std::unordered_map<std::string, Bits>* matched_by_labels);
  Status FillManySide(const std::vector<size_t>& many_rows, const std::vector<size_t>& one_rows);
  Labels ResultLabels(const Labels& many, const Labels& one) const;
  Status Emit(Labels labels, const Column& many, const Column& one, const Bits& matched);
  void Compute(const Column& many, const Column& one, const Bits& matched, Column result);
  Status ComputeHistograms(const Column& many, const Column& one, const Bits& matched);

  const BinaryRule& rule_;
  const bool swapped_;
  const VectorValue& many_;
  const VectorValue& one_;
  const size_t step_count_;
  const LabelNames matching_labels_;
  const LabelProjection projection_;
  // What stands for a missing partner. `fill_right` is for the one side and `fill_left` for the
  // many side even when group_right swaps them, as in the reference.
  std::vector<double> fill_one_;
  std::vector<double> fill_many_;
  Annotations* const annotations_;
  VectorValue out_;
  EarliestFailure failure_;
  BinaryNotes notes_{step_count_};
};

Result<VectorValue> VectorBinary::Run() {
  std::vector<MatchGroup> groups =
      swapped_ ? GroupByMatch(projection_, one_, many_) : GroupByMatch(projection_, many_, one_);
  // Nothing is looked at where nothing can match.
  const Bits any_many = fills() ? EveryStep() : PresentInAny(many_);
  for (MatchGroup& group : groups) CheckOneSide(OneRows(group), any_many);
  for (MatchGroup& group : groups) {
    if (!failure_.WouldTake(0)) break;
    RETURN_IF_ERROR(out_.budget()->CheckTime());
    RETURN_IF_ERROR(MatchGroupRows(ManyRows(group), OneRows(group)));
  }
  RETURN_IF_ERROR(failure_.ToStatus());
  notes_.Annotate(rule_.op, rule_.position, annotations_);
  RETURN_IF_ERROR(ResolveEqualLabels(EqualLabels::kMergeDisjoint, &out_));
  return std::move(out_);
}

Bits VectorBinary::EveryStep() const {
  Bits out(BitmapWords(step_count_));
  FillBits(out.data(), step_count_);
  return out;
}

// At a step with anything on the many side, no two series of the one side may match alike,
// whether or not a partner is there.
void VectorBinary::CheckOneSide(const std::vector<size_t>& one_rows, const Bits& any_many) {
  if (one_rows.size() < 2) return;
  Bits seen(BitmapWords(step_count_));
  for (const size_t row : one_rows) {
    const SeriesRow& series = one_.rows()[row];
    Bits relevant(series.column.present, series.column.present + seen.size());
    AndBits(any_many.data(), step_count_, relevant.data());
    const size_t step = FirstCommonBit(seen.data(), relevant.data(), step_count_);
    if (step != kNoBit && failure_.WouldTake(step)) {
      size_t earlier = 0;
      while (!TestBit(one_.rows()[one_rows[earlier]].column.present, step)) ++earlier;
      const Labels& other = one_.rows()[one_rows[earlier]].labels;
      failure_.Offer(step,
                     "found duplicate series for the match group " +
                         FormatGoLabels(projection_.Project(series.labels)) + " on the " +
                         (swapped_ ? "left" : "right") + " hand-side of the operation: [" +
                         FormatGoLabels(series.labels) + ", " + FormatGoLabels(other) +
                         "];many-to-many matching not allowed: matching labels must be unique on "
                         "one side");
    }
    OrBits(relevant.data(), step_count_, seen.data());
  }
}

// One to one: no two series of the many side may have a partner at one step.
void VectorBinary::CheckManySide(const std::vector<size_t>& many_rows,
                                 const std::vector<size_t>& one_rows) {
  if (many_rows.size() < 2) return;
  const Bits partners = fill_one_.empty() ? PresentInAny(one_, one_rows) : EveryStep();
  Bits seen(BitmapWords(step_count_));
  for (const size_t row : many_rows) {
    const uint64_t* present = many_.rows()[row].column.present;
    Bits matched(present, present + seen.size());
    AndBits(partners.data(), step_count_, matched.data());
    const size_t step = FirstCommonBit(seen.data(), matched.data(), step_count_);
    if (step != kNoBit) {
      failure_.Offer(step,
                     "multiple matches for labels: many-to-one matching must be explicit "
                     "(group_left/group_right)");
    }
    OrBits(matched.data(), step_count_, seen.data());
  }
}

// Many to one: results of one match group must differ in their labels, kept by a filter or not.
void VectorBinary::CheckResultLabels(const Labels& labels, const Bits& matched,
                                     std::unordered_map<std::string, Bits>* matched_by_labels) {
  Bits& seen = (*matched_by_labels)[labels.canonical_bytes()];
  seen.resize(matched.size());
  const size_t step = FirstCommonBit(seen.data(), matched.data(), step_count_);
  if (step != kNoBit) {
    failure_.Offer(step, "multiple matches for labels: grouping labels must ensure unique matches");
  }
  OrBits(matched.data(), step_count_, seen.data());
}

Status VectorBinary::MatchGroupRows(const std::vector<size_t>& many_rows,
                                    const std::vector<size_t>& one_rows) {
  if (!fills() && (many_rows.empty() || one_rows.empty())) return OkStatus();
  const bool one_to_one = rule_.matching->cardinality == Cardinality::kOneToOne;
  if (one_to_one) CheckManySide(many_rows, one_rows);
  std::unordered_map<std::string, Bits> matched_by_labels;
  for (const size_t m : many_rows) {
    RETURN_IF_ERROR(out_.budget()->CheckTime());
    const SeriesRow& many = many_.rows()[m];
    for (const size_t o : one_rows) {
      const SeriesRow& one = one_.rows()[o];
      // Also so that many times many results are not computed where the operation fails anyway.
      const size_t first = FirstCommonBit(many.column.present, one.column.present, step_count_);
      if (!failure_.WouldTake(first)) continue;
      Bits matched(many.column.present, many.column.present + BitmapWords(step_count_));
      AndBits(one.column.present, step_count_, matched.data());
      Labels labels = ResultLabels(many.labels, one.labels);
      if (!one_to_one && many_rows.size() > 1) {
        CheckResultLabels(labels, matched, &matched_by_labels);
      }
      RETURN_IF_ERROR(Emit(std::move(labels), many.column, one.column, matched));
    }
  }
  if (!fill_one_.empty()) {
    RETURN_IF_ERROR(FillOneSide(many_rows, one_rows, &matched_by_labels));
  }
  return fill_many_.empty() ? OkStatus() : FillManySide(many_rows, one_rows);
}

// The many side's series at the steps where no partner is there.
Status VectorBinary::FillOneSide(const std::vector<size_t>& many_rows,
                                 const std::vector<size_t>& one_rows,
                                 std::unordered_map<std::string, Bits>* matched_by_labels) {
  const bool one_to_one = rule_.matching->cardinality == Cardinality::kOneToOne;
  const Bits partners = PresentInAny(one_, one_rows);
  for (const size_t m : many_rows) {
    const SeriesRow& many = many_.rows()[m];
    Bits alone(many.column.present, many.column.present + partners.size());
    AndNotBits(partners.data(), step_count_, alone.data());
    if (!AnyBit(alone.data(), step_count_)) continue;
    Labels labels = ResultLabels(many.labels, projection_.Project(many.labels));
    if (!one_to_one && many_rows.size() > 1) CheckResultLabels(labels, alone, matched_by_labels);
    Column one;
    one.values = fill_one_.data();
    RETURN_IF_ERROR(Emit(std::move(labels), many.column, one, alone));
  }
  return OkStatus();
}

// The one side's series at the steps where no partner is there.
Status VectorBinary::FillManySide(const std::vector<size_t>& many_rows,
                                  const std::vector<size_t>& one_rows) {
  const Bits partners = PresentInAny(many_, many_rows);
  for (const size_t o : one_rows) {
    const SeriesRow& one = one_.rows()[o];
    Bits alone(one.column.present, one.column.present + partners.size());
    AndNotBits(partners.data(), step_count_, alone.data());
    if (!AnyBit(alone.data(), step_count_)) continue;
    Column many;
    many.values = fill_many_.data();
    RETURN_IF_ERROR(
        Emit(ResultLabels(projection_.Project(one.labels), one.labels), many, one.column, alone));
  }
  return OkStatus();
}

Status VectorBinary::Emit(Labels labels, const Column& many, const Column& one,
                          const Bits& matched) {
  ASSIGN_OR_RETURN(const Column result, out_.AppendEmpty(std::move(labels)));
  out_.rows().back().drop_name =
      rule_.names.delayed() && rule_.comparison == ComparisonResult::kBool;
  if (many.histograms != nullptr || one.histograms != nullptr) {
    return ComputeHistograms(many, one, matched);
  }
  Compute(many, one, matched, result);
  return OkStatus();
}

Labels VectorBinary::ResultLabels(const Labels& many, const Labels& one) const {
  Labels labels = many;
  // Arithmetic drops the name at once even with delayed name removal: the result is of two metrics.
  const bool drop_now = IsArithmetic(rule_.op) ||
                        (rule_.comparison == ComparisonResult::kBool && !rule_.names.delayed());
  if (drop_now) labels = DropMetadata(labels, rule_.names.metadata);
  if (rule_.matching->cardinality == Cardinality::kOneToOne) {
    labels = rule_.matching->on == MatchOn::kOn ? KeepLabels(labels, matching_labels_)
                                                : DropLabels(labels, matching_labels_);
  }
  for (const std::string& name : rule_.matching->include) {
    labels = SetLabel(labels, name, one.Get(name));
  }
  return labels;
}

// Into the row appended last.
Status VectorBinary::ComputeHistograms(const Column& many, const Column& one, const Bits& matched) {
  SeriesRow& row = out_.rows().back();
  RETURN_IF_ERROR(out_.MakeRoomForHistograms(&row));
  ComputeWithHistograms(rule_.op, rule_.comparison, swapped_ ? one : many, swapped_ ? many : one,
                        matched, step_count_, &notes_, row.column);
  return out_.ChargeHistograms(row.column);
}

void VectorBinary::Compute(const Column& many, const Column& one, const Bits& matched,
                           Column result) {
  const double* lhs = swapped_ ? one.values : many.values;
  const double* rhs = swapped_ ? many.values : one.values;
  if (IsTrim(rule_.op)) {
    annotations_->IncompatibleTypes(rule_.op, SampleType::kFloat, SampleType::kFloat,
                                    rule_.position);
    return;
  }
  if (IsArithmetic(rule_.op)) {
    ForEachBit(matched.data(), step_count_,
               [&](size_t i) { result.values[i] = EvaluateArithmetic(rule_.op, lhs[i], rhs[i]); });
    OrBits(matched.data(), step_count_, result.present);
    return;
  }
  const bool keep_all = rule_.comparison == ComparisonResult::kBool;
  ForEachBit(matched.data(), step_count_, [&](size_t i) {
    const bool holds = EvaluateComparison(rule_.op, lhs[i], rhs[i]);
    if (!keep_all && !holds) return;
    result.values[i] = keep_all ? (holds ? 1.0 : 0.0) : lhs[i];
    SetBit(result.present, i);
  });
}

}  // namespace

Result<VectorValue> EvaluateSetOperator(const BinaryRule& rule, VectorValue lhs, VectorValue rhs) {
  VARVE_CHECK(IsSetOperator(rule.op));
  const size_t step_count = lhs.step_count();
  const std::vector<MatchGroup> groups =
      GroupByMatch(MatchingProjection(*rule.matching, rule.names, lhs, rhs), lhs, rhs);
  for (const MatchGroup& group : groups) {
    if (rule.op == BinaryOp::kOr) {
      const Bits present = PresentInAny(lhs, group.lhs);
      for (const size_t row : group.rhs) {
        AndNotBits(present.data(), step_count, rhs.rows()[row].column.present);
      }
      continue;
    }
    const Bits present = PresentInAny(rhs, group.rhs);
    for (const size_t row : group.lhs) {
      uint64_t* const kept = lhs.rows()[row].column.present;
      if (rule.op == BinaryOp::kAnd) {
        AndBits(present.data(), step_count, kept);
      } else {
        AndNotBits(present.data(), step_count, kept);
      }
    }
  }
  if (rule.op == BinaryOp::kOr) lhs.Absorb(std::move(rhs));
  RETURN_IF_ERROR(ResolveEqualLabels(EqualLabels::kMergeDisjoint, &lhs));
  return lhs;
}

Result<VectorValue> EvaluateVectorBinary(const BinaryRule& rule, const VectorValue& lhs,
                                         const VectorValue& rhs, Annotations* annotations) {
  VARVE_CHECK(!IsSetOperator(rule.op));
  return VectorBinary(rule, lhs, rhs, annotations).Run();
}

}  // namespace varve::promql::exec
