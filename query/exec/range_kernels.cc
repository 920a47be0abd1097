#include "query/exec/range_kernels.h"

#include <utility>

namespace varve::promql::exec {

const RangeKernel* FindRangeKernel(FunctionId function, RangeEdges edges) {
  if (edges != RangeEdges::kPlain) return FindExtendedKernel(function, edges);
  if (const RangeKernel* kernel = FindRateKernel(function)) return kernel;
  if (const RangeKernel* kernel = FindOverTimeKernel(function)) return kernel;
  return FindTrendKernel(function);
}

void RemoveStaleMarkers(engine::SampleBuffer* samples) {
  std::vector<double>& values = samples->values;
  // Counted without a branch, which compilers turn into vector code.
  size_t stale_count = 0;
  for (const double value : values) stale_count += IsStaleMarker(value) ? 1 : 0;
  if (stale_count == 0) return;
  std::vector<int64_t>& start_times_ms = samples->start_times_ms;
  size_t kept = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (IsStaleMarker(values[i])) continue;
    values[kept] = values[i];
    samples->timestamps_ms[kept] = samples->timestamps_ms[i];
    if (!start_times_ms.empty()) start_times_ms[kept] = start_times_ms[i];
    if (!samples->weights.empty()) samples->weights[kept] = samples->weights[i];
    ++kept;
  }
  values.resize(kept);
  samples->timestamps_ms.resize(kept);
  if (!start_times_ms.empty()) start_times_ms.resize(kept);
  if (!samples->weights.empty()) samples->weights.resize(kept);
}

void RemoveStaleHistograms(engine::SampleBuffer* samples) {
  const bool starts_known = !samples->histogram_start_times_ms.empty();
  size_t kept = 0;
  for (size_t i = 0; i < samples->histograms.size(); ++i) {
    if (samples->histograms[i]->is_stale_marker()) continue;
    if (kept != i) {
      samples->histograms[kept] = std::move(samples->histograms[i]);
      samples->histogram_timestamps_ms[kept] = samples->histogram_timestamps_ms[i];
      if (starts_known) {
        samples->histogram_start_times_ms[kept] = samples->histogram_start_times_ms[i];
      }
      if (!samples->histogram_weights.empty()) {
        samples->histogram_weights[kept] = samples->histogram_weights[i];
      }
    }
    ++kept;
  }
  samples->histograms.resize(kept);
  samples->histogram_timestamps_ms.resize(kept);
  if (starts_known) samples->histogram_start_times_ms.resize(kept);
  if (!samples->histogram_weights.empty()) samples->histogram_weights.resize(kept);
}

}  // namespace varve::promql::exec
