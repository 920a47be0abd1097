#include "storage/format/span_message.h"

#include <bit>
#include <utility>

#include "base/bytes.h"
#include "base/varint.h"

namespace varve::format {
namespace {

constexpr uint32_t Var(uint32_t field) { return WireTag(field, WireType::kVarint); }
constexpr uint32_t Len(uint32_t field) { return WireTag(field, WireType::kBytes); }
constexpr uint32_t Fixed64(uint32_t field) { return WireTag(field, WireType::kFixed64); }
constexpr uint32_t Fixed32(uint32_t field) { return WireTag(field, WireType::kFixed32); }

// Walks what is kept as bytes, so that whoever reads it later need not check it.
void CheckValue(WireReader message, int depth);

void CheckList(WireReader list, bool is_map, int depth) {
  while (!list.done()) {
    const uint32_t tag = list.Tag();
    if (tag != Len(1)) {
      if (!list.failed()) list.Skip(tag);
      continue;
    }
    WireReader element = list.Message("the length of an array's or map's element");
    if (!is_map) {
      CheckValue(element, depth);
      continue;
    }
    while (!element.done()) {
      const uint32_t field = element.Tag();
      if (field == Len(2)) {
        CheckValue(element.Message("the length of a value"), depth);
      } else if (!element.failed()) {
        element.Skip(field);
      }
    }
  }
}

void CheckValue(WireReader message, int depth) {
  if (depth > kSpanValueDepthMax) {
    return message.Fail(message.at(), "arrays and maps nested at most 64 deep");
  }
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == Len(5) || tag == Len(6)) {
      CheckList(message.Message("the length of an array or map"), tag == Len(6), depth + 1);
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
}

// Almost every value is one field of a simple type; all else is kept as it came.
void ReadValue(std::string_view bytes, WireError* error, SpanAttribute* attribute) {
  WireReader message(bytes, error);
  if (!message.done()) {
    const uint32_t tag = message.Tag();
    switch (tag) {
      case Len(1):
        attribute->type = AttributeType::kString;
        attribute->text = message.Bytes("the length of a string value");
        break;
      case Var(2):
        attribute->type = AttributeType::kBool;
        attribute->bits = message.Varint("a bool value") != 0;
        break;
      case Var(3):
        attribute->type = AttributeType::kInt;
        attribute->bits = message.Varint("an integer value");
        break;
      case Fixed64(4):
        attribute->type = AttributeType::kDouble;
        attribute->bits = message.Fixed64("the 8 bytes of a double value");
        break;
      default:
        if (!message.failed()) message.Skip(tag);
        attribute->type = AttributeType::kOther;
        attribute->text = bytes;
    }
  }
  if (attribute->type == AttributeType::kOther || !message.done()) {
    attribute->type = AttributeType::kOther;
    attribute->text = bytes;
    attribute->bits = 0;
    CheckValue(WireReader(bytes, error), 0);
  }
}

SpanEvent ReadEvent(WireReader message, SpanFields* span) {
  SpanEvent event;
  event.name = message.Empty();
  event.attributes.begin = static_cast<uint32_t>(span->attributes.size());
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    switch (tag) {
      case Fixed64(1):
        event.time_ns = message.Fixed64("the 8 bytes of an event's time");
        break;
      case Len(2):
        event.name = message.Bytes("the length of an event's name");
        break;
      case Len(3):
        span->attributes.push_back(
            ReadSpanAttribute(message.Message("the length of an event's attribute")));
        break;
      case Var(4):
        event.dropped_attributes = static_cast<uint32_t>(message.Varint("a dropped count"));
        break;
      default:
        if (!message.failed()) message.Skip(tag);
    }
  }
  event.attributes.end = static_cast<uint32_t>(span->attributes.size());
  return event;
}

SpanLink ReadLink(WireReader message, SpanFields* span) {
  SpanLink link;
  link.trace_id = link.span_id = link.trace_state = message.Empty();
  link.attributes.begin = static_cast<uint32_t>(span->attributes.size());
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    switch (tag) {
      case Len(1):
        link.trace_id = message.Bytes("the length of a link's trace id");
        break;
      case Len(2):
        link.span_id = message.Bytes("the length of a link's span id");
        break;
      case Len(3):
        link.trace_state = message.Bytes("the length of a link's trace state");
        break;
      case Len(4):
        span->attributes.push_back(
            ReadSpanAttribute(message.Message("the length of a link's attribute")));
        break;
      case Var(5):
        link.dropped_attributes = static_cast<uint32_t>(message.Varint("a dropped count"));
        break;
      case Fixed32(6):
        link.flags = message.Fixed32("the 4 bytes of a link's flags");
        break;
      default:
        if (!message.failed()) message.Skip(tag);
    }
  }
  link.attributes.end = static_cast<uint32_t>(span->attributes.size());
  return link;
}

