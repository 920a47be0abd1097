#include "query/exec/histogram_rate.h"

#include <algorithm>
#include <utility>

#include "base/histogram/arithmetic.h"
#include "base/histogram/counter_reset.h"

namespace varve::promql::exec {
namespace {

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

// A histogram of the layout of `like` in which nothing was counted: what a counter starts from.
Histogram NothingCounted(const Histogram& like) {
  Histogram out;
  out.schema = like.schema;
  out.custom_values = like.custom_values;
  return out;
}

}  // namespace

SampleTimes HistogramRates::TimesAt(size_t i) const {
  const bool known =
      start_times_ == StartTimes::kHeeded && !samples_.histogram_start_times_ms.empty();
  return {samples_.histogram_timestamps_ms[i], known ? samples_.histogram_start_times_ms[i] : 0};
}

bool HistogramRates::IsReset(size_t i) {
  if (resets_.empty()) resets_.resize(samples_.histograms.size(), Known::kNo);
  if (resets_[i] == Known::kNo) {
    const bool reset = IsStartReset(i) || histogram::DetectReset(At(i), At(i - 1));
    resets_[i] = reset ? Known::kReset : Known::kNoReset;
  }
  return resets_[i] == Known::kReset;
}

// Whether the samples can be taken from each other, and the lowest schema among them. `first`
// stands for the first sample.
bool HistogramRates::CheckWindow(StepWindow window, CounterKind kind, const Histogram& first,
                                 int32_t* schema) {
  const bool custom = first.uses_custom_buckets();
  const bool counter = kind == CounterKind::kCounter;
  const size_t last = window.end - 1;
  bool any_gauge = counter && (IsGauge(window.begin) || IsGauge(last));
  if (At(last).uses_custom_buckets() != custom) {
    if (any_gauge) notes_->Add(HistogramNote::kNotCounter);
    notes_->Add(HistogramNote::kMixedSchemas);
    return false;
  }
  *schema = std::min(first.schema, At(last).schema);
  for (size_t i = window.begin + 1; counter && i < last; ++i) {
    if (At(i).uses_custom_buckets() != custom) {
      notes_->Add(HistogramNote::kMixedSchemas);
      return false;
    }
    any_gauge = any_gauge || IsGauge(i);
    *schema = std::min(*schema, At(i).schema);
  }
  if (any_gauge) notes_->Add(HistogramNote::kNotCounter);
  return true;
}

// Adds what was counted before each reset. `first` stands for the first sample.
void HistogramRates::AddResets(StepWindow window, const Histogram& first, Histogram* increase) {
  const bool starts_from_nothing = &first != &At(window.begin);
  for (size_t i = window.begin + 1; i < window.end; ++i) {
    const bool after_first = i == window.begin + 1;
    const bool reset = after_first && starts_from_nothing
                           ? IsStartReset(i) || At(i).reset_hint == CounterResetHint::kReset
                           : IsReset(i);
    if (!reset) continue;
    if (histogram::Add(after_first ? first : At(i - 1), increase).bounds_reconciled) {
      notes_->Add(HistogramNote::kBoundsReconciledInAddition);
    }
  }
}

std::optional<Histogram> HistogramRates::Increase(StepWindow window, CounterKind kind) {
  const size_t last = window.end - 1;
  // Before a reset right at the start the layout may have been any other.
  Histogram nothing;
  const Histogram* first = &At(window.begin);
  if (kind == CounterKind::kCounter && IsReset(window.begin + 1)) {
    nothing = NothingCounted(At(window.begin + 1));
    first = &nothing;
  }
  int32_t schema = 0;
  if (!CheckWindow(window, kind, *first, &schema)) return std::nullopt;
  Histogram increase = At(last);
  if (!increase.uses_custom_buckets()) histogram::ReduceResolution(schema, &increase);
  if (histogram::Subtract(*first, &increase).bounds_reconciled) {
    notes_->Add(HistogramNote::kBoundsReconciledInSubtraction);
  }
  if (kind == CounterKind::kCounter) {
    AddResets(window, *first, &increase);
  } else if (!IsGauge(window.begin) || !IsGauge(last)) {
    notes_->Add(HistogramNote::kNotGauge);
  }
  increase.reset_hint = CounterResetHint::kGauge;
  histogram::Compact(&increase);
  return increase;
}

std::optional<Histogram> HistogramRates::Extrapolated(size_t step, CounterKind kind,
                                                      RateUnit unit) {
  const StepWindow window = windows_.windows()[step];
  const SampleTimes first = TimesAt(window.begin);
  const int64_t last_ms = samples_.histogram_timestamps_ms[window.end - 1];
  const int64_t range_end_ms = windows_.RangeEnd(step);
  const int64_t range_start_ms = SaturatingSub(range_end_ms, windows_.range_ms());
  std::optional<Histogram> result;
  if (window.size() > 1) {
    result = Increase(window, kind);
    if (!result.has_value()) return std::nullopt;
  }
  double interval = Seconds(last_ms - first.at_ms);
  const double between = window.size() > 1 ? interval / (windows_.CountIn(step) - 1) : 0;
  const double threshold = between * RangeWindows::kExtrapolationThreshold;
  double to_start = Seconds(first.at_ms - range_start_ms);
  double to_end = Seconds(range_end_ms - last_ms);
  if (kind == CounterKind::kCounter && first.start_ms != 0 && first.start_ms > range_start_ms &&
      first.start_ms < first.at_ms) {
    // Nothing was counted at the start time: no need to extrapolate to it.
    to_start = 0;
    interval = Seconds(last_ms - first.start_ms);
    if (!result.has_value()) {
      result = At(window.begin);
    } else {
      const histogram::CombineOutcome outcome = histogram::Add(At(window.begin), &*result);
      if (outcome.incompatible) {
        notes_->Add(HistogramNote::kMixedSchemas);
        return std::nullopt;
      }
      if (outcome.bounds_reconciled) notes_->Add(HistogramNote::kBoundsReconciledInAddition);
    }
  } else if (!result.has_value()) {
    return std::nullopt;
  } else {
    if (to_start >= threshold) to_start = between / 2;
    // A count does not go below zero: extrapolate at most to where it would have been zero.
    if (kind == CounterKind::kCounter && result->count > 0 && At(window.begin).count >= 0) {
      to_start = std::min(to_start, interval * (At(window.begin).count / result->count));
    }
  }
  if (to_end >= threshold) to_end = between / 2;
  double factor = interval == 0 ? 1 : (interval + to_start + to_end) / interval;
  if (unit == RateUnit::kPerSecond) factor /= windows_.range_seconds();
  histogram::Multiply(factor, &*result);
  return result;
}

std::optional<Histogram> HistogramRates::Between(size_t i, CounterKind kind) {
  const bool counter = kind == CounterKind::kCounter;
  if (counter ? IsGauge(i) || IsGauge(i - 1) : !IsGauge(i) || !IsGauge(i - 1)) {
    notes_->Add(counter ? HistogramNote::kNotCounter : HistogramNote::kNotGauge);
  }
  Histogram result = At(i);
  if (!counter || !IsReset(i)) {
    const histogram::CombineOutcome outcome = histogram::Subtract(At(i - 1), &result);
    if (outcome.incompatible) {
      notes_->Add(HistogramNote::kMixedSchemas);
      return std::nullopt;
    }
    if (outcome.bounds_reconciled) notes_->Add(HistogramNote::kBoundsReconciledInSubtraction);
  }
  result.reset_hint = CounterResetHint::kGauge;
  histogram::Compact(&result);
  if (counter) {
    const std::vector<int64_t>& times = samples_.histogram_timestamps_ms;
    histogram::Divide(Seconds(times[i] - times[i - 1]), &result);
  }
  return result;
}

}  // namespace varve::promql::exec
