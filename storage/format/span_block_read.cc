#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/varint.h"
#include "storage/format/span_block.h"

namespace varve::format {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kChecksumBytes = 8;

uint32_t Number(SpanColumn column) { return static_cast<uint32_t>(column); }

uint64_t Undo(uint64_t zigzag, uint64_t base) {
  return base + static_cast<uint64_t>(ZigZagDecode(zigzag));
}

Result<SpanBlockHeader> ReadHeader(std::string_view bytes) {
  if (bytes.size() < kChecksumBytes + 1) return DataLossError("span block: the header is cut off");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  ByteReader sum(bytes.substr(body.size()));
  if (sum.Fixed<uint64_t>() != Hash64(body)) {
    return DataLossError("span block: the header fails its checksum");
  }
  ByteReader reader(body);
  if (const auto version = reader.Fixed<uint8_t>(); version != kVersion) {
    return FailedPreconditionError("span block: version " + std::to_string(version) +
                                   " is not known here");
  }
  SpanBlockHeader header;
  bool fits = true;
  const auto count = [&](uint32_t max) {
    const uint64_t value = reader.Varint();
    fits = fits && value <= max;
    return static_cast<uint32_t>(value);
  };
  constexpr uint32_t kItemsMax = 1u << 30;
  header.row_count = count(kSpanBlockRowsMax);
  header.trace_count = count(header.row_count);
  header.event_count = count(kItemsMax);
  header.link_count = count(kItemsMax);
  header.resource_count = count(header.row_count);
  header.scope_count = count(header.row_count);
  header.min_start_ns = reader.Varint();
  header.max_start_ns = header.min_start_ns + reader.Varint();
  header.shape_count = count(kItemsMax);
  const uint32_t attributes = count(kItemsMax);
  if (!fits || !reader.ok() || header.row_count == 0 || header.trace_count == 0 ||
      header.max_start_ns < header.min_start_ns || attributes > reader.remaining()) {
    return DataLossError("span block: counts of the header are impossible");
  }
  for (uint32_t i = 0; i < attributes; ++i) {
    AttributeColumnInfo& info = header.attributes.emplace_back();
    const auto scope = reader.Fixed<uint8_t>();
    const auto type = reader.Fixed<uint8_t>();
    info.key = reader.LengthPrefixed();
    info.value_count = count(kItemsMax);
    if (!fits || !reader.ok() || scope > static_cast<uint8_t>(AttributeScope::kLink) ||
        type > static_cast<uint8_t>(AttributeType::kOther)) {
      return DataLossError("span block: an attribute column of the header is impossible");
    }
    info.scope = static_cast<AttributeScope>(scope);
    info.type = static_cast<AttributeType>(type);
  }
  if (!reader.done()) return DataLossError("span block: bytes follow the header");
  return header;
}

}  // namespace

Result<SpanBlock> SpanBlock::Open(Fetch fetch) {
  SpanBlock block(std::move(fetch));
  ASSIGN_OR_RETURN(const std::string bytes, block.fetch_(Number(SpanColumn::kHeader)));
  ASSIGN_OR_RETURN(block.header_, ReadHeader(bytes));
  return block;
}

Status SpanBlock::DataLoss(uint32_t column, const char* what) const {
  return DataLossError("span block: column " + std::to_string(column) + ": " + what);
}

Result<SpanBlock::Cached*> SpanBlock::Slot(uint32_t column) {
  if (column >= columns_.size()) columns_.resize(column + 1);
  if (columns_[column] == nullptr) columns_[column] = std::make_unique<Cached>();
  Cached* cached = columns_[column].get();
  if (!cached->has_bytes) {
    ASSIGN_OR_RETURN(cached->bytes, fetch_(column));
    cached->has_bytes = true;
  }
  return cached;
}

Result<const std::string*> SpanBlock::Bytes(uint32_t column, size_t size) {
  ASSIGN_OR_RETURN(const Cached* cached, Slot(column));
  if (cached->bytes.size() != size) return DataLoss(column, "its size is not that of its rows");
  return &cached->bytes;
}

