// Compensated summation (Kahan's, with Neumaier's improvement), as the reference sums: a running
// sum and the rounding error that it has lost so far.
#pragma once

#include <cmath>

namespace varve {

struct KahanSum {
  double sum = 0;
  double compensation = 0;

  void Add(double value) {
    const double total = sum + value;
    const double lost =
        std::fabs(sum) >= std::fabs(value) ? (sum - total) + value : (value - total) + sum;
    // An infinite total would make the error NaN for ever.
    compensation = std::isinf(total) ? 0 : compensation + lost;
    sum = total;
  }
  double Total() const { return std::isinf(sum) ? sum : sum + compensation; }
};

// A mean that sums directly while the sum stays finite and goes over to an incremental mean when
// it would overflow.
class KahanMean {
 public:
  void Add(double value) {
    count_ += 1;
    if (!incremental_) {
      KahanSum next = state_;
      next.Add(value);
      if (count_ == 1 || !std::isinf(next.sum)) {
        state_ = next;
        return;
      }
      incremental_ = true;
      state_.sum /= count_ - 1;
      state_.compensation /= count_ - 1;
    }
    const double weight = (count_ - 1) / count_;
    state_.sum *= weight;
    state_.compensation *= weight;
    state_.Add(value / count_);
  }
  // REQUIRES: Add was called.
  double Mean() const {
    if (incremental_) return state_.sum + state_.compensation;
    return state_.sum / count_ + state_.compensation / count_;
  }

 private:
  KahanSum state_;  // the sum, or the mean once incremental_
  double count_ = 0;
  bool incremental_ = false;
};

// Welford's running variance with compensated mean and squared deviations.
class KahanVariance {
 public:
  void Add(double value) {
    count_ += 1;
    const double delta = value - (mean_.sum + mean_.compensation);
    mean_.Add(delta / count_);
    squares_.Add(delta * (value - (mean_.sum + mean_.compensation)));
  }
  // Of the population. REQUIRES: Add was called.
  double Variance() const { return (squares_.sum + squares_.compensation) / count_; }

 private:
  KahanSum mean_;
  KahanSum squares_;
  double count_ = 0;
};

}  // namespace varve
