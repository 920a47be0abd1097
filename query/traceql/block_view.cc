#include "query/traceql/block_view.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/status_macros.h"
#include "base/wire_reader.h"

namespace varve::traceql {
namespace {

using format::AttributeScope;
using format::AttributeType;
using format::SpanColumn;

std::string HexText(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

SpanColumn NumbersOf(Scope scope) {
  return scope == Scope::kResource ? SpanColumn::kResources : SpanColumn::kScopes;
}

Status MissingOrigin() {
  return DataLossError("span block: a resource or scope that is not there");
}

// Attributes of a Resource or InstrumentationScope message; what cannot be read has none.
template <typename Visit>
void VisitOriginAttributes(Scope scope, std::string_view bytes, Visit&& visit) {
  const uint32_t field = scope == Scope::kResource ? 1 : 3;
  WireError error;
  for (WireReader message(bytes, &error); !message.done();) {
    const uint32_t tag = message.Tag();
    if (tag == WireTag(field, WireType::kBytes)) {
      const format::SpanAttribute attribute =
          format::ReadSpanAttribute(message.Message("an attribute"));
      if (!error.failed()) visit(attribute);
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
}

}  // namespace

Value SimpleValue(AttributeType type, uint64_t bits) {
  switch (type) {
    case AttributeType::kBool:
      return Value::Bool(bits != 0);
    case AttributeType::kInt:
      return Value::Of(ValueType::kInt, static_cast<int64_t>(bits));
    case AttributeType::kDouble:
      return Value::Float(std::bit_cast<double>(bits));
    case AttributeType::kString:
    case AttributeType::kOther:
      break;
  }
  return Value::Nil();
}

Value ListOf(std::string_view any_value) {
  WireError error;
  auto list = std::make_shared<std::vector<Value>>();
  bool is_array = false;
  for (WireReader message(any_value, &error); !message.done();) {
    const uint32_t tag = message.Tag();
    if (tag != WireTag(5, WireType::kBytes)) {
      if (!message.failed()) message.Skip(tag);
      continue;
    }
    is_array = true;
    for (WireReader array = message.Message("an array"); !array.done();) {
      const uint32_t element = array.Tag();
      if (element != WireTag(1, WireType::kBytes)) {
        if (!array.failed()) array.Skip(element);
        continue;
      }
      const std::string_view bytes = array.Bytes("an element");
      WireError ignored;
      WireReader value(bytes, &ignored);
      if (value.done()) continue;
      const uint32_t kind = value.Tag();
      switch (kind) {
        case WireTag(1, WireType::kBytes):
          list->push_back(Value::String(value.Bytes("a string")));
          break;
        case WireTag(2, WireType::kVarint):
          list->push_back(Value::Bool(value.Varint("a bool") != 0));
          break;
        case WireTag(3, WireType::kVarint):
          list->push_back(
              Value::Of(ValueType::kInt, static_cast<int64_t>(value.Varint("an integer"))));
          break;
        case WireTag(4, WireType::kFixed64):
          list->push_back(Value::Float(value.Double("a double")));
          break;
        default:
          break;
      }
    }
  }
  if (!is_array || error.failed()) return Value::Nil();
  Value value;
  value.type = ValueType::kList;
  value.list = std::move(list);
  return value;
}

bool BlockView::NeedsTrace(const Attribute& attribute) {
  if (attribute.of_parent) return true;
  switch (attribute.intrinsic) {
    case Intrinsic::kChildCount:
    case Intrinsic::kTraceDuration:
    case Intrinsic::kTraceRootName:
    case Intrinsic::kTraceRootService:
    case Intrinsic::kTraceId:
    case Intrinsic::kNestedSetLeft:
    case Intrinsic::kNestedSetRight:
    case Intrinsic::kNestedSetParent:
      return true;
    default:
      return false;
  }
}

Value BlockView::ValueOf(const format::SpanAttribute& attribute) {
  if (attribute.type == AttributeType::kString) return Value::String(attribute.text);
  if (attribute.type == AttributeType::kOther) return ListOf(attribute.text);
  return SimpleValue(attribute.type, attribute.bits);
}

Result<const format::SpanBlock*> BlockView::Open() {
  if (block_ == nullptr) {
    ASSIGN_OR_RETURN(block_, ref_.open());
  }
  return block_.get();
}

void BlockView::Close() {
  block_.reset();
  origin_values_.clear();
  scope_texts_.clear();
  ids_.clear();
}

const BlockView::Columns& BlockView::ColumnsOf(AttributeScope scope, const std::string& key) {
  const auto found = columns_.find(std::pair(scope, key));
  if (found != columns_.end()) return found->second;
  Columns& columns = columns_[{scope, key}];
  const auto& attributes = block_->header().attributes;
  for (uint32_t i = 0; i < attributes.size(); ++i) {
    if (attributes[i].scope == scope && attributes[i].key == key) columns.push_back(i);
  }
  return columns;
}

Result<Value> BlockView::ColumnValue(uint32_t column, uint32_t at) {
  const AttributeType type = block_->header().attributes[column].type;
  if (type == AttributeType::kString || type == AttributeType::kOther) {
    ASSIGN_OR_RETURN(const codec::StringColumn* strings, block_->AttributeStrings(column));
    const std::string_view text = strings->at(at);
    return type == AttributeType::kString ? Value::String(text) : ListOf(text);
  }
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, block_->AttributeValues(column));
  return SimpleValue(type, (*values)[at]);
}

// Of two of one key the first column's is seen.
Result<Value> BlockView::SpanValue(const std::string& key, uint32_t row) {
  for (const uint32_t column : ColumnsOf(AttributeScope::kSpan, key)) {
    ASSIGN_OR_RETURN(const uint32_t at, block_->FindAttribute(column, row));
    if (at != format::SpanBlock::kNoValue) return ColumnValue(column, at);
  }
  return Value::Nil();
}

Result<Value> BlockView::ItemValues(AttributeScope scope, const std::string& key, uint32_t row) {
  const Columns& columns = ColumnsOf(scope, key);
  if (columns.empty()) return Value::Nil();
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* begins,
                   block_->Begins(scope == AttributeScope::kEvent ? SpanColumn::kEventCounts
                                                                  : SpanColumn::kLinkCounts));
  if ((*begins)[row] == (*begins)[row + 1]) return Value::Nil();
  auto list = std::make_shared<std::vector<Value>>();
  for (uint32_t item = (*begins)[row]; item < (*begins)[row + 1]; ++item) {
    for (const uint32_t column : columns) {
      ASSIGN_OR_RETURN(const uint32_t at, block_->FindAttribute(column, item));
      if (at == format::SpanBlock::kNoValue) continue;
      ASSIGN_OR_RETURN(Value value, ColumnValue(column, at));
      if (value.type != ValueType::kList) {
        list->push_back(std::move(value));
      } else {
        list->insert(list->end(), value.list->begin(), value.list->end());
      }
      break;
    }
  }
  if (list->empty()) return Value::Nil();
  if (list->size() == 1) return list->front();
  Value value;
  value.type = ValueType::kList;
  value.list = std::move(list);
  return value;
}

Result<std::vector<Value>> BlockView::ReadOrigins(Scope scope, const OriginReader& read) {
  ASSIGN_OR_RETURN(const codec::StringColumn* table,
                   block_->Strings(scope == Scope::kResource ? SpanColumn::kResourceTable
                                                             : SpanColumn::kScopeTable));
  std::vector<Value> values;
  values.reserve(table->size());
  for (size_t i = 0; i < table->size(); ++i) {
    ASSIGN_OR_RETURN(const format::Origin origin, format::DecodeOrigin(table->at(i)));
    values.push_back(read(origin.message));
  }
  return values;
}

Result<const std::vector<Value>*> BlockView::OriginValues(Scope scope, const std::string& key) {
  const auto found = origin_values_.find(std::pair(scope, key));
  if (found != origin_values_.end()) return &found->second;
  ASSIGN_OR_RETURN(std::vector<Value> values, ReadOrigins(scope, [&](std::string_view message) {
                     Value value;
                     VisitOriginAttributes(scope, message,
                                           [&](const format::SpanAttribute& attribute) {
                                             if (value.is_nil() && attribute.key == key) {
                                               value = ValueOf(attribute);
                                             }
                                           });
                     return value;
                   }));
  return &(origin_values_[{scope, key}] = std::move(values));
}

Result<const std::vector<Value>*> BlockView::ScopeTexts(Intrinsic intrinsic) {
  const auto found = scope_texts_.find(intrinsic);
  if (found != scope_texts_.end()) return &found->second;
  const uint32_t field = intrinsic == Intrinsic::kInstrumentationName ? 1 : 2;
  ASSIGN_OR_RETURN(std::vector<Value> values,
                   ReadOrigins(Scope::kInstrumentation, [field](std::string_view bytes) {
                     Value value = Value::String("");
                     WireError error;
                     for (WireReader message(bytes, &error); !message.done();) {
                       const uint32_t tag = message.Tag();
                       if (tag == WireTag(field, WireType::kBytes)) {
                         value = Value::String(message.Bytes("a text"));
                       } else if (!message.failed()) {
                         message.Skip(tag);
                       }
                     }
                     return value;
                   }));
  return &(scope_texts_[intrinsic] = std::move(values));
}

Result<Value> BlockView::OriginValue(Scope scope, const std::vector<Value>& values, uint32_t row) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* numbers, block_->Values(NumbersOf(scope)));
  if ((*numbers)[row] >= values.size()) return MissingOrigin();
  return values[(*numbers)[row]];
}

