#include "engine/traces/duration_histogram.h"

#include <algorithm>
#include <cmath>

namespace varve::engine {
namespace {

constexpr double kZeroThreshold = 0x1p-128;

}  // namespace

void DurationHistogram::Add(double seconds) {
  count_ += 1;
  sum_ += seconds;
  if (seconds <= kZeroThreshold) {
    zero_count_ += 1;
    return;
  }
  // Durations are whole nanoseconds: none lies so near to a bound that rounding moves it.
  Find(static_cast<int32_t>(std::ceil(std::log2(seconds) * (1 << kSchema))))->count += 1;
}

DurationHistogram::Bucket* DurationHistogram::Find(int32_t index) {
  const auto at =
      std::lower_bound(buckets_.begin(), buckets_.end(), index,
                       [](const Bucket& bucket, int32_t wanted) { return bucket.index < wanted; });
  if (at != buckets_.end() && at->index == index) return &*at;
  return &*buckets_.insert(at, {index, 0});
}

void DurationHistogram::Restore(const Histogram& before) {
  if (before.schema != kSchema || before.is_stale_marker()) return;
  count_ += before.count;
  zero_count_ += before.zero_count;
  sum_ += before.sum;
  int32_t index = 0;
  size_t bucket = 0;
  for (const BucketSpan& span : before.positive_spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && bucket < before.positive_buckets.size(); ++i) {
      Find(index++)->count += before.positive_buckets[bucket++];
    }
  }
}

Histogram DurationHistogram::ToHistogram() const {
  Histogram histogram;
  histogram.form = Histogram::Form::kInteger;
  histogram.schema = kSchema;
  histogram.zero_threshold = kZeroThreshold;
  histogram.zero_count = zero_count_;
  histogram.count = count_;
  histogram.sum = sum_;
  int32_t next = 0;
  for (const auto& [index, count] : buckets_) {
    if (histogram.positive_spans.empty() || index != next) {
      histogram.positive_spans.push_back(
          {histogram.positive_spans.empty() ? index : index - next, 0});
    }
    ++histogram.positive_spans.back().length;
    histogram.positive_buckets.push_back(count);
    next = index + 1;
  }
  return histogram;
}

}  // namespace varve::engine
