// Any bytes as the body of a journal record of samples: what decodes is within the body, and
// encodes to a record that says the same.
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/check.h"
#include "engine/metrics/sample_record.h"

namespace varve::engine {
namespace {

void CheckSame(const SampleRecord& a, const SampleRecord& b) {
  VARVE_CHECK(a.created.size() == b.created.size());
  for (size_t i = 0; i < a.created.size(); ++i) {
    VARVE_CHECK(a.created[i].id == b.created[i].id && a.created[i].labels == b.created[i].labels);
  }
  VARVE_CHECK(a.runs.size() == b.runs.size() && a.samples.size() == b.samples.size());
  for (size_t i = 0; i < a.runs.size(); ++i) {
    VARVE_CHECK(a.runs[i].id == b.runs[i].id);
    VARVE_CHECK(a.runs[i].sample_count == b.runs[i].sample_count);
    VARVE_CHECK(a.runs[i].histogram_count == b.runs[i].histogram_count);
  }
  VARVE_CHECK(a.samples.empty() || std::memcmp(a.samples.data(), b.samples.data(),
                                               a.samples.size() * sizeof(Sample)) == 0);
  VARVE_CHECK(a.start_times_ms == b.start_times_ms);
  VARVE_CHECK(a.histograms.size() == b.histograms.size());
  for (size_t i = 0; i < a.histograms.size(); ++i) {
    const HistogramSample& before = a.histograms[i];
    const HistogramSample& after = b.histograms[i];
    VARVE_CHECK(before.timestamp_ms == after.timestamp_ms && before.start_ms == after.start_ms);
    // A stale marker that came with a layout loses it.
    VARVE_CHECK(before.histogram.is_stale_marker() ? after.histogram.is_stale_marker()
                                                   : SameBits(before.histogram, after.histogram));
  }
}

void DecodeAndEncodeAgain(std::string_view body) {
  SampleRecord record;
  if (!DecodeSampleRecord(body, &record).ok()) return;
  size_t sample_count = 0;
  for (const SeriesRun& run : record.runs) {
    VARVE_CHECK(run.sample_begin == sample_count);
    sample_count += run.sample_count;
  }
  VARVE_CHECK(sample_count == record.samples.size());
  VARVE_CHECK(record.start_times_ms.empty() || record.start_times_ms.size() == sample_count);
  PreparedBatch batch;
  batch.created = record.created;
  batch.runs = record.runs;
  batch.samples = record.samples;
  batch.start_times_ms = record.start_times_ms;
  for (const HistogramSample& sample : record.histograms) batch.histograms.push_back(&sample);
  EncodeSampleRecord(&batch);
  SampleRecord again;
  VARVE_CHECK(DecodeSampleRecord(batch.journal_body, &again).ok());
  CheckSame(record, again);
}

}  // namespace
}  // namespace varve::engine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  varve::engine::DecodeAndEncodeAgain({reinterpret_cast<const char*>(data), size});
  return 0;
}
