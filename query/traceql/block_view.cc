#include "query/traceql/block_view.h"

#include <bit>
#include <utility>

#include "base/status_macros.h"
#include "base/wire_reader.h"

namespace varve::traceql {
namespace {

using format::AttributeScope;
using format::AttributeType;
using format::SpanColumn;

Value Simple(AttributeType type, uint64_t bits) {
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

std::string HexText(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

}  // namespace

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
      // An element as the value of an attribute, so that one reader knows both.
      const std::string_view bytes = array.Bytes("an element");
      format::SpanAttribute attribute;
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
  return Simple(attribute.type, attribute.bits);
}

BlockView::Columns BlockView::ColumnsOf(AttributeScope scope, std::string_view key) const {
  Columns columns;
  const auto& attributes = block_.header().attributes;
  for (uint32_t i = 0; i < attributes.size(); ++i) {
    if (attributes[i].scope == scope && attributes[i].key == key) columns.push_back(i);
  }
  return columns;
}

Result<const BlockView::Places*> BlockView::PlacesOf(AttributeScope scope, const std::string& key) {
  std::unique_ptr<Places>& places = places_[{scope, key}];
  if (places != nullptr) return places.get();
  auto made = std::make_unique<Places>();
  made->columns = ColumnsOf(scope, key);
  const format::SpanBlockHeader& header = block_.header();
  const size_t items = scope == AttributeScope::kSpan    ? header.row_count
                       : scope == AttributeScope::kEvent ? header.event_count
                                                         : header.link_count;
  if (!made->columns.empty()) {
    made->column.assign(items, 0);
    made->value.assign(items, 0);
  }
  for (size_t i = 0; i < made->columns.size(); ++i) {
    ASSIGN_OR_RETURN(const std::vector<uint32_t>* rows, block_.AttributeRows(made->columns[i]));
    for (size_t k = rows->size(); k-- > 0;) {  // of two of one key the first is seen
      made->column[(*rows)[k]] = static_cast<uint8_t>(i + 1);
      made->value[(*rows)[k]] = static_cast<uint32_t>(k);
    }
  }
  places = std::move(made);
  return places.get();
}

Result<Value> BlockView::ColumnValue(uint32_t column, uint32_t value) {
  const AttributeType type = block_.header().attributes[column].type;
  if (type == AttributeType::kString || type == AttributeType::kOther) {
    ASSIGN_OR_RETURN(const codec::StringColumn* strings, block_.AttributeStrings(column));
    const std::string_view text = strings->at(value);
    return type == AttributeType::kString ? Value::String(text) : ListOf(text);
  }
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, block_.AttributeValues(column));
  return Simple(type, (*values)[value]);
}

Result<Value> BlockView::SpanValue(const std::string& key, uint32_t row) {
  ASSIGN_OR_RETURN(const Places* places, PlacesOf(AttributeScope::kSpan, key));
  if (places->columns.empty() || places->column[row] == 0) return Value::Nil();
  return ColumnValue(places->columns[places->column[row] - 1], places->value[row]);
}

Result<Value> BlockView::ItemValues(AttributeScope scope, const std::string& key, uint32_t row) {
  ASSIGN_OR_RETURN(const Places* places, PlacesOf(scope, key));
  if (places->columns.empty()) return Value::Nil();
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* begins,
                   block_.Begins(scope == AttributeScope::kEvent ? SpanColumn::kEventCounts
                                                                 : SpanColumn::kLinkCounts));
  auto list = std::make_shared<std::vector<Value>>();
  for (uint32_t item = (*begins)[row]; item < (*begins)[row + 1]; ++item) {
    if (places->column[item] == 0) continue;
    ASSIGN_OR_RETURN(Value value,
                     ColumnValue(places->columns[places->column[item] - 1], places->value[item]));
    if (value.type != ValueType::kList) {
      list->push_back(std::move(value));
    } else {
      list->insert(list->end(), value.list->begin(), value.list->end());
    }
  }
  if (list->empty()) return Value::Nil();
  if (list->size() == 1) return list->front();
  Value value;
  value.type = ValueType::kList;
  value.list = std::move(list);
  return value;
}

