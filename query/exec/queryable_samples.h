// QueryableSamples: the samples that the evaluation of each step looked at, as Prometheus counts
// them (totalQueryableSamples): a sample once for every step whose window or lookback holds it, a
// native histogram by its size in units of 16 bytes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "query/exec/time_grid.h"
#include "varve/histogram.h"

namespace varve::promql::exec {

// What a native histogram counts for.
uint64_t QueryableSamplesOf(const Histogram& histogram);

// Thread safety: all methods from any thread.
class QueryableSamples {
 public:
  enum class Detail : uint8_t { kTotal, kPerStep };
  QueryableSamples(size_t step_count, Detail detail)
      : per_step_(detail == Detail::kPerStep ? step_count : 0) {}

  bool wants_steps() const { return !per_step_.empty(); }
  void Add(uint64_t samples) { total_.fetch_add(samples, std::memory_order_relaxed); }
  // REQUIRES: wants_steps(). Does not add to the total.
  void AddAt(size_t step, uint64_t samples) {
    per_step_[step].fetch_add(samples, std::memory_order_relaxed);
  }
  uint64_t total() const { return total_.load(std::memory_order_relaxed); }
  // Empty unless wants_steps().
  std::vector<std::pair<int64_t, uint64_t>> PerStep(const TimeGrid& grid) const;

 private:
  std::atomic<uint64_t> total_{0};
  std::vector<std::atomic<uint64_t>> per_step_;
};

}  // namespace varve::promql::exec
