// The body of a journal record of kind kSamples: new series, then samples column by column.
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
};

// Error: kDataLoss. Counts are checked against the bytes that are left, so memory is bounded by the
// body's size.
Status DecodeSampleRecord(std::string_view body, SampleRecord* record);

}  // namespace varve::engine