Result<Value> BlockView::Get(const Attribute& attribute, uint32_t row) {
  RETURN_IF_ERROR(Open().status());
  if (attribute.intrinsic != Intrinsic::kNone) return IntrinsicValue(attribute.intrinsic, row);
  switch (attribute.scope) {
    case Scope::kSpan:
      return SpanValue(attribute.name, row);
    case Scope::kEvent:
      return ItemValues(AttributeScope::kEvent, attribute.name, row);
    case Scope::kLink:
      return ItemValues(AttributeScope::kLink, attribute.name, row);
    case Scope::kResource:
    case Scope::kInstrumentation:
      break;
    case Scope::kNone: {
      ASSIGN_OR_RETURN(Value value, SpanValue(attribute.name, row));
      if (!value.is_nil()) return value;
      break;
    }
  }
  const Scope scope = attribute.scope == Scope::kNone ? Scope::kResource : attribute.scope;
  ASSIGN_OR_RETURN(const std::vector<Value>* values, OriginValues(scope, attribute.name));
  return OriginValue(scope, *values, row);
}

Result<Value> BlockView::IntrinsicValue(Intrinsic intrinsic, uint32_t row) {
  const auto integer = [&](SpanColumn column, ValueType type) -> Result<Value> {
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, block_->Values(column));
    return Value::Of(type, static_cast<int64_t>((*values)[row]));
  };
  switch (intrinsic) {
    case Intrinsic::kDuration: {
      ASSIGN_OR_RETURN(const std::vector<uint64_t>* durations, block_->Durations());
      return Value::Of(ValueType::kDuration, static_cast<int64_t>((*durations)[row]));
    }
    case Intrinsic::kStartTime: {
      ASSIGN_OR_RETURN(const std::vector<uint64_t>* starts, block_->Starts());
      return Value::Of(ValueType::kInt, static_cast<int64_t>((*starts)[row]));
    }
    case Intrinsic::kKind:
      return integer(SpanColumn::kKinds, ValueType::kKind);
    case Intrinsic::kStatus:
      return integer(SpanColumn::kStatusCodes, ValueType::kStatus);
    case Intrinsic::kName:
    case Intrinsic::kStatusMessage: {
      ASSIGN_OR_RETURN(
          const codec::StringColumn* strings,
          block_->Strings(intrinsic == Intrinsic::kName ? SpanColumn::kNames
                                                        : SpanColumn::kStatusMessages));
      return Value::String(strings->at(row));
    }
    case Intrinsic::kSpanId: {
      ASSIGN_OR_RETURN(const std::string* ids, block_->SpanIds());
      ids_.push_back(HexText(std::string_view(*ids).substr(size_t{row} * 8, 8)));
      return Value::String(ids_.back());
    }
    case Intrinsic::kParent:
    case Intrinsic::kParentId:
      return ParentValue(intrinsic, row);
    case Intrinsic::kEventName:
    case Intrinsic::kEventTimeSinceStart:
    case Intrinsic::kLinkTraceId:
    case Intrinsic::kLinkSpanId:
      return ItemIntrinsic(intrinsic, row);
    case Intrinsic::kInstrumentationName:
    case Intrinsic::kInstrumentationVersion: {
      ASSIGN_OR_RETURN(const std::vector<Value>* texts, ScopeTexts(intrinsic));
      return OriginValue(Scope::kInstrumentation, *texts, row);
    }
    default:
      return Value::Nil();
  }
}