// A column that was left out holds zeros.
Result<const std::vector<uint64_t>*> SpanBlock::ValuesOf(uint32_t column, size_t count) {
  ASSIGN_OR_RETURN(Cached * cached, Slot(column));
  if (cached->is_decoded) return &cached->values;
  if (cached->bytes.empty()) {
    cached->values.assign(count, 0);
  } else if (!codec::DecodeValues(cached->bytes, count, &cached->values)) {
    return DataLoss(column, "not a column of so many values");
  }
  cached->is_decoded = true;
  return &cached->values;
}

Result<const codec::StringColumn*> SpanBlock::StringsOf(uint32_t column, size_t count) {
  ASSIGN_OR_RETURN(Cached * cached, Slot(column));
  if (cached->is_decoded) return &cached->strings;
  if (cached->bytes.empty() && count > 0) {
    cached->strings.dictionary = {std::string_view()};
    cached->strings.indices.assign(count, 0);
  } else if (!codec::DecodeStrings(cached->bytes, count, &cached->strings)) {
    return DataLoss(column, "not a column of so many strings");
  }
  cached->is_decoded = true;
  return &cached->strings;
}

size_t SpanBlock::CountOf(SpanColumn column) const {
  switch (column) {
    case SpanColumn::kTraceRows:
    case SpanColumn::kTraceStarts:
      return header_.trace_count;
    case SpanColumn::kResourceTable:
      return header_.resource_count;
    case SpanColumn::kScopeTable:
      return header_.scope_count;
    case SpanColumn::kEventTimes:
    case SpanColumn::kEventNames:
    case SpanColumn::kEventDroppedAttributes:
    case SpanColumn::kEventShapes:
      return header_.event_count;
    case SpanColumn::kLinkTraceIds:
    case SpanColumn::kLinkSpanIds:
    case SpanColumn::kLinkTraceStates:
    case SpanColumn::kLinkDroppedAttributes:
    case SpanColumn::kLinkFlags:
    case SpanColumn::kLinkShapes:
      return header_.link_count;
    default:
      return header_.row_count;
  }
}

Result<const std::vector<uint64_t>*> SpanBlock::Values(SpanColumn column) {
  return ValuesOf(Number(column), CountOf(column));
}

Result<const codec::StringColumn*> SpanBlock::Strings(SpanColumn column) {
  return StringsOf(Number(column), CountOf(column));
}

Result<const std::string*> SpanBlock::TraceIds() {
  return Bytes(Number(SpanColumn::kTraceIds), header_.trace_count * kTraceIdBytes);
}

Result<const std::string*> SpanBlock::SpanIds() {
  return Bytes(Number(SpanColumn::kSpanIds), header_.row_count * kSpanIdBytes);
}

Result<const std::vector<uint32_t>*> SpanBlock::TraceBegins() {
  return Begins(SpanColumn::kTraceRows);
}

Result<const std::vector<uint32_t>*> SpanBlock::Begins(SpanColumn counts) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, Values(counts));
  std::vector<uint32_t>& begins = columns_[Number(counts)]->numbers;
  if (!begins.empty()) return &begins;
  size_t total = header_.row_count;
  if (counts == SpanColumn::kEventCounts) total = header_.event_count;
  if (counts == SpanColumn::kLinkCounts) total = header_.link_count;
  std::vector<uint32_t> sums = {0};
  sums.reserve(values->size() + 1);
  uint64_t sum = 0;
  for (const uint64_t value : *values) {
    if (value > total - sum) return DataLoss(Number(counts), "it counts more than there is");
    if (value == 0 && counts == SpanColumn::kTraceRows) {
      return DataLoss(Number(counts), "a trace without rows");
    }
    sum += value;
    sums.push_back(static_cast<uint32_t>(sum));
  }
  if (sum != total) return DataLoss(Number(counts), "it counts less than there is");
  begins = std::move(sums);
  return &begins;
}

