#include "server/otlp/otlp_schema.h"

namespace varve::server::otlp {
namespace {

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
    {"code", 3, Kind::kStatusCode},
};
constexpr Message kStatus{kStatusFields};
constexpr Field kSpanFields[] = {
    {"traceId", 1, Kind::kHex},
    {"spanId", 2, Kind::kHex},
    {"traceState", 3, Kind::kString},
    {"parentSpanId", 4, Kind::kHex},
    {"name", 5, Kind::kString},
    {"kind", 6, Kind::kSpanKind},
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

}  // namespace

const Message& Traces() { return kTraces; }
const Message& Metrics() { return kMetrics; }

}  // namespace varve::server::otlp