Result<Value> BlockView::ParentValue(Intrinsic intrinsic, uint32_t row) {
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* parents, block_->Parents());
  const uint32_t parent = (*parents)[row];
  if (parent == format::SpanBlock::kNoParent) {
    return intrinsic == Intrinsic::kParent ? Value::Nil() : Value::String("");
  }
  const bool is_elsewhere = parent >= format::SpanBlock::kParentElsewhere;
  ASSIGN_OR_RETURN(const std::string* ids, is_elsewhere ? block_->ParentIds() : block_->SpanIds());
  const uint32_t index = is_elsewhere ? parent - format::SpanBlock::kParentElsewhere : parent;
  ids_.push_back(HexText(std::string_view(*ids).substr(size_t{index} * 8, 8)));
  return Value::String(ids_.back());
}

Result<Value> BlockView::ItemIntrinsic(Intrinsic intrinsic, uint32_t row) {
  const bool is_event =
      intrinsic == Intrinsic::kEventName || intrinsic == Intrinsic::kEventTimeSinceStart;
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* begins,
                   block_->Begins(is_event ? SpanColumn::kEventCounts : SpanColumn::kLinkCounts));
  if ((*begins)[row] == (*begins)[row + 1]) return Value::Nil();
  auto list = std::make_shared<std::vector<Value>>();
  for (uint32_t item = (*begins)[row]; item < (*begins)[row + 1]; ++item) {
    if (intrinsic == Intrinsic::kEventTimeSinceStart) {
      ASSIGN_OR_RETURN(const std::vector<uint64_t>* times, block_->Values(SpanColumn::kEventTimes));
      list->push_back(Value::Of(ValueType::kDuration, ZigZagDecode((*times)[item])));
      continue;
    }
    ASSIGN_OR_RETURN(
        const codec::StringColumn* strings,
        block_->Strings(intrinsic == Intrinsic::kEventName     ? SpanColumn::kEventNames
                        : intrinsic == Intrinsic::kLinkTraceId ? SpanColumn::kLinkTraceIds
                                                               : SpanColumn::kLinkSpanIds));
    if (intrinsic == Intrinsic::kEventName) {
      list->push_back(Value::String(strings->at(item)));
    } else {
      ids_.push_back(HexText(strings->at(item)));
      list->push_back(Value::String(ids_.back()));
    }
  }
  Value value;
  value.type = ValueType::kList;
  value.list = std::move(list);
  return value;
}

