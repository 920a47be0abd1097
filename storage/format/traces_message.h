// The TracesData message of OTLP, which is also ExportTraceServiceRequest
// (https://github.com/open-telemetry/opentelemetry-proto, trace/v1): taken apart span by span, and
// put together again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/wire_reader.h"
#include "storage/format/span_block.h"

namespace varve::format {

// A span with what it stands under; views are borrowed from the message.
struct SpanPlace {
  Origin resource;
  Origin scope;
  std::string_view span;
};

namespace traces_message {

// A ResourceSpans or ScopeSpans message but for its items, which may come in between.
inline Origin ReadOrigin(std::string_view bytes, WireError* error) {
  WireReader message(bytes, error);
  Origin origin{message.Empty(), message.Empty()};
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == WireTag(1, WireType::kBytes)) {
      origin.message = message.Bytes("the length of a resource or scope");
    } else if (tag == WireTag(3, WireType::kBytes)) {
      origin.schema_url = message.Bytes("the length of a schema URL");
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return origin;
}

}  // namespace traces_message

// Calls visit(const SpanPlace&) for every span in order, until the error is set. What is inside of
// resources, scopes and spans is not looked at.
template <typename Visit>
void VisitSpans(std::string_view body, WireError* error, Visit&& visit) {
  constexpr uint32_t kItems = WireTag(2, WireType::kBytes);
  SpanPlace place;
  for (WireReader data(body, error); !data.done();) {
    const uint32_t tag = data.Tag();
    if (tag != WireTag(1, WireType::kBytes)) {
      if (!data.failed()) data.Skip(tag);
      continue;
    }
    const std::string_view resource_spans = data.Bytes("the length of resource spans");
    place.resource = traces_message::ReadOrigin(resource_spans, error);
    for (WireReader resource(resource_spans, error); !resource.done() && !error->failed();) {
      const uint32_t resource_tag = resource.Tag();
      if (resource_tag != kItems) {
        resource.Skip(resource_tag);
        continue;
      }
      const std::string_view scope_spans = resource.Bytes("the length of scope spans");
      place.scope = traces_message::ReadOrigin(scope_spans, error);
      for (WireReader scope(scope_spans, error); !scope.done() && !error->failed();) {
        const uint32_t scope_tag = scope.Tag();
        if (scope_tag != kItems) {
          scope.Skip(scope_tag);
          continue;
        }
        place.span = scope.Bytes("the length of a span");
        visit(static_cast<const SpanPlace&>(place));
      }
    }
    if (error->failed()) return;
  }
}

// Puts spans together by resource and scope, in the order in which these first come.
class TracesBuilder {
 public:
  // `resource` and `scope` as EncodeOrigin makes them, well-formed; copied.
  void Add(std::string_view resource, std::string_view scope, std::string_view span);
  bool empty() const { return resources_.empty(); }
  // The message. The builder is empty afterwards.
  std::string Finish();

 private:
  struct Scope {
    std::string origin;
    std::string spans;  // fields of ScopeSpans
  };
  struct Resource {
    std::string origin;
    std::vector<Scope> scopes;
  };
  std::vector<Resource> resources_;
  std::unordered_map<std::string, size_t> numbers_;  // of resources by origin
};

}  // namespace varve::format
