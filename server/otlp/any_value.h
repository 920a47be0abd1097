// The KeyValue and AnyValue messages of OTLP
// (https://github.com/open-telemetry/opentelemetry-proto, common/v1), read in place.
#pragma once

#include <string>
#include <string_view>

#include "base/wire_reader.h"

namespace varve::server {

// Values nest: arrays and maps deeper than this are refused.
inline constexpr int kAnyValueDepthMax = 64;

// One attribute; both views are borrowed from the body.
struct OtlpAttribute {
  std::string_view key;
  std::string_view value;  // an AnyValue message; empty: no value was set
};

// Fails the shared error where the message is malformed, its value's inside included.
OtlpAttribute ReadAttribute(WireReader message);

// The value as text, as OpenTelemetry defines it for systems that know only strings: strings as
// they are, true, 1.5, bytes in base64, arrays and maps as JSON. REQUIRES: ReadAttribute passed it.
void AppendAnyValueText(std::string_view value, std::string* out);

void AppendBase64(std::string_view bytes, std::string* out);
// Lower-case hexadecimal digits, as trace and span ids are written.
void AppendHex(std::string_view bytes, std::string* out);

}  // namespace varve::server
