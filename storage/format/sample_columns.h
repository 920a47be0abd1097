// SampleColumns: decoded samples of one series, floats and native histograms apart, column by
// column.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "varve/histogram.h"

namespace varve::format {

// No timestamp occurs in both kinds.
struct SampleColumns {
  std::vector<int64_t> timestamps_ms;  // strictly ascending
  std::vector<double> values;          // same length; stale markers included
  // When counting began, 0 where it is not known. Empty: not known anywhere; else as long as
  // `timestamps_ms`.
  std::vector<int64_t> start_times_ms;

  std::vector<int64_t> histogram_timestamps_ms;   // strictly ascending
  std::vector<HistogramPtr> histograms;           // same length; stale markers included
  std::vector<int64_t> histogram_start_times_ms;  // empty or as long, as above

  void Clear() {
    timestamps_ms.clear();
    values.clear();
    start_times_ms.clear();
    histogram_timestamps_ms.clear();
    histograms.clear();
    histogram_start_times_ms.clear();
  }
  size_t size() const { return timestamps_ms.size() + histogram_timestamps_ms.size(); }

  // While columns are filled, those of start times may be shorter than they should be: the rest is
  // 0. Makes them what is said above.
  void CompleteStartTimes() {
    Complete(timestamps_ms.size(), &start_times_ms);
    Complete(histogram_timestamps_ms.size(), &histogram_start_times_ms);
  }

 private:
  static void Complete(size_t size, std::vector<int64_t>* starts) {
    if (starts->empty()) return;
    const bool known =
        std::any_of(starts->begin(), starts->end(), [](int64_t start) { return start != 0; });
    starts->resize(known ? size : 0);
  }
};

}  // namespace varve::format
