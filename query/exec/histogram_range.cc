#include "query/exec/histogram_range.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "base/histogram/accumulate.h"
#include "base/histogram/arithmetic.h"
#include "query/exec/extended_histograms.h"
#include "query/exec/histogram_rate.h"

namespace varve::promql::exec {
namespace {

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

class HistogramRange {
 public:
  HistogramRange(FunctionId function, const HistogramRangeInput& input, StartTimes start_times,
                 SeriesNotes* notes, Column out)
      : function_(function),
        input_(input),
        samples_(*input.samples),
        float_windows_(input.float_windows->windows()),
        windows_(input.histogram_windows->windows()),
        start_times_(start_times),
        notes_(notes),
        out_(out),
        rates_(input, start_times, notes) {}

  void Run() {
    for (size_t step = 0; step < windows_.size(); ++step) {
      if (windows_[step].size() > 0) Evaluate(step);
    }
  }

 private:
  void Evaluate(size_t step);
  void ApplyRate(size_t step, CounterKind kind, RateUnit unit);
  void ApplyInstant(size_t step, CounterKind kind);
  void ApplyTotal(size_t step);
  void ApplyEdge(size_t step, bool first);
  void CountEvents(size_t step);
  bool IsEvent(bool histogram, size_t i);

  bool OnlyHistograms(size_t step);
  void Clear(size_t step) { ClearBit(out_.present, step); }
  void Set(size_t step, std::optional<Histogram> result) {
    if (!result.has_value()) return Clear(step);
    out_.SetHistogram(step, std::make_shared<const Histogram>(std::move(*result)));
  }
  int64_t FloatTime(size_t i) const { return samples_.timestamps_ms[i]; }
  int64_t HistogramTime(size_t i) const { return samples_.histogram_timestamps_ms[i]; }

