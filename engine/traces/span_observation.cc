#include "engine/traces/span_observation.h"

#include "base/hash.h"
#include "base/varint.h"
#include "base/wire_reader.h"

namespace varve::engine {
namespace {

constexpr uint32_t kArrivalField = 1000;

std::string_view ServiceOf(std::string_view resource) {
  WireError error;
  for (WireReader message(resource, &error); !message.done();) {
    const uint32_t tag = message.Tag();
    if (tag != WireTag(1, WireType::kBytes)) {
      if (!message.failed()) message.Skip(tag);
      continue;
    }
    const format::SpanAttribute attribute =
        format::ReadSpanAttribute(message.Message("an attribute"));
    if (attribute.key == "service.name" && attribute.type == format::AttributeType::kString) {
      return attribute.text;
    }
  }
  return {};
}

// Of what is called, the first of these that is there says what it is.
void FindPeer(const format::SpanFields& span, SpanObservation* observation) {
  static constexpr std::string_view kDatabaseKeys[] = {"db.system.name", "db.system"};
  static constexpr std::string_view kOtherKeys[] = {"peer.service", "server.address",
                                                    "net.peer.name"};
  const auto find = [&](std::string_view key) -> std::string_view {
    for (const format::SpanAttribute& attribute : span.of(span.own_attributes)) {
      if (attribute.key == key && attribute.type == format::AttributeType::kString) {
        return attribute.text;
      }
    }
    return {};
  };
  for (const std::string_view key : kDatabaseKeys) {
    observation->peer = find(key);
    if (observation->peer.empty()) continue;
    observation->peer_kind = SpanObservation::Peer::kDatabase;
    return;
  }
  for (const std::string_view key : kOtherKeys) {
    observation->peer = find(key);
    if (observation->peer.empty()) continue;
    observation->peer_kind = SpanObservation::Peer::kOther;
    return;
  }
}

}  // namespace

SpanObservation SpanObserver::Observe(const format::SpanPlace& place,
                                      const format::SpanFields& span) {
  if (place.resource.message.data() != resource_at_ || resource_at_ == nullptr) {
    resource_at_ = place.resource.message.data();
    resource_hash_ = Hash64(place.resource.message);
    service_ = ServiceOf(place.resource.message);
  }
  SpanObservation observation;
  observation.identity = Hash64(place.span) + resource_hash_ * 0x9e3779b97f4a7c15;
  observation.trace_id = span.trace_id;
  observation.span_id = span.span_id;
  observation.parent_span_id = span.parent_span_id;
  observation.service = service_;
  observation.name = span.name;
  observation.kind = span.kind;
  observation.status = span.status_code;
  observation.start_ns = span.start_ns;
  observation.duration_ns = span.end_ns > span.start_ns ? span.end_ns - span.start_ns : 0;
  if (span.kind == kSpanKindClient || span.kind == kSpanKindProducer) {
    FindPeer(span, &observation);
  }
  return observation;
}

void AppendArrival(int64_t arrival_ms, std::string* traces_data) {
  AppendVarint(traces_data, WireTag(kArrivalField, WireType::kVarint));
  AppendVarint(traces_data, static_cast<uint64_t>(arrival_ms));
}

int64_t ReadArrival(std::string_view traces_data) {
  WireError error;
  int64_t arrival_ms = 0;
  for (WireReader message(traces_data, &error); !message.done();) {
    const uint32_t tag = message.Tag();
    if (tag == WireTag(kArrivalField, WireType::kVarint)) {
      arrival_ms = static_cast<int64_t>(message.Varint("a time"));
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return arrival_ms;
}

}  // namespace varve::engine
