// OTLP's JSON encoding turned into its protobuf encoding, so that one decoder serves both.
//
// JSON as OTLP defines it (opentelemetry-proto, docs/specification.md): lowerCamelCase keys only,
// trace and span ids in hexadecimal, other bytes in base64, enums as integers, 64-bit integers as
// strings or numbers, unknown keys ignored. Driven by a table of OTLP's messages.
#pragma once

#include <string>
#include <string_view>

#include "varve/status.h"

namespace varve::server {

enum class OtlpRequest { kTraces, kMetrics };

// The export request of that kind. kInvalidArgument names the place and what was expected there.
// Thread safety: any thread.
Result<std::string> TranscodeOtlpJson(OtlpRequest request, std::string_view json);

}  // namespace varve::server
