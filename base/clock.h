// Time as a dependency, so that tests can hold it.
#pragma once

#include <atomic>
#include <cstdint>

namespace varve {

// Thread safety: all methods from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock, milliseconds since the Unix epoch.
  virtual int64_t NowMs() const = 0;
  // Monotonic nanoseconds, for durations and deadlines only.
  virtual int64_t SteadyNs() const = 0;
  // The operating system's clock; lives for ever.
  static const Clock* System();
};

// Stands still until it is moved.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t now_ms) : now_ms_(now_ms) {}
  int64_t NowMs() const override { return now_ms_.load(std::memory_order_relaxed); }
  int64_t SteadyNs() const override { return NowMs() * 1'000'000; }
  void SetMs(int64_t now_ms) { now_ms_.store(now_ms, std::memory_order_relaxed); }
  void AdvanceMs(int64_t delta_ms) { now_ms_.fetch_add(delta_ms, std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> now_ms_;
};

}  // namespace varve
