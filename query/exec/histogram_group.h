// The native histograms that a group of sum or avg has seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/histogram/accumulate.h"
#include "query/exec/annotations.h"
#include "query/exec/vector_value.h"

namespace varve::promql::exec {

// Where the annotations of an aggregation go. `aggregation` is where it starts in the query,
// `vector` what it aggregates.
struct AggregationNotes {
  Annotations* annotations = nullptr;
  PositionRange aggregation;
  PositionRange vector;
};

// Step by step. Not thread-safe.
class HistogramGroup {
 public:
  enum class Kind : uint8_t { kSum, kAverage };

  HistogramGroup(Kind kind, size_t step_count) : kind_(kind), steps_(step_count) {}

  // Adds the histograms of `column`; returns the bytes that this took at most.
  uint64_t Add(const Column& column, std::string_view metric, const AggregationNotes& notes);
  // Adds those of a group that saw later series.
  void Merge(HistogramGroup&& later, const AggregationNotes& notes);
  // The results by step. Steps at which the group has floats as well have none: they are cleared
  // in `present`, which holds the steps with floats and gets those of the results.
  std::vector<HistogramPtr> Finish(const AggregationNotes& notes, uint64_t* present);

 private:
  struct StepState {
    // One of them, by kind.
    std::optional<histogram::CompensatedHistogram> sum;
    std::optional<histogram::HistogramMean> mean;
    histogram::HintWatch hints;
    bool incompatible = false;
  };

  void Note(const histogram::CombineOutcome& outcome, std::string_view metric,
            const AggregationNotes& notes, StepState* state) const;
  HistogramPtr Result(const StepState& state) const;

  const Kind kind_;
  std::vector<std::unique_ptr<StepState>> steps_;  // null where no histogram was seen
};

}  // namespace varve::promql::exec
