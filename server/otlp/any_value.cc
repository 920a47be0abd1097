#include "server/otlp/any_value.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "server/api/json_writer.h"
#include "server/api/number_text.h"

namespace varve::server {
namespace {

constexpr uint32_t kString = WireTag(1, WireType::kBytes);
constexpr uint32_t kBool = WireTag(2, WireType::kVarint);
constexpr uint32_t kInt = WireTag(3, WireType::kVarint);
constexpr uint32_t kDouble = WireTag(4, WireType::kFixed64);
constexpr uint32_t kArray = WireTag(5, WireType::kBytes);
constexpr uint32_t kMap = WireTag(6, WireType::kBytes);
constexpr uint32_t kBytes = WireTag(7, WireType::kBytes);
constexpr uint32_t kElement = WireTag(1, WireType::kBytes);  // of an array or a map
constexpr uint32_t kKey = WireTag(1, WireType::kBytes);
constexpr uint32_t kValue = WireTag(2, WireType::kBytes);

void CheckValue(WireReader message, int depth);

void CheckElements(WireReader list, bool is_map, int depth) {
  while (!list.done()) {
    const uint32_t tag = list.Tag();
    if (tag != kElement) {
      if (!list.failed()) list.Skip(tag);
      continue;
    }
    WireReader element = list.Message("the length of an array's or map's element");
    if (!is_map) {
      CheckValue(element, depth);
      continue;
    }
    while (!element.done()) {
      const uint32_t field = element.Tag();
      if (field == kValue) {
        CheckValue(element.Message("the length of a value"), depth);
      } else if (!element.failed()) {
        element.Skip(field);
      }
    }
  }
}

void CheckValue(WireReader message, int depth) {
  if (depth > kAnyValueDepthMax) {
    return message.Fail(message.at(), "arrays and maps nested at most 64 deep");
  }
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == kArray || tag == kMap) {
      CheckElements(message.Message("the length of an array or map"), tag == kMap, depth + 1);
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
}

// What stands alone is bare text; what stands in an array or map is JSON.
enum class Form { kBare, kJson };

void AppendText(std::string_view text, Form form, std::string* out) {
  if (form == Form::kJson) {
    AppendJsonString(text, out);
  } else {
    *out += text;
  }
}

void AppendNumber(double value, Form form, std::string* out) {
  const bool is_json_number = std::isfinite(value);
  if (form == Form::kJson && !is_json_number) *out += '"';
  AppendValue(value, out);
  if (form == Form::kJson && !is_json_number) *out += '"';
}

void AppendAny(std::string_view value, Form form, std::string* out);

void AppendPair(WireReader pair, std::string* out) {
  std::string_view key;
  std::string_view value;
  while (!pair.done()) {
    const uint32_t tag = pair.Tag();
    if (tag == kKey) {
      key = pair.Bytes("a key");
    } else if (tag == kValue) {
      value = pair.Bytes("a value");
    } else {
      pair.Skip(tag);
    }
  }
  AppendJsonString(key, out);
  *out += ':';
  AppendAny(value, Form::kJson, out);
}

void AppendElements(WireReader list, bool is_map, std::string* out) {
  *out += is_map ? '{' : '[';
  bool is_first = true;
  while (!list.done()) {
    const uint32_t tag = list.Tag();
    if (tag != kElement) {
      list.Skip(tag);
      continue;
    }
    if (!is_first) *out += ',';
    is_first = false;
    if (is_map) {
      AppendPair(list.Message("a pair"), out);
    } else {
      AppendAny(list.Bytes("an element"), Form::kJson, out);
    }
  }
  *out += is_map ? '}' : ']';
}

// Of several members of the oneof the last counts, as protobuf says.
void AppendAny(std::string_view value, Form form, std::string* out) {
  WireError error;
  const size_t start = out->size();
  bool is_set = false;
  for (WireReader message(value, &error); !message.done();) {
    const uint32_t tag = message.Tag();
    if (tag < kString || tag > kBytes) {
      message.Skip(tag);
      continue;
    }
    out->resize(start);
    is_set = true;
    switch (tag) {
      case kString:
        AppendText(message.Bytes("a string"), form, out);
        break;
      case kBool:
        *out += message.Varint("a bool") != 0 ? "true" : "false";
        break;
      case kInt:
        AppendInteger(std::bit_cast<int64_t>(message.Varint("an integer")), out);
        break;
      case kDouble:
        AppendNumber(message.Double("a double"), form, out);
        break;
      case kArray:
      case kMap:
        AppendElements(message.Message("a list"), tag == kMap, out);
        break;
      case kBytes: {
        std::string text;
        AppendBase64(message.Bytes("bytes"), &text);
        AppendText(text, form, out);
        break;
      }
      default:
        message.Skip(tag);
    }
  }
  if (!is_set && form == Form::kJson) *out += "null";
}

}  // namespace

void AppendBase64(std::string_view bytes, std::string* out) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t size = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < size ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    }
    for (size_t k = 0; k < 4; ++k) {
      *out += k <= size ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
}

OtlpAttribute ReadAttribute(WireReader message) {
  OtlpAttribute attribute{message.Empty(), message.Empty()};
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == kKey) {
      attribute.key = message.Bytes("the length of an attribute's key");
    } else if (tag == kValue) {
      attribute.value = message.Bytes("the length of an attribute's value");
      CheckValue(WireReader(attribute.value, message.error()), 0);
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return attribute;
}

void AppendAnyValueText(std::string_view value, std::string* out) {
  AppendAny(value, Form::kBare, out);
}

void AppendHex(std::string_view bytes, std::string* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    *out += kDigits[byte >> 4];
    *out += kDigits[byte & 15];
  }
}

}  // namespace varve::server
