#include "server/otlp/span_messages.h"

#include <utility>

namespace varve::server {
namespace {

constexpr uint32_t BytesTag(uint32_t field) { return WireTag(field, WireType::kBytes); }

// Attributes of a Resource message.
void ReadResource(WireReader message, OtlpResource* resource) {
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == BytesTag(1)) {
      resource->attributes.push_back(ReadAttribute(message.Message("an attribute")));
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
}

void ReadScope(WireReader message, OtlpScope* scope) {
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == BytesTag(1)) {
      scope->name = message.Bytes("a scope's name");
    } else if (tag == BytesTag(2)) {
      scope->version = message.Bytes("a scope's version");
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
}

void ReadEvent(WireReader message, OtlpEvent* event) {
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == WireTag(1, WireType::kFixed64)) {
      event->time_ns = message.Fixed64("an event's time");
    } else if (tag == BytesTag(2)) {
      event->name = message.Bytes("an event's name");
    } else if (tag == BytesTag(3)) {
      event->attributes.push_back(ReadAttribute(message.Message("an attribute")));
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
}

void ReadLink(WireReader message, OtlpLink* link) {
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == BytesTag(1)) {
      link->trace_id = message.Bytes("a trace id");
    } else if (tag == BytesTag(2)) {
      link->span_id = message.Bytes("a span id");
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
}

void ReadStatus(WireReader message, OtlpSpan* span) {
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == BytesTag(2)) {
      span->status_message = message.Bytes("a status message");
    } else if (tag == WireTag(3, WireType::kVarint)) {
      span->status = static_cast<OtlpStatusCode>(message.Varint("a status code"));
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
}

std::string_view TextOf(const std::vector<OtlpAttribute>& attributes, std::string_view key) {
  for (size_t i = attributes.size(); i-- > 0;) {
    if (attributes[i].key == key) return AnyValueString(attributes[i].value);
  }
  return {};
}

}  // namespace

std::string_view AnyValueString(std::string_view value) {
  WireError error;
  WireReader message(value, &error);
  if (message.done() || message.Tag() != BytesTag(1)) return {};
  const std::string_view text = message.Bytes("a string");
  return message.done() && !error.failed() ? text : std::string_view();
}

std::string_view OtlpResource::Text(std::string_view key) const { return TextOf(attributes, key); }

const std::string_view* OtlpSpan::Find(std::string_view key) const {
  for (const OtlpAttribute& attribute : attributes) {
    if (attribute.key == key) return &attribute.value;
  }
  return nullptr;
}

std::string_view OtlpSpan::Text(std::string_view key) const { return TextOf(attributes, key); }

OtlpSpanReader::OtlpSpanReader(std::string_view traces_data, SpanDetail detail)
    : detail_(detail),
      data_(traces_data, &error_),
      resource_spans_({}, &error_),
      scope_spans_({}, &error_) {}

bool OtlpSpanReader::Next() {
  do {
    while (!scope_spans_.done() && !error_.failed()) {
      const uint32_t tag = scope_spans_.Tag();
      if (tag == BytesTag(2)) {
        ReadSpan(scope_spans_.Message("a span"));
        return !error_.failed();
      }
      if (!error_.failed()) scope_spans_.Skip(tag);
    }
  } while (NextScope());
  return false;
}

bool OtlpSpanReader::NextScope() {
  do {
    while (!resource_spans_.done() && !error_.failed()) {
      const uint32_t tag = resource_spans_.Tag();
      if (tag == BytesTag(2)) {
        const std::string_view bytes = resource_spans_.Bytes("scope spans");
        scope_ = OtlpScope();
        // The scope may stand behind its spans.
        for (WireReader fields(bytes, &error_); !fields.done();) {
          const uint32_t field = fields.Tag();
          if (field == BytesTag(1)) {
            ReadScope(fields.Message("a scope"), &scope_);
          } else if (!error_.failed()) {
            fields.Skip(field);
          }
        }
        scope_spans_ = WireReader(bytes, &error_);
        return !error_.failed();
      }
      if (!error_.failed()) resource_spans_.Skip(tag);
    }
  } while (NextResource());
  return false;
}

bool OtlpSpanReader::NextResource() {
  while (!data_.done() && !error_.failed()) {
    const uint32_t tag = data_.Tag();
    if (tag == BytesTag(1)) {
      const std::string_view bytes = data_.Bytes("resource spans");
      resource_.attributes.clear();
      ++resource_count_;
      for (WireReader fields(bytes, &error_); !fields.done();) {
        const uint32_t field = fields.Tag();
        if (field == BytesTag(1)) {
          ReadResource(fields.Message("a resource"), &resource_);
        } else if (!error_.failed()) {
          fields.Skip(field);
        }
      }
      resource_spans_ = WireReader(bytes, &error_);
      return !error_.failed();
    }
    if (!error_.failed()) data_.Skip(tag);
  }
  return false;
}

void OtlpSpanReader::ReadSpan(WireReader message) {
  OtlpSpan& span = span_;
  auto attributes = std::move(span.attributes);
  attributes.clear();
  span = OtlpSpan();
  span.attributes = std::move(attributes);
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    switch (tag) {
      case BytesTag(1):
        span.trace_id = message.Bytes("a trace id");
        break;
      case BytesTag(2):
        span.span_id = message.Bytes("a span id");
        break;
      case BytesTag(3):
        span.trace_state = message.Bytes("a trace state");
        break;
      case BytesTag(4):
        span.parent_span_id = message.Bytes("a parent span id");
        break;
      case BytesTag(5):
        span.name = message.Bytes("a span's name");
        break;
      case WireTag(6, WireType::kVarint):
        span.kind = static_cast<OtlpSpanKind>(message.Varint("a span's kind"));
        break;
      case WireTag(7, WireType::kFixed64):
        span.start_ns = message.Fixed64("a start time");
        break;
      case WireTag(8, WireType::kFixed64):
        span.end_ns = message.Fixed64("an end time");
        break;
      case BytesTag(9):
        span.attributes.push_back(ReadAttribute(message.Message("an attribute")));
        break;
      case BytesTag(11):
        if (detail_ == SpanDetail::kAll) {
          ReadEvent(message.Message("an event"), &span.events.emplace_back());
        } else {
          message.Skip(tag);
        }
        break;
      case BytesTag(13):
        if (detail_ == SpanDetail::kAll) {
          ReadLink(message.Message("a link"), &span.links.emplace_back());
        } else {
          message.Skip(tag);
        }
        break;
      case BytesTag(15):
        ReadStatus(message.Message("a status"), &span);
        break;
      case WireTag(16, WireType::kFixed32):
        span.flags = message.Fixed32("flags");
        break;
      default:
        if (!message.failed()) message.Skip(tag);
    }
  }
}

}  // namespace varve::server