  const FunctionId function_;
  const HistogramRangeInput& input_;
  const engine::SampleBuffer& samples_;
  const std::span<const StepWindow> float_windows_;
  const std::span<const StepWindow> windows_;
  const StartTimes start_times_;
  SeriesNotes* const notes_;
  const Column out_;
  HistogramRates rates_;
};

// Functions that take one kind of sample or the other: false, with a warning, where both are.
bool HistogramRange::OnlyHistograms(size_t step) {
  if (float_windows_[step].size() == 0) return true;
  notes_->Add(HistogramNote::kMixedSamples);
  Clear(step);
  return false;
}

void HistogramRange::ApplyRate(size_t step, CounterKind kind, RateUnit unit) {
  if (!OnlyHistograms(step)) return;
  Set(step, input_.edges == RangeEdges::kPlain ? rates_.Extrapolated(step, kind, unit)
                                               : ExtendedRate(input_, step, kind, unit, notes_));
}

// irate and idelta: of the last two samples, of whichever kind.
void HistogramRange::ApplyInstant(size_t step, CounterKind kind) {
  const StepWindow floats = float_windows_[step];
  const StepWindow window = windows_[step];
  if (floats.size() + window.size() < 2) return Clear(step);
  const int64_t last_float = floats.size() > 0 ? FloatTime(floats.end - 1) : INT64_MIN;
  const int64_t last_histogram = HistogramTime(window.end - 1);
  if (floats.size() > 1 && FloatTime(floats.end - 2) > last_histogram) return;  // both floats
  if (window.size() > 1 && HistogramTime(window.end - 2) > last_float) {
    return Set(step, rates_.Between(window.end - 1, kind));
  }
  notes_->Add(HistogramNote::kMixedSamples);
  Clear(step);
}

// sum_over_time and avg_over_time.
void HistogramRange::ApplyTotal(size_t step) {
  if (!OnlyHistograms(step)) return;
  const StepWindow window = windows_[step];
  const bool average = function_ == FunctionId::kAvgOverTime;
  const Histogram& first = *samples_.histograms[window.begin];
  histogram::CompensatedHistogram sum(first);
  histogram::HistogramMean mean(first);
  histogram::HintWatch hints;
  hints.See(first.reset_hint);
  bool reconciled = false;
  for (size_t i = window.begin + 1; i < window.end; ++i) {
    const Histogram& next = *samples_.histograms[i];
    const histogram::CombineOutcome outcome = average ? mean.Add(next) : sum.Add(next);
    if (outcome.incompatible) {
      notes_->Add(HistogramNote::kMixedSchemas);
      return Clear(step);
    }
    hints.See(next.reset_hint);
    reconciled = reconciled || outcome.bounds_reconciled;
  }
  if (hints.Collides()) notes_->Add(HistogramNote::kResetsCollideInAggregation);
  if (reconciled) notes_->Add(HistogramNote::kBoundsReconciledInAggregation);
  Set(step, average ? mean.Mean() : sum.Total());
}

// first_over_time and last_over_time: the sample itself.
void HistogramRange::ApplyEdge(size_t step, bool first) {
  const StepWindow floats = float_windows_[step];
  const StepWindow window = windows_[step];
  const size_t at = first ? window.begin : window.end - 1;
  if (floats.size() > 0) {
    const int64_t float_time = FloatTime(first ? floats.begin : floats.end - 1);
    if (first ? float_time < HistogramTime(at) : float_time > HistogramTime(at)) return;
  }
  out_.SetHistogram(step, samples_.histograms[at]);
}

// Whether a sample is a reset (or change) against the one before of its kind.
bool HistogramRange::IsEvent(bool histogram, size_t i) {
  if (function_ == FunctionId::kResets) {
    if (histogram) return rates_.IsReset(i);
    if (samples_.values[i] < samples_.values[i - 1]) return true;
    if (start_times_ == StartTimes::kIgnored || samples_.start_times_ms.empty()) return false;
    return IsStartReset({FloatTime(i - 1), samples_.start_times_ms[i - 1]},
                        {FloatTime(i), samples_.start_times_ms[i]});
  }
  if (histogram) {
    return !histogram::SameMeaning(*samples_.histograms[i], *samples_.histograms[i - 1]);
  }
  const double value = samples_.values[i];
  const double before = samples_.values[i - 1];
  return value != before && !(std::isnan(value) && std::isnan(before));
}

// resets and changes; going over from floats to histograms or back is both.
void HistogramRange::CountEvents(size_t step) {
  AnchoredWindows windows{float_windows_[step], windows_[step]};
  if (input_.edges != RangeEdges::kPlain) windows = FromAnchor(input_, step);
  const auto [floats, window] = windows;
  if (floats.size() + window.size() == 0) return Clear(step);
  size_t f = floats.begin;
  size_t h = window.begin;
  uint32_t events = 0;
  bool was_histogram = false;
  for (uint32_t seen = 0; f < floats.end || h < window.end; ++seen) {
    const bool histogram = f == floats.end || (h < window.end && HistogramTime(h) < FloatTime(f));
    const size_t i = histogram ? h++ : f++;
    if (seen > 0 && (histogram != was_histogram || IsEvent(histogram, i))) ++events;
    was_histogram = histogram;
  }
  out_.SetFloat(step, events);
}

void HistogramRange::Evaluate(size_t step) {
  const StepWindow floats = float_windows_[step];
  const StepWindow window = windows_[step];
  switch (function_) {
    case FunctionId::kRate:
      return ApplyRate(step, CounterKind::kCounter, RateUnit::kPerSecond);
    case FunctionId::kIncrease:
      return ApplyRate(step, CounterKind::kCounter, RateUnit::kTotal);
    case FunctionId::kDelta:
      return ApplyRate(step, CounterKind::kGauge, RateUnit::kTotal);
    case FunctionId::kIrate:
      return ApplyInstant(step, CounterKind::kCounter);
    case FunctionId::kIdelta:
      return ApplyInstant(step, CounterKind::kGauge);
    case FunctionId::kSumOverTime:
    case FunctionId::kAvgOverTime:
      return ApplyTotal(step);
    case FunctionId::kFirstOverTime:
      return ApplyEdge(step, true);
    case FunctionId::kLastOverTime:
      return ApplyEdge(step, false);
    case FunctionId::kResets:
    case FunctionId::kChanges:
      return CountEvents(step);
    case FunctionId::kCountOverTime:
      return out_.SetFloat(step, floats.size() + window.size());
    case FunctionId::kPresentOverTime:
    case FunctionId::kAbsentOverTime:
      return out_.SetFloat(step, 1);
    case FunctionId::kTsOfFirstOverTime: {
      const int64_t time = HistogramTime(window.begin);
      return out_.SetFloat(
          step, Seconds(floats.size() > 0 ? std::min(time, FloatTime(floats.begin)) : time));
    }
    case FunctionId::kTsOfLastOverTime: {
      const int64_t time = HistogramTime(window.end - 1);
      return out_.SetFloat(
          step, Seconds(floats.size() > 0 ? std::max(time, FloatTime(floats.end - 1)) : time));
    }
    default:
      // Functions of floats alone: what they made of the floats stands.
      if (floats.size() > 0) notes_->Add(HistogramNote::kIgnoredInRange);
  }
}

}  // namespace

void EvaluateHistogramRange(FunctionId function, const HistogramRangeInput& input,
                            StartTimes start_times, SeriesNotes* notes, Column out) {
  HistogramRange(function, input, start_times, notes, out).Run();
}

}  // namespace varve::promql::exec
