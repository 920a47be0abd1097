#include "server/otlp/otlp_to_json.h"

#include <bit>
#include <cmath>
#include <cstdint>

#include "base/varint.h"
#include "base/wire_reader.h"
#include "server/api/json_writer.h"
#include "server/api/number_text.h"
#include "server/otlp/any_value.h"
#include "server/otlp/otlp_schema.h"

namespace varve::server {
namespace {

using otlp::Field;
using otlp::Kind;
using otlp::Message;

// Deeper than values may nest when they are written.
constexpr int kDepthMax = 200;

WireType WireOf(Kind kind) {
  switch (kind) {
    case Kind::kMessage:
    case Kind::kString:
    case Kind::kHex:
    case Kind::kBase64:
      return WireType::kBytes;
    case Kind::kFixed64:
    case Kind::kSfixed64:
    case Kind::kDouble:
      return WireType::kFixed64;
    case Kind::kFixed32:
      return WireType::kFixed32;
    default:
      return WireType::kVarint;
  }
}

std::string_view SpanKindName(uint64_t kind) {
  static constexpr std::string_view kNames[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                                "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                                "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};
  return kind < 6 ? kNames[kind] : kNames[0];
}

std::string_view StatusCodeName(uint64_t code) {
  static constexpr std::string_view kNames[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK",
                                                "STATUS_CODE_ERROR"};
  return code < 3 ? kNames[code] : kNames[0];
}

class Writer {
 public:
  Writer(OtlpJsonStyle style, WireError* error, std::string* out)
      : style_(style), error_(error), json_(out) {}

  void WriteMessage(const Message& message, std::string_view bytes, std::string_view first_name,
                    int depth) {
    json_.BeginObject();
    if (depth > kDepthMax) {
      WireReader(bytes, error_).Fail(nullptr, "values that nest less deep");
    }
    for (const Field& field : message.fields) {
      const bool is_first = &field == message.fields.data() && !first_name.empty();
      WriteField(field, is_first ? first_name : field.name, bytes, depth);
    }
    json_.EndObject();
  }

 private:
  // One pass over the message for each of its fields; they are few.
  void WriteField(const Field& field, std::string_view name, std::string_view bytes, int depth) {
    const uint32_t wanted = WireTag(field.number, WireOf(field.kind));
    const bool may_be_packed = field.is_repeated && WireOf(field.kind) != WireType::kBytes;
    bool is_open = false;
    const auto begin = [&] {
      if (is_open) return;
      json_.Key(name);
      if (field.is_repeated) json_.BeginArray();
      is_open = true;
    };
    for (WireReader reader(bytes, error_); !reader.done();) {
      const uint32_t tag = reader.Tag();
      if (tag == wanted && (field.is_repeated || !is_open)) {
        begin();
        WriteOne(field, &reader, depth);
      } else if (may_be_packed && tag == WireTag(field.number, WireType::kBytes)) {
        begin();
        for (WireReader run = reader.Message("a run"); !run.done();) WriteOne(field, &run, depth);
      } else if (!reader.failed()) {
        reader.Skip(tag);
      }
    }
    if (is_open && field.is_repeated) json_.EndArray();
  }

  void WriteOne(const Field& field, WireReader* reader, int depth) {
    switch (field.kind) {
      case Kind::kMessage:
        return WriteMessage(*field.message, reader->Bytes("a message"), {}, depth + 1);
      case Kind::kString:
        return json_.String(reader->Bytes("a string"));
      case Kind::kHex:
      case Kind::kBase64: {
        const std::string_view bytes = reader->Bytes("bytes");
        std::string text;
        if (field.kind == Kind::kHex && style_ == OtlpJsonStyle::kOtlp) {
          AppendHex(bytes, &text);
        } else {
          AppendBase64(bytes, &text);
        }
        return json_.String(text);
      }
      case Kind::kBool:
        return reader->Varint("a bool") != 0 ? json_.True() : json_.False();
      case Kind::kSpanKind:
      case Kind::kStatusCode: {
        const uint64_t value = reader->Varint("an enum");
        if (style_ == OtlpJsonStyle::kOtlp) {
          return json_.Integer(static_cast<int64_t>(static_cast<int32_t>(value)));
        }
        return json_.String(field.kind == Kind::kSpanKind ? SpanKindName(value)
                                                          : StatusCodeName(value));
      }
      case Kind::kInt32:
        return json_.Integer(int64_t{static_cast<int32_t>(reader->Varint("an integer"))});
      case Kind::kUint32:
        return json_.Integer(uint64_t{static_cast<uint32_t>(reader->Varint("an integer"))});
      case Kind::kSint32:
        return json_.Integer(ZigZagDecode(reader->Varint("an integer")));
      case Kind::kFixed32:
        return json_.Integer(uint64_t{reader->Fixed32("an integer")});
      case Kind::kInt64:
        return json_.String(std::to_string(std::bit_cast<int64_t>(reader->Varint("an integer"))));
      case Kind::kUint64:
        return json_.String(std::to_string(reader->Varint("an integer")));
      case Kind::kFixed64:
        return json_.String(std::to_string(reader->Fixed64("an integer")));
      case Kind::kSfixed64:
        return json_.String(std::to_string(std::bit_cast<int64_t>(reader->Fixed64("an integer"))));
      case Kind::kDouble:
        return WriteDouble(reader->Double("a number"));
    }
  }

  void WriteDouble(double value) {
    if (std::isfinite(value)) return json_.Double(value);
    json_.String(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
  }

  const OtlpJsonStyle style_;
  WireError* const error_;
  JsonWriter json_;
};

}  // namespace

Status AppendOtlpJson(std::string_view message, OtlpJsonStyle style, std::string_view root_key,
                      std::string* out) {
  WireError error;
  Writer(style, &error, out).WriteMessage(otlp::Traces(), message, root_key, 0);
  if (error.failed()) {
    return InvalidArgumentError(std::string("the trace cannot be read: expected ") +
                                error.expected);
  }
  return OkStatus();
}

}  // namespace varve::server
