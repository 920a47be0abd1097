// rate, increase, delta, irate, idelta, resets, changes.
#include <algorithm>
#include <cmath>

#include "query/exec/counter_resets.h"
#include "query/exec/range_kernels.h"
#include "query/exec/start_times.h"

namespace varve::promql::exec {
namespace {

enum class Counter : uint8_t { kYes, kNo };
enum class Unit : uint8_t { kPerSecond, kTotal };

// rate and increase where start times are known: if counting began within the range, the counter
// was zero then, and nothing is extrapolated before that.
template <Unit kUnit>
void SinceStart(const RangeInput& in, StepSpan steps, KernelScratch* scratch, Column out) {
  const std::span<const RateGeometry> geometry = in.windows->Geometry();
  std::vector<uint32_t>& resets = scratch->indices;
  FindResets(in, &resets);
  const double range_seconds = in.windows->range_seconds();
  for (size_t step = steps.begin; step < steps.end; ++step) {
    const StepWindow window = in.windows->windows()[step];
    if (window.size() == 0) continue;
    const int64_t start_ms = in.start_times_ms[window.begin];
    const bool began_inside = start_ms != 0 && start_ms > in.windows->RangeStart(step) &&
                              start_ms < in.times_ms[window.begin];
    if (window.size() == 1 && !began_inside) continue;
    const double first = in.values[window.begin];
    double result = in.values[window.end - 1] - first;
    auto reset = std::upper_bound(resets.begin(), resets.end(), window.begin);
    for (; reset != resets.end() && *reset < window.end; ++reset) result += in.values[*reset - 1];
    RateGeometry shape = window.size() == 1 ? RateGeometry() : geometry[step];
    if (began_inside) {
      shape.to_start = 0;
      shape.sampled_interval = static_cast<double>(in.times_ms[window.end - 1] - start_ms) / 1000;
      result += first;
    } else if (result > 0 && first >= 0) {
      shape.to_start = std::min(shape.to_start, shape.sampled_interval * (first / result));
    }
    double factor =
        (shape.sampled_interval + shape.to_start + shape.to_end) / shape.sampled_interval;
    if constexpr (kUnit == Unit::kPerSecond) factor /= range_seconds;
    out.values[step] = result * factor;
    SetBit(out.present, step);
  }
}

// The increase seen in the samples, extrapolated to the edges of the range where the samples'
// spacing suggests that the series goes on there.
template <Counter kCounter, Unit kUnit>
void Extrapolated(const RangeInput& in, StepSpan steps, KernelScratch* scratch, Column out) {
  if (kCounter == Counter::kYes && !in.start_times_ms.empty()) {
    SinceStart<kUnit>(in, steps, scratch, out);
    return;
  }
  const std::span<const RateGeometry> geometry = in.windows->Geometry();
  const double* values = in.values.data();
  std::vector<uint32_t>& resets = scratch->indices;
  resets.clear();
  if constexpr (kCounter == Counter::kYes) FindResets(in, &resets);
  const double range_seconds = in.windows->range_seconds();
  size_t reset_begin = 0;
  ForEachWindow(in, steps, 2, out, [&](StepWindow window, size_t step) {
    const double first = values[window.begin];
    double result = values[window.end - 1] - first;
    const RateGeometry& shape = geometry[step];
    double to_start = shape.to_start;
    if constexpr (kCounter == Counter::kYes) {
      while (reset_begin < resets.size() && resets[reset_begin] <= window.begin) ++reset_begin;
      // Added in the samples' order, so that rounding is the reference's.
      for (size_t r = reset_begin; r < resets.size() && resets[r] < window.end; ++r) {
        result += values[resets[r] - 1];
      }
      // A counter does not go below zero: extrapolate at most to where it would have been zero.
      if (result > 0 && first >= 0) {
        const double to_zero = shape.sampled_interval * (first / result);
        if (to_zero < to_start) to_start = to_zero;
      }
    }
    double factor = (shape.sampled_interval + to_start + shape.to_end) / shape.sampled_interval;
    if constexpr (kUnit == Unit::kPerSecond) factor /= range_seconds;
    return result * factor;
  });
}

// The difference of the last two samples.
template <Counter kCounter>
void Instant(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  ForEachWindow(in, steps, 2, out, [&](StepWindow window, size_t) {
    const double last = in.values[window.end - 1];
    const double previous = in.values[window.end - 2];
    if constexpr (kCounter == Counter::kNo) return last - previous;
    bool began_anew = last < previous;
    if (!in.start_times_ms.empty()) {
      const uint32_t i = window.end - 1;
      began_anew |= IsStartReset({in.times_ms[i - 1], in.start_times_ms[i - 1]},
                                 {in.times_ms[i], in.start_times_ms[i]});
    }
    const double increase = began_anew ? last : last - previous;
    const int64_t interval_ms = in.times_ms[window.end - 1] - in.times_ms[window.end - 2];
    return increase / (static_cast<double>(interval_ms) / 1000);
  });
}

// How many neighbouring pairs within the window are an event: a difference of prefix counts.
template <void (*kCount)(const RangeInput&, std::vector<uint32_t>*)>
void CountEvents(const RangeInput& in, StepSpan steps, KernelScratch* scratch, Column out) {
  std::vector<uint32_t>& counts = scratch->indices;
  kCount(in, &counts);
  ForEachWindow(in, steps, 1, out, [&](StepWindow window, size_t) {
    return static_cast<double>(counts[window.end - 1] - counts[window.begin]);
  });
}

}  // namespace

const RangeKernel* FindRateKernel(FunctionId function) {
  static constexpr RangeKernel kRate{Extrapolated<Counter::kYes, Unit::kPerSecond>};
  static constexpr RangeKernel kIncrease{Extrapolated<Counter::kYes, Unit::kTotal>};
  static constexpr RangeKernel kDelta{Extrapolated<Counter::kNo, Unit::kTotal>};
  static constexpr RangeKernel kIrate{Instant<Counter::kYes>};
  static constexpr RangeKernel kIdelta{Instant<Counter::kNo>};
  static constexpr RangeKernel kResets{CountEvents<CountResets>};
  static constexpr RangeKernel kChanges{CountEvents<CountChanges>};
  switch (function) {
    case FunctionId::kRate:
      return &kRate;
    case FunctionId::kIncrease:
      return &kIncrease;
    case FunctionId::kDelta:
      return &kDelta;
    case FunctionId::kIrate:
      return &kIrate;
    case FunctionId::kIdelta:
      return &kIdelta;
    case FunctionId::kResets:
      return &kResets;
    case FunctionId::kChanges:
      return &kChanges;
    default:
      return nullptr;
  }
}

}  // namespace varve::promql::exec
