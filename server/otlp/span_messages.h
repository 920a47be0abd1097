// The spans of an OTLP TracesData message
// (https://github.com/open-telemetry/opentelemetry-proto, trace/v1), read in place.
//
// Readers fail the shared error where a known field has the wrong wire type or is cut off.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/wire_reader.h"
#include "server/otlp/any_value.h"

namespace varve::server {

enum class OtlpSpanKind : int32_t {
  kUnspecified = 0,
  kInternal = 1,
  kServer = 2,
  kClient = 3,
  kProducer = 4,
  kConsumer = 5,
};
enum class OtlpStatusCode : int32_t { kUnset = 0, kOk = 1, kError = 2 };

struct OtlpResource {
  std::vector<OtlpAttribute> attributes;
  // The last attribute of that key; empty: none, or no string.
  std::string_view Text(std::string_view key) const;
};

struct OtlpScope {
  std::string_view name;
  std::string_view version;
};

struct OtlpEvent {
  uint64_t time_ns = 0;
  std::string_view name;
  std::vector<OtlpAttribute> attributes;
};

struct OtlpLink {
  std::string_view trace_id;
  std::string_view span_id;
};

// All views are borrowed from the message. Vectors are cleared, not freed, for the next span.
struct OtlpSpan {
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view parent_span_id;
  std::string_view trace_state;
  std::string_view name;
  OtlpSpanKind kind = OtlpSpanKind::kUnspecified;
  uint64_t start_ns = 0;  // Unix epoch
  uint64_t end_ns = 0;
  uint32_t flags = 0;
  OtlpStatusCode status = OtlpStatusCode::kUnset;
  std::string_view status_message;
  std::vector<OtlpAttribute> attributes;
  std::vector<OtlpEvent> events;
  std::vector<OtlpLink> links;

  uint64_t duration_ns() const { return end_ns > start_ns ? end_ns - start_ns : 0; }
  bool is_error() const { return status == OtlpStatusCode::kError; }
  // The value of an attribute: an AnyValue message; nullptr: there is none.
  const std::string_view* Find(std::string_view key) const;
  // The same where it is a string; empty: none.
  std::string_view Text(std::string_view key) const;
};

// The string that an AnyValue message holds; empty: it holds something else.
std::string_view AnyValueString(std::string_view value);

enum class SpanDetail { kAll, kWithoutEventsAndLinks };

// Reads TracesData from its beginning to its end.
//
//   OtlpSpanReader reader(body, SpanDetail::kAll);
//   while (reader.Next()) use(reader.resource(), reader.scope(), reader.span());
//   if (reader.error().failed()) ...
class OtlpSpanReader {
 public:
  OtlpSpanReader(std::string_view traces_data, SpanDetail detail);
  OtlpSpanReader(const OtlpSpanReader&) = delete;
  OtlpSpanReader& operator=(const OtlpSpanReader&) = delete;

  // False at the end, and when the message cannot be read further.
  bool Next();

  const OtlpResource& resource() const { return resource_; }
  // Counts the ResourceSpans from 0: what stays the same has the same resource.
  size_t resource_number() const { return resource_count_ - 1; }
  const OtlpScope& scope() const { return scope_; }
  const OtlpSpan& span() const { return span_; }
  const WireError& error() const { return error_; }

 private:
  bool NextScope();
  bool NextResource();
  void ReadSpan(WireReader message);

  const SpanDetail detail_;
  WireError error_;
  WireReader data_;
  WireReader resource_spans_;
  WireReader scope_spans_;
  OtlpResource resource_;
  OtlpScope scope_;
  OtlpSpan span_;
  size_t resource_count_ = 0;
};

}  // namespace varve::server
