// rate, increase, delta, irate and idelta of native histograms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "query/exec/histogram_range.h"
#include "query/exec/start_times.h"

namespace varve::promql::exec {

enum class CounterKind : uint8_t { kCounter, kGauge };
enum class RateUnit : uint8_t { kPerSecond, kTotal };

// Of one series; remembers between which of its samples the counter was reset. Not thread-safe.
class HistogramRates {
 public:
  HistogramRates(const HistogramRangeInput& input, StartTimes start_times, SeriesNotes* notes)
      : samples_(*input.samples),
        windows_(*input.histogram_windows),
        start_times_(start_times),
        notes_(notes) {}

  // The increase over the samples of a window, extrapolated to the edges of the range. A single
  // sample has one only if its start time lies in the range.
  std::optional<Histogram> Extrapolated(size_t step, CounterKind kind, RateUnit unit);
  // The difference of samples i - 1 and i.
  std::optional<Histogram> Between(size_t i, CounterKind kind);
  // Whether the counter was reset between samples i - 1 and i. REQUIRES: i > 0.
  bool IsReset(size_t i);

 private:
  enum class Known : uint8_t { kNo, kReset, kNoReset };

  const Histogram& At(size_t i) const { return *samples_.histograms[i]; }
  bool IsGauge(size_t i) const { return At(i).reset_hint == CounterResetHint::kGauge; }
  SampleTimes TimesAt(size_t i) const;
  bool IsStartReset(size_t i) const { return exec::IsStartReset(TimesAt(i - 1), TimesAt(i)); }
  bool CheckWindow(StepWindow window, CounterKind kind, const Histogram& first, int32_t* schema);
  std::optional<Histogram> Increase(StepWindow window, CounterKind kind);
  void AddResets(StepWindow window, const Histogram& first, Histogram* increase);

  const engine::SampleBuffer& samples_;
  RangeWindows& windows_;
  const StartTimes start_times_;
  SeriesNotes* const notes_;
  std::vector<Known> resets_;  // by the later sample
};

}  // namespace varve::promql::exec
