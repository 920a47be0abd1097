// What span metrics look at of a span.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/format/span_message.h"
#include "storage/format/traces_message.h"

namespace varve::engine {

// Views are borrowed from the message.
struct SpanObservation {
  enum class Peer : uint8_t { kNone, kDatabase, kOther };

  uint64_t identity = 0;  // of the span's bytes and its resource's
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view parent_span_id;
  std::string_view service;
  std::string_view name;
  int32_t kind = 0;    // as in OTLP
  int32_t status = 0;  // as in OTLP
  uint64_t start_ns = 0;
  uint64_t duration_ns = 0;
  Peer peer_kind = Peer::kNone;
  std::string_view peer;  // the database system, or the address of what is called
};

inline constexpr int32_t kSpanKindServer = 2;
inline constexpr int32_t kSpanKindClient = 3;
inline constexpr int32_t kSpanKindProducer = 4;
inline constexpr int32_t kSpanKindConsumer = 5;
inline constexpr int32_t kStatusError = 2;

// Makes observations of the spans of one message, in their order.
class SpanObserver {
 public:
  // `span` was read from `place`.
  SpanObservation Observe(const format::SpanPlace& place, const format::SpanFields& span);

 private:
  const char* resource_at_ = nullptr;  // whose service and hash are known
  std::string_view service_;
  uint64_t resource_hash_ = 0;
};

inline constexpr size_t kArrivalBytesMax = 12;
// When a message arrived travels in the message, in a field that no reader of TracesData knows.
void AppendArrival(int64_t arrival_ms, std::string* traces_data);
// 0: it does not say.
int64_t ReadArrival(std::string_view traces_data);

}  // namespace varve::engine