Result<const BlockView::Origins*> BlockView::OriginsOf(Scope scope) {
  Origins& origins = scope == Scope::kResource ? resources_ : scopes_;
  if (origins.is_parsed) return &origins;
  const bool is_resource = scope == Scope::kResource;
  ASSIGN_OR_RETURN(
      const codec::StringColumn* table,
      block_.Strings(is_resource ? SpanColumn::kResourceTable : SpanColumn::kScopeTable));
  const uint32_t attribute_field = is_resource ? 1 : 3;
  for (size_t i = 0; i < table->size(); ++i) {
    ASSIGN_OR_RETURN(const format::Origin origin, format::DecodeOrigin(table->at(i)));
    std::vector<format::SpanAttribute>& attributes = origins.attributes.emplace_back();
    origins.names.emplace_back();
    origins.versions.emplace_back();
    WireError error;
    for (WireReader message(origin.message, &error); !message.done();) {
      const uint32_t tag = message.Tag();
      if (tag == WireTag(attribute_field, WireType::kBytes)) {
        attributes.push_back(format::ReadSpanAttribute(message.Message("an attribute")));
      } else if (!is_resource && tag == WireTag(1, WireType::kBytes)) {
        origins.names.back() = message.Bytes("a name");
      } else if (!is_resource && tag == WireTag(2, WireType::kBytes)) {
        origins.versions.back() = message.Bytes("a version");
      } else if (!message.failed()) {
        message.Skip(tag);
      }
    }
    // What cannot be read was written so: nobody looked into it. Then it has no attributes.
    if (error.failed()) attributes.clear();
  }
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* numbers,
                   block_.Values(is_resource ? SpanColumn::kResources : SpanColumn::kScopes));
  for (const uint64_t number : *numbers) {
    if (number >= table->size()) return DataLossError("span block: a resource that is not there");
  }
  origins.is_parsed = true;
  return &origins;
}

Result<Value> BlockView::OriginValue(Scope scope, std::string_view key, uint32_t row) {
  ASSIGN_OR_RETURN(const Origins* origins, OriginsOf(scope));
  ASSIGN_OR_RETURN(
      const std::vector<uint64_t>* numbers,
      block_.Values(scope == Scope::kResource ? SpanColumn::kResources : SpanColumn::kScopes));
  for (const format::SpanAttribute& attribute : origins->attributes[(*numbers)[row]]) {
    if (attribute.key == key) return ValueOf(attribute);
  }
  return Value::Nil();
}

Result<Value> BlockView::Get(const Attribute& attribute, uint32_t row) {
  if (attribute.intrinsic != Intrinsic::kNone) return IntrinsicValue(attribute.intrinsic, row);
  switch (attribute.scope) {
    case Scope::kSpan:
      return SpanValue(attribute.name, row);
    case Scope::kResource:
    case Scope::kInstrumentation:
      return OriginValue(attribute.scope, attribute.name, row);
    case Scope::kEvent:
      return ItemValues(AttributeScope::kEvent, attribute.name, row);
    case Scope::kLink:
      return ItemValues(AttributeScope::kLink, attribute.name, row);
    case Scope::kNone:
      break;
  }
  ASSIGN_OR_RETURN(Value value, SpanValue(attribute.name, row));
  if (!value.is_nil()) return value;
  return OriginValue(Scope::kResource, attribute.name, row);
}

Result<Value> BlockView::IntrinsicValue(Intrinsic intrinsic, uint32_t row) {
  const auto integer = [&](SpanColumn column, ValueType type) -> Result<Value> {
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, block_.Values(column));
    return Value::Of(type, static_cast<int64_t>((*values)[row]));
  };
  switch (intrinsic) {
    case Intrinsic::kDuration: {
      ASSIGN_OR_RETURN(const std::vector<uint64_t>* ends, block_.Ends());
      ASSIGN_OR_RETURN(const std::vector<uint64_t>* starts, block_.Starts());
      return Value::Of(ValueType::kDuration, static_cast<int64_t>((*ends)[row] - (*starts)[row]));
    }
    case Intrinsic::kStartTime: {
      ASSIGN_OR_RETURN(const std::vector<uint64_t>* starts, block_.Starts());
      return Value::Of(ValueType::kInt, static_cast<int64_t>((*starts)[row]));
    }
    case Intrinsic::kKind:
      return integer(SpanColumn::kKinds, ValueType::kKind);
    case Intrinsic::kStatus:
      return integer(SpanColumn::kStatusCodes, ValueType::kStatus);
    case Intrinsic::kName:
    case Intrinsic::kStatusMessage: {
      ASSIGN_OR_RETURN(const codec::StringColumn* strings,
                       block_.Strings(intrinsic == Intrinsic::kName ? SpanColumn::kNames
                                                                    : SpanColumn::kStatusMessages));
      return Value::String(strings->at(row));
    }
    case Intrinsic::kSpanId: {
      ASSIGN_OR_RETURN(const std::string* ids, block_.SpanIds());
      ids_.push_back(HexText(std::string_view(*ids).substr(row * 8, 8)));
      return Value::String(ids_.back());
    }
    case Intrinsic::kParent:
    case Intrinsic::kParentId: {
      ASSIGN_OR_RETURN(const std::vector<uint32_t>* parents, block_.Parents());
      const uint32_t parent = (*parents)[row];
      if (parent == format::SpanBlock::kNoParent) {
        return intrinsic == Intrinsic::kParent ? Value::Nil() : Value::String("");
      }
      const bool is_elsewhere = parent >= format::SpanBlock::kParentElsewhere;
      ASSIGN_OR_RETURN(const std::string* ids,
                       is_elsewhere ? block_.ParentIds() : block_.SpanIds());
      const uint32_t index = is_elsewhere ? parent - format::SpanBlock::kParentElsewhere : parent;
      ids_.push_back(HexText(std::string_view(*ids).substr(size_t{index} * 8, 8)));
      return Value::String(ids_.back());
    }
    case Intrinsic::kEventName:
    case Intrinsic::kEventTimeSinceStart:
    case Intrinsic::kLinkTraceId:
    case Intrinsic::kLinkSpanId:
      return ItemIntrinsic(intrinsic, row);
    case Intrinsic::kInstrumentationName:
    case Intrinsic::kInstrumentationVersion:
      return OriginIntrinsic(intrinsic, row);
    default:
      return Value::Nil();
  }
}

