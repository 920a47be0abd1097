// Any bytes given as OTLP JSON are a message that the protobuf decoder can read, or an error.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "server/otlp/json_transcoder.h"
#include "server/otlp/metrics_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using varve::server::OtlpRequest;
  static varve::server::OtlpMetricsScratch scratch;
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  (void)varve::server::TranscodeOtlpJson(OtlpRequest::kTraces, json);
  const auto body = varve::server::TranscodeOtlpJson(OtlpRequest::kMetrics, json);
  if (!body.ok()) return 0;
  constexpr size_t kBytesMax = size_t{1} << 20;
  const auto content = varve::server::DecodeOtlpMetrics(*body, kBytesMax, nullptr, &scratch);
  // What the transcoder wrote is well-formed: only limits are left to fail on.
  VARVE_CHECK(content.ok() || content.status().code() == varve::StatusCode::kOutOfRange ||
              content.status().message().find("nested at most") != std::string::npos);
  return 0;
}
