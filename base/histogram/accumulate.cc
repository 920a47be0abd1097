#include "base/histogram/accumulate.h"

#include <utility>

namespace varve::histogram {
namespace {

Lost NothingLost(const Histogram& histogram) {
  Lost lost;
  lost.positive_buckets.resize(histogram.positive_buckets.size());
  lost.negative_buckets.resize(histogram.negative_buckets.size());
  return lost;
}

template <typename Change>
void ForEachNumber(Lost* lost, Change&& change) {
  change(&lost->zero_count);
  change(&lost->count);
  change(&lost->sum);
  for (double& value : lost->positive_buckets) change(&value);
  for (double& value : lost->negative_buckets) change(&value);
}

// `lost` as a histogram of the layout of `sum`.
Histogram AsHistogram(const Histogram& sum, const Lost& lost) {
  Histogram out = sum;
  out.zero_count = lost.zero_count;
  out.count = lost.count;
  out.sum = lost.sum;
  out.positive_buckets = lost.positive_buckets;
  out.negative_buckets = lost.negative_buckets;
  return out;
}

}  // namespace

CompensatedHistogram::CompensatedHistogram(const Histogram& first) : sum_(first) {
  sum_.form = Histogram::Form::kFloat;
}

CombineOutcome CompensatedHistogram::Add(const Histogram& other) {
  if (!lost_.has_value() && sum_.uses_custom_buckets() == other.uses_custom_buckets()) {
    lost_ = NothingLost(sum_);
  }
  return Combine(other, 1, lost_.has_value() ? &*lost_ : nullptr, &sum_);
}

CombineOutcome CompensatedHistogram::Add(const CompensatedHistogram& other) {
  CombineOutcome outcome = Add(other.sum_);
  if (outcome.incompatible || !other.lost_.has_value()) return outcome;
  Add(AsHistogram(other.sum_, *other.lost_));
  return outcome;
}

void CompensatedHistogram::Scale(double factor) {
  Multiply(factor, &sum_);
  if (lost_.has_value()) ForEachNumber(&*lost_, [&](double* value) { *value *= factor; });
}

void CompensatedHistogram::DivideBy(double divisor) {
  Divide(divisor, &sum_);
  if (lost_.has_value()) ForEachNumber(&*lost_, [&](double* value) { *value /= divisor; });
}

Histogram CompensatedHistogram::Total() const {
  Histogram total = sum_;
  if (lost_.has_value()) histogram::Add(AsHistogram(sum_, *lost_), &total);
  return total;
}

void HistogramMean::GoIncremental() {
  if (incremental_) return;
  state_.DivideBy(count_);
  incremental_ = true;
}

CombineOutcome HistogramMean::Add(const Histogram& other) {
  CombineOutcome direct;
  if (!incremental_) {
    CompensatedHistogram next = state_;
    direct = next.Add(other);
    if (direct.incompatible) return direct;
    if (!next.HasOverflow()) {
      state_ = std::move(next);
      count_ += 1;
      return direct;
    }
    GoIncremental();
  }
  Histogram share = other;
  Divide(count_ + 1, &share);
  if (state_.sum().uses_custom_buckets() != share.uses_custom_buckets()) {
    return state_.Add(share);
  }
  state_.Scale(count_ / (count_ + 1));
  count_ += 1;
  CombineOutcome outcome = state_.Add(share);
  outcome.bounds_reconciled = outcome.bounds_reconciled || direct.bounds_reconciled;
  return outcome;
}

CombineOutcome HistogramMean::Merge(const HistogramMean& later) {
  if (!incremental_ && !later.incremental_) {
    CompensatedHistogram next = state_;
    const CombineOutcome outcome = next.Add(later.state_);
    if (outcome.incompatible || !next.HasOverflow()) {
      if (!outcome.incompatible) {
        state_ = std::move(next);
        count_ += later.count_;
      }
      return outcome;
    }
  }
  HistogramMean other = later;
  if (state_.sum().uses_custom_buckets() != other.state_.sum().uses_custom_buckets()) {
    return state_.Add(other.state_);
  }
  GoIncremental();
  other.GoIncremental();
  const double total = count_ + other.count_;
  state_.Scale(count_ / total);
  other.state_.Scale(other.count_ / total);
  count_ = total;
  return state_.Add(other.state_);
}

Histogram HistogramMean::Mean() const {
  if (incremental_) return state_.Total();
  CompensatedHistogram mean = state_;
  mean.DivideBy(count_);
  return mean.Total();
}

}  // namespace varve::histogram