Status BlockView::Keep(const Comparison& comparison, Bitmap* rows) {
  RETURN_IF_ERROR(Open().status());
  const Attribute& attribute = *comparison.attribute;
  const bool is_about_nil = comparison.value->is_nil();
  if (attribute.intrinsic == Intrinsic::kNone) {
    switch (attribute.scope) {
      case Scope::kResource:
      case Scope::kInstrumentation: {
        ASSIGN_OR_RETURN(const std::vector<Value>* values,
                         OriginValues(attribute.scope, attribute.name));
        return KeepByOrigin(comparison, attribute.scope, *values, rows);
      }
      case Scope::kSpan:
        if (!is_about_nil) return KeepBySpanColumns(comparison, attribute.name, rows);
        break;
      case Scope::kEvent:
      case Scope::kLink: {
        const bool is_event = attribute.scope == Scope::kEvent;
        const Columns& columns =
            ColumnsOf(is_event ? AttributeScope::kEvent : AttributeScope::kLink, attribute.name);
        if (columns.empty() && !is_about_nil) {
          *rows = Bitmap(rows->size());
          return OkStatus();
        }
        break;
      }
      case Scope::kNone:
        if (!is_about_nil) return KeepUnscoped(comparison, rows);
        break;
    }
    return KeepByGet(comparison, rows);
  }
  switch (attribute.intrinsic) {
    case Intrinsic::kName:
      return KeepByStrings(comparison, SpanColumn::kNames, rows);
    case Intrinsic::kStatusMessage:
      return KeepByStrings(comparison, SpanColumn::kStatusMessages, rows);
    case Intrinsic::kKind:
      return KeepByNumbers(comparison, SpanColumn::kKinds, ValueType::kKind, rows);
    case Intrinsic::kStatus:
      return KeepByNumbers(comparison, SpanColumn::kStatusCodes, ValueType::kStatus, rows);
    case Intrinsic::kDuration:
      return KeepByDuration(comparison, rows);
    case Intrinsic::kInstrumentationName:
    case Intrinsic::kInstrumentationVersion: {
      ASSIGN_OR_RETURN(const std::vector<Value>* texts, ScopeTexts(attribute.intrinsic));
      return KeepByOrigin(comparison, Scope::kInstrumentation, *texts, rows);
    }
    default:
      return KeepByGet(comparison, rows);
  }
}

