// Range functions over series that have native histograms among their samples.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/reader.h"
#include "query/exec/annotations.h"
#include "query/exec/range_windows.h"
#include "query/exec/vector_value.h"
#include "query/promql/function_table.h"

namespace varve::promql::exec {

// What a function sees of a series: no stale markers, windows bound to the times of either kind.
struct HistogramRangeInput {
  const engine::SampleBuffer* samples = nullptr;
  RangeWindows* float_windows = nullptr;
  RangeWindows* histogram_windows = nullptr;
  std::string_view metric;
  RangeEdges edges = RangeEdges::kPlain;
};

// Annotates each note once per series. Not thread-safe.
class SeriesNotes {
 public:
  SeriesNotes(Annotations* annotations, std::string_view metric, PositionRange position)
      : annotations_(annotations), metric_(metric), position_(position) {}
  void Add(HistogramNote note) {
    const uint32_t bit = uint32_t{1} << static_cast<uint32_t>(note);
    if ((said_ & bit) != 0) return;
    said_ |= bit;
    annotations_->Histogram(note, metric_, position_);
  }

 private:
  static_assert(kHistogramNoteCount <= 32);
  Annotations* const annotations_;
  const std::string_view metric_;
  const PositionRange position_;
  uint32_t said_ = 0;
};

// How start timestamps count (EngineOptions::use_start_timestamps).
enum class StartTimes : uint8_t { kIgnored, kHeeded };

// Finishes what the float kernel of `function` left in `out` (a column with room for histograms,
// evaluated on the series' floats alone): at steps whose window holds a histogram, the result, or
// none, is set as the reference defines it.
void EvaluateHistogramRange(FunctionId function, const HistogramRangeInput& input,
                            StartTimes start_times, SeriesNotes* notes, Column out);

}  // namespace varve::promql::exec