Result<Value> BlockView::ItemIntrinsic(Intrinsic intrinsic, uint32_t row) {
  const bool is_event =
      intrinsic == Intrinsic::kEventName || intrinsic == Intrinsic::kEventTimeSinceStart;
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* begins,
                   block_.Begins(is_event ? SpanColumn::kEventCounts : SpanColumn::kLinkCounts));
  auto list = std::make_shared<std::vector<Value>>();
  for (uint32_t item = (*begins)[row]; item < (*begins)[row + 1]; ++item) {
    if (intrinsic == Intrinsic::kEventTimeSinceStart) {
      ASSIGN_OR_RETURN(const std::vector<uint64_t>* times, block_.Values(SpanColumn::kEventTimes));
      list->push_back(Value::Of(ValueType::kDuration, ZigZagDecode((*times)[item])));
      continue;
    }
    ASSIGN_OR_RETURN(
        const codec::StringColumn* strings,
        block_.Strings(intrinsic == Intrinsic::kEventName     ? SpanColumn::kEventNames
                       : intrinsic == Intrinsic::kLinkTraceId ? SpanColumn::kLinkTraceIds
                                                              : SpanColumn::kLinkSpanIds));
    if (intrinsic == Intrinsic::kEventName) {
      list->push_back(Value::String(strings->at(item)));
    } else {
      ids_.push_back(HexText(strings->at(item)));
      list->push_back(Value::String(ids_.back()));
    }
  }
  if (list->empty()) return Value::Nil();
  Value value;
  value.type = ValueType::kList;
  value.list = std::move(list);
  return value;
}

Result<Value> BlockView::OriginIntrinsic(Intrinsic intrinsic, uint32_t row) {
  ASSIGN_OR_RETURN(const Origins* origins, OriginsOf(Scope::kInstrumentation));
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* numbers, block_.Values(SpanColumn::kScopes));
  const auto& texts =
      intrinsic == Intrinsic::kInstrumentationName ? origins->names : origins->versions;
  return Value::String(texts[(*numbers)[row]]);
}

