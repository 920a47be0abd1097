// Random spans with everything that a span can have, for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "storage/format/span_message.h"

namespace varve::format {

inline std::string Id(uint64_t n, size_t size) {
  std::string id;
  AppendBigEndian64(&id, n);
  id.resize(size, '\x5a');
  return id;
}

// Owns what the fields of random spans point to.
class RandomSpans {
 public:
  explicit RandomSpans(uint64_t seed) : random_(seed) {}

  std::string Make(uint64_t trace, uint64_t id) {
    SpanFields span;
    texts_.clear();
    span.trace_id = Keep(Id(trace, kTraceIdBytes));
    span.span_id = Keep(Id(id, kSpanIdBytes));
    // Some parents are in the block, some come later than their children, some are themselves.
    if (Pick(5) != 0) span.parent_span_id = Keep(Id(Pick(40), kSpanIdBytes));
    span.trace_state = Text(2);
    span.name = Text(20);
    span.start_ns = Pick(50) == 0 ? random_() : 1'700'000'000'000'000'000 + Pick(1'000'000'000);
    span.end_ns = Pick(50) == 0 ? random_() : span.start_ns + Pick(1'000'000);
    span.kind = static_cast<int32_t>(Pick(6));
    span.status_code = Pick(20) == 0 ? -1 : static_cast<int32_t>(Pick(3));
    span.status_message = Text(2);
    span.flags = static_cast<uint32_t>(Pick(3) * 0x100);
    span.dropped_attributes = static_cast<uint32_t>(Pick(2));
    span.dropped_events = static_cast<uint32_t>(Pick(2));
    span.dropped_links = static_cast<uint32_t>(Pick(2));
    span.own_attributes = Attributes(&span);
    for (size_t i = Pick(4); i > 0; --i) {
      span.events.push_back(
          {span.start_ns + Pick(1000), Text(4), static_cast<uint32_t>(Pick(2)), Attributes(&span)});
    }
    for (size_t i = Pick(3); i > 0; --i) {
      span.links.push_back({Keep(Id(Pick(9), Pick(2) == 0 ? 16 : 8)), Keep(Id(Pick(9), 8)), Text(2),
                            static_cast<uint32_t>(Pick(2)), static_cast<uint32_t>(Pick(2)),
                            Attributes(&span)});
    }
    std::string message;
    AppendSpan(span, &message);
    return message;
  }
  uint64_t Pick(uint64_t n) { return random_() % n; }

 private:
  std::string_view Keep(std::string text) {
    texts_.push_back(std::make_unique<std::string>(std::move(text)));
    return *texts_.back();
  }
  std::string_view Text(uint64_t distinct) {
    const uint64_t n = Pick(distinct);
    return Keep(n == 0 ? "" : "text " + std::to_string(n));
  }
  AttributeRange Attributes(SpanFields* span) {
    const auto begin = static_cast<uint32_t>(span->attributes.size());
    for (size_t i = Pick(6); i > 0; --i) {
      SpanAttribute attribute;
      attribute.key = Keep("key" + std::to_string(Pick(4)));
      attribute.type = static_cast<AttributeType>(Pick(5));
      if (attribute.type == AttributeType::kString) attribute.text = Text(300);
      if (attribute.type == AttributeType::kBool) attribute.bits = Pick(2);
      if (attribute.type == AttributeType::kInt) attribute.bits = random_() >> Pick(64);
      if (attribute.type == AttributeType::kDouble) attribute.bits = random_();
      // An AnyValue of bytes, an empty one.
      if (attribute.type == AttributeType::kOther && Pick(2) == 0)
        attribute.text = Keep("\x3a\x01z");
      span->attributes.push_back(attribute);
    }
    return {begin, static_cast<uint32_t>(span->attributes.size())};
  }

  std::mt19937_64 random_;
  std::vector<std::unique_ptr<std::string>> texts_;
};

}  // namespace varve::format
