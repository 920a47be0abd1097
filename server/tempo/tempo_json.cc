#include "server/tempo/tempo_json.h"

#include <cmath>
#include <cstdint>
#include <string_view>

#include "server/otlp/any_value.h"

namespace varve::server {
namespace {

using traceql::ResultAttributes;
using traceql::ResultValue;

void WriteNumber(double value, JsonWriter* json) {
  if (std::isfinite(value)) return json->Double(value);
  json->String(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
}

void WriteAnyValue(const ResultValue& value, JsonWriter* json) {
  json->BeginObject();
  switch (value.type) {
    case ResultValue::Type::kInt:
      json->Key("intValue");
      json->String(std::to_string(value.integer));
      break;
    case ResultValue::Type::kFloat:
      json->Key("doubleValue");
      WriteNumber(value.number, json);
      break;
    case ResultValue::Type::kBool:
      json->Key("boolValue");
      json->Literal(value.integer != 0 ? "true" : "false");
      break;
    case ResultValue::Type::kNil:
      json->Key("stringValue");
      json->String("nil");
      break;
    case ResultValue::Type::kString:
    case ResultValue::Type::kDuration:
    case ResultValue::Type::kStatus:
    case ResultValue::Type::kKind:
      json->Key("stringValue");
      json->String(value.text);
      break;
  }
  json->EndObject();
}

void WriteAttributes(std::string_view key, const ResultAttributes& attributes, JsonWriter* json) {
  json->Key(key);
  json->BeginArray();
  for (const auto& [name, value] : attributes) {
    json->BeginObject();
    json->Key("key");
    json->String(name);
    json->Key("value");
    WriteAnyValue(value, json);
    json->EndObject();
  }
  json->EndArray();
}

void WriteText(std::string_view key, std::string_view text, JsonWriter* json) {
  json->Key(key);
  json->String(text);
}

void WriteSpanset(const traceql::FoundSpanset& spanset, JsonWriter* json) {
  json->BeginObject();
  json->Key("spans");
  json->BeginArray();
  for (const traceql::FoundSpan& span : spanset.spans) {
    json->BeginObject();
    std::string id;
    AppendHex(span.span_id, &id);
    WriteText("spanID", id, json);
    WriteText("name", span.name, json);
    WriteText("startTimeUnixNano", std::to_string(span.start_ns), json);
    WriteText("durationNanos", std::to_string(span.duration_ns), json);
    if (!span.attributes.empty()) WriteAttributes("attributes", span.attributes, json);
    json->EndObject();
  }
  json->EndArray();
  json->Key("matched");
  json->Integer(spanset.matched);
  if (!spanset.attributes.empty()) WriteAttributes("attributes", spanset.attributes, json);
  json->EndObject();
}

void WriteTrace(const traceql::FoundTrace& trace, JsonWriter* json) {
  json->BeginObject();
  std::string id;
  AppendHex(trace.trace_id, &id);
  WriteText("traceID", id, json);
  WriteText("rootServiceName", RootServiceText(trace), json);
  WriteText("rootTraceName", trace.root_name, json);
  WriteText("startTimeUnixNano", std::to_string(trace.start_ns), json);
  json->Key("durationMs");
  json->Integer(trace.duration_ns / 1'000'000);
  if (!trace.spansets.empty()) {
    json->Key("spanSet");  // what older clients read
    WriteSpanset(trace.spansets.front(), json);
  }
  json->Key("spanSets");
  json->BeginArray();
  for (const traceql::FoundSpanset& spanset : trace.spansets) WriteSpanset(spanset, json);
  json->EndArray();
  json->Key("serviceStats");
  json->BeginObject();
  for (const traceql::ServiceStatistics& service : trace.services) {
    json->Key(service.service);
    json->BeginObject();
    json->Key("spanCount");
    json->Integer(service.span_count);
    if (service.error_count > 0) {
      json->Key("errorCount");
      json->Integer(service.error_count);
    }
    json->EndObject();
  }
  json->EndObject();
  json->EndObject();
}

void WriteSeries(const traceql::MetricSeries& series, TempoMetrics form, JsonWriter* json) {
  json->BeginObject();
  WriteAttributes("labels", series.labels, json);
  if (form == TempoMetrics::kInstant) {
    json->Key("value");
    WriteNumber(series.points.front().second, json);
    json->EndObject();
    return;
  }
  json->Key("samples");
  json->BeginArray();
  for (const auto& [time_ms, value] : series.points) {
    json->BeginObject();
    WriteText("timestampMs", std::to_string(time_ms), json);
    json->Key("value");
    WriteNumber(value, json);
    json->EndObject();
  }
  json->EndArray();
  if (!series.exemplars.empty()) {
    json->Key("exemplars");
    json->BeginArray();
    for (const traceql::MetricExemplar& exemplar : series.exemplars) {
      json->BeginObject();
      WriteAttributes("labels", exemplar.labels, json);
      json->Key("value");
      WriteNumber(exemplar.value, json);
      WriteText("timestampMs", std::to_string(exemplar.timestamp_ms), json);
      json->EndObject();
    }
    json->EndArray();
  }
  json->EndObject();
}

}  // namespace

std::string_view RootServiceText(const traceql::FoundTrace& trace) {
  return trace.has_root ? std::string_view(trace.root_service) : "<root span not yet received>";
}

void WriteTempoStatistics(const traceql::SearchStatistics& statistics, JsonWriter* json) {
  json->BeginObject();
  json->Key("inspectedTraces");
  json->Integer(statistics.traces);
  WriteText("inspectedSpans", std::to_string(statistics.spans), json);
  json->Key("totalBlocks");
  json->Integer(statistics.blocks);
  json->Key("completedJobs");
  json->Integer(uint64_t{1});
  json->Key("totalJobs");
  json->Integer(uint64_t{1});
  json->EndObject();
}

void WriteTempoSearch(const traceql::SearchResult& result, JsonWriter* json) {
  json->BeginObject();
  json->Key("traces");
  json->BeginArray();
  for (const traceql::FoundTrace& trace : result.traces) WriteTrace(trace, json);
  json->EndArray();
  json->Key("metrics");
  WriteTempoStatistics(result.statistics, json);
  json->EndObject();
}

void WriteTempoMetrics(const traceql::MetricsResult& result, TempoMetrics form, JsonWriter* json) {
  json->BeginObject();
  json->Key("series");
  json->BeginArray();
  for (const traceql::MetricSeries& series : result.series) {
    if (form == TempoMetrics::kRange || !series.points.empty()) WriteSeries(series, form, json);
  }
  json->EndArray();
  json->Key("metrics");
  WriteTempoStatistics(result.statistics, json);
  WriteText("status", "COMPLETE", json);
  if (!result.warnings.empty()) {
    std::string message;
    for (const std::string& warning : result.warnings) {
      message += (message.empty() ? "" : "; ") + warning;
    }
    WriteText("message", message, json);
  }
  json->EndObject();
}

std::string_view TempoTypeName(ResultValue::Type type) {
  switch (type) {
    case ResultValue::Type::kInt:
      return "int";
    case ResultValue::Type::kFloat:
      return "float";
    case ResultValue::Type::kBool:
      return "bool";
    case ResultValue::Type::kDuration:
      return "duration";
    case ResultValue::Type::kStatus:
    case ResultValue::Type::kKind:
      return "keyword";
    case ResultValue::Type::kNil:
    case ResultValue::Type::kString:
      break;
  }
  return "string";
}

}  // namespace varve::server
