#include "server/tempo/tempo_protobuf.h"

#include <cstdint>

#include "server/otlp/any_value.h"
#include "server/remote_read/proto_writer.h"

namespace varve::server {
namespace {

using traceql::ResultAttributes;
using traceql::ResultValue;

void WriteAnyValue(const ResultValue& value, ProtoWriter* out) {
  switch (value.type) {
    case ResultValue::Type::kBool:
      return out->Varint(2, value.integer != 0 ? 1 : 0);
    case ResultValue::Type::kInt:
      return out->Signed(3, value.integer);
    case ResultValue::Type::kFloat:
      return out->Double(4, value.number);
    case ResultValue::Type::kNil:
      return out->Bytes(1, "nil");
    default:
      return out->Bytes(1, value.text);
  }
}

void WriteAttributes(uint32_t field, const ResultAttributes& attributes, ProtoWriter* out) {
  for (const auto& attribute : attributes) {
    out->Message(field, [&](ProtoWriter* pair) {
      pair->Bytes(1, attribute.first);
      pair->Message(2, [&](ProtoWriter* value) { WriteAnyValue(attribute.second, value); });
    });
  }
}

std::string Hex(std::string_view id) {
  std::string text;
  AppendHex(id, &text);
  return text;
}

void WriteSpanset(const traceql::FoundSpanset& spanset, ProtoWriter* out) {
  for (const traceql::FoundSpan& span : spanset.spans) {
    out->Message(1, [&](ProtoWriter* message) {
      message->Bytes(1, Hex(span.span_id));
      message->Bytes(2, span.name);
      message->Varint(3, span.start_ns);
      message->Varint(4, static_cast<uint64_t>(span.duration_ns));
      WriteAttributes(5, span.attributes, message);
    });
  }
  out->Varint(2, spanset.matched);
  WriteAttributes(3, spanset.attributes, out);
}

void WriteTrace(const traceql::FoundTrace& trace, ProtoWriter* out) {
  out->Bytes(1, Hex(trace.trace_id));
  out->Bytes(2, RootServiceText(trace));
  out->Bytes(3, trace.root_name);
  out->Varint(4, trace.start_ns);
  out->Varint(5, static_cast<uint64_t>(trace.duration_ns / 1'000'000));
  if (!trace.spansets.empty()) {
    out->Message(6, [&](ProtoWriter* first) { WriteSpanset(trace.spansets.front(), first); });
  }
  for (const traceql::FoundSpanset& spanset : trace.spansets) {
    out->Message(7, [&](ProtoWriter* message) { WriteSpanset(spanset, message); });
  }
  for (const traceql::ServiceStatistics& service : trace.services) {
    out->Message(8, [&](ProtoWriter* entry) {
      entry->Bytes(1, service.service);
      entry->Message(2, [&](ProtoWriter* statistics) {
        statistics->Varint(1, service.span_count);
        statistics->Varint(2, service.error_count);
      });
    });
  }
}

void WriteStatistics(const traceql::SearchStatistics& statistics, ProtoWriter* out) {
  out->Varint(1, statistics.traces);
  out->Varint(3, statistics.blocks);
  out->Varint(4, 1);
  out->Varint(5, 1);
  out->Varint(7, statistics.spans);
}

void WriteSeries(const traceql::MetricSeries& series, TempoMetrics form, ProtoWriter* out) {
  WriteAttributes(1, series.labels, out);
  if (form == TempoMetrics::kInstant) return out->Double(2, series.points.front().second);
  for (const auto& point : series.points) {
    out->Message(2, [&](ProtoWriter* sample) {
      sample->Double(1, point.second);
      sample->Signed(2, point.first);
    });
  }
  for (const traceql::MetricExemplar& exemplar : series.exemplars) {
    out->Message(4, [&](ProtoWriter* message) {
      WriteAttributes(1, exemplar.labels, message);
      message->Double(2, exemplar.value);
      message->Signed(3, exemplar.timestamp_ms);
    });
  }
}

}  // namespace

std::string TempoSearchProtobuf(const traceql::SearchResult& result) {
  std::string message;
  ProtoWriter out(&message);
  for (const traceql::FoundTrace& trace : result.traces) {
    out.Message(1, [&](ProtoWriter* found) { WriteTrace(trace, found); });
  }
  out.Message(2, [&](ProtoWriter* metrics) { WriteStatistics(result.statistics, metrics); });
  return message;
}

std::string TempoMetricsProtobuf(const traceql::MetricsResult& result, TempoMetrics form) {
  std::string message;
  ProtoWriter out(&message);
  for (const traceql::MetricSeries& series : result.series) {
    if (form == TempoMetrics::kInstant && series.points.empty()) continue;
    out.Message(1, [&](ProtoWriter* one) { WriteSeries(series, form, one); });
  }
  out.Message(2, [&](ProtoWriter* metrics) { WriteStatistics(result.statistics, metrics); });
  return message;
}

}  // namespace varve::server
