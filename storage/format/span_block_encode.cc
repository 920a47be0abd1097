#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <unordered_map>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/varint.h"
#include "storage/format/span_block.h"

namespace varve::format {
namespace {

constexpr uint8_t kVersion = 1;

uint64_t SignExtended(int32_t value) { return static_cast<uint64_t>(int64_t{value}); }
uint64_t ZigZagDifference(uint64_t a, uint64_t b) {
  return ZigZagEncode(static_cast<int64_t>(a - b));
}

// A column of strings while it grows.
class StringRows {
 public:
  codec::StringNumbering numbering;
  std::vector<uint32_t> numbers;

  void Add(std::string_view text) { numbers.push_back(numbering.Number(text)); }
  // The same for long strings that many rows share: one that lies where another did is not looked
  // into. REQUIRES: strings stay where they are.
  void AddShared(std::string_view text) {
    if (text.empty()) return Add(text);
    const auto address = reinterpret_cast<uintptr_t>(text.data());
    Known& known = known_[MixBits(address) % std::size(known_)];
    if (known.text.data() != text.data() || known.text.size() != text.size()) {
      known = {text, numbering.Number(text)};
    }
    numbers.push_back(known.number);
  }
  bool is_blank() const {
    return std::all_of(numbering.strings().begin(), numbering.strings().end(),
                       [](std::string_view text) { return text.empty(); });
  }
  std::string Encode() const {
    std::string out;
    codec::EncodeStrings(numbering.strings(), numbers, &out);
    return out;
  }

 private:
  struct Known {
    std::string_view text;
    uint32_t number = 0;
  };
  Known known_[64];
};

using Values = std::vector<uint64_t>;

// An attribute column while it grows. Most spans are like the one before them, so each column
// remembers which came after it.
struct AttributeRows {
  AttributeColumnInfo info;
  std::string_view key;
  StringRows strings;
  Values values;
  uint32_t follower = UINT32_MAX;
};

class Encoder {
 public:
  Result<SpanBlockBytes> Run(const std::vector<SpanRow>& rows);

 private:
  Status AddRow(const SpanRow& row);
  void AddEvents();
  void AddLinks();
  uint32_t AddAttributes(AttributeScope scope, std::span<const SpanAttribute> attributes);
  uint32_t ColumnOf(AttributeScope scope, const SpanAttribute& attribute);
  uint32_t ShapeOf();
  void EncodeTree();
  void EncodeTrace(uint32_t begin, uint32_t end);
  void Put(SpanColumn column, std::string bytes);
  void PutValues(SpanColumn column, const Values& values);
  void PutStrings(SpanColumn column, const StringRows& rows);
  void PutAttributes();
  std::string Header() const;

  SpanFields span_;
  std::string trace_ids_;
  std::vector<uint32_t> trace_begins_;
  std::string span_ids_;
  std::vector<std::string_view> parent_ids_;
  Values starts_;
  Values ends_;
  StringRows names_;
  StringRows status_messages_;
  StringRows trace_states_;
  StringRows resources_;
  StringRows scopes_;
  Values kinds_;
  Values status_codes_;
  Values flags_;
  Values dropped_attributes_;
  Values dropped_events_;
  Values dropped_links_;
  Values event_counts_;
  Values link_counts_;
  Values shapes_;
  Values event_times_;
  StringRows event_names_;
  Values event_dropped_attributes_;
  Values event_shapes_;
  StringRows link_trace_ids_;
  StringRows link_span_ids_;
  StringRows link_trace_states_;
  Values link_dropped_attributes_;
  Values link_flags_;
  Values link_shapes_;

  std::vector<std::unique_ptr<AttributeRows>> attributes_;
  std::map<std::tuple<AttributeScope, AttributeType, std::string_view>, uint32_t> column_numbers_;
  std::map<std::vector<uint32_t>, uint32_t> shape_numbers_;
  std::vector<const std::vector<uint32_t>*> shape_list_;
  std::vector<uint32_t> shape_;       // of the span, event or link at hand
  std::vector<uint32_t> last_shape_;  // and of the one before
  uint32_t last_shape_number_ = UINT32_MAX;

