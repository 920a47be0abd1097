#include "query/exec/smoothed_series.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "query/exec/extended_histograms.h"
#include "query/exec/range_kernels.h"

namespace varve::promql::exec {
namespace {

// Where a time falls among the samples of a window.
struct Place {
  enum class Kind : uint8_t { kBefore, kExact, kBetween, kBehind };
  Kind kind = Kind::kBefore;
  uint32_t next = 0;  // the first sample at or after the time
};

Place FindPlace(std::span<const int64_t> times, StepWindow window, int64_t time_ms) {
  const auto found =
      std::lower_bound(times.begin() + window.begin, times.begin() + window.end, time_ms);
  const auto next = static_cast<uint32_t>(found - times.begin());
  if (next < window.end && times[next] == time_ms) return {Place::Kind::kExact, next};
  if (next == window.begin) return {Place::Kind::kBefore, next};
  return {next < window.end ? Place::Kind::kBetween : Place::Kind::kBehind, next};
}

HistogramPtr Between(const engine::SampleBuffer& samples, uint32_t next, int64_t time_ms,
                     SeriesNotes* notes) {
  const TimedHistogram a{samples.histogram_timestamps_ms[next - 1],
                         samples.histograms[next - 1].get()};
  const TimedHistogram b{samples.histogram_timestamps_ms[next], samples.histograms[next].get()};
  const bool gauges = a.histogram->reset_hint == CounterResetHint::kGauge &&
                      b.histogram->reset_hint == CounterResetHint::kGauge;
  if (a.histogram->uses_custom_buckets() != b.histogram->uses_custom_buckets()) {
    notes->Add(HistogramNote::kMixedSchemas);
    return nullptr;
  }
  std::optional<Histogram> result =
      Interpolate(a, b, time_ms, gauges ? CounterKind::kGauge : CounterKind::kCounter, notes);
  if (!result.has_value()) return nullptr;
  return std::make_shared<const Histogram>(std::move(*result));
}

// The last histogram, carried on: what its hint says of the one before is not true of this copy.
HistogramPtr Carried(const HistogramPtr& last) {
  if (last->reset_hint == CounterResetHint::kUnknown) return last;
  auto copy = std::make_shared<Histogram>(*last);
  copy->reset_hint = CounterResetHint::kUnknown;
  return copy;
}

}  // namespace

void SmoothFloats(const engine::SampleBuffer& samples, const RangeWindows& windows, Column out) {
  const std::span<const int64_t> times = samples.timestamps_ms;
  const std::vector<double>& values = samples.values;
  for (size_t step = 0; step < windows.grid().count; ++step) {
    const int64_t time_ms = windows.RangeEnd(step);
    const auto [kind, next] = FindPlace(times, windows.windows()[step], time_ms);
    if (kind == Place::Kind::kBefore) continue;
    if (kind == Place::Kind::kExact) {
      out.values[step] = values[next];
    } else if (kind == Place::Kind::kBehind) {
      out.values[step] = values[next - 1];
    } else {
      out.values[step] = InterpolateLinearly({times[next - 1], values[next - 1]},
                                             {times[next], values[next]}, time_ms);
    }
    SetBit(out.present, step);
  }
}

void SmoothHistograms(const HistogramRangeInput& input, SeriesNotes* notes, Column out) {
  const engine::SampleBuffer& samples = *input.samples;
  const RangeWindows& windows = *input.histogram_windows;
  for (size_t step = 0; step < windows.grid().count; ++step) {
    const StepWindow window = windows.windows()[step];
    if (window.size() == 0) continue;
    ClearBit(out.present, step);
    if (input.float_windows->windows()[step].size() > 0) {
      notes->Add(HistogramNote::kMixedSamples);
      continue;
    }
    const int64_t time_ms = windows.RangeEnd(step);
    const auto [kind, next] = FindPlace(samples.histogram_timestamps_ms, window, time_ms);
    if (kind == Place::Kind::kBefore) continue;
    HistogramPtr result;
    if (kind == Place::Kind::kExact) {
      result = samples.histograms[next];
    } else if (kind == Place::Kind::kBehind) {
      result = Carried(samples.histograms[next - 1]);
    } else {
      result = Between(samples, next, time_ms, notes);
    }
    if (result != nullptr) out.SetHistogram(step, std::move(result));
  }
}

}  // namespace varve::promql::exec