Result<const std::vector<uint32_t>*> SpanBlock::Parents() {
  if (!parents_.empty()) return &parents_;
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, Values(SpanColumn::kParents));
  std::vector<uint32_t> parents;
  parents.reserve(values->size());
  uint32_t elsewhere = 0;
  for (size_t row = 0; row < values->size(); ++row) {
    const uint64_t value = (*values)[row];
    if (value == 0) {
      parents.push_back(kNoParent);
    } else if (value == 1) {
      parents.push_back(kParentElsewhere + elsewhere++);
    } else {
      const uint64_t parent = Undo(value - 2, row);
      if (parent >= header_.row_count) {
        return DataLoss(Number(SpanColumn::kParents), "a parent beyond the last row");
      }
      parents.push_back(static_cast<uint32_t>(parent));
    }
  }
  RETURN_IF_ERROR(Bytes(Number(SpanColumn::kParentIds), elsewhere * kSpanIdBytes).status());
  parents_ = std::move(parents);
  return &parents_;
}

Result<const std::string*> SpanBlock::ParentIds() {
  RETURN_IF_ERROR(Parents().status());
  return &columns_[Number(SpanColumn::kParentIds)]->bytes;
}

Result<const std::vector<uint64_t>*> SpanBlock::Starts() {
  if (!starts_.empty()) return &starts_;
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* offsets, Values(SpanColumn::kStarts));
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* firsts, Values(SpanColumn::kTraceStarts));
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* begins, TraceBegins());
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* parents, Parents());
  std::vector<uint64_t> starts(header_.row_count);
  for (size_t trace = 0; trace + 1 < begins->size(); ++trace) {
    for (uint32_t row = (*begins)[trace]; row < (*begins)[trace + 1]; ++row) {
      const uint32_t parent = (*parents)[row];
      const uint64_t base = parent < row ? starts[parent] : (*firsts)[trace];
      starts[row] = Undo((*offsets)[row], base);
    }
  }
  starts_ = std::move(starts);
  return &starts_;
}

Result<const std::vector<uint64_t>*> SpanBlock::Ends() {
  if (!ends_.empty()) return &ends_;
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* starts, Starts());
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* durations, Values(SpanColumn::kDurations));
  std::vector<uint64_t> ends(header_.row_count);
  for (size_t row = 0; row < ends.size(); ++row) {
    ends[row] = Undo((*durations)[row], (*starts)[row]);
  }
  ends_ = std::move(ends);
  return &ends_;
}

Result<const SpanBlock::Shapes*> SpanBlock::ShapeTable() {
  if (has_shapes_) return &shapes_;
  ASSIGN_OR_RETURN(const Cached* cached, Slot(Number(SpanColumn::kShapeTable)));
  ByteReader reader(cached->bytes);
  Shapes shapes;
  while (!reader.done()) {
    const uint64_t size = reader.Varint();
    if (!reader.ok() || size > reader.remaining()) break;
    std::vector<uint32_t>& shape = shapes.emplace_back(size);
    for (uint32_t& column : shape) {
      const uint64_t number = reader.Varint();
      if (number >= header_.attributes.size()) {
        return DataLoss(Number(SpanColumn::kShapeTable), "an attribute column that is not there");
      }
      column = static_cast<uint32_t>(number);
    }
  }
  if (!reader.ok() || !reader.done() || shapes.size() != header_.shape_count) {
    return DataLoss(Number(SpanColumn::kShapeTable), "not as many shapes as the header says");
  }
  shapes_ = std::move(shapes);
  has_shapes_ = true;
  return &shapes_;
}

