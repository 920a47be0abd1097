#include "base/histogram/counter_reset.h"

#include <span>
#include <vector>

#include "base/histogram/arithmetic.h"
#include "base/histogram/bucket_side.h"
#include "varve/histogram_buckets.h"

namespace varve::histogram {
namespace {

// The buckets of one side at a lower resolution, from the first that ends outside the zero bucket.
class OutsideBuckets {
 public:
  OutsideBuckets(const Histogram& histogram, std::span<const BucketSpan> spans,
                 std::span<const double> counts, int32_t schema, double zero_threshold)
      : cursor_(spans), counts_(counts), shift_(histogram.schema - schema) {
    Gather();
    if (histogram.uses_custom_buckets()) return;
    while (!done_ && ExponentialBound(schema, index_) <= zero_threshold) Gather();
  }

  bool done() const { return done_; }
  int32_t index() const { return index_; }
  double count() const { return count_; }
  void Next() { Gather(); }

 private:
  void Gather() {
    done_ = cursor_.done();
    if (done_) return;
    index_ = IndexAtLowerSchema(cursor_.index(), shift_);
    count_ = 0;
    while (!cursor_.done() && IndexAtLowerSchema(cursor_.index(), shift_) == index_) {
      count_ += counts_[cursor_.position()];
      cursor_.Next();
    }
  }

  BucketCursor cursor_;
  const std::span<const double> counts_;
  const int shift_;
  bool done_ = false;
  int32_t index_ = 0;
  double count_ = 0;
};

bool AnyFell(OutsideBuckets current, OutsideBuckets previous) {
  for (; !previous.done(); previous.Next()) {
    while (!current.done() && current.index() < previous.index()) current.Next();
    const bool matched = !current.done() && current.index() == previous.index();
    if (matched ? current.count() < previous.count() : previous.count() != 0) return true;
  }
  return false;
}

// Of histograms whose custom bounds differ, at the bounds that both have.
bool AnyFellAtCommonBounds(const Histogram& current, const Histogram& previous) {
  const std::vector<double> bounds = CommonBounds(current.custom_values, previous.custom_values);
  std::vector<double> lost(bounds.size() + 1);
  std::vector<double> now(bounds.size() + 1);
  std::vector<double> before(bounds.size() + 1);
  AddAtBounds(current, 1, bounds, nullptr, &now, &lost);
  lost.assign(lost.size(), 0);
  AddAtBounds(previous, 1, bounds, nullptr, &before, &lost);
  for (size_t i = 0; i < now.size(); ++i) {
    if (now[i] < before[i]) return true;
  }
  return false;
}

}  // namespace

bool DetectReset(const Histogram& current, const Histogram& previous) {
  if (current.reset_hint == CounterResetHint::kReset) return true;
  if (current.reset_hint == CounterResetHint::kNoReset) return false;
  if (current.count < previous.count) return true;
  if (current.uses_custom_buckets()) {
    if (!previous.uses_custom_buckets()) return true;
    if (current.custom_values != previous.custom_values) {
      return AnyFellAtCommonBounds(current, previous);
    }
  }
  if (current.schema > previous.schema) return true;
  if (!(current.zero_threshold >= previous.zero_threshold)) return true;
  const WidenedZeroBucket zero = WidenZeroBucket(previous, nullptr, current.zero_threshold);
  if (zero.threshold != current.zero_threshold || current.zero_count < zero.count) return true;
  const auto outside = [&](const Histogram& of, bool positive) {
    return OutsideBuckets(of, positive ? of.positive_spans : of.negative_spans,
                          positive ? of.positive_buckets : of.negative_buckets, current.schema,
                          current.zero_threshold);
  };
  return AnyFell(outside(current, true), outside(previous, true)) ||
         AnyFell(outside(current, false), outside(previous, false));
}

}  // namespace varve::histogram
