// Spans in blocks in memory, for tests of TraceQL that need no database.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/span_reader.h"
#include "storage/format/span_block.h"

namespace varve::traceql {

// A span as a test writes it down. Attribute values: a text in quotes is a string, true and false
// are booleans, digits an integer, digits with a point a number.
struct TestSpan {
  uint64_t trace = 1;
  uint64_t id = 1;
  uint64_t parent = 0;  // 0: a root
  std::string name = "n";
  std::string service = "s";
  uint64_t start_ns = 0;
  uint64_t duration_ns = 0;
  int32_t kind = 0;
  int32_t status = 0;
  std::vector<std::pair<std::string, std::string>> attributes = {};
  std::vector<std::string> events = {};
  std::string event_attribute = {};  // "key=value", of every event
  std::string trace_state = {};
};

inline std::string IdBytes(uint64_t n, size_t size) {
  std::string id;
  AppendBigEndian64(&id, n);
  return std::string(size - id.size(), '\0') + id;
}

inline format::SpanAttribute ToAttribute(const std::string& key, const std::string& text) {
  format::SpanAttribute attribute;
  attribute.key = key;
  if (text.front() == '"') {
    attribute.type = format::AttributeType::kString;
    attribute.text = std::string_view(text).substr(1, text.size() - 2);
  } else if (text == "true" || text == "false") {
    attribute.type = format::AttributeType::kBool;
    attribute.bits = text == "true" ? 1 : 0;
  } else if (text.find('.') != std::string::npos) {
    attribute.type = format::AttributeType::kDouble;
    attribute.bits = std::bit_cast<uint64_t>(std::stod(text));
  } else {
    attribute.type = format::AttributeType::kInt;
    attribute.bits = static_cast<uint64_t>(std::stoll(text));
  }
  return attribute;
}

inline std::string ToMessage(const TestSpan& span) {
  const std::string trace_id = IdBytes(span.trace, 16);
  const std::string span_id = IdBytes(span.id, 8);
  const std::string parent_id = span.parent == 0 ? "" : IdBytes(span.parent, 8);
  format::SpanFields fields;
  fields.trace_id = trace_id;
  fields.span_id = span_id;
  fields.parent_span_id = parent_id;
  fields.name = span.name;
  fields.trace_state = span.trace_state;
  fields.start_ns = span.start_ns;
  fields.end_ns = span.start_ns + span.duration_ns;
  fields.kind = span.kind;
  fields.status_code = span.status;
  for (const auto& [key, value] : span.attributes) {
    fields.attributes.push_back(ToAttribute(key, value));
  }
  fields.own_attributes = {0, static_cast<uint32_t>(fields.attributes.size())};
  const size_t equals = span.event_attribute.find('=');
  const std::string event_key = span.event_attribute.substr(0, equals);
  const std::string event_value =
      equals == std::string::npos ? "" : span.event_attribute.substr(equals + 1);
  for (const std::string& event : span.events) {
    format::AttributeRange range;
    range.begin = static_cast<uint32_t>(fields.attributes.size());
    if (!event_value.empty()) fields.attributes.push_back(ToAttribute(event_key, event_value));
    range.end = static_cast<uint32_t>(fields.attributes.size());
    fields.events.push_back({span.start_ns + 1, event, 0, range});
  }
  std::string message;
  format::AppendSpan(fields, &message);
  return message;
}

inline std::string ServiceOrigin(const std::string& service) {
  std::string resource;
  format::AppendAttribute(1, ToAttribute("service.name", '"' + service + '"'), &resource);
  return format::EncodeOrigin(resource, "");
}

class FakeSpanReader : public engine::SpanReader {
 public:
  // Spans of a trace must stand together.
  void AddBlock(const std::vector<TestSpan>& spans) {
    std::vector<std::string> messages;
    std::vector<std::string> resources;
    for (const TestSpan& span : spans) {
      messages.push_back(ToMessage(span));
      resources.push_back(ServiceOrigin(span.service));
    }
    const std::string scope = format::EncodeOrigin("", "");
    std::vector<format::SpanRow> rows;
    for (size_t i = 0; i < spans.size(); ++i) rows.push_back({resources[i], scope, messages[i]});
    AddRows(rows);
  }
  void AddRows(const std::vector<format::SpanRow>& rows) {
    auto bytes = format::EncodeSpanBlock(rows);
    if (!bytes.ok()) std::abort();
    blocks_.push_back(std::make_shared<format::SpanBlockBytes>(*std::move(bytes)));
  }

  Result<std::vector<engine::SpanBlockRef>> Blocks(uint64_t, uint64_t) const override {
    std::vector<engine::SpanBlockRef> refs;
    for (size_t i = 0; i < blocks_.size(); ++i) refs.push_back(RefOf(i));
    return refs;
  }
  Result<std::vector<engine::SpanBlockRef>> BlocksOf(std::string_view) const override {
    return Blocks(0, 0);
  }
  Result<std::optional<std::string>> Trace(std::string_view) const override {
    return std::optional<std::string>();
  }

 private:
  engine::SpanBlockRef RefOf(size_t i) const {
    return {i + 1, [block = blocks_[i]]() -> Result<std::shared_ptr<const format::SpanBlock>> {
              auto opened =
                  format::SpanBlock::Open([block](uint32_t column) -> Result<std::string> {
                    for (const auto& [number, bytes] : *block) {
                      if (number == column) return bytes;
                    }
                    return std::string();
                  });
              if (!opened.ok()) return opened.status();
              return std::make_shared<const format::SpanBlock>(*std::move(opened));
            }};
  }

  std::vector<std::shared_ptr<format::SpanBlockBytes>> blocks_;
};

}  // namespace varve::traceql
