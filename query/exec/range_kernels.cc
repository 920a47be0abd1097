#include "query/exec/range_kernels.h"

namespace varve::promql::exec {

const RangeKernel* FindRangeKernel(FunctionId function) {
  if (const RangeKernel* kernel = FindRateKernel(function)) return kernel;
  if (const RangeKernel* kernel = FindOverTimeKernel(function)) return kernel;
  return FindTrendKernel(function);
}

void RemoveStaleMarkers(std::vector<int64_t>* times_ms, std::vector<double>* values) {
  // Counted without a branch, which compilers turn into vector code.
  size_t stale_count = 0;
  for (const double value : *values) stale_count += IsStaleMarker(value) ? 1 : 0;
  if (stale_count == 0) return;
  size_t kept = 0;
  for (size_t i = 0; i < values->size(); ++i) {
    if (IsStaleMarker((*values)[i])) continue;
    (*values)[kept] = (*values)[i];
    (*times_ms)[kept] = (*times_ms)[i];
    ++kept;
  }
  values->resize(kept);
  times_ms->resize(kept);
}

}  // namespace varve::promql::exec
