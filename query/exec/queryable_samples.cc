#include "query/exec/queryable_samples.h"

namespace varve::promql::exec {

uint64_t QueryableSamplesOf(const Histogram& histogram) {
  constexpr uint64_t kOwnBytes = 168;  // of the reference's structure
  constexpr uint64_t kElementBytes = 8;
  const uint64_t elements = histogram.positive_spans.size() + histogram.negative_spans.size() +
                            histogram.positive_buckets.size() + histogram.negative_buckets.size() +
                            histogram.custom_values.size();
  constexpr uint64_t kTimeBytes = 8;
  constexpr uint64_t kSampleBytes = 16;
  return (kOwnBytes + kElementBytes * elements + kTimeBytes) / kSampleBytes;
}

std::vector<std::pair<int64_t, uint64_t>> QueryableSamples::PerStep(const TimeGrid& grid) const {
  std::vector<std::pair<int64_t, uint64_t>> out;
  out.reserve(per_step_.size());
  for (size_t step = 0; step < per_step_.size(); ++step) {
    out.emplace_back(grid.At(step), per_step_[step].load(std::memory_order_relaxed));
  }
  return out;
}

}  // namespace varve::promql::exec
