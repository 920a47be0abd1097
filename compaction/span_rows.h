// Spans of blocks, whole again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "storage/format/span_block.h"
#include "varve/status.h"

namespace varve::compaction {

// A span with everything it was written with.
struct StoredSpan {
  std::string trace_id;
  uint64_t start_ns = 0;
  std::string span_id;
  std::string message;  // a Span message
  // As format::EncodeOrigin makes them; borrowed from the block, which `owner` may keep.
  std::string_view resource;
  std::string_view scope;
  std::shared_ptr<const format::SpanBlock> owner;

  format::SpanRow row() const { return {resource, scope, message}; }
  auto key() const { return std::tie(trace_id, start_ns, span_id, message, resource, scope); }
};

// `scratch` is reused; `owner` is left alone. Error: kDataLoss.
Status ReadStoredSpan(const format::SpanBlock& block, uint32_t row, format::SpanFields* scratch,
                      StoredSpan* span);

// Sorts and keeps one of equal ones: what a sender sent twice.
void SortUniqueSpans(std::vector<StoredSpan>* spans);

}  // namespace varve::compaction
