#include "query/exec/extended_histograms.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/histogram/arithmetic.h"
#include "base/histogram/counter_reset.h"

namespace varve::promql::exec {
namespace {

// Adds with the notes that this deserves; false when that cannot be.
bool AddTo(const Histogram& other, SeriesNotes* notes, Histogram* into) {
  const histogram::CombineOutcome outcome = histogram::Add(other, into);
  if (outcome.incompatible) notes->Add(HistogramNote::kMixedSchemas);
  if (outcome.bounds_reconciled) notes->Add(HistogramNote::kBoundsReconciledInAddition);
  return !outcome.incompatible;
}
bool SubtractFrom(const Histogram& other, SeriesNotes* notes, Histogram* from) {
  const histogram::CombineOutcome outcome = histogram::Subtract(other, from);
  if (outcome.incompatible) notes->Add(HistogramNote::kMixedSchemas);
  if (outcome.bounds_reconciled) notes->Add(HistogramNote::kBoundsReconciledInSubtraction);
  return !outcome.incompatible;
}

// Where the last sample of `times` within `window` at or before `time_ms` is; the window's begin
// minus one when there is none.
int64_t LastUpTo(std::span<const int64_t> times, StepWindow window, int64_t time_ms) {
  const auto after =
      std::upper_bound(times.begin() + window.begin, times.begin() + window.end, time_ms);
  return (after - times.begin()) - 1;
}

// The rate of one series at one step.
class ExtendedStep {
 public:
  ExtendedStep(const HistogramRangeInput& input, size_t step, CounterKind kind, SeriesNotes* notes)
      : samples_(*input.samples),
        smoothed_(input.edges == RangeEdges::kSmoothed),
        kind_(kind),
        start_ms_(input.histogram_windows->RangeStart(step)),
        end_ms_(input.histogram_windows->RangeEnd(step)),
        notes_(notes) {
    const StepWindow window = input.histogram_windows->windows()[step];
    begin_ = window.begin;
    last_ = window.end - 1;
    const StepWindow but_last{window.begin, window.end - 1};
    first_ = std::max<int64_t>(begin_, LastUpTo(Times(), but_last, start_ms_));
    if (smoothed_) last_ = LastUpTo(Times(), but_last, end_ms_ - 1) + 1;
  }

  // The difference of the edges, with what resets took away.
  std::optional<Histogram> Difference();

 private:
  std::span<const int64_t> Times() const { return samples_.histogram_timestamps_ms; }
  int64_t TimeOf(int64_t i) const { return Times()[static_cast<size_t>(i)]; }
  const Histogram& At(int64_t i) const { return *samples_.histograms[static_cast<size_t>(i)]; }
  TimedHistogram Sample(int64_t i) const { return {TimeOf(i), &At(i)}; }
  bool Check();
  std::optional<Histogram> Left();
  std::optional<Histogram> Right();
  bool AddLost(const Histogram& left, const Histogram& right, Histogram* result);