Status BlockView::KeepByGet(const Comparison& comparison, Bitmap* rows) {
  Status status;
  const size_t ids = ids_.size();
  rows->VisitSet([&](size_t row) {
    if (!status.ok()) return;
    const Result<Value> value = Get(*comparison.attribute, static_cast<uint32_t>(row));
    if (!value.ok()) {
      status = value.status();
    } else if (!Compare(comparison.op, *value, *comparison.value, comparison.regex)) {
      rows->Clear(row);
    }
    ids_.resize(ids);
  });
  return status;
}

Status BlockView::KeepByOrigin(const Comparison& comparison, Scope scope,
                               const std::vector<Value>& values, Bitmap* rows) {
  std::vector<bool> holds;
  size_t count = 0;
  for (const Value& value : values) {
    holds.push_back(Compare(comparison.op, value, *comparison.value, comparison.regex));
    count += holds.back() ? 1 : 0;
  }
  if (count == 0) {
    *rows = Bitmap(rows->size());
    return OkStatus();
  }
  if (count == values.size()) return OkStatus();
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* numbers, block_->Values(NumbersOf(scope)));
  bool is_whole = true;
  rows->VisitSet([&](size_t row) {
    const uint64_t number = (*numbers)[row];
    is_whole = is_whole && number < holds.size();
    if (number >= holds.size() || !holds[number]) rows->Clear(row);
  });
  return is_whole ? OkStatus() : MissingOrigin();
}

Status BlockView::KeepByStrings(const Comparison& comparison, SpanColumn column, Bitmap* rows) {
  ASSIGN_OR_RETURN(const codec::StringColumn* strings, block_->Strings(column));
  std::vector<bool> holds;
  bool any = false;
  for (const std::string_view text : strings->dictionary) {
    holds.push_back(
        Compare(comparison.op, Value::String(text), *comparison.value, comparison.regex));
    any = any || holds.back();
  }
  if (!any) {
    *rows = Bitmap(rows->size());
    return OkStatus();
  }
  rows->VisitSet([&](size_t row) {
    if (!holds[strings->index(row)]) rows->Clear(row);
  });
  return OkStatus();
}

// Kinds and statuses: few distinct ones.
Status BlockView::KeepByNumbers(const Comparison& comparison, SpanColumn column, ValueType type,
                                Bitmap* rows) {
  constexpr uint64_t kKnown = 8;
  bool holds[kKnown];
  bool any = false;
  const auto compare = [&](uint64_t number) {
    return Compare(comparison.op, Value::Of(type, static_cast<int64_t>(number)), *comparison.value,
                   nullptr);
  };
  for (uint64_t number = 0; number < kKnown; ++number) {
    holds[number] = compare(number);
    any = any || holds[number];
  }
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* numbers, block_->Values(column));
  rows->VisitSet([&](size_t row) {
    const uint64_t number = (*numbers)[row];
    if (!(number < kKnown ? holds[number] : compare(number))) rows->Clear(row);
  });
  return OkStatus();
}

Status BlockView::KeepByDuration(const Comparison& comparison, Bitmap* rows) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* durations, block_->Durations());
  rows->VisitSet([&](size_t row) {
    const Value value = Value::Of(ValueType::kDuration, static_cast<int64_t>((*durations)[row]));
    if (!Compare(comparison.op, value, *comparison.value, nullptr)) rows->Clear(row);
  });
  return OkStatus();
}

// Strings are compared once each.
Status BlockView::SetByColumn(const Comparison& comparison, uint32_t column, Bitmap* rows) {
  const AttributeType type = block_->header().attributes[column].type;
  const auto compare = [&](const Value& value) {
    return Compare(comparison.op, value, *comparison.value, comparison.regex);
  };
  if (type == AttributeType::kString || type == AttributeType::kOther) {
    ASSIGN_OR_RETURN(const codec::StringColumn* strings, block_->AttributeStrings(column));
    std::vector<bool> holds;
    bool any = false;
    for (const std::string_view text : strings->dictionary) {
      holds.push_back(compare(type == AttributeType::kString ? Value::String(text) : ListOf(text)));
      any = any || holds.back();
    }
    if (!any) return OkStatus();
    ASSIGN_OR_RETURN(const std::vector<uint32_t>* places, block_->AttributeRows(column));
    for (size_t i = 0; i < places->size(); ++i) {
      if (holds[strings->index(i)]) rows->Set((*places)[i]);
    }
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, block_->AttributeValues(column));
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* places, block_->AttributeRows(column));
  for (size_t i = 0; i < places->size(); ++i) {
    if (compare(SimpleValue(type, (*values)[i]))) rows->Set((*places)[i]);
  }
  return OkStatus();
}

