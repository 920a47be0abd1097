// rate, increase, delta, resets and changes over ranges whose edges are `anchored` or `smoothed`.
//
// Anchored, a range begins with the last sample at or before its start. Smoothed, the values at its
// two edges are interpolated between the samples around them. Nothing is extrapolated, so that the
// increases over neighbouring ranges add up.
#include <algorithm>

#include "query/exec/counter_resets.h"
#include "query/exec/range_kernels.h"

namespace varve::promql::exec {
namespace {

enum class Counter : uint8_t { kYes, kNo };
enum class Unit : uint8_t { kPerSecond, kTotal };

// The value at `time_ms` on the line through the samples `i` and `i + 1`; a counter that falls
// between them began anew at zero.
double Interpolate(const RangeInput& in, uint32_t i, int64_t time_ms, Counter counter) {
  const bool began_anew = counter == Counter::kYes && in.values[i + 1] < in.values[i];
  return InterpolateLinearly({in.times_ms[i], began_anew ? 0 : in.values[i]},
                             {in.times_ms[i + 1], in.values[i + 1]}, time_ms);
}

// The last sample in [begin, end) at or before `time_ms`, or the first one when there is none.
// REQUIRES: begin < end.
uint32_t Anchor(const RangeInput& in, uint32_t begin, uint32_t end, int64_t time_ms) {
  const auto times = in.times_ms.begin();
  const auto after = std::upper_bound(times + begin, times + end, time_ms);
  return std::max(begin + 1, static_cast<uint32_t>(after - times)) - 1;
}

// What the counter lost to resets between the value at the range's start and the one at its end,
// the samples [begin, end) lying between; added in the samples' order. `resets` are the series'.
double LostToResets(const RangeInput& in, uint32_t begin, uint32_t end, double left, double right,
                    const std::vector<uint32_t>& resets) {
  double lost = 0;
  double previous = left;
  if (begin < end) {
    if (in.values[begin] < left) lost += left;
    auto reset = std::upper_bound(resets.begin(), resets.end(), begin);
    for (; reset != resets.end() && *reset < end; ++reset) lost += in.values[*reset - 1];
    previous = in.values[end - 1];
  }
  return right < previous ? lost + previous : lost;
}

template <Counter kCounter, Unit kUnit, RangeEdges kEdges>
void Extended(const RangeInput& in, StepSpan steps, KernelScratch* scratch, Column out) {
  constexpr bool kSmooth = kEdges == RangeEdges::kSmoothed;
  const double range_seconds = in.windows->range_seconds();
  if constexpr (kCounter == Counter::kYes) {
    RangeInput values_only = in;  // start times are not heeded here
    values_only.start_times_ms = {};
    FindResets(values_only, &scratch->indices);
  }
  for (size_t step = steps.begin; step < steps.end; ++step) {
    const StepWindow window = in.windows->windows()[step];
    if (window.size() == 0) continue;
    const int64_t start_ms = in.windows->RangeStart(step);
    const int64_t end_ms = in.windows->RangeEnd(step);
    // The last sample can only be the first one when it is the only one.
    const uint32_t first =
        window.size() == 1 ? window.begin : Anchor(in, window.begin, window.end - 1, start_ms);
    uint32_t last = window.end - 1;
    if (kSmooth) {
      const auto times = in.times_ms.begin();
      last = static_cast<uint32_t>(std::lower_bound(times + window.begin, times + last, end_ms) -
                                   times);
    }
    if (in.times_ms[last] <= start_ms) continue;
    if (kSmooth && in.times_ms[first] > end_ms) continue;
    double left = in.values[first];
    double right = in.values[last];
    if (kSmooth && in.times_ms[first] < start_ms) left = Interpolate(in, first, start_ms, kCounter);
    if (kSmooth && last > window.begin && in.times_ms[last] > end_ms) {
      right = Interpolate(in, last - 1, end_ms, kCounter);
    }
    double result = right - left;
    if constexpr (kCounter == Counter::kYes) {
      // The edges' values have the resets around them in account already.
      const uint32_t begin = first + (in.times_ms[first] <= start_ms ? 1 : 0);
      const uint32_t end = last + (in.times_ms[last] >= end_ms ? 0 : 1);
      result += LostToResets(in, begin, end, left, right, scratch->indices);
    }
    out.values[step] = kUnit == Unit::kPerSecond ? result / range_seconds : result;
    SetBit(out.present, step);
  }
}

// The events from the anchor on; nothing where no sample lies inside the range.
template <void (*kCount)(const RangeInput&, std::vector<uint32_t>*)>
void AnchoredEvents(const RangeInput& in, StepSpan steps, KernelScratch* scratch, Column out) {
  std::vector<uint32_t>& counts = scratch->indices;
  kCount(in, &counts);
  for (size_t step = steps.begin; step < steps.end; ++step) {
    const StepWindow window = in.windows->windows()[step];
    const int64_t start_ms = in.windows->RangeStart(step);
    if (window.size() == 0 || in.times_ms[window.end - 1] <= start_ms) continue;
    const uint32_t first = Anchor(in, window.begin, window.end, start_ms);
    out.values[step] = static_cast<double>(counts[window.end - 1] - counts[first]);
    SetBit(out.present, step);
  }
}

template <RangeEdges kEdges>
const RangeKernel* FindExtendedRate(FunctionId function) {
  static constexpr RangeKernel kRate{Extended<Counter::kYes, Unit::kPerSecond, kEdges>};
  static constexpr RangeKernel kIncrease{Extended<Counter::kYes, Unit::kTotal, kEdges>};
  static constexpr RangeKernel kDelta{Extended<Counter::kNo, Unit::kTotal, kEdges>};
  switch (function) {
    case FunctionId::kRate:
      return &kRate;
    case FunctionId::kIncrease:
      return &kIncrease;
    case FunctionId::kDelta:
      return &kDelta;
    default:
      return nullptr;
  }
}

}  // namespace

const RangeKernel* FindExtendedKernel(FunctionId function, RangeEdges edges) {
  static constexpr RangeKernel kResets{AnchoredEvents<CountResets>};
  static constexpr RangeKernel kChanges{AnchoredEvents<CountChanges>};
  if (edges == RangeEdges::kSmoothed) return FindExtendedRate<RangeEdges::kSmoothed>(function);
  if (function == FunctionId::kResets) return &kResets;
  if (function == FunctionId::kChanges) return &kChanges;
  return FindExtendedRate<RangeEdges::kAnchored>(function);
}

}  // namespace varve::promql::exec
