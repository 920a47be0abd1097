// Span block: a run of spans in columns. Layout: docs/FORMATS.md, "Span block".
//
// Rows of a trace stand together. A parent in the same block is told by its row, and a start time
// by what it comes after its parent's; attributes of one key and type make a column, and which a
// span has, and in which order, is its shape. What is read back is what was written, field by
// field, but for unknown fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/codec/value_columns.h"
#include "storage/format/span_message.h"
#include "varve/status.h"

namespace varve::format {

inline constexpr uint32_t kSpanBlockRowsMax = 1u << 20;

// Columns of a block by number; the header is number 0.
enum class SpanColumn : uint32_t {  // on disk: never change a value
  kHeader = 0,
  kTraceIds = 1,      // 16 bytes per trace
  kTraceRows = 2,     // values per trace: rows of it
  kSpanIds = 3,       // 8 bytes per row
  kParents = 4,       // values: 0 none, 1 in kParentIds, else 2 + zigzag(row of parent - row)
  kParentIds = 5,     // 8 bytes each
  kStarts = 6,        // values: zigzag(start - (parent's start, or the trace's first row's start))
  kDurations = 7,     // values: zigzag(end - start)
  kNames = 8,         // strings
  kKinds = 9,         // values, sign-extended
  kStatusCodes = 10,  // values, sign-extended
  kStatusMessages = 11,
  kResources = 12,  // values: into kResourceTable
  kScopes = 13,
  kFlags = 14,
  kTraceStates = 15,
  kDroppedAttributes = 16,
  kDroppedEvents = 17,
  kDroppedLinks = 18,
  kEventCounts = 19,  // values per row
  kLinkCounts = 20,
  kShapes = 21,  // values per row: into kShapeTable
  kShapeTable = 22,
  kResourceTable = 23,  // strings
  kScopeTable = 24,
  kEventTimes = 25,  // values: zigzag(time - start of its span)
  kEventNames = 26,
  kEventDroppedAttributes = 27,
  kEventShapes = 28,
  kLinkTraceIds = 29,
  kLinkSpanIds = 30,
  kLinkTraceStates = 31,
  kLinkDroppedAttributes = 32,
  kLinkFlags = 33,
  kLinkShapes = 34,
  kTraceStarts = 35,  // values per trace: start of its first row
  kFirstAttribute = 64,
};

enum class AttributeScope : uint8_t {  // on disk: never change a value
  kSpan = 0,
  kEvent = 1,
  kLink = 2,
};

// An attribute column as the header knows it.
struct AttributeColumnInfo {
  AttributeScope scope = AttributeScope::kSpan;
  AttributeType type = AttributeType::kString;
  std::string key;
  uint32_t value_count = 0;
};

struct SpanBlockHeader {
  uint32_t row_count = 0;
  uint32_t trace_count = 0;
  uint32_t event_count = 0;
  uint32_t link_count = 0;
  uint32_t resource_count = 0;
  uint32_t scope_count = 0;
  uint32_t shape_count = 0;
  uint64_t min_start_ns = 0;
  uint64_t max_start_ns = 0;
  std::vector<AttributeColumnInfo> attributes;  // column kFirstAttribute + i
};

// A block's bytes: column numbers ascend, the header first; empty columns are left out.
using SpanBlockBytes = std::vector<std::pair<uint32_t, std::string>>;

// One span to be written. `resource` and `scope` hold what all spans of a resource or scope share,
// as EncodeOrigin makes it; views are borrowed until Encode returns.
struct SpanRow {
  std::string_view resource;
  std::string_view scope;
  std::string_view span;  // a Span message, well-formed, its ids of the right length
};

// A Resource or InstrumentationScope message with its schema URL, as one string.
std::string EncodeOrigin(std::string_view message, std::string_view schema_url);
struct Origin {
  std::string_view message;
  std::string_view schema_url;
};
Result<Origin> DecodeOrigin(std::string_view bytes);

// REQUIRES: 1 to kSpanBlockRowsMax rows, those of a trace together. kInvalidArgument when a span
// cannot be read.
Result<SpanBlockBytes> EncodeSpanBlock(const std::vector<SpanRow>& rows);

// Reads columns as they are asked for and keeps them, decoded. Errors are kDataLoss.
// Thread safety: all methods from any thread; what they return does not change any more.
class SpanBlock {
 public:
  // Gives the bytes of a column; empty when there is none of that number. One call at a time.
  using Fetch = std::function<Result<std::string>(uint32_t column)>;

  static Result<SpanBlock> Open(Fetch fetch);
  ~SpanBlock();
  SpanBlock(SpanBlock&&) noexcept;
  SpanBlock& operator=(SpanBlock&&) noexcept;

  const SpanBlockHeader& header() const { return header_; }
  uint32_t row_count() const { return header_.row_count; }
  // What is decoded, about.
  size_t memory_bytes() const;

  // 16 bytes per trace, and the row that each trace begins at (one more than there are traces).
  Result<const std::string*> TraceIds() const;
  Result<const std::vector<uint32_t>*> TraceBegins() const;
  Result<const std::string*> SpanIds() const;  // 8 bytes per row
  // Per row: the parent's row, or kNoParent, or kParentElsewhere + index into ParentIds().
  static constexpr uint32_t kNoParent = UINT32_MAX;
  static constexpr uint32_t kParentElsewhere = 1u << 31;
  Result<const std::vector<uint32_t>*> Parents() const;
  Result<const std::string*> ParentIds() const;
  Result<const std::vector<uint64_t>*> Starts() const;     // ns
  Result<const std::vector<uint64_t>*> Durations() const;  // ns, two's complement
  // Any of the other columns of values and of strings, by what it is counted in.
  Result<const std::vector<uint64_t>*> Values(SpanColumn column) const;
  Result<const codec::StringColumn*> Strings(SpanColumn column) const;
  // The event or link that row i begins at; one more than there are rows.
  Result<const std::vector<uint32_t>*> Begins(SpanColumn counts) const;

  // The rows (of spans, events or links) that have a value of attribute column i, ascending; a row
  // may occur twice, when its span has the key twice.
  Result<const std::vector<uint32_t>*> AttributeRows(uint32_t i) const;
  // Where the row's value stands in column i; kNoValue: it has none.
  static constexpr uint32_t kNoValue = UINT32_MAX;
  Result<uint32_t> FindAttribute(uint32_t i, uint32_t row) const;
  // Of kBool, kInt and kDouble; and of kString and kOther.
  Result<const std::vector<uint64_t>*> AttributeValues(uint32_t i) const;
  Result<const codec::StringColumn*> AttributeStrings(uint32_t i) const;

  // The fields of a row; views live as long as the block.
  Status ReadRow(uint32_t row, SpanFields* span) const;

 private:
  class Columns;
  explicit SpanBlock(SpanBlockHeader header, std::unique_ptr<Columns> columns);
  Status ReadAttributes(AttributeScope scope, uint32_t row, SpanFields* span,
                        AttributeRange* range) const;

  SpanBlockHeader header_;
  std::unique_ptr<Columns> columns_;
};

}  // namespace varve::format
