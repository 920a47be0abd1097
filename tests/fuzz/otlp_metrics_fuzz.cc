// Any bytes given to the OTLP metrics decoder are a batch or an error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/check.h"
#include "server/otlp/metrics_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static varve::server::OtlpMetricsScratch scratch;
  // A copy of exactly this size, so that a sanitizer sees every read beyond it.
  const auto body = std::make_unique<char[]>(size);
  std::copy(data, data + size, body.get());
  constexpr size_t kBytesMax = size_t{1} << 20;
  if (!varve::server::DecodeOtlpMetrics({body.get(), size}, kBytesMax, nullptr, &scratch).ok())
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
  return 0;
}
