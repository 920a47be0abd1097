#include "server/jaeger/jaeger_json.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/wire_reader.h"
#include "server/otlp/any_value.h"
#include "server/otlp/span_messages.h"

namespace varve::server {
namespace {

// Beyond that, JavaScript's numbers are not exact, and Jaeger gives integers as strings.
constexpr int64_t kExactIntegerMax = int64_t{1} << 53;

std::string HexText(std::string_view bytes) {
  std::string text;
  AppendHex(bytes, &text);
  return text;
}

// Trace ids of 64 bits are written short.
std::string TraceIdText(std::string_view id) {
  std::string text = HexText(id);
  if (text.size() == 32 && text.starts_with("0000000000000000")) text.erase(0, 16);
  return text;
}

class TraceWriter {
 public:
  explicit TraceWriter(JsonWriter* json) : json_(*json) {}

  Status Write(std::string_view traces_data) {
    OtlpSpanReader reader(traces_data, SpanDetail::kAll);
    bool is_open = false;
    while (reader.Next()) {
      if (!is_open) {
        is_open = true;
        json_.BeginObject();
        Text("traceID", TraceIdText(reader.span().trace_id));
        json_.Key("spans");
        json_.BeginArray();
      }
      WriteSpan(reader);
    }
    if (reader.error().failed()) return WireErrorStatus(reader.error(), traces_data);
    if (!is_open) return InvalidArgumentError("the trace has no spans");
    json_.EndArray();
    json_.Key("processes");
    json_.BeginObject();
    for (size_t i = 0; i < processes_.size(); ++i) {
      json_.Key("p" + std::to_string(i + 1));
      json_.Literal(processes_[i]);
    }
    json_.EndObject();
    json_.Key("warnings");
    json_.Null();
    json_.EndObject();
    return OkStatus();
  }

 private:
  void Text(std::string_view key, std::string_view text) {
    json_.Key(key);
    json_.String(text);
  }

  static void WriteTag(std::string_view key, std::string_view type, JsonWriter* json) {
    json->BeginObject();
    json->Key("key");
    json->String(key);
    json->Key("type");
    json->String(type);
    json->Key("value");
  }

  static void WriteTextTag(std::string_view key, std::string_view text, JsonWriter* json) {
    WriteTag(key, "string", json);
    json->String(text);
    json->EndObject();
  }

