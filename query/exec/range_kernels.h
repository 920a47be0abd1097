// Range kernels: the functions over range vectors, each run over all steps of one series.
//
// A kernel is a pure function of the series' samples and its windows. Where a running update gives
// the reference's exact result (counts, first, last, rate, extremes) the cost is linear in samples
// plus steps; where the reference's rounding depends on summing a window from its start, the
// window is summed again.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/reader.h"
#include "query/exec/range_windows.h"
#include "query/exec/vector_value.h"
#include "query/promql/function_table.h"
#include "varve/write_batch.h"

namespace varve::promql::exec {

inline bool IsStaleMarker(double value) {
  return std::bit_cast<uint64_t>(value) == kStaleMarkerBits;
}

struct RangeInput {
  std::span<const int64_t> times_ms;
  std::span<const double> values;  // no stale markers
  // When counting began, 0 where it is not known; empty when it is not to be heeded.
  std::span<const int64_t> start_times_ms;
  // How many samples each one stands for; empty: itself alone.
  std::span<const double> weights;
  RangeWindows* windows = nullptr;  // bound to times_ms
  // The scalar arguments besides the range vector, in order, one value per step.
  std::span<const double> arg0;
  std::span<const double> arg1;
};

// Steps [begin, end).
struct StepSpan {
  size_t begin = 0;
  size_t end = 0;
};

// Reused from series to series.
struct KernelScratch {
  std::vector<double> values;
  std::vector<uint32_t> indices;
};

using RangeKernelFunction = void (*)(const RangeInput&, StepSpan, KernelScratch*, Column out);

struct RangeKernel {
  // kLinear costs samples + steps and runs once over all steps; kWindowed costs the windows' sizes
  // and may be run over any part of the steps.
  enum class Cost : uint8_t { kLinear, kWindowed };
  RangeKernelFunction run = nullptr;
  Cost cost = Cost::kLinear;
};

// nullptr for functions that take no range vector, or none with such edges.
const RangeKernel* FindRangeKernel(FunctionId function, RangeEdges edges = RangeEdges::kPlain);

// The kernels by family; used by FindRangeKernel and tests.
const RangeKernel* FindRateKernel(FunctionId function);      // rate_kernels.cc
const RangeKernel* FindOverTimeKernel(FunctionId function);  // over_time_kernels.cc
const RangeKernel* FindTrendKernel(FunctionId function);     // trend_kernels.cc
const RangeKernel* FindExtendedKernel(FunctionId function,
                                      RangeEdges edges);  // extended_kernels.cc

// Runs evaluate(window, step) -> double for the steps whose window has `size_min` samples.
template <typename Evaluate>
inline void ForEachWindow(const RangeInput& in, StepSpan steps, uint32_t size_min, Column out,
                          Evaluate&& evaluate) {
  const std::span<const StepWindow> windows = in.windows->windows();
  for (size_t step = steps.begin; step < steps.end; ++step) {
    const StepWindow window = windows[step];
    if (window.size() < size_min) continue;
    out.values[step] = evaluate(window, step);
    SetBit(out.present, step);
  }
}

// A float sample.
struct TimedValue {
  int64_t time_ms = 0;
  double value = 0;
};
// The value at `time_ms` on the line through two samples. REQUIRES: their times differ.
inline double InterpolateLinearly(TimedValue a, TimedValue b, int64_t time_ms) {
  return a.value + (b.value - a.value) * static_cast<double>(time_ms - a.time_ms) /
                       static_cast<double>(b.time_ms - a.time_ms);
}

// Removes stale markers from the floats of a series; almost always there are none.
void RemoveStaleMarkers(engine::SampleBuffer* samples);
// The same of a series' native histograms.
void RemoveStaleHistograms(engine::SampleBuffer* samples);

}  // namespace varve::promql::exec
