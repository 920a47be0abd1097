// Annotations: the warnings and infos of a query, in Prometheus' words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "query/promql/ast.h"

namespace varve::promql::exec {

// How histogram_quantile had to straighten the buckets of one histogram at one step.
struct MonotonicityFix {
  int64_t time_ms = 0;
  double bucket_min = 0;  // upper bounds of the buckets that were raised
  double bucket_max = 0;
  double difference_max = 0;  // by so much
};

// What can be said of native histograms in a query.
enum class HistogramNote : uint8_t {
  kMixedSamples,  // floats and histograms in one range
  kMixedSamplesInAggregation,
  kMixedClassicAndNative,
  kNotCounter,
  kNotGauge,
  kMixedSchemas,    // exponential and custom buckets
  kIgnoredInRange,  // a function of floats met histograms among them
  kQuantileIsNan,   // by observations of NaN
  kQuantileIsSkewed,
  kFractionExcludesNan,
  kResetsCollideInAddition,
  kResetsCollideInSubtraction,
  kResetsCollideInAggregation,
  kBoundsReconciledInAddition,
  kBoundsReconciledInSubtraction,
  kBoundsReconciledInAggregation,
};
inline constexpr size_t kHistogramNoteCount = 16;

// What a sample is.
enum class SampleType : uint8_t { kFloat, kHistogram };

// Equal annotations are kept once. Thread safety: all methods from any thread.
class Annotations {
 public:
  // quantile value should be between 0 and 1
  void InvalidQuantile(double q, PositionRange position);
  // ratio value should be between -1 and 1
  void InvalidRatio(double ratio, double capped_to, PositionRange position);
  // bucket label "le" is missing or has a malformed value
  void BadBucketLabel(std::string_view metric, std::string_view le, PositionRange position);
  // sort is ineffective for range queries
  void SortInRangeQuery(PositionRange position);
  // metric might not be a counter
  void PossibleNonCounter(std::string_view metric, PositionRange position);
  // metric might not be a counter, by its __type__
  void NotOfCounterType(std::string_view metric, std::string_view type, PositionRange position);
  // raw samples are gone: rollups of up to `resolution_ms` stand in for them
  void RollupsStandIn(std::string_view metric, int64_t resolution_ms, PositionRange position);
  // start times of neighbouring samples contradict each other
  void StartTimesOverlap(std::string_view metric, PositionRange position);
  // input to histogram_quantile needed to be fixed for monotonicity; all fixes of one metric and
  // position become one annotation.
  void ForcedMonotonicity(std::string_view metric, const MonotonicityFix& fix,
                          PositionRange position);
  // a binary operator met sample types it has no meaning for
  void IncompatibleTypes(BinaryOp op, SampleType lhs, SampleType rhs, PositionRange position);
  // a binary operator met exponential buckets on one side, custom ones on the other
  void IncompatibleBucketLayout(BinaryOp op, PositionRange position);
  // `metric` is left out of notes that name none.
  void Histogram(HistogramNote note, std::string_view metric, PositionRange position);
  // an aggregation of floats met histograms
  void HistogramIgnoredIn(std::string_view aggregation, PositionRange position);

  // Sorted; each ends in its position in `query`.
  std::vector<std::string> Warnings(std::string_view query) const;
  std::vector<std::string> Infos(std::string_view query) const;
  // How often something was annotated, equal ones included.
  size_t add_count() const;

 private:
  struct MonotonicityFixes {
    PositionRange position;
    MonotonicityFix merged;
    int64_t time_min_ms = 0;
    uint64_t count = 0;
  };

  void AddWarning(std::string text, PositionRange position);
  void AddInfo(std::string text, PositionRange position);

  mutable Mutex mutex_;
  size_t add_count_ GUARDED_BY(mutex_) = 0;
  // By text; of equal texts at several places the last place stays, as in the reference.
  std::map<std::string, PositionRange> warnings_ GUARDED_BY(mutex_);
  std::map<std::string, PositionRange> infos_ GUARDED_BY(mutex_);
  std::map<std::string, MonotonicityFixes> fixes_ GUARDED_BY(mutex_);
};

}  // namespace varve::promql::exec
