// The messages of OTLP as a table: names as in JSON, numbers and kinds as in protobuf
// (https://github.com/open-telemetry/opentelemetry-proto).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace varve::server::otlp {

enum class Kind : uint8_t {
  kMessage,
  kString,
  kHex,     // bytes, in JSON as hexadecimal digits: ids
  kBase64,  // bytes
  kBool,
  kInt32,  // enums too
  kSpanKind,
  kStatusCode,
  kUint32,
  kSint32,
  kInt64,
  kUint64,
  kFixed64,
  kSfixed64,
  kFixed32,
  kDouble,
};

struct Message;

struct Field {
  std::string_view name;
  uint32_t number;
  Kind kind;
  bool is_repeated = false;
  const Message* message = nullptr;
};

struct Message {
  std::span<const Field> fields;
};

const Message& Traces();   // TracesData
const Message& Metrics();  // MetricsData

}  // namespace varve::server::otlp
