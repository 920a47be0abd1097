// Sums and means of native histograms, with compensated summation in every bucket.
#pragma once

#include <optional>

#include "base/histogram/arithmetic.h"
#include "varve/histogram.h"

namespace varve::histogram {

// Not thread-safe.
class CompensatedHistogram {
 public:
  explicit CompensatedHistogram(const Histogram& first);

  // Leaves everything as it was when incompatible.
  CombineOutcome Add(const Histogram& other);
  // Adds what `other` holds, its lost parts too.
  CombineOutcome Add(const CompensatedHistogram& other);
  void Scale(double factor);
  void DivideBy(double divisor);
  bool HasOverflow() const { return histogram::HasOverflow(sum_); }
  // The sum with what was lost added back.
  Histogram Total() const;
  const Histogram& sum() const { return sum_; }

 private:
  Histogram sum_;
  std::optional<Lost> lost_;  // from the second summand on
};

// A mean that sums directly while the sum stays finite and goes over to an incremental mean when
// it would overflow (as KahanMean does for floats). Not thread-safe.
class HistogramMean {
 public:
  explicit HistogramMean(const Histogram& first) : state_(first) {}

  // Leaves everything as it was when incompatible.
  CombineOutcome Add(const Histogram& other);
  // Adds `later`, a mean of other summands.
  CombineOutcome Merge(const HistogramMean& later);
  Histogram Mean() const;

 private:
  void GoIncremental();

  CompensatedHistogram state_;  // the sum, or the mean once incremental_
  double count_ = 1;
  bool incremental_ = false;
};

// What the hints of several summands say together: a warning when some say that a counter was
// reset and some that none was.
class HintWatch {
 public:
  void See(CounterResetHint hint) {
    reset_seen_ = reset_seen_ || hint == CounterResetHint::kReset;
    no_reset_seen_ = no_reset_seen_ || hint == CounterResetHint::kNoReset;
  }
  void See(const HintWatch& other) {
    reset_seen_ = reset_seen_ || other.reset_seen_;
    no_reset_seen_ = no_reset_seen_ || other.no_reset_seen_;
  }
  bool Collides() const { return reset_seen_ && no_reset_seen_; }

 private:
  bool reset_seen_ = false;
  bool no_reset_seen_ = false;
};

}  // namespace varve::histogram
