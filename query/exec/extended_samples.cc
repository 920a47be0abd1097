#include "query/exec/extended_samples.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "query/exec/range_kernels.h"

namespace varve::promql::exec {

void ExtendToEdges(RangeEdges edges, int64_t start_ms, int64_t end_ms,
                   engine::SampleBuffer* samples) {
  const bool smoothed = edges == RangeEdges::kSmoothed;
  const std::vector<int64_t> times = std::exchange(samples->timestamps_ms, {});
  const std::vector<double> values = std::exchange(samples->values, {});
  samples->start_times_ms.clear();
  if (times.empty()) return;
  const auto before_last = times.end() - 1;
  const auto after = std::upper_bound(times.begin(), before_last, start_ms);
  size_t begin = static_cast<size_t>(std::max<std::ptrdiff_t>(1, after - times.begin())) - 1;
  size_t last = times.size() - 1;
  if (smoothed) {
    last =
        static_cast<size_t>(std::lower_bound(times.begin(), before_last, end_ms) - times.begin());
  }
  if (times[last] <= start_ms) return;
  const auto between = [&](size_t i, int64_t time_ms) {
    return InterpolateLinearly({times[i], values[i]}, {times[i + 1], values[i + 1]}, time_ms);
  };
  const double left =
      smoothed && times[begin] < start_ms ? between(begin, start_ms) : values[begin];
  const double right =
      smoothed && last > 0 && times[last] > end_ms ? between(last - 1, end_ms) : values[last];
  if (times[begin] <= start_ms) ++begin;
  const size_t end = times[last] >= end_ms ? last : last + 1;
  samples->timestamps_ms.push_back(start_ms);
  samples->values.push_back(left);
  for (size_t i = begin; i < end; ++i) {
    samples->timestamps_ms.push_back(times[i]);
    samples->values.push_back(values[i]);
  }
  samples->timestamps_ms.push_back(end_ms);
  samples->values.push_back(right);
}

}  // namespace varve::promql::exec
