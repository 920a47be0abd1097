#include "server/otlp/json_transcoder.h"

#include <simdjson.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "base/varint.h"
#include "base/wire_reader.h"

namespace varve::server {
namespace {

namespace dom = simdjson::dom;

enum class Kind : uint8_t {
  kMessage,
  kString,
  kHex,     // bytes as hexadecimal digits
  kBase64,  // bytes
  kBool,
  kInt32,  // enums too
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

constexpr bool kRepeated = true;
constexpr bool kOne = false;

// The messages of opentelemetry-proto by their JSON names; kept in the order of its files.
extern const Message kAnyValue;
extern const Message kKeyValue;

constexpr Field kArrayValueFields[] = {{"values", 1, Kind::kMessage, kRepeated, &kAnyValue}};
constexpr Message kArrayValue{kArrayValueFields};
constexpr Field kKeyValueListFields[] = {{"values", 1, Kind::kMessage, kRepeated, &kKeyValue}};
constexpr Message kKeyValueList{kKeyValueListFields};
constexpr Field kAnyValueFields[] = {
    {"stringValue", 1, Kind::kString},
    {"boolValue", 2, Kind::kBool},
    {"intValue", 3, Kind::kInt64},
    {"doubleValue", 4, Kind::kDouble},
    {"arrayValue", 5, Kind::kMessage, kOne, &kArrayValue},
    {"kvlistValue", 6, Kind::kMessage, kOne, &kKeyValueList},
    {"bytesValue", 7, Kind::kBase64},
};
constexpr Message kAnyValue{kAnyValueFields};
constexpr Field kKeyValueFields[] = {
    {"key", 1, Kind::kString},
    {"value", 2, Kind::kMessage, kOne, &kAnyValue},
};
constexpr Message kKeyValue{kKeyValueFields};
constexpr Field kScopeFields[] = {
    {"name", 1, Kind::kString},
    {"version", 2, Kind::kString},
    {"attributes", 3, Kind::kMessage, kRepeated, &kKeyValue},
    {"droppedAttributesCount", 4, Kind::kUint32},
};
constexpr Message kScope{kScopeFields};
constexpr Field kEntityRefFields[] = {
    {"schemaUrl", 1, Kind::kString},
    {"type", 2, Kind::kString},
    {"idKeys", 3, Kind::kString, kRepeated},
    {"descriptionKeys", 4, Kind::kString, kRepeated},
};
constexpr Message kEntityRef{kEntityRefFields};
constexpr Field kResourceFields[] = {
    {"attributes", 1, Kind::kMessage, kRepeated, &kKeyValue},
    {"droppedAttributesCount", 2, Kind::kUint32},
    {"entityRefs", 3, Kind::kMessage, kRepeated, &kEntityRef},
};
constexpr Message kResource{kResourceFields};

constexpr Field kEventFields[] = {
    {"timeUnixNano", 1, Kind::kFixed64},
    {"name", 2, Kind::kString},
    {"attributes", 3, Kind::kMessage, kRepeated, &kKeyValue},
    {"droppedAttributesCount", 4, Kind::kUint32},
};
constexpr Message kEvent{kEventFields};
constexpr Field kLinkFields[] = {
    {"traceId", 1, Kind::kHex},
    {"spanId", 2, Kind::kHex},
    {"traceState", 3, Kind::kString},
    {"attributes", 4, Kind::kMessage, kRepeated, &kKeyValue},
    {"droppedAttributesCount", 5, Kind::kUint32},
    {"flags", 6, Kind::kFixed32},
};
constexpr Message kLink{kLinkFields};
constexpr Field kStatusFields[] = {
    {"message", 2, Kind::kString},
    {"code", 3, Kind::kInt32},
};
constexpr Message kStatus{kStatusFields};
constexpr Field kSpanFields[] = {
    {"traceId", 1, Kind::kHex},
    {"spanId", 2, Kind::kHex},
    {"traceState", 3, Kind::kString},
    {"parentSpanId", 4, Kind::kHex},
    {"name", 5, Kind::kString},
    {"kind", 6, Kind::kInt32},
    {"startTimeUnixNano", 7, Kind::kFixed64},
    {"endTimeUnixNano", 8, Kind::kFixed64},
    {"attributes", 9, Kind::kMessage, kRepeated, &kKeyValue},
    {"droppedAttributesCount", 10, Kind::kUint32},
    {"events", 11, Kind::kMessage, kRepeated, &kEvent},
    {"droppedEventsCount", 12, Kind::kUint32},
    {"links", 13, Kind::kMessage, kRepeated, &kLink},
    {"droppedLinksCount", 14, Kind::kUint32},
    {"status", 15, Kind::kMessage, kOne, &kStatus},
    {"flags", 16, Kind::kFixed32},
};
constexpr Message kSpan{kSpanFields};
constexpr Field kScopeSpansFields[] = {
    {"scope", 1, Kind::kMessage, kOne, &kScope},
    {"spans", 2, Kind::kMessage, kRepeated, &kSpan},
    {"schemaUrl", 3, Kind::kString},
};
constexpr Message kScopeSpans{kScopeSpansFields};
constexpr Field kResourceSpansFields[] = {
    {"resource", 1, Kind::kMessage, kOne, &kResource},
    {"scopeSpans", 2, Kind::kMessage, kRepeated, &kScopeSpans},
    {"schemaUrl", 3, Kind::kString},
};
constexpr Message kResourceSpans{kResourceSpansFields};
constexpr Field kTracesFields[] = {
    {"resourceSpans", 1, Kind::kMessage, kRepeated, &kResourceSpans}};
constexpr Message kTraces{kTracesFields};

constexpr Field kExemplarFields[] = {
    {"timeUnixNano", 2, Kind::kFixed64},
    {"asDouble", 3, Kind::kDouble},
    {"spanId", 4, Kind::kHex},
    {"traceId", 5, Kind::kHex},
    {"asInt", 6, Kind::kSfixed64},
    {"filteredAttributes", 7, Kind::kMessage, kRepeated, &kKeyValue},
};
constexpr Message kExemplar{kExemplarFields};
constexpr Field kNumberPointFields[] = {
    {"startTimeUnixNano", 2, Kind::kFixed64},
    {"timeUnixNano", 3, Kind::kFixed64},
    {"asDouble", 4, Kind::kDouble},
    {"exemplars", 5, Kind::kMessage, kRepeated, &kExemplar},
    {"asInt", 6, Kind::kSfixed64},
    {"attributes", 7, Kind::kMessage, kRepeated, &kKeyValue},
    {"flags", 8, Kind::kUint32},
};
constexpr Message kNumberPoint{kNumberPointFields};
constexpr Field kHistogramPointFields[] = {
    {"startTimeUnixNano", 2, Kind::kFixed64},
    {"timeUnixNano", 3, Kind::kFixed64},
    {"count", 4, Kind::kFixed64},
    {"sum", 5, Kind::kDouble},
    {"bucketCounts", 6, Kind::kFixed64, kRepeated},
    {"explicitBounds", 7, Kind::kDouble, kRepeated},
    {"exemplars", 8, Kind::kMessage, kRepeated, &kExemplar},
    {"attributes", 9, Kind::kMessage, kRepeated, &kKeyValue},
    {"flags", 10, Kind::kUint32},
    {"min", 11, Kind::kDouble},
    {"max", 12, Kind::kDouble},
};
constexpr Message kHistogramPoint{kHistogramPointFields};
constexpr Field kBucketsFields[] = {
    {"offset", 1, Kind::kSint32},
    {"bucketCounts", 2, Kind::kUint64, kRepeated},
};
constexpr Message kBuckets{kBucketsFields};
constexpr Field kExponentialPointFields[] = {
    {"attributes", 1, Kind::kMessage, kRepeated, &kKeyValue},
    {"startTimeUnixNano", 2, Kind::kFixed64},
    {"timeUnixNano", 3, Kind::kFixed64},
    {"count", 4, Kind::kFixed64},
    {"sum", 5, Kind::kDouble},
    {"scale", 6, Kind::kSint32},
    {"zeroCount", 7, Kind::kFixed64},
    {"positive", 8, Kind::kMessage, kOne, &kBuckets},
    {"negative", 9, Kind::kMessage, kOne, &kBuckets},
    {"flags", 10, Kind::kUint32},
    {"exemplars", 11, Kind::kMessage, kRepeated, &kExemplar},
    {"min", 12, Kind::kDouble},
    {"max", 13, Kind::kDouble},
    {"zeroThreshold", 14, Kind::kDouble},
};
constexpr Message kExponentialPoint{kExponentialPointFields};
constexpr Field kQuantileFields[] = {
    {"quantile", 1, Kind::kDouble},
    {"value", 2, Kind::kDouble},
};
constexpr Message kQuantile{kQuantileFields};
constexpr Field kSummaryPointFields[] = {
    {"startTimeUnixNano", 2, Kind::kFixed64},
    {"timeUnixNano", 3, Kind::kFixed64},
    {"count", 4, Kind::kFixed64},
    {"sum", 5, Kind::kDouble},
    {"quantileValues", 6, Kind::kMessage, kRepeated, &kQuantile},
    {"attributes", 7, Kind::kMessage, kRepeated, &kKeyValue},
    {"flags", 8, Kind::kUint32},
};
constexpr Message kSummaryPoint{kSummaryPointFields};
constexpr Field kGaugeFields[] = {{"dataPoints", 1, Kind::kMessage, kRepeated, &kNumberPoint}};
constexpr Message kGauge{kGaugeFields};
constexpr Field kSumFields[] = {
    {"dataPoints", 1, Kind::kMessage, kRepeated, &kNumberPoint},
    {"aggregationTemporality", 2, Kind::kInt32},
    {"isMonotonic", 3, Kind::kBool},
};
constexpr Message kSum{kSumFields};
constexpr Field kHistogramFields[] = {
    {"dataPoints", 1, Kind::kMessage, kRepeated, &kHistogramPoint},
    {"aggregationTemporality", 2, Kind::kInt32},
};
constexpr Message kHistogram{kHistogramFields};
constexpr Field kExponentialFields[] = {
    {"dataPoints", 1, Kind::kMessage, kRepeated, &kExponentialPoint},
    {"aggregationTemporality", 2, Kind::kInt32},
};
constexpr Message kExponential{kExponentialFields};
constexpr Field kSummaryFields[] = {{"dataPoints", 1, Kind::kMessage, kRepeated, &kSummaryPoint}};
constexpr Message kSummary{kSummaryFields};
constexpr Field kMetricFields[] = {
    {"name", 1, Kind::kString},
    {"description", 2, Kind::kString},
    {"unit", 3, Kind::kString},
    {"gauge", 5, Kind::kMessage, kOne, &kGauge},
    {"sum", 7, Kind::kMessage, kOne, &kSum},
    {"histogram", 9, Kind::kMessage, kOne, &kHistogram},
    {"exponentialHistogram", 10, Kind::kMessage, kOne, &kExponential},
    {"summary", 11, Kind::kMessage, kOne, &kSummary},
    {"metadata", 12, Kind::kMessage, kRepeated, &kKeyValue},
};
constexpr Message kMetric{kMetricFields};
constexpr Field kScopeMetricsFields[] = {
    {"scope", 1, Kind::kMessage, kOne, &kScope},
    {"metrics", 2, Kind::kMessage, kRepeated, &kMetric},
    {"schemaUrl", 3, Kind::kString},
};
constexpr Message kScopeMetrics{kScopeMetricsFields};
constexpr Field kResourceMetricsFields[] = {
    {"resource", 1, Kind::kMessage, kOne, &kResource},
    {"scopeMetrics", 2, Kind::kMessage, kRepeated, &kScopeMetrics},
    {"schemaUrl", 3, Kind::kString},
};
constexpr Message kResourceMetrics{kResourceMetricsFields};
constexpr Field kMetricsFields[] = {
    {"resourceMetrics", 1, Kind::kMessage, kRepeated, &kResourceMetrics}};
constexpr Message kMetrics{kMetricsFields};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool DecodeHex(std::string_view text, std::string* out) {
  if (text.size() % 2 != 0) return false;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    *out += static_cast<char>(high << 4 | low);
  }
  return true;
}

int Base64Digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

// Both alphabets, padded or not, as proto3's JSON mapping asks readers to take.
bool DecodeBase64(std::string_view text, std::string* out) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return false;
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const int digit = Base64Digit(c);
    if (digit < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    *out += static_cast<char>(bits >> bit_count & 0xff);
  }
  return true;
}

template <typename T>
bool ParseWhole(std::string_view text, T* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

bool ToDouble(const dom::element& element, double* value) {
  if (element.get(*value) == simdjson::SUCCESS) return true;
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) return false;
  if (text == "NaN") {
    *value = std::numeric_limits<double>::quiet_NaN();
  } else if (text == "Infinity") {
    *value = std::numeric_limits<double>::infinity();
  } else if (text == "-Infinity") {
    *value = -std::numeric_limits<double>::infinity();
  } else {
    return ParseWhole(text, value);
  }
  return true;
}

// A whole number as digits, as a string of digits or as a float without a fraction.
template <typename T>
bool ToInteger(const dom::element& element, T* value) {
  if (element.get(*value) == simdjson::SUCCESS) return true;
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) return ParseWhole(text, value);
  double number = 0;
  if (!element.is_double() || element.get(number) != simdjson::SUCCESS) return false;
  constexpr double kExactMax = 9007199254740992.0;  // 2^53
  if (std::trunc(number) != number || std::fabs(number) > kExactMax) return false;
  if (std::is_unsigned_v<T> && number < 0) return false;
  *value = static_cast<T>(number);
  return true;
}

