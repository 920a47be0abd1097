#include "query/exec/histogram_binary.h"

#include <memory>
#include <utility>

#include "base/check.h"
#include "base/histogram/arithmetic.h"
#include "base/histogram/trim.h"
#include "query/exec/scalar_ops.h"

namespace varve::promql::exec {
namespace {

BinaryResult Refuse(BinaryResult::Fault fault) {
  BinaryResult out;
  out.fault = fault;
  out.holds = false;
  return out;
}

BinaryResult ResultOf(Histogram histogram) {
  BinaryResult out;
  out.element.histogram = std::make_shared<const Histogram>(std::move(histogram));
  return out;
}

BinaryResult OfFloats(BinaryOp op, double lhs, double rhs) {
  if (IsTrim(op)) return Refuse(BinaryResult::Fault::kTypes);
  BinaryResult out;
  if (IsComparison(op)) {
    out.holds = EvaluateComparison(op, lhs, rhs);
    out.element.value = lhs;
  } else {
    out.element.value = EvaluateArithmetic(op, lhs, rhs);
  }
  return out;
}

BinaryResult OfHistogramAndFloat(BinaryOp op, const Histogram& lhs, double rhs) {
  Histogram out;
  switch (op) {
    case BinaryOp::kMul:
      out = lhs;
      histogram::Multiply(rhs, &out);
      break;
    case BinaryOp::kDiv:
      out = lhs;
      histogram::Divide(rhs, &out);
      break;
    case BinaryOp::kTrimUpper:
      return ResultOf(histogram::Trim(lhs, rhs, histogram::KeptSide::kBelow));
    case BinaryOp::kTrimLower:
      return ResultOf(histogram::Trim(lhs, rhs, histogram::KeptSide::kAbove));
    default:
      return Refuse(BinaryResult::Fault::kTypes);
  }
  histogram::Compact(&out);
  return ResultOf(std::move(out));
}

BinaryResult OfHistograms(BinaryOp op, const HistogramPtr& lhs, const HistogramPtr& rhs) {
  if (op == BinaryOp::kEqual || op == BinaryOp::kNotEqual) {
    BinaryResult out;
    out.holds = histogram::SameMeaning(*lhs, *rhs) == (op == BinaryOp::kEqual);
    out.element.histogram = lhs;
    return out;
  }
  if (op != BinaryOp::kAdd && op != BinaryOp::kSub) return Refuse(BinaryResult::Fault::kTypes);
  Histogram sum = *lhs;
  const histogram::CombineOutcome outcome =
      op == BinaryOp::kAdd ? histogram::Add(*rhs, &sum) : histogram::Subtract(*rhs, &sum);
  if (outcome.incompatible) return Refuse(BinaryResult::Fault::kBucketLayout);
  if (outcome.reset_collision) return Refuse(BinaryResult::Fault::kResetsCollide);
  if (op == BinaryOp::kSub) sum.reset_hint = CounterResetHint::kGauge;
  histogram::Compact(&sum);
  BinaryResult out = ResultOf(std::move(sum));
  out.bounds_reconciled = outcome.bounds_reconciled;
  return out;
}

}  // namespace

BinaryResult EvaluateElements(BinaryOp op, const Element& lhs, const Element& rhs) {
  if (lhs.histogram == nullptr && rhs.histogram == nullptr) {
    return OfFloats(op, lhs.value, rhs.value);
  }
  if (rhs.histogram == nullptr) return OfHistogramAndFloat(op, *lhs.histogram, rhs.value);
  if (lhs.histogram == nullptr) {
    if (op != BinaryOp::kMul) return Refuse(BinaryResult::Fault::kTypes);
    return OfHistogramAndFloat(op, *rhs.histogram, lhs.value);
  }
  return OfHistograms(op, lhs.histogram, rhs.histogram);
}

void BinaryNotes::Set(size_t step, const BinaryResult& result, SampleType lhs, SampleType rhs) {
  Note note{Kind::kNone, lhs, rhs};
  if (result.fault == BinaryResult::Fault::kTypes) {
    note.kind = Kind::kTypes;
  } else if (result.fault == BinaryResult::Fault::kBucketLayout) {
    note.kind = Kind::kBucketLayout;
  } else if (result.fault == BinaryResult::Fault::kResetsCollide) {
    note.kind = Kind::kResetsCollide;
  } else if (result.bounds_reconciled) {
    note.kind = Kind::kBoundsReconciled;
  } else {
    return;
  }
  last_.resize(step_count_);
  last_[step] = note;
}

void BinaryNotes::Annotate(BinaryOp op, PositionRange position, Annotations* annotations) const {
  const bool add = op == BinaryOp::kAdd;
  Note said;  // neighbouring steps mostly say the same
  for (const Note& note : last_) {
    if (note.kind == said.kind && note.lhs == said.lhs && note.rhs == said.rhs) continue;
    said = note;
    switch (note.kind) {
      case Kind::kNone:
        break;
      case Kind::kTypes:
        annotations->IncompatibleTypes(op, note.lhs, note.rhs, position);
        break;
      case Kind::kBucketLayout:
        annotations->IncompatibleBucketLayout(op, position);
        break;
      case Kind::kResetsCollide:
        annotations->Histogram(add ? HistogramNote::kResetsCollideInAddition
                                   : HistogramNote::kResetsCollideInSubtraction,
                               {}, position);
        break;
      case Kind::kBoundsReconciled:
        annotations->Histogram(add ? HistogramNote::kBoundsReconciledInAddition
                                   : HistogramNote::kBoundsReconciledInSubtraction,
                               {}, position);
        break;
    }
  }
}

void ComputeWithHistograms(BinaryOp op, ComparisonResult comparison, const Column& lhs,
                           const Column& rhs, const std::vector<uint64_t>& matched,
                           size_t step_count, BinaryNotes* notes, Column result) {
  const bool keep_all = comparison == ComparisonResult::kBool;
  ForEachBit(matched.data(), step_count, [&](size_t step) {
    const Element left = ElementAt(lhs, step);
    const Element right = ElementAt(rhs, step);
    BinaryResult out = EvaluateElements(op, left, right);
    notes->Set(step, out, left.type(), right.type());
    if (out.fault != BinaryResult::Fault::kNone) return;
    if (keep_all) return result.SetFloat(step, out.holds ? 1 : 0);
    if (!out.holds) return;
    if (out.element.histogram == nullptr) return result.SetFloat(step, out.element.value);
    result.SetHistogram(step, std::move(out.element.histogram));
  });
}

}  // namespace varve::promql::exec
