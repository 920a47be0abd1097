// GroupAccumulator: aggregations that need no more than a few numbers per group and step, so that
// series are added as they are produced and none is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "query/exec/histogram_group.h"
#include "query/exec/label_ops.h"
#include "query/exec/name_rules.h"
#include "query/exec/vector_value.h"
#include "query/promql/ast.h"

namespace varve::promql::exec {

// sum, avg, count, min, max, group, stddev, stdvar.
bool IsStreamingAggregation(AggregationOp op);

// The state of one group: planes of one double per step (what they mean is the operator's), and
// the steps seen.
struct GroupPlanes {
  static constexpr size_t kPlanesMax = 5;
  double* plane[kPlanesMax] = {};
  uint64_t* present = nullptr;
  uint64_t* incremental = nullptr;  // avg: steps whose sum overflowed
};

// How an operator keeps its state.
struct AggregationFunctions {
  size_t plane_count = 0;
  // Adds a series' column. Planes start as zeros.
  void (*add)(const GroupPlanes& group, size_t step_count, const Column& column) = nullptr;
  // Adds `from`, which saw later series.
  void (*merge)(const GroupPlanes& group, size_t step_count, const GroupPlanes& from) = nullptr;
  // Leaves the results in plane 0 (count and group without planes are handled alike).
  void (*finish)(const GroupPlanes& group, size_t step_count) = nullptr;
};

// Not thread-safe: one per worker, merged in the order of their series.
class GroupAccumulator {
 public:
  // REQUIRES: IsStreamingAggregation(op). `projection`, `budget` and the annotations are borrowed.
  GroupAccumulator(AggregationOp op, const LabelProjection* projection, const NameRules& names,
                   const AggregationNotes& notes, size_t step_count, QueryBudget* budget);

  // kDrop: the series counts as having no metric name, or with delayed name removal as losing it
  // at the end. Errors: kResourceExhausted.
  Status Add(const Labels& labels, MetricName name, const Column& column);
  Status Merge(GroupAccumulator&& later);
  // One row per group, in order of first appearance. Ends the accumulator's use.
  Result<VectorValue> Finish();

  // The steps at which any series had a value. REQUIRES: grouped into at most one group.
  std::vector<uint64_t> PresentSteps() const;

 private:
  struct Group {
    std::string key;  // canonical label bytes
    std::unique_ptr<double[]> planes;
    std::unique_ptr<uint64_t[]> bitmaps;
    std::unique_ptr<HistogramGroup> histograms;  // sum and avg, once there is one
    GroupNameRemoval name_removal;
  };
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const;
  };

  Result<size_t> FindOrAddGroup(std::string_view key);
  // Leaves in float_present_ the steps of a column with histograms that are to be added as floats;
  // annotates where histograms are ignored.
  void SelectFloats(const Column& column);
  Status AddHistograms(const Labels& labels, const Column& column, Group* group);
  GroupPlanes Planes(const Group& group) const;

  const AggregationOp op_;
  const AggregationFunctions* const functions_;
  const LabelProjection* const projection_;
  const NameRules names_;
  const AggregationNotes notes_;
  const size_t step_count_;
  BudgetShare share_;
  std::vector<Group> groups_;
  std::unordered_map<std::string, size_t, KeyHash, std::equal_to<>> group_by_key_;
  std::string key_;                      // scratch
  std::vector<uint64_t> float_present_;  // scratch
  size_t last_group_ = 0;                // neighbours are often of one group
};

}  // namespace varve::promql::exec