const char* Expected(Kind kind) {
  switch (kind) {
    case Kind::kMessage:
      return "an object";
    case Kind::kString:
      return "a string";
    case Kind::kHex:
      return "a string of hexadecimal digits";
    case Kind::kBase64:
      return "a string in base64";
    case Kind::kBool:
      return "true or false";
    case Kind::kInt32:
    case Kind::kSint32:
      return "a 32-bit integer";
    case Kind::kUint32:
    case Kind::kFixed32:
      return "an unsigned 32-bit integer";
    case Kind::kInt64:
    case Kind::kSfixed64:
      return "a 64-bit integer, as a string or a number";
    case Kind::kUint64:
    case Kind::kFixed64:
      return "an unsigned 64-bit integer, as a string or a number";
    case Kind::kDouble:
      return "a number";
  }
  return "a value";
}

class Transcoder {
 public:
  Status Object(const Message& message, const dom::element& element, std::string* out) {
    dom::object object;
    if (element.get(object) != simdjson::SUCCESS) return Unexpected(Kind::kMessage);
    for (const auto& [key, value] : object) {
      const Field* field = Find(message, key);
      if (field == nullptr || value.is_null()) continue;
      const size_t depth = path_.size();
      if (depth > 0) path_ += '.';
      path_ += key;
      RETURN_IF_ERROR(field->is_repeated ? Elements(*field, value, out) : One(*field, value, out));
      path_.resize(depth);
    }
    return OkStatus();
  }

