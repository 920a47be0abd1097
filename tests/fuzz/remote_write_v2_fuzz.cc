// Any bytes given to the remote write 2.0 decoder are a batch or an error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "server/ingest/remote_write.h"

namespace {
constexpr size_t kLabelBytesMax = size_t{1} << 20;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static varve::server::RemoteWriteScratch scratch;
  // A copy of exactly this size, so that a sanitizer sees every read beyond it.
  const auto body = std::make_unique<char[]>(size);
  std::copy(data, data + size, body.get());
  if (!varve::server::DecodeRemoteWriteV2({body.get(), size}, kLabelBytesMax, &scratch).ok())
    return 0;
  for (const auto& series : scratch.batch.series()) {
    varve::ByteReader labels(
        scratch.batch.label_bytes().substr(series.label_offset, series.label_size));
    while (!labels.done()) {
      labels.LengthPrefixed();
      labels.LengthPrefixed();
    }
    VARVE_CHECK(labels.ok());
  }
  // A histogram that passes for valid can be walked: its spans cover its buckets.
  for (const varve::HistogramSample& sample : scratch.batch.histograms()) {
    const varve::Histogram& histogram = sample.histogram;
    if (histogram.is_stale_marker() || !histogram.Validate().ok()) continue;
    uint64_t covered = 0;
    for (const varve::BucketSpan& span : histogram.positive_spans) covered += span.length;
    VARVE_CHECK(covered == histogram.positive_buckets.size());
    VARVE_CHECK(histogram.uses_custom_buckets() || histogram.schema <= varve::kSchemaMax);
  }
  return 0;
}
