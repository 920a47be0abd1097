// rate, increase, delta, irate, idelta, resets, changes.
#include <algorithm>
#include <cmath>

#include "query/exec/range_kernels.h"

namespace varve::promql::exec {
namespace {

enum class Counter : uint8_t { kYes, kNo };
enum class Unit : uint8_t { kPerSecond, kTotal };

// The indices of the samples that are less than the one before. Blocks without any, nearly all,
// are found without a branch per sample.
void FindResets(std::span<const double> values, std::vector<uint32_t>* resets) {
  constexpr size_t kBlock = 32;
  resets->clear();
  const double* v = values.data();
  for (size_t begin = 1; begin < values.size(); begin += kBlock) {
    const size_t end = std::min(begin + kBlock, values.size());
    unsigned any = 0;
    for (size_t i = begin; i < end; ++i) any |= v[i] < v[i - 1] ? 1u : 0u;
    if (any == 0) continue;
    for (size_t i = begin; i < end; ++i) {
      if (v[i] < v[i - 1]) resets->push_back(static_cast<uint32_t>(i));
    }
  }
}

// The increase seen in the samples, extrapolated to the edges of the range where the samples'
// spacing suggests that the series goes on there.
template <Counter kCounter, Unit kUnit>
void Extrapolated(const RangeInput& in, StepSpan steps, KernelScratch* scratch, Column out) {
  const std::span<const RateGeometry> geometry = in.windows->Geometry();
  const double* values = in.values.data();
  std::vector<uint32_t>& resets = scratch->indices;
  resets.clear();
  if constexpr (kCounter == Counter::kYes) FindResets(in.values, &resets);
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
    const double increase = last < previous ? last : last - previous;
    const int64_t interval_ms = in.times_ms[window.end - 1] - in.times_ms[window.end - 2];
    return increase / (static_cast<double>(interval_ms) / 1000);
  });
}

bool IsReset(double previous, double value) { return value < previous; }
bool IsChange(double previous, double value) {
  return value != previous && !(std::isnan(value) && std::isnan(previous));
}

// How many neighbouring pairs within the window are an event: a difference of prefix counts.
template <bool (*kIsEvent)(double, double)>
void CountEvents(const RangeInput& in, StepSpan steps, KernelScratch* scratch, Column out) {
  std::vector<uint32_t>& events = scratch->indices;  // up to and including a sample
  events.resize(in.values.size());
  uint32_t count = 0;
  for (size_t i = 0; i < in.values.size(); ++i) {
    if (i > 0 && kIsEvent(in.values[i - 1], in.values[i])) ++count;
    events[i] = count;
  }
  ForEachWindow(in, steps, 1, out, [&](StepWindow window, size_t) {
    return static_cast<double>(events[window.end - 1] - events[window.begin]);
  });
}

}  // namespace

const RangeKernel* FindRateKernel(FunctionId function) {
  static constexpr RangeKernel kRate{Extrapolated<Counter::kYes, Unit::kPerSecond>};
  static constexpr RangeKernel kIncrease{Extrapolated<Counter::kYes, Unit::kTotal>};
  static constexpr RangeKernel kDelta{Extrapolated<Counter::kNo, Unit::kTotal>};
  static constexpr RangeKernel kIrate{Instant<Counter::kYes>};
  static constexpr RangeKernel kIdelta{Instant<Counter::kNo>};
  static constexpr RangeKernel kResets{CountEvents<IsReset>};
  static constexpr RangeKernel kChanges{CountEvents<IsChange>};
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