 private:
  static const Field* Find(const Message& message, std::string_view name) {
    for (const Field& field : message.fields) {
      if (field.name == name) return &field;
    }
    return nullptr;
  }

  Status Unexpected(Kind kind) const { return Unexpected(Expected(kind)); }
  Status Unexpected(const char* what) const {
    return InvalidArgumentError((path_.empty() ? "the body" : path_) + ": expected " + what);
  }

  Status Elements(const Field& field, const dom::element& element, std::string* out) {
    dom::array array;
    if (element.get(array) != simdjson::SUCCESS) return Unexpected("an array");
    size_t i = 0;
    const size_t depth = path_.size();
    for (const dom::element& value : array) {
      path_ += '[' + std::to_string(i++) + ']';
      RETURN_IF_ERROR(One(field, value, out));
      path_.resize(depth);
    }
    return OkStatus();
  }

  Status One(const Field& field, const dom::element& element, std::string* out) {
    switch (field.kind) {
      case Kind::kMessage: {
        std::string message;
        RETURN_IF_ERROR(Object(*field.message, element, &message));
        Tag(field, WireType::kBytes, out);
        AppendLengthPrefixed(out, message);
        return OkStatus();
      }
      case Kind::kString:
      case Kind::kHex:
      case Kind::kBase64:
        return Text(field, element, out);
      case Kind::kBool: {
        bool value = false;
        if (element.get(value) != simdjson::SUCCESS) return Unexpected(field.kind);
        Tag(field, WireType::kVarint, out);
        AppendVarint(out, value ? 1 : 0);
        return OkStatus();
      }
      case Kind::kDouble: {
        double value = 0;
        if (!ToDouble(element, &value)) return Unexpected(field.kind);
        Tag(field, WireType::kFixed64, out);
        AppendFixed(out, std::bit_cast<uint64_t>(value));
        return OkStatus();
      }
      case Kind::kInt32:
      case Kind::kSint32:
      case Kind::kInt64:
      case Kind::kSfixed64:
        return Signed(field, element, out);
      case Kind::kUint32:
      case Kind::kFixed32:
      case Kind::kUint64:
      case Kind::kFixed64:
        return Unsigned(field, element, out);
    }
    return OkStatus();
  }