void ReadStatus(WireReader message, SpanFields* span) {
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == Len(2)) {
      span->status_message = message.Bytes("the length of a status message");
    } else if (tag == Var(3)) {
      span->status_code = static_cast<int32_t>(message.Varint("a status code"));
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
}

// Events and links: after the span's own attributes, which must be a run.
void ReadParts(WireReader message, SpanFields* span) {
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == Len(11)) {
      span->events.push_back(ReadEvent(message.Message("the length of an event"), span));
    } else if (tag == Len(13)) {
      span->links.push_back(ReadLink(message.Message("the length of a link"), span));
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
}

void PutTag(std::string* out, uint32_t tag) { AppendVarint(out, tag); }

void PutVarint(uint32_t field, uint64_t value, std::string* out) {
  if (value == 0) return;
  PutTag(out, Var(field));
  AppendVarint(out, value);
}

void PutBytes(uint32_t field, std::string_view value, std::string* out) {
  if (value.empty()) return;
  PutTag(out, Len(field));
  AppendLengthPrefixed(out, value);
}

void PutFixed64(uint32_t field, uint64_t value, std::string* out) {
  if (value == 0) return;
  PutTag(out, Fixed64(field));
  AppendFixed(out, value);
}

void PutFixed32(uint32_t field, uint32_t value, std::string* out) {
  if (value == 0) return;
  PutTag(out, Fixed32(field));
  AppendFixed(out, value);
}

uint64_t SignExtended(int32_t value) { return static_cast<uint64_t>(int64_t{value}); }

void PutMessage(uint32_t field, std::string_view message, std::string* out) {
  PutTag(out, Len(field));
  AppendLengthPrefixed(out, message);
}

}  // namespace

SpanAttribute ReadSpanAttribute(WireReader message) {
  SpanAttribute attribute;
  attribute.key = attribute.text = message.Empty();
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == Len(1)) {
      attribute.key = message.Bytes("the length of an attribute's key");
    } else if (tag == Len(2)) {
      const std::string_view key = attribute.key;
      attribute = {key, AttributeType::kOther, message.Empty(), 0};
      ReadValue(message.Bytes("the length of an attribute's value"), message.error(), &attribute);
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return attribute;
}

void SpanFields::Clear() {
  trace_id = span_id = parent_span_id = trace_state = name = status_message = {};
  start_ns = end_ns = 0;
  kind = status_code = 0;
  flags = dropped_attributes = dropped_events = dropped_links = 0;
  own_attributes = {};
  attributes.clear();
  events.clear();
  links.clear();
}

