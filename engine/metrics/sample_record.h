// The body of a journal record of kind kSamples: new series, then floats column by column, then
// what few records have: start times and histograms.
// Layout: docs/FORMATS.md, "Sample record".
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/metrics/prepared_batch.h"
#include "varve/status.h"

namespace varve::engine {

// Replaces batch->journal_body by the record of its created series and runs.
void EncodeSampleRecord(PreparedBatch* batch);

// A decoded record; reused. Views point into the body.
struct SampleRecord {
  std::vector<NewSeries> created;
  std::vector<SeriesRun> runs;
  std::vector<Sample> samples;
  std::vector<int64_t> start_times_ms;  // empty, or one per sample
  std::vector<HistogramSample> histograms;

  void Clear() {
    created.clear();
    runs.clear();
    samples.clear();
    start_times_ms.clear();
    histograms.clear();
  }
};

// Error: kDataLoss; then `record` holds some of it. Counts are checked against the bytes that are
// left, so memory is bounded by the body's size.
Status DecodeSampleRecord(std::string_view body, SampleRecord* record);

}  // namespace varve::engine
