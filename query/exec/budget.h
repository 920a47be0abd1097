// QueryBudget: what one query may hold and how long it may run.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <utility>

#include "base/clock.h"
#include "varve/promql.h"
#include "varve/status.h"

namespace varve::promql::exec {

// Invariant: what is held never exceeds the limits; a charge that would is refused whole.
// Thread safety: all methods from any thread.
class QueryBudget {
 public:
  struct Limits {
    uint64_t samples_max = UINT64_MAX;
    uint64_t bytes_max = UINT64_MAX;
    int64_t deadline_ns = INT64_MAX;  // of clock's SteadyNs
  };

  // `clock` is borrowed.
  QueryBudget(const Limits& limits, const Clock* clock, std::stop_token stop)
      : limits_(limits), clock_(clock), stop_(std::move(stop)) {}

  // Errors: kResourceExhausted, naming the limit.
  Status Charge(uint64_t samples, uint64_t bytes);
  // REQUIRES: as much was charged.
  void Release(uint64_t samples, uint64_t bytes);
  // Errors: kDeadlineExceeded, kCancelled.
  Status CheckTime() const;
  // Samples that may still be held.
  uint64_t samples_left() const {
    const uint64_t held = samples_held();
    return held < limits_.samples_max ? limits_.samples_max - held : 0;
  }
  // The error of samples_max, for who found out without charging.
  Status SamplesExceeded() const;
  // The most bytes that were held at once.
  uint64_t bytes_peak() const { return bytes_peak_.load(std::memory_order_relaxed); }
  // Refuses a number of evaluation steps whose smallest result could not be held.
  Status CheckSteps(size_t step_count) const;

  void CountRead(uint64_t samples) {
    samples_read_.fetch_add(samples, std::memory_order_relaxed);
    series_read_.fetch_add(1, std::memory_order_relaxed);
  }
  // What was read and held.
  void FillStatistics(QueryStatistics* out) const;
  const Clock* clock() const { return clock_; }
  uint64_t samples_held() const { return samples_.load(std::memory_order_relaxed); }
  uint64_t bytes_held() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  Status BytesExceeded() const;

  const Limits limits_;
  const Clock* const clock_;
  const std::stop_token stop_;
  std::atomic<uint64_t> samples_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> samples_peak_{0};
  std::atomic<uint64_t> bytes_peak_{0};
  std::atomic<uint64_t> samples_read_{0};
  std::atomic<uint64_t> series_read_{0};
};

// What its owner holds of a budget; given back at destruction. Not thread-safe.
class BudgetShare {
 public:
  explicit BudgetShare(QueryBudget* budget) : budget_(budget) {}
  ~BudgetShare() { Reset(); }
  BudgetShare(BudgetShare&& other) noexcept
      : budget_(other.budget_),
        samples_(std::exchange(other.samples_, 0)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  BudgetShare& operator=(BudgetShare&& other) noexcept {
    if (this == &other) return *this;
    Reset();
    budget_ = other.budget_;
    samples_ = std::exchange(other.samples_, 0);
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }

  Status Add(uint64_t samples, uint64_t bytes);
  // Takes over what `other` holds. REQUIRES: of the same budget.
  void Absorb(BudgetShare* other);
  void Reset();
  QueryBudget* budget() const { return budget_; }

 private:
  QueryBudget* budget_;
  uint64_t samples_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace varve::promql::exec