void ReadSpan(WireReader message, SpanFields* span) {
  span->Clear();
  const WireReader whole = message;
  bool has_parts = false;
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    switch (tag) {
      case Len(1):
        span->trace_id = message.Bytes("the length of a trace id");
        break;
      case Len(2):
        span->span_id = message.Bytes("the length of a span id");
        break;
      case Len(3):
        span->trace_state = message.Bytes("the length of a trace state");
        break;
      case Len(4):
        span->parent_span_id = message.Bytes("the length of a parent span id");
        break;
      case Len(5):
        span->name = message.Bytes("the length of a span's name");
        break;
      case Var(6):
        span->kind = static_cast<int32_t>(message.Varint("a span kind"));
        break;
      case Fixed64(7):
        span->start_ns = message.Fixed64("the 8 bytes of a start time");
        break;
      case Fixed64(8):
        span->end_ns = message.Fixed64("the 8 bytes of an end time");
        break;
      case Len(9):
        span->attributes.push_back(
            ReadSpanAttribute(message.Message("the length of an attribute")));
        break;
      case Var(10):
        span->dropped_attributes = static_cast<uint32_t>(message.Varint("a dropped count"));
        break;
      case Var(12):
        span->dropped_events = static_cast<uint32_t>(message.Varint("a dropped count"));
        break;
      case Var(14):
        span->dropped_links = static_cast<uint32_t>(message.Varint("a dropped count"));
        break;
      case Len(15):
        ReadStatus(message.Message("the length of a status"), span);
        break;
      case Fixed32(16):
        span->flags = message.Fixed32("the 4 bytes of a span's flags");
        break;
      case Len(11):
      case Len(13):
        has_parts = true;
        message.Skip(tag);
        break;
      default:
        if (!message.failed()) message.Skip(tag);
    }
  }
  span->own_attributes.end = static_cast<uint32_t>(span->attributes.size());
  if (has_parts && !message.failed()) ReadParts(whole, span);
}

void AppendAttribute(uint32_t field, const SpanAttribute& attribute, std::string* out) {
  std::string value;
  switch (attribute.type) {
    case AttributeType::kString:
      PutMessage(1, attribute.text, &value);
      break;
    case AttributeType::kBool:
    case AttributeType::kInt:
      PutTag(&value, Var(attribute.type == AttributeType::kBool ? 2 : 3));
      AppendVarint(&value, attribute.bits);
      break;
    case AttributeType::kDouble:
      PutTag(&value, Fixed64(4));
      AppendFixed(&value, attribute.bits);
      break;
    case AttributeType::kOther:
      value = attribute.text;
      break;
  }
  std::string pair;
  PutBytes(1, attribute.key, &pair);
  PutMessage(2, value, &pair);
  PutMessage(field, pair, out);
}

void AppendSpan(const SpanFields& span, std::string* out) {
  PutBytes(1, span.trace_id, out);
  PutBytes(2, span.span_id, out);
  PutBytes(3, span.trace_state, out);
  PutBytes(4, span.parent_span_id, out);
  PutBytes(5, span.name, out);
  PutVarint(6, SignExtended(span.kind), out);
  PutFixed64(7, span.start_ns, out);
  PutFixed64(8, span.end_ns, out);
  for (const SpanAttribute& attribute : span.of(span.own_attributes)) {
    AppendAttribute(9, attribute, out);
  }
  PutVarint(10, span.dropped_attributes, out);
  std::string message;
  for (const SpanEvent& event : span.events) {
    message.clear();
    PutFixed64(1, event.time_ns, &message);
    PutBytes(2, event.name, &message);
    for (const SpanAttribute& attribute : span.of(event.attributes)) {
      AppendAttribute(3, attribute, &message);
    }
    PutVarint(4, event.dropped_attributes, &message);
    PutMessage(11, message, out);
  }
  PutVarint(12, span.dropped_events, out);
  for (const SpanLink& link : span.links) {
    message.clear();
    PutBytes(1, link.trace_id, &message);
    PutBytes(2, link.span_id, &message);
    PutBytes(3, link.trace_state, &message);
    for (const SpanAttribute& attribute : span.of(link.attributes)) {
      AppendAttribute(4, attribute, &message);
    }
    PutVarint(5, link.dropped_attributes, &message);
    PutFixed32(6, link.flags, &message);
    PutMessage(13, message, out);
  }
  PutVarint(14, span.dropped_links, out);
  if (span.status_code != 0 || !span.status_message.empty()) {
    message.clear();
    PutBytes(2, span.status_message, &message);
    PutVarint(3, SignExtended(span.status_code), &message);
    PutMessage(15, message, out);
  }
  PutFixed32(16, span.flags, out);
}

}  // namespace varve::format
