#include "query/exec/budget.h"

#include <string>

#include "base/check.h"
#include "base/status_macros.h"

namespace varve::promql::exec {
namespace {

void RaiseTo(uint64_t value, std::atomic<uint64_t>* peak) {
  uint64_t seen = peak->load(std::memory_order_relaxed);
  while (value > seen && !peak->compare_exchange_weak(seen, value)) {
  }
}

}  // namespace

Status QueryBudget::SamplesExceeded() const {
  return ResourceExhaustedError(
      "query processing would load too many samples into memory in query execution (limit: " +
      std::to_string(limits_.samples_max) + " samples)");
}

Status QueryBudget::BytesExceeded() const {
  return ResourceExhaustedError(
      "query processing would use too much memory in query execution (limit: " +
      std::to_string(limits_.bytes_max) + " bytes)");
}

Status QueryBudget::Charge(uint64_t samples, uint64_t bytes) {
  const uint64_t held = samples_.fetch_add(samples, std::memory_order_relaxed) + samples;
  if (held > limits_.samples_max) {
    samples_.fetch_sub(samples, std::memory_order_relaxed);
    return SamplesExceeded();
  }
  const uint64_t bytes_held = bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (bytes_held > limits_.bytes_max) {
    samples_.fetch_sub(samples, std::memory_order_relaxed);
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return BytesExceeded();
  }
  RaiseTo(held, &samples_peak_);
  RaiseTo(bytes_held, &bytes_peak_);
  return OkStatus();
}

void QueryBudget::Release(uint64_t samples, uint64_t bytes) {
  VARVE_DCHECK(samples_held() >= samples && bytes_held() >= bytes);
  samples_.fetch_sub(samples, std::memory_order_relaxed);
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

Status QueryBudget::CheckTime() const {
  if (stop_.stop_requested()) return CancelledError("query was canceled in query execution");
  if (clock_->SteadyNs() >= limits_.deadline_ns) {
    return DeadlineExceededError("query timed out in query execution");
  }
  return OkStatus();
}

Status QueryBudget::CheckSteps(size_t step_count) const {
  if (step_count > limits_.samples_max) return SamplesExceeded();
  if (step_count > limits_.bytes_max / sizeof(double)) return BytesExceeded();
  return OkStatus();
}

void QueryBudget::FillStatistics(QueryStatistics* out) const {
  out->samples_read = samples_read_.load();
  out->series_read = series_read_.load();
  out->samples_peak = samples_peak_.load();
}

Status BudgetShare::Add(uint64_t samples, uint64_t bytes) {
  RETURN_IF_ERROR(budget_->Charge(samples, bytes));
  samples_ += samples;
  bytes_ += bytes;
  return OkStatus();
}

void BudgetShare::Absorb(BudgetShare* other) {
  VARVE_CHECK(budget_ == other->budget_);
  samples_ += std::exchange(other->samples_, 0);
  bytes_ += std::exchange(other->bytes_, 0);
}

void BudgetShare::Reset() {
  if (samples_ != 0 || bytes_ != 0) budget_->Release(samples_, bytes_);
  samples_ = 0;
  bytes_ = 0;
}

}  // namespace varve::promql::exec