Status BlockView::Keep(const Comparison& comparison, Bitmap* rows) {
  const Attribute& attribute = *comparison.attribute;
  const bool is_about_nil = comparison.value->is_nil();
  if (attribute.intrinsic == Intrinsic::kNone) {
    switch (attribute.scope) {
      case Scope::kResource:
      case Scope::kInstrumentation:
        return KeepByOrigin(comparison, attribute.scope, rows);
      case Scope::kSpan:
        if (!is_about_nil) return KeepBySpanColumns(comparison, attribute.name, rows);
        break;
      case Scope::kEvent:
      case Scope::kLink: {
        const bool is_event = attribute.scope == Scope::kEvent;
        const Columns columns =
            ColumnsOf(is_event ? AttributeScope::kEvent : AttributeScope::kLink, attribute.name);
        if (columns.empty() && !is_about_nil) {
          *rows = Bitmap(rows->size());
          return OkStatus();
        }
        break;
      }
      case Scope::kNone:
        // Most keys are the span's or the resource's, not both.
        if (ColumnsOf(AttributeScope::kSpan, attribute.name).empty()) {
          return KeepByOrigin(comparison, Scope::kResource, rows);
        }
        break;
    }
    return KeepByGet(comparison, rows);
  }
  switch (attribute.intrinsic) {
    case Intrinsic::kName:
      return KeepByStrings(comparison, SpanColumn::kNames, rows);
    case Intrinsic::kStatusMessage:
      return KeepByStrings(comparison, SpanColumn::kStatusMessages, rows);
    case Intrinsic::kDuration:
      return KeepByDuration(comparison, rows);
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

Status BlockView::KeepByOrigin(const Comparison& comparison, Scope scope, Bitmap* rows) {
  ASSIGN_OR_RETURN(const Origins* origins, OriginsOf(scope));
  std::vector<bool> holds;
  bool any = false;
  for (const auto& attributes : origins->attributes) {
    Value value;
    for (const format::SpanAttribute& attribute : attributes) {
      if (attribute.key != comparison.attribute->name) continue;
      value = ValueOf(attribute);
      break;
    }
    holds.push_back(Compare(comparison.op, value, *comparison.value, comparison.regex));
    any = any || holds.back();
  }
  if (!any) {
    *rows = Bitmap(rows->size());
    return OkStatus();
  }
  ASSIGN_OR_RETURN(
      const std::vector<uint64_t>* numbers,
      block_.Values(scope == Scope::kResource ? SpanColumn::kResources : SpanColumn::kScopes));
  rows->VisitSet([&](size_t row) {
    if (!holds[(*numbers)[row]]) rows->Clear(row);
  });
  return OkStatus();
}

Status BlockView::KeepByStrings(const Comparison& comparison, SpanColumn column, Bitmap* rows) {
  ASSIGN_OR_RETURN(const codec::StringColumn* strings, block_.Strings(column));
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

Status BlockView::KeepByDuration(const Comparison& comparison, Bitmap* rows) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* durations, block_.Values(SpanColumn::kDurations));
  rows->VisitSet([&](size_t row) {
    const Value value = Value::Of(ValueType::kDuration, ZigZagDecode((*durations)[row]));
    if (!Compare(comparison.op, value, *comparison.value, nullptr)) rows->Clear(row);
  });
  return OkStatus();
}

// Column by column: the rows that have a value are few, and strings are compared once each.
Status BlockView::KeepBySpanColumns(const Comparison& comparison, const std::string& key,
                                    Bitmap* rows) {
  Bitmap kept(rows->size());
  for (const uint32_t column : ColumnsOf(AttributeScope::kSpan, key)) {
    const AttributeType type = block_.header().attributes[column].type;
    if (type == AttributeType::kOther) return KeepByGet(comparison, rows);
    const auto compare = [&](const Value& value) {
      return Compare(comparison.op, value, *comparison.value, comparison.regex);
    };
    if (type == AttributeType::kString) {
      if (comparison.value->type != ValueType::kString) continue;
      ASSIGN_OR_RETURN(const codec::StringColumn* strings, block_.AttributeStrings(column));
      std::vector<bool> holds;
      bool any = false;
      for (const std::string_view text : strings->dictionary) {
        holds.push_back(compare(Value::String(text)));
        any = any || holds.back();
      }
      if (!any) continue;
      ASSIGN_OR_RETURN(const std::vector<uint32_t>* places, block_.AttributeRows(column));
      for (size_t i = 0; i < places->size(); ++i) {
        if (holds[strings->index(i)]) kept.Set((*places)[i]);
      }
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, block_.AttributeValues(column));
    ASSIGN_OR_RETURN(const std::vector<uint32_t>* places, block_.AttributeRows(column));
    for (size_t i = 0; i < places->size(); ++i) {
      if (compare(Simple(type, (*values)[i]))) kept.Set((*places)[i]);
    }
  }
  rows->And(kept);
  return OkStatus();
}

Status BlockView::VisitKeys(const std::function<void(Scope, std::string_view)>& visit) {
  for (const format::AttributeColumnInfo& info : block_.header().attributes) {
    visit(info.scope == AttributeScope::kSpan    ? Scope::kSpan
          : info.scope == AttributeScope::kEvent ? Scope::kEvent
                                                 : Scope::kLink,
          info.key);
  }
  for (const Scope scope : {Scope::kResource, Scope::kInstrumentation}) {
    ASSIGN_OR_RETURN(const Origins* origins, OriginsOf(scope));
    for (const auto& attributes : origins->attributes) {
      for (const format::SpanAttribute& attribute : attributes) visit(scope, attribute.key);
    }
  }
  return OkStatus();
}

}  // namespace varve::traceql