// Every row's values are the next ones of its shape's columns.
Status SpanBlock::LocateAttributes() {
  if (has_attribute_rows_) return OkStatus();
  ASSIGN_OR_RETURN(const Shapes* shapes, ShapeTable());
  std::vector<std::vector<uint32_t>> rows(header_.attributes.size());
  constexpr SpanColumn kShapesOf[] = {SpanColumn::kShapes, SpanColumn::kEventShapes,
                                      SpanColumn::kLinkShapes};
  for (size_t scope = 0; scope < 3; ++scope) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* numbers, Values(kShapesOf[scope]));
    std::vector<uint32_t>& indices = value_indices_[scope];
    std::vector<uint32_t>& begins = value_begins_[scope];
    indices.clear();
    begins.assign(1, 0);
    for (uint32_t row = 0; row < numbers->size(); ++row) {
      if ((*numbers)[row] >= shapes->size()) {
        return DataLoss(Number(kShapesOf[scope]), "a shape that is not there");
      }
      for (const uint32_t column : (*shapes)[(*numbers)[row]]) {
        const AttributeColumnInfo& info = header_.attributes[column];
        if (static_cast<size_t>(info.scope) != scope || rows[column].size() == info.value_count) {
          return DataLoss(Number(kShapesOf[scope]), "values that are not there");
        }
        indices.push_back(static_cast<uint32_t>(rows[column].size()));
        rows[column].push_back(row);
      }
      begins.push_back(static_cast<uint32_t>(indices.size()));
    }
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].size() != header_.attributes[i].value_count) {
      return DataLoss(Number(SpanColumn::kShapes), "values that no row has");
    }
  }
  attribute_rows_ = std::move(rows);
  has_attribute_rows_ = true;
  return OkStatus();
}

Result<const std::vector<uint32_t>*> SpanBlock::AttributeRows(uint32_t i) {
  RETURN_IF_ERROR(LocateAttributes());
  return &attribute_rows_[i];
}

Result<const std::vector<uint64_t>*> SpanBlock::AttributeValues(uint32_t i) {
  return ValuesOf(Number(SpanColumn::kFirstAttribute) + i, header_.attributes[i].value_count);
}

Result<const codec::StringColumn*> SpanBlock::AttributeStrings(uint32_t i) {
  return StringsOf(Number(SpanColumn::kFirstAttribute) + i, header_.attributes[i].value_count);
}

Status SpanBlock::ReadAttributes(AttributeScope scope, uint32_t row, SpanFields* span,
                                 AttributeRange* range) {
  RETURN_IF_ERROR(LocateAttributes());
  constexpr SpanColumn kShapesOf[] = {SpanColumn::kShapes, SpanColumn::kEventShapes,
                                      SpanColumn::kLinkShapes};
  const auto s = static_cast<size_t>(scope);
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* numbers, Values(kShapesOf[s]));
  const std::vector<uint32_t>& shape = shapes_[(*numbers)[row]];
  const uint32_t* indices = value_indices_[s].data() + value_begins_[s][row];
  range->begin = static_cast<uint32_t>(span->attributes.size());
  for (size_t k = 0; k < shape.size(); ++k) {
    const AttributeColumnInfo& info = header_.attributes[shape[k]];
    SpanAttribute attribute;
    attribute.key = info.key;
    attribute.type = info.type;
    if (info.type == AttributeType::kString || info.type == AttributeType::kOther) {
      ASSIGN_OR_RETURN(const codec::StringColumn* strings, AttributeStrings(shape[k]));
      attribute.text = strings->at(indices[k]);
    } else {
      ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, AttributeValues(shape[k]));
      attribute.bits = (*values)[indices[k]];
    }
    span->attributes.push_back(attribute);
  }
  range->end = static_cast<uint32_t>(span->attributes.size());
  return OkStatus();
}

