#include "query/exec/range_windows.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace varve::promql::exec {
namespace {

bool SameTimes(std::span<const int64_t> a, std::span<const int64_t> b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

}  // namespace

RangeReach ReachOf(RangeEdges edges, int64_t lookback_ms) {
  switch (edges) {
    case RangeEdges::kAnchored:
      return {lookback_ms, 0};
    case RangeEdges::kSmoothed:
      return {lookback_ms, lookback_ms};
    case RangeEdges::kPlain:
      break;
  }
  return {};
}

double RangeWindows::CountIn(size_t step) const {
  const StepWindow window = windows_[step];
  if (weights_.empty()) return window.size();
  double count = 0;
  for (uint32_t i = window.begin; i < window.end; ++i) count += weights_[i];
  return count;
}

void RangeWindows::Bind(std::span<const int64_t> times_ms, std::span<const double> weights) {
  const bool same_weights =
      std::equal(weights.begin(), weights.end(), weights_.begin(), weights_.end());
  if (!same_weights) {
    weights_.assign(weights.begin(), weights.end());
    geometry_.clear();
  }
  if (!windows_.empty() && SameTimes(times_ms, times_ms_)) return;
  VARVE_CHECK(times_ms.size() < UINT32_MAX);
  times_ms_.assign(times_ms.begin(), times_ms.end());
  geometry_.clear();
  windows_.resize(grid_.count);
  visit_count_ = 0;
  const size_t count = times_ms.size();
  size_t begin = 0;
  size_t end = 0;
  for (size_t step = 0; step < grid_.count; ++step) {
    const int64_t last = SaturatingAdd(RangeEnd(step), reach_.after_ms);
    const int64_t before = SaturatingSub(RangeStart(step), reach_.before_ms);
    while (end < count && times_ms[end] <= last) ++end;
    while (begin < end && times_ms[begin] <= before) ++begin;
    windows_[step] = {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
    visit_count_ += end - begin;
  }
}

std::span<const RateGeometry> RangeWindows::Geometry() {
  if (!geometry_.empty()) return geometry_;
  geometry_.resize(grid_.count);
  for (size_t step = 0; step < grid_.count; ++step) {
    const StepWindow window = windows_[step];
    if (window.size() < 2) continue;
    const int64_t first = times_ms_[window.begin];
    const int64_t last = times_ms_[window.end - 1];
    const int64_t range_end = RangeEnd(step);
    RateGeometry& out = geometry_[step];
    out.sampled_interval = static_cast<double>(last - first) / 1000;
    out.to_start = static_cast<double>(first - (range_end - range_ms_)) / 1000;
    out.to_end = static_cast<double>(range_end - last) / 1000;
    const double between = out.sampled_interval / (CountIn(step) - 1);
    const double threshold = between * kExtrapolationThreshold;
    if (out.to_start >= threshold) out.to_start = between / 2;
    if (out.to_end >= threshold) out.to_end = between / 2;
  }
  return geometry_;
}

std::span<const uint32_t> LookbackIndex::Bind(std::span<const int64_t> times_ms) {
  if (!index_.empty() && SameTimes(times_ms, times_ms_)) return index_;
  VARVE_CHECK(times_ms.size() < UINT32_MAX);
  times_ms_.assign(times_ms.begin(), times_ms.end());
  index_.resize(grid_.count);
  size_t end = 0;
  for (size_t step = 0; step < grid_.count; ++step) {
    const int64_t at = shift_.Apply(grid_.At(step));
    while (end < times_ms.size() && times_ms[end] <= at) ++end;
    const bool found = end > 0 && times_ms[end - 1] > SaturatingSub(at, lookback_ms_);
    index_[step] = found ? static_cast<uint32_t>(end - 1) : kNone;
  }
  return index_;
}

}  // namespace varve::promql::exec