  Status Text(const Field& field, const dom::element& element, std::string* out) {
    std::string_view text;
    if (element.get(text) != simdjson::SUCCESS) return Unexpected(field.kind);
    std::string bytes;
    if (field.kind == Kind::kHex) {
      if (!DecodeHex(text, &bytes)) return Unexpected(field.kind);
      text = bytes;
    } else if (field.kind == Kind::kBase64) {
      if (!DecodeBase64(text, &bytes)) return Unexpected(field.kind);
      text = bytes;
    }
    Tag(field, WireType::kBytes, out);
    AppendLengthPrefixed(out, text);
    return OkStatus();
  }

  Status Signed(const Field& field, const dom::element& element, std::string* out) {
    int64_t value = 0;
    if (!ToInteger(element, &value)) return Unexpected(field.kind);
    const bool is_narrow = field.kind == Kind::kInt32 || field.kind == Kind::kSint32;
    if (is_narrow && value != static_cast<int32_t>(value)) return Unexpected(field.kind);
    if (field.kind == Kind::kSfixed64) {
      Tag(field, WireType::kFixed64, out);
      AppendFixed(out, std::bit_cast<uint64_t>(value));
      return OkStatus();
    }
    Tag(field, WireType::kVarint, out);
    AppendVarint(
        out, field.kind == Kind::kSint32 ? ZigZagEncode(value) : std::bit_cast<uint64_t>(value));
    return OkStatus();
  }