// Column by column: the rows that have a value are few.
Status BlockView::KeepBySpanColumns(const Comparison& comparison, const std::string& key,
                                    Bitmap* rows) {
  const Columns& columns = ColumnsOf(AttributeScope::kSpan, key);
  // Of several columns a row may have several values, of which one is seen.
  if (columns.size() > 1 && comparison.op == Operator::kNotEqual) {
    return KeepByGet(comparison, rows);
  }
  Bitmap kept(rows->size());
  for (const uint32_t column : columns) RETURN_IF_ERROR(SetByColumn(comparison, column, &kept));
  rows->And(kept);
  return OkStatus();
}

// The span's value, or else its resource's.
Status BlockView::KeepUnscoped(const Comparison& comparison, Bitmap* rows) {
  const std::string& key = comparison.attribute->name;
  ASSIGN_OR_RETURN(const std::vector<Value>* values, OriginValues(Scope::kResource, key));
  const bool is_of_resource =
      std::any_of(values->begin(), values->end(), [](const Value& v) { return !v.is_nil(); });
  if (!is_of_resource) return KeepBySpanColumns(comparison, key, rows);
  if (ColumnsOf(AttributeScope::kSpan, key).empty()) {
    return KeepByOrigin(comparison, Scope::kResource, *values, rows);
  }
  return KeepByGet(comparison, rows);
}

Result<bool> BlockView::VisitDistinct(const Attribute& attribute,
                                      const std::function<void(const Value&)>& visit) {
  RETURN_IF_ERROR(Open().status());
  const auto visit_all = [&](const std::vector<Value>& values) {
    for (const Value& value : values) visit(value);
  };
  if (attribute.intrinsic == Intrinsic::kName || attribute.intrinsic == Intrinsic::kStatusMessage) {
    ASSIGN_OR_RETURN(
        const codec::StringColumn* strings,
        block_->Strings(attribute.intrinsic == Intrinsic::kName ? SpanColumn::kNames
                                                                : SpanColumn::kStatusMessages));
    for (const std::string_view text : strings->dictionary) visit(Value::String(text));
    return true;
  }
  if (attribute.intrinsic != Intrinsic::kNone) return false;
  if (attribute.scope == Scope::kResource || attribute.scope == Scope::kInstrumentation ||
      attribute.scope == Scope::kNone) {
    const Scope scope = attribute.scope == Scope::kNone ? Scope::kResource : attribute.scope;
    ASSIGN_OR_RETURN(const std::vector<Value>* values, OriginValues(scope, attribute.name));
    visit_all(*values);
    if (attribute.scope != Scope::kNone) return true;
  }
  const AttributeScope scope = attribute.scope == Scope::kEvent  ? AttributeScope::kEvent
                               : attribute.scope == Scope::kLink ? AttributeScope::kLink
                                                                 : AttributeScope::kSpan;
  for (const uint32_t column : ColumnsOf(scope, attribute.name)) {
    const format::AttributeColumnInfo& info = block_->header().attributes[column];
    if (info.type == AttributeType::kString || info.type == AttributeType::kOther) {
      ASSIGN_OR_RETURN(const codec::StringColumn* strings, block_->AttributeStrings(column));
      for (const std::string_view text : strings->dictionary) {
        visit(info.type == AttributeType::kString ? Value::String(text) : ListOf(text));
      }
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, block_->AttributeValues(column));
    for (const uint64_t bits : *values) visit(SimpleValue(info.type, bits));
  }
  return true;
}

Status BlockView::VisitKeys(const std::function<void(Scope, std::string_view)>& visit) {
  RETURN_IF_ERROR(Open().status());
  for (const format::AttributeColumnInfo& info : block_->header().attributes) {
    visit(info.scope == AttributeScope::kSpan    ? Scope::kSpan
          : info.scope == AttributeScope::kEvent ? Scope::kEvent
                                                 : Scope::kLink,
          info.key);
  }
  for (const Scope scope : {Scope::kResource, Scope::kInstrumentation}) {
    const auto read = [&](std::string_view message) {
      VisitOriginAttributes(scope, message, [&](const format::SpanAttribute& attribute) {
        visit(scope, attribute.key);
      });
      return Value::Nil();
    };
    RETURN_IF_ERROR(ReadOrigins(scope, read).status());
  }
  return OkStatus();
}

}  // namespace varve::traceql
