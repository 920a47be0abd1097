// The Span message of OTLP (https://github.com/open-telemetry/opentelemetry-proto, trace/v1), read
// in place and written again.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/wire_reader.h"

namespace varve::format {

inline constexpr size_t kTraceIdBytes = 16;
inline constexpr size_t kSpanIdBytes = 8;
// Attribute values nest: arrays and maps deeper than this are refused.
inline constexpr int kSpanValueDepthMax = 64;

enum class AttributeType : uint8_t {  // on disk: never change a value
  kString = 0,
  kBool = 1,
  kInt = 2,
  kDouble = 3,
  kOther = 4,  // arrays, maps, bytes, no value: the AnyValue message as it came
};

// One attribute. Views are borrowed from the message.
struct SpanAttribute {
  std::string_view key;
  AttributeType type = AttributeType::kOther;
  std::string_view text;  // kString: the string; kOther: an AnyValue message
  uint64_t bits = 0;      // kBool: 0, 1; kInt: two's complement; kDouble: IEEE 754
  friend bool operator==(const SpanAttribute&, const SpanAttribute&) = default;
};

// A run of SpanFields::attributes.
struct AttributeRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

struct SpanEvent {
  uint64_t time_ns = 0;
  std::string_view name;
  uint32_t dropped_attributes = 0;
  AttributeRange attributes;
};

struct SpanLink {
  std::string_view trace_id;  // of any length
  std::string_view span_id;
  std::string_view trace_state;
  uint32_t dropped_attributes = 0;
  uint32_t flags = 0;
  AttributeRange attributes;
};

// A span's fields; views are borrowed from the message. Reused from span to span.
struct SpanFields {
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view parent_span_id;  // empty: a root
  std::string_view trace_state;
  std::string_view name;
  uint64_t start_ns = 0;  // Unix epoch
  uint64_t end_ns = 0;
  int32_t kind = 0;
  int32_t status_code = 0;
  std::string_view status_message;
  uint32_t flags = 0;
  uint32_t dropped_attributes = 0;
  uint32_t dropped_events = 0;
  uint32_t dropped_links = 0;
  AttributeRange own_attributes;
  std::vector<SpanAttribute> attributes;  // own, of events and of links
  std::vector<SpanEvent> events;
  std::vector<SpanLink> links;

  void Clear();
  std::span<const SpanAttribute> of(AttributeRange range) const {
    return std::span(attributes).subspan(range.begin, range.end - range.begin);
  }
};

// Fails the reader's shared error where a known field has the wrong wire type, is cut off or nests
// too deep. Unknown fields are stepped over. Lengths of ids are for the caller to check.
void ReadSpan(WireReader message, SpanFields* span);
// A KeyValue message.
SpanAttribute ReadSpanAttribute(WireReader message);

// Appends the Span message, fields in ascending order, zeros left out.
void AppendSpan(const SpanFields& span, std::string* out);
// Appends field `field` holding a KeyValue message.
void AppendAttribute(uint32_t field, const SpanAttribute& attribute, std::string* out);

}  // namespace varve::format