  const engine::SampleBuffer& samples_;
  const bool smoothed_;
  const CounterKind kind_;
  const int64_t start_ms_;
  const int64_t end_ms_;
  SeriesNotes* const notes_;
  int64_t begin_ = 0;
  int64_t first_ = 0;
  int64_t last_ = 0;
};

// Whether the samples can be taken from each other.
bool ExtendedStep::Check() {
  const bool custom = At(first_).uses_custom_buckets();
  for (int64_t i = first_; i <= last_; ++i) {
    if (At(i).uses_custom_buckets() != custom) {
      notes_->Add(HistogramNote::kMixedSchemas);
      return false;
    }
    if (kind_ == CounterKind::kCounter && At(i).reset_hint == CounterResetHint::kGauge) {
      notes_->Add(HistogramNote::kNotCounter);
    }
  }
  return true;
}

std::optional<Histogram> ExtendedStep::Left() {
  if (!smoothed_ || TimeOf(first_) >= start_ms_) return At(first_);
  return Interpolate(Sample(first_), Sample(first_ + 1), start_ms_, kind_, notes_);
}

std::optional<Histogram> ExtendedStep::Right() {
  if (!smoothed_ || last_ == begin_ || TimeOf(last_) <= end_ms_) return At(last_);
  return Interpolate(Sample(last_ - 1), Sample(last_), end_ms_, kind_, notes_);
}

// Adds what was counted before each reset between the edges; the edges' own values have the resets
// around them in account already.
bool ExtendedStep::AddLost(const Histogram& left, const Histogram& right, Histogram* result) {
  const Histogram* previous = &left;
  int64_t next = first_ + 1;
  if (smoothed_ && TimeOf(first_) < start_ms_ &&
      histogram::DetectReset(At(first_ + 1), At(first_))) {
    previous = &At(next++);
  }
  // Nothing lies between the edges' samples.
  if (next > last_) return true;
  std::optional<Histogram> lost;
  const auto lose = [&](const Histogram& histogram) {
    if (lost.has_value()) return AddTo(histogram, notes_, &*lost);
    lost = histogram;
    return true;
  };
  for (; next < last_; ++next) {
    if (histogram::DetectReset(At(next), *previous) && !lose(*previous)) return false;
    previous = &At(next);
  }
  if (histogram::DetectReset(right, *previous) && !lose(*previous)) return false;
  return !lost.has_value() || AddTo(*lost, notes_, result);
}

std::optional<Histogram> ExtendedStep::Difference() {
  if (TimeOf(last_) <= start_ms_) return std::nullopt;
  if (smoothed_ && TimeOf(first_) > end_ms_) return std::nullopt;
  if (!Check()) return std::nullopt;
  const std::optional<Histogram> left = Left();
  if (!left.has_value()) return std::nullopt;
  const std::optional<Histogram> right = Right();
  if (!right.has_value()) return std::nullopt;
  const bool gauges =
      left->reset_hint == CounterResetHint::kGauge && right->reset_hint == CounterResetHint::kGauge;
  if (kind_ == CounterKind::kGauge && !gauges) notes_->Add(HistogramNote::kNotGauge);
  Histogram result = *right;
  if (!SubtractFrom(*left, notes_, &result)) return std::nullopt;
  if (kind_ == CounterKind::kCounter && !AddLost(*left, *right, &result)) return std::nullopt;
  return result;
}

}  // namespace

std::optional<Histogram> Interpolate(TimedHistogram a, TimedHistogram b, int64_t time_ms,
                                     CounterKind kind, SeriesNotes* notes) {
  if (time_ms == a.time_ms) return *a.histogram;
  Histogram result = *b.histogram;
  if (time_ms == b.time_ms) return result;
  const double fraction =
      static_cast<double>(time_ms - a.time_ms) / static_cast<double>(b.time_ms - a.time_ms);
  if (kind == CounterKind::kCounter && histogram::DetectReset(*b.histogram, *a.histogram)) {
    histogram::Multiply(fraction, &result);
    return result;
  }
  if (!SubtractFrom(*a.histogram, notes, &result)) return std::nullopt;
  histogram::Multiply(fraction, &result);
  if (!AddTo(*a.histogram, notes, &result)) return std::nullopt;
  return result;
}

std::optional<Histogram> ExtendedRate(const HistogramRangeInput& input, size_t step,
                                      CounterKind kind, RateUnit unit, SeriesNotes* notes) {
  std::optional<Histogram> result = ExtendedStep(input, step, kind, notes).Difference();
  if (!result.has_value()) return std::nullopt;
  if (unit == RateUnit::kPerSecond) {
    histogram::Divide(input.histogram_windows->range_seconds(), &*result);
  }
  result->reset_hint = CounterResetHint::kGauge;
  histogram::Compact(&*result);
  return result;
}

AnchoredWindows FromAnchor(const HistogramRangeInput& input, size_t step) {
  const std::span<const int64_t> float_times = input.samples->timestamps_ms;
  const std::span<const int64_t> times = input.samples->histogram_timestamps_ms;
  StepWindow floats = input.float_windows->windows()[step];
  StepWindow histograms = input.histogram_windows->windows()[step];
  const int64_t start_ms = input.float_windows->RangeStart(step);
  const int64_t last_float = LastUpTo(float_times, floats, start_ms);
  const int64_t last_histogram = LastUpTo(times, histograms, start_ms);
  if (last_float + 1 == floats.end && last_histogram + 1 == histograms.end) return {};
  const bool any_float = last_float >= floats.begin;
  const bool any_histogram = last_histogram >= histograms.begin;
  const bool anchor_is_float =
      any_float && (!any_histogram || float_times[static_cast<size_t>(last_float)] >=
                                          times[static_cast<size_t>(last_histogram)]);
  const bool anchor_is_histogram = any_histogram && !anchor_is_float;
  floats.begin = static_cast<uint32_t>(last_float + (anchor_is_float ? 0 : 1));
  histograms.begin = static_cast<uint32_t>(last_histogram + (anchor_is_histogram ? 0 : 1));
  return {floats, histograms};
}

}  // namespace varve::promql::exec
