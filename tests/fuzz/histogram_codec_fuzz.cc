// Any bytes as a histogram chunk: a byte of sample count, then the payload. What decodes is
// bounded, encodes, and decodes to the same again.
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "storage/codec/histogram.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  if (size < 1) return 0;
  const std::string_view payload(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<int64_t> timestamps;
  std::vector<int64_t> starts;
  std::vector<HistogramPtr> histograms;
  const Status status = codec::HistogramDecode(payload, data[0], &timestamps, &starts, &histograms);
  VARVE_CHECK(timestamps.size() == histograms.size() && starts.size() == histograms.size());
  VARVE_CHECK(status.ok() ? histograms.size() == data[0] : histograms.size() < data[0]);

  codec::HistogramEncoder encoder;
  size_t encoded = 0;
  while (encoded < histograms.size() && encoder.HasRoomFor(*histograms[encoded])) {
    encoder.Append(timestamps[encoded], starts[encoded], *histograms[encoded]);
    ++encoded;
  }
  VARVE_CHECK(histograms.empty() || encoded > 0);
  std::vector<int64_t> timestamps_again;
  std::vector<int64_t> starts_again;
  std::vector<HistogramPtr> again;
  VARVE_CHECK(codec::HistogramDecode(encoder.payload(), encoder.sample_count(), &timestamps_again,
                                     &starts_again, &again)
                  .ok());
  for (size_t i = 0; i < encoded; ++i) {
    VARVE_CHECK(timestamps[i] == timestamps_again[i] && starts[i] == starts_again[i]);
    // A stale marker that came with a layout loses it.
    VARVE_CHECK(histograms[i]->is_stale_marker() ? again[i]->is_stale_marker()
                                                 : SameBits(*histograms[i], *again[i]));
  }
  return 0;
}