Status SpanBlock::ReadRow(uint32_t row, SpanFields* span) {
  span->Clear();
  const auto value = [&](SpanColumn column, size_t at, auto* out) -> Status {
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, Values(column));
    *out = static_cast<std::remove_reference_t<decltype(*out)>>((*values)[at]);
    return OkStatus();
  };
  const auto text = [&](SpanColumn column, size_t at, std::string_view* out) -> Status {
    ASSIGN_OR_RETURN(const codec::StringColumn* strings, Strings(column));
    *out = strings->at(at);
    return OkStatus();
  };
  ASSIGN_OR_RETURN(const std::string* trace_ids, TraceIds());
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* begins, TraceBegins());
  const auto trace = std::upper_bound(begins->begin(), begins->end(), row) - begins->begin() - 1;
  span->trace_id = std::string_view(*trace_ids)
                       .substr(static_cast<size_t>(trace) * kTraceIdBytes, kTraceIdBytes);
  ASSIGN_OR_RETURN(const std::string* span_ids, SpanIds());
  span->span_id = std::string_view(*span_ids).substr(row * kSpanIdBytes, kSpanIdBytes);
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* parents, Parents());
  const uint32_t parent = (*parents)[row];
  if (parent != kNoParent) {
    ASSIGN_OR_RETURN(const std::string* elsewhere, ParentIds());
    span->parent_span_id =
        parent >= kParentElsewhere
            ? std::string_view(*elsewhere)
                  .substr((parent - kParentElsewhere) * kSpanIdBytes, kSpanIdBytes)
            : std::string_view(*span_ids).substr(parent * kSpanIdBytes, kSpanIdBytes);
  }
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* ends, Ends());
  span->start_ns = starts_[row];
  span->end_ns = (*ends)[row];
  RETURN_IF_ERROR(text(SpanColumn::kNames, row, &span->name));
  RETURN_IF_ERROR(value(SpanColumn::kKinds, row, &span->kind));
  RETURN_IF_ERROR(value(SpanColumn::kStatusCodes, row, &span->status_code));
  RETURN_IF_ERROR(text(SpanColumn::kStatusMessages, row, &span->status_message));
  RETURN_IF_ERROR(value(SpanColumn::kFlags, row, &span->flags));
  RETURN_IF_ERROR(text(SpanColumn::kTraceStates, row, &span->trace_state));
  RETURN_IF_ERROR(value(SpanColumn::kDroppedAttributes, row, &span->dropped_attributes));
  RETURN_IF_ERROR(value(SpanColumn::kDroppedEvents, row, &span->dropped_events));
  RETURN_IF_ERROR(value(SpanColumn::kDroppedLinks, row, &span->dropped_links));
  RETURN_IF_ERROR(ReadAttributes(AttributeScope::kSpan, row, span, &span->own_attributes));
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* events, Begins(SpanColumn::kEventCounts));
  for (uint32_t i = (*events)[row]; i < (*events)[row + 1]; ++i) {
    SpanEvent event;
    uint64_t time = 0;
    RETURN_IF_ERROR(value(SpanColumn::kEventTimes, i, &time));
    event.time_ns = Undo(time, span->start_ns);
    RETURN_IF_ERROR(text(SpanColumn::kEventNames, i, &event.name));
    RETURN_IF_ERROR(value(SpanColumn::kEventDroppedAttributes, i, &event.dropped_attributes));
    RETURN_IF_ERROR(ReadAttributes(AttributeScope::kEvent, i, span, &event.attributes));
    span->events.push_back(event);
  }
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* links, Begins(SpanColumn::kLinkCounts));
  for (uint32_t i = (*links)[row]; i < (*links)[row + 1]; ++i) {
    SpanLink link;
    RETURN_IF_ERROR(text(SpanColumn::kLinkTraceIds, i, &link.trace_id));
    RETURN_IF_ERROR(text(SpanColumn::kLinkSpanIds, i, &link.span_id));
    RETURN_IF_ERROR(text(SpanColumn::kLinkTraceStates, i, &link.trace_state));
    RETURN_IF_ERROR(value(SpanColumn::kLinkDroppedAttributes, i, &link.dropped_attributes));
    RETURN_IF_ERROR(value(SpanColumn::kLinkFlags, i, &link.flags));
    RETURN_IF_ERROR(ReadAttributes(AttributeScope::kLink, i, span, &link.attributes));
    span->links.push_back(link);
  }
  return OkStatus();
}

}  // namespace varve::format