  // Of EncodeTree.
  Values parents_;
  std::string explicit_parents_;
  Values start_offsets_;
  Values trace_starts_;
  SpanBlockBytes columns_;
};

Result<SpanBlockBytes> Encoder::Run(const std::vector<SpanRow>& rows) {
  VARVE_CHECK(!rows.empty() && rows.size() <= kSpanBlockRowsMax);
  for (const SpanRow& row : rows) {
    if (Status status = AddRow(row); !status.ok()) return status;
  }
  trace_begins_.push_back(static_cast<uint32_t>(rows.size()));
  EncodeTree();
  columns_.emplace_back(static_cast<uint32_t>(SpanColumn::kHeader), Header());
  Put(SpanColumn::kTraceIds, trace_ids_);
  Values trace_rows;
  for (size_t i = 1; i < trace_begins_.size(); ++i) {
    trace_rows.push_back(trace_begins_[i] - trace_begins_[i - 1]);
  }
  std::string bytes;  // always told, for it says how many rows there are
  codec::EncodeValues(trace_rows, &bytes);
  Put(SpanColumn::kTraceRows, bytes);
  Put(SpanColumn::kSpanIds, span_ids_);
  PutValues(SpanColumn::kParents, parents_);
  Put(SpanColumn::kParentIds, explicit_parents_);
  PutValues(SpanColumn::kStarts, start_offsets_);
  Values durations(ends_.size());
  for (size_t i = 0; i < ends_.size(); ++i) durations[i] = ZigZagDifference(ends_[i], starts_[i]);
  PutValues(SpanColumn::kDurations, durations);
  PutStrings(SpanColumn::kNames, names_);
  PutValues(SpanColumn::kKinds, kinds_);
  PutValues(SpanColumn::kStatusCodes, status_codes_);
  PutStrings(SpanColumn::kStatusMessages, status_messages_);
  PutValues(SpanColumn::kResources, Values(resources_.numbers.begin(), resources_.numbers.end()));
  PutValues(SpanColumn::kScopes, Values(scopes_.numbers.begin(), scopes_.numbers.end()));
  PutValues(SpanColumn::kFlags, flags_);
  PutStrings(SpanColumn::kTraceStates, trace_states_);
  PutValues(SpanColumn::kDroppedAttributes, dropped_attributes_);
  PutValues(SpanColumn::kDroppedEvents, dropped_events_);
  PutValues(SpanColumn::kDroppedLinks, dropped_links_);
  PutValues(SpanColumn::kEventCounts, event_counts_);
  PutValues(SpanColumn::kLinkCounts, link_counts_);
  PutAttributes();
  return std::move(columns_);
}

Status Encoder::AddRow(const SpanRow& row) {
  WireError error;
  ReadSpan(WireReader(row.span, &error), &span_);
  if (error.failed()) return WireErrorStatus(error, row.span);
  if (span_.trace_id.size() != kTraceIdBytes || span_.span_id.size() != kSpanIdBytes ||
      (!span_.parent_span_id.empty() && span_.parent_span_id.size() != kSpanIdBytes)) {
    return InvalidArgumentError("an id of a span has another length than 16 or 8 bytes");
  }
  const auto number = static_cast<uint32_t>(starts_.size());
  const bool is_same_trace = !trace_ids_.empty() && trace_ids_.ends_with(span_.trace_id);
  if (!is_same_trace) {
    trace_ids_ += span_.trace_id;
    trace_begins_.push_back(number);
  }
  span_ids_ += span_.span_id;
  parent_ids_.push_back(span_.parent_span_id);
  starts_.push_back(span_.start_ns);
  ends_.push_back(span_.end_ns);
  names_.Add(span_.name);
  kinds_.push_back(SignExtended(span_.kind));
  status_codes_.push_back(SignExtended(span_.status_code));
  status_messages_.Add(span_.status_message);
  resources_.AddShared(row.resource);
  scopes_.AddShared(row.scope);
  flags_.push_back(span_.flags);
  trace_states_.Add(span_.trace_state);
  dropped_attributes_.push_back(span_.dropped_attributes);
  dropped_events_.push_back(span_.dropped_events);
  dropped_links_.push_back(span_.dropped_links);
  event_counts_.push_back(span_.events.size());
  link_counts_.push_back(span_.links.size());
  shapes_.push_back(AddAttributes(AttributeScope::kSpan, span_.of(span_.own_attributes)));
  AddEvents();
  AddLinks();
  return OkStatus();
}

void Encoder::AddEvents() {
  for (const SpanEvent& event : span_.events) {
    event_times_.push_back(ZigZagDifference(event.time_ns, span_.start_ns));
    event_names_.Add(event.name);
    event_dropped_attributes_.push_back(event.dropped_attributes);
    event_shapes_.push_back(AddAttributes(AttributeScope::kEvent, span_.of(event.attributes)));
  }
}

void Encoder::AddLinks() {
  for (const SpanLink& link : span_.links) {
    link_trace_ids_.Add(link.trace_id);
    link_span_ids_.Add(link.span_id);
    link_trace_states_.Add(link.trace_state);
    link_dropped_attributes_.push_back(link.dropped_attributes);
    link_flags_.push_back(link.flags);
    link_shapes_.push_back(AddAttributes(AttributeScope::kLink, span_.of(link.attributes)));
  }
}

uint32_t Encoder::AddAttributes(AttributeScope scope, std::span<const SpanAttribute> attributes) {
  shape_.clear();
  for (const SpanAttribute& attribute : attributes) {
    const uint32_t number = ColumnOf(scope, attribute);
    shape_.push_back(number);
    AttributeRows& column = *attributes_[number];
    if (attribute.type == AttributeType::kString || attribute.type == AttributeType::kOther) {
      column.strings.Add(attribute.text);
    } else {
      column.values.push_back(attribute.bits);
    }
    ++column.info.value_count;
  }
  return ShapeOf();
}

uint32_t Encoder::ColumnOf(AttributeScope scope, const SpanAttribute& attribute) {
  const auto fits = [&](const AttributeRows& column) {
    return column.key == attribute.key && column.info.type == attribute.type &&
           column.info.scope == scope;
  };
  AttributeRows* before = shape_.empty() ? nullptr : attributes_[shape_.back()].get();
  if (before != nullptr && before->follower != UINT32_MAX && fits(*attributes_[before->follower])) {
    return before->follower;
  }
  const auto [at, is_new] = column_numbers_.try_emplace({scope, attribute.type, attribute.key},
                                                        static_cast<uint32_t>(attributes_.size()));
  if (is_new) {
    auto column = std::make_unique<AttributeRows>();
    column->info.scope = scope;
    column->info.type = attribute.type;
    column->info.key = attribute.key;
    column->key = attribute.key;
    attributes_.push_back(std::move(column));
  }
  if (before != nullptr) before->follower = at->second;
  return at->second;
}

uint32_t Encoder::ShapeOf() {
  if (last_shape_number_ != UINT32_MAX && shape_ == last_shape_) return last_shape_number_;
  const auto [at, is_new] =
      shape_numbers_.try_emplace(shape_, static_cast<uint32_t>(shape_list_.size()));
  if (is_new) shape_list_.push_back(&at->first);
  last_shape_ = shape_;
  last_shape_number_ = at->second;
  return at->second;
}

void Encoder::EncodeTree() {
  for (size_t i = 0; i + 1 < trace_begins_.size(); ++i) {
    EncodeTrace(trace_begins_[i], trace_begins_[i + 1]);
  }
}

void Encoder::EncodeTrace(uint32_t begin, uint32_t end) {
  const auto id_of = [&](uint32_t row) {
    return std::string_view(span_ids_).substr(row * kSpanIdBytes, kSpanIdBytes);
  };
  std::unordered_map<std::string_view, uint32_t> rows;
  rows.reserve(end - begin);
  for (uint32_t row = begin; row < end; ++row) rows.try_emplace(id_of(row), row);
  trace_starts_.push_back(starts_[begin]);
  for (uint32_t row = begin; row < end; ++row) {
    const std::string_view parent = parent_ids_[row];
    uint64_t base = starts_[begin];
    if (parent.empty()) {
      parents_.push_back(0);
    } else if (const auto at = rows.find(parent); at == rows.end()) {
      parents_.push_back(1);
      explicit_parents_ += parent;
    } else {
      parents_.push_back(2 + ZigZagDifference(at->second, row));
      if (at->second < row) base = starts_[at->second];
    }
    start_offsets_.push_back(ZigZagDifference(starts_[row], base));
  }
}

void Encoder::Put(SpanColumn column, std::string bytes) {
  if (!bytes.empty()) columns_.emplace_back(static_cast<uint32_t>(column), std::move(bytes));
}

// A column of nothing but zeros is left out.
void Encoder::PutValues(SpanColumn column, const Values& values) {
  if (std::all_of(values.begin(), values.end(), [](uint64_t value) { return value == 0; })) return;
  std::string bytes;
  codec::EncodeValues(values, &bytes);
  Put(column, std::move(bytes));
}

void Encoder::PutStrings(SpanColumn column, const StringRows& rows) {
  if (!rows.is_blank()) Put(column, rows.Encode());
}

void Encoder::PutAttributes() {
  PutValues(SpanColumn::kShapes, shapes_);
  std::string table;
  for (const std::vector<uint32_t>* shape : shape_list_) {
    AppendVarint(&table, shape->size());
    for (const uint32_t column : *shape) AppendVarint(&table, column);
  }
  Put(SpanColumn::kShapeTable, std::move(table));
  for (const auto& [column, rows] : {std::pair(SpanColumn::kResourceTable, &resources_),
                                     std::pair(SpanColumn::kScopeTable, &scopes_)}) {
    std::vector<uint32_t> each(rows->numbering.strings().size());
    for (uint32_t i = 0; i < each.size(); ++i) each[i] = i;
    std::string bytes;
    codec::EncodeStrings(rows->numbering.strings(), each, &bytes);
    Put(column, std::move(bytes));
  }
  PutValues(SpanColumn::kEventTimes, event_times_);
  PutStrings(SpanColumn::kEventNames, event_names_);
  PutValues(SpanColumn::kEventDroppedAttributes, event_dropped_attributes_);
  PutValues(SpanColumn::kEventShapes, event_shapes_);
  PutStrings(SpanColumn::kLinkTraceIds, link_trace_ids_);
  PutStrings(SpanColumn::kLinkSpanIds, link_span_ids_);
  PutStrings(SpanColumn::kLinkTraceStates, link_trace_states_);
  PutValues(SpanColumn::kLinkDroppedAttributes, link_dropped_attributes_);
  PutValues(SpanColumn::kLinkFlags, link_flags_);
  PutValues(SpanColumn::kLinkShapes, link_shapes_);
  PutValues(SpanColumn::kTraceStarts, trace_starts_);
  uint32_t number = static_cast<uint32_t>(SpanColumn::kFirstAttribute);
  for (const auto& column : attributes_) {
    std::string bytes;
    if (column->values.empty()) {
      bytes = column->strings.Encode();
    } else {
      codec::EncodeValues(column->values, &bytes);
    }
    columns_.emplace_back(number++, std::move(bytes));
  }
}

std::string Encoder::Header() const {
  std::string out(1, static_cast<char>(kVersion));
  AppendVarint(&out, starts_.size());
  AppendVarint(&out, trace_begins_.size() - 1);
  AppendVarint(&out, event_times_.size());
  AppendVarint(&out, link_flags_.size());
  AppendVarint(&out, resources_.numbering.strings().size());
  AppendVarint(&out, scopes_.numbering.strings().size());
  const uint64_t min_start = *std::min_element(starts_.begin(), starts_.end());
  const uint64_t max_start = *std::max_element(starts_.begin(), starts_.end());
  AppendVarint(&out, min_start);
  AppendVarint(&out, max_start - min_start);
  AppendVarint(&out, shape_list_.size());
  AppendVarint(&out, attributes_.size());
  for (const auto& column : attributes_) {
    out += static_cast<char>(column->info.scope);
    out += static_cast<char>(column->info.type);
    AppendLengthPrefixed(&out, column->info.key);
    AppendVarint(&out, column->info.value_count);
  }
  AppendFixed(&out, Hash64(out));
  return out;
}

}  // namespace

std::string EncodeOrigin(std::string_view message, std::string_view schema_url) {
  std::string out;
  AppendLengthPrefixed(&out, schema_url);
  out += message;
  return out;
}

Result<Origin> DecodeOrigin(std::string_view bytes) {
  ByteReader reader(bytes);
  Origin origin;
  origin.schema_url = reader.LengthPrefixed();
  origin.message = reader.Bytes(reader.remaining());
  if (!reader.ok()) return DataLossError("a resource or scope is cut off");
  return origin;
}

Result<SpanBlockBytes> EncodeSpanBlock(const std::vector<SpanRow>& rows) {
  return Encoder().Run(rows);
}

}  // namespace varve::format
