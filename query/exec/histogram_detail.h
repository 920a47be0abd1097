// How much of native histograms is looked at. Where only histogram_count, histogram_sum and
// histogram_avg do, their counts and sums are enough; then it is the buckets that say, once and for
// all, where a counter was reset.
//
// The reference does the same, and it shows: such a query knows of resets for sure, and nothing of
// bucket layouts, so its annotations are others.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/reader.h"
#include "query/promql/ast.h"

namespace varve::promql::exec {

enum class HistogramDetail : uint8_t { kWhole, kCountAndSum };

// What the nodes above the one at hand need. Not thread-safe.
class HistogramDetailTracker {
 public:
  class Scope;
  HistogramDetail detail() const {
    return counts_and_sums_ && !buckets_ ? HistogramDetail::kCountAndSum : HistogramDetail::kWhole;
  }

 private:
  bool counts_and_sums_ = false;  // a function of those is above
  bool buckets_ = false;          // something that needs buckets is
};

// Enters a node until the end of the scope.
class HistogramDetailTracker::Scope {
 public:
  Scope(const Expr& expr, HistogramDetailTracker* tracker);
  ~Scope() { *tracker_ = before_; }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  HistogramDetailTracker* const tracker_;
  const HistogramDetailTracker before_;
};

// Replaces histograms by their counts and sums, with hints that say what their buckets did.
void KeepCountsAndSums(engine::SampleBuffer* samples);

}  // namespace varve::promql::exec