  static void WriteAttribute(const OtlpAttribute& attribute, JsonWriter* json) {
    WireError error;
    WireReader value(attribute.value, &error);
    const uint32_t tag = value.done() ? 0 : value.Tag();
    switch (tag) {
      case WireTag(2, WireType::kVarint): {
        WriteTag(attribute.key, "bool", json);
        json->Literal(value.Varint("a bool") != 0 ? "true" : "false");
        break;
      }
      case WireTag(3, WireType::kVarint): {
        WriteTag(attribute.key, "int64", json);
        const auto integer = std::bit_cast<int64_t>(value.Varint("an integer"));
        if (integer <= kExactIntegerMax && integer >= -kExactIntegerMax) {
          json->Integer(integer);
        } else {
          json->String(std::to_string(integer));
        }
        break;
      }
      case WireTag(4, WireType::kFixed64): {
        WriteTag(attribute.key, "float64", json);
        const double number = value.Double("a number");
        if (std::isfinite(number)) {
          json->Double(number);
        } else {
          json->String(std::isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf");
        }
        break;
      }
      case WireTag(7, WireType::kBytes):
        WriteTag(attribute.key, "binary", json);
        json->String(HexText(value.Bytes("bytes")));
        break;
      default: {
        std::string text;
        AppendAnyValueText(attribute.value, &text);
        WriteTag(attribute.key, "string", json);
        json->String(text);
      }
    }
    json->EndObject();
  }

  void WriteSpan(const OtlpSpanReader& reader) {
    const OtlpSpan& span = reader.span();
    json_.BeginObject();
    Text("traceID", TraceIdText(span.trace_id));
    Text("spanID", HexText(span.span_id));
    json_.Key("flags");
    json_.Integer(uint64_t{span.flags & 0xff});
    Text("operationName", span.name);
    json_.Key("references");
    json_.BeginArray();
    if (!span.parent_span_id.empty()) {
      WriteReference("CHILD_OF", span.trace_id, span.parent_span_id);
    }
    for (const OtlpLink& link : span.links) {
      WriteReference("FOLLOWS_FROM", link.trace_id, link.span_id);
    }
    json_.EndArray();
    json_.Key("startTime");
    json_.Integer(span.start_ns / 1000);
    json_.Key("duration");
    json_.Integer(span.duration_ns() / 1000);
    json_.Key("tags");
    json_.BeginArray();
    WriteSpanTags(reader.scope(), span);
    json_.EndArray();
    json_.Key("logs");
    json_.BeginArray();
    for (const OtlpEvent& event : span.events) WriteLog(event);
    json_.EndArray();
    Text("processID", ProcessOf(reader));
    json_.Key("warnings");
    json_.Null();
    json_.EndObject();
  }

  void WriteReference(std::string_view type, std::string_view trace_id, std::string_view span_id) {
    json_.BeginObject();
    Text("refType", type);
    Text("traceID", TraceIdText(trace_id));
    Text("spanID", HexText(span_id));
    json_.EndObject();
  }

  // What OTLP has fields for stands among Jaeger's tags, under the names that OpenTelemetry gives
  // (specification, trace/sdk_exporters/jaeger).
  void WriteSpanTags(const OtlpScope& scope, const OtlpSpan& span) {
    if (!scope.name.empty()) WriteTextTag("otel.scope.name", scope.name, &json_);
    if (!scope.version.empty()) WriteTextTag("otel.scope.version", scope.version, &json_);
    for (const OtlpAttribute& attribute : span.attributes) WriteAttribute(attribute, &json_);
    static constexpr std::string_view kKinds[] = {"",       "internal", "server",
                                                  "client", "producer", "consumer"};
    const auto kind = static_cast<size_t>(span.kind);
    if (kind > 0 && kind < std::size(kKinds)) WriteTextTag("span.kind", kKinds[kind], &json_);
    if (span.status == OtlpStatusCode::kOk) WriteTextTag("otel.status_code", "OK", &json_);
    if (span.is_error()) {
      WriteTextTag("otel.status_code", "ERROR", &json_);
      if (span.Find("error") == nullptr) {
        WriteTag("error", "bool", &json_);
        json_.True();
        json_.EndObject();
      }
    }
    if (!span.status_message.empty()) {
      WriteTextTag("otel.status_description", span.status_message, &json_);
    }
    if (!span.trace_state.empty()) WriteTextTag("w3c.tracestate", span.trace_state, &json_);
  }

  void WriteLog(const OtlpEvent& event) {
    json_.BeginObject();
    json_.Key("timestamp");
    json_.Integer(event.time_ns / 1000);
    json_.Key("fields");
    json_.BeginArray();
    if (!event.name.empty()) WriteTextTag("event", event.name, &json_);
    for (const OtlpAttribute& attribute : event.attributes) WriteAttribute(attribute, &json_);
    json_.EndArray();
    json_.EndObject();
  }

  // The process that a resource is, written once.
  std::string ProcessOf(const OtlpSpanReader& reader) {
    if (reader.resource_number() == resource_at_) return process_at_;
    std::string process;
    JsonWriter json(&process);
    json.BeginObject();
    json.Key("serviceName");
    const std::string_view service = reader.resource().Text("service.name");
    json.String(service.empty() ? "OTLPResourceNoServiceName" : service);
    json.Key("tags");
    json.BeginArray();
    for (const OtlpAttribute& attribute : reader.resource().attributes) {
      if (attribute.key != "service.name") WriteAttribute(attribute, &json);
    }
    json.EndArray();
    json.EndObject();
    const auto [at, is_new] = numbers_.try_emplace(process, processes_.size());
    if (is_new) processes_.push_back(process);
    resource_at_ = reader.resource_number();
    process_at_ = "p" + std::to_string(at->second + 1);
    return process_at_;
  }

  JsonWriter& json_;
  std::vector<std::string> processes_;  // JSON
  std::unordered_map<std::string, size_t> numbers_;
  size_t resource_at_ = SIZE_MAX;
  std::string process_at_;
};

}  // namespace

Status WriteJaegerTrace(std::string_view traces_data, JsonWriter* json) {
  return TraceWriter(json).Write(traces_data);
}

}  // namespace varve::server
