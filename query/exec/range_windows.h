// Which samples of a series each evaluation step looks at, found in one pass over samples and
// steps and kept as long as the next series has the same timestamps (series of one scrape do).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "query/exec/time_grid.h"
#include "query/promql/ast.h"

namespace varve::promql::exec {

// The samples [begin, end) of a series.
struct StepWindow {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t size() const { return end - begin; }
};

// What rate, increase and delta need of a window besides its values; all in seconds.
struct RateGeometry {
  double sampled_interval = 0;  // from the first to the last sample
  double to_start = 0;          // how far to extrapolate before the first sample
  double to_end = 0;            // and behind the last one
};

// How far a window goes beyond the range, for the samples from which `anchored` and `smoothed` tell
// the values at the range's edges.
struct RangeReach {
  int64_t before_ms = 0;
  int64_t after_ms = 0;
};
RangeReach ReachOf(RangeEdges edges, int64_t lookback_ms);

// The windows of a range selector: (t - range, t] for the shifted time t of each step, and what
// `reach` adds.
// Not thread-safe; one per worker.
class RangeWindows {
 public:
  RangeWindows(const TimeGrid& grid, const TimeShift& shift, int64_t range_ms,
               RangeReach reach = {})
      : grid_(grid), shift_(shift), range_ms_(range_ms), reach_(reach) {}

  // Windows for samples at `times_ms`, which stand for `weights` samples each (empty: for one).
  // REQUIRES: ascending, fewer than 2^32.
  void Bind(std::span<const int64_t> times_ms, std::span<const double> weights = {});
  // The samples that window `step` stands for.
  double CountIn(size_t step) const;

  // One per step; both ends ascend with the step.
  std::span<const StepWindow> windows() const { return windows_; }
  // The windows' sizes together.
  uint64_t visit_count() const { return visit_count_; }
  // One per step, meaningful where the window has two samples or more. REQUIRES: the times given
  // to Bind are still there.
  std::span<const RateGeometry> Geometry();
  // The shifted times between which the range of a step lies; the start is no part of it.
  int64_t RangeStart(size_t step) const { return SaturatingSub(RangeEnd(step), range_ms_); }
  int64_t RangeEnd(size_t step) const { return shift_.Apply(grid_.At(step)); }

  const TimeGrid& grid() const { return grid_; }
  int64_t range_ms() const { return range_ms_; }
  // As Go's Duration.Seconds() rounds it.
  double range_seconds() const {
    return static_cast<double>(range_ms_ / 1000) +
           static_cast<double>(range_ms_ % 1000 * 1'000'000) / 1e9;
  }

  // The reference extrapolates to the edge of the range when it is at most this much further away
  // than the samples are from each other, and by half their distance otherwise.
  static constexpr double kExtrapolationThreshold = 1.1;

 private:
  const TimeGrid grid_;
  const TimeShift shift_;
  const int64_t range_ms_;
  const RangeReach reach_;
  std::vector<int64_t> times_ms_;  // that the rest was made for
  std::vector<double> weights_;
  std::vector<StepWindow> windows_;
  std::vector<RateGeometry> geometry_;  // empty until asked for
  uint64_t visit_count_ = 0;
};

// The sample that stands for a series at each step: the last one in (t - lookback, t].
// Not thread-safe; one per worker.
class LookbackIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  LookbackIndex(const TimeGrid& grid, const TimeShift& shift, int64_t lookback_ms)
      : grid_(grid), shift_(shift), lookback_ms_(lookback_ms) {}

  // The index of that sample per step, or kNone. REQUIRES: as RangeWindows::Bind.
  std::span<const uint32_t> Bind(std::span<const int64_t> times_ms);

 private:
  const TimeGrid grid_;
  const TimeShift shift_;
  const int64_t lookback_ms_;
  std::vector<int64_t> times_ms_;
  std::vector<uint32_t> index_;
};

}  // namespace varve::promql::exec
