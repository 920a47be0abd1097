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
#include "server/otlp/otlp_schema.h"

namespace varve::server {
namespace {

namespace dom = simdjson::dom;
using otlp::Field;
using otlp::Kind;
using otlp::Message;

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
    case Kind::kSpanKind:
    case Kind::kStatusCode:
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
      case Kind::kSpanKind:
      case Kind::kStatusCode:
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
    const bool is_narrow = field.kind != Kind::kInt64 && field.kind != Kind::kSfixed64;
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
  // simdjson copies the bytes, and may not be given a null pointer to copy from.
  if (json.empty()) return InvalidArgumentError("the body is not JSON: it is empty");
  dom::parser parser;
  dom::element root;
  if (const simdjson::error_code error = parser.parse(json.data(), json.size()).get(root)) {
    return InvalidArgumentError(std::string("the body is not JSON: ") +
                                simdjson::error_message(error));
  }
  std::string out;
  const Message& message = request == OtlpRequest::kTraces ? otlp::Traces() : otlp::Metrics();
  RETURN_IF_ERROR(Transcoder().Object(message, root, &out));
  return out;
}

}  // namespace varve::server