  Status Unsigned(const Field& field, const dom::element& element, std::string* out) {
    uint64_t value = 0;
    if (!ToInteger(element, &value)) return Unexpected(field.kind);
    const bool is_narrow = field.kind == Kind::kUint32 || field.kind == Kind::kFixed32;
    if (is_narrow && value > UINT32_MAX) return Unexpected(field.kind);
    switch (field.kind) {
      case Kind::kFixed64:
        Tag(field, WireType::kFixed64, out);
        AppendFixed(out, value);
        break;
      case Kind::kFixed32:
        Tag(field, WireType::kFixed32, out);
        AppendFixed(out, static_cast<uint32_t>(value));
        break;
      default:
        Tag(field, WireType::kVarint, out);
        AppendVarint(out, value);
    }
    return OkStatus();
  }

  static void Tag(const Field& field, WireType type, std::string* out) {
    AppendVarint(out, WireTag(field.number, type));
  }

  std::string path_;  // of the value at hand
};

}  // namespace

Result<std::string> TranscodeOtlpJson(OtlpRequest request, std::string_view json) {
  dom::parser parser;
  dom::element root;
  if (const simdjson::error_code error = parser.parse(json.data(), json.size()).get(root)) {
    return InvalidArgumentError(std::string("the body is not JSON: ") +
                                simdjson::error_message(error));
  }
  std::string out;
  const Message& message = request == OtlpRequest::kTraces ? kTraces : kMetrics;
  RETURN_IF_ERROR(Transcoder().Object(message, root, &out));
  return out;
}

}  // namespace varve::server
