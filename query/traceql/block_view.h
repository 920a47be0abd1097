// BlockView: a span block as queries ask it: values of attributes by row, and rows by condition.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "query/traceql/ast.h"
#include "query/traceql/bitmap.h"
#include "storage/format/span_block.h"
#include "varve/status.h"

namespace varve::traceql {

// An array value as a list; other values of more than one field are nil.
Value ListOf(std::string_view any_value);

// Thread safety: none.
class BlockView {
 public:
  explicit BlockView(format::SpanBlock block) : block_(std::move(block)) {}

  format::SpanBlock& block() { return block_; }
  uint32_t row_count() const { return block_.row_count(); }

  // Of what lies in the block alone: attributes, and intrinsics for which NeedsTrace is false.
  // Texts live as long as the view.
  Result<Value> Get(const Attribute& attribute, uint32_t row);
  static bool NeedsTrace(const Attribute& attribute);

  // Keeps of `rows` those on which the comparison holds. REQUIRES: !NeedsTrace.
  struct Comparison {
    const Attribute* attribute = nullptr;
    Operator op = Operator::kEqual;
    const Value* value = nullptr;
    const re2::RE2* regex = nullptr;
  };
  Status Keep(const Comparison& comparison, Bitmap* rows);

  // Visits the keys of attributes with their scope.
  Status VisitKeys(const std::function<void(Scope, std::string_view)>& visit);

 private:
  using Columns = std::vector<uint32_t>;  // of attributes, by number
  // Where the items of a scope (spans, events, links) have a key: which column, which value.
  struct Places {
    std::vector<uint8_t> column;  // into `columns`, + 1; 0: none
    std::vector<uint32_t> value;
    Columns columns;
  };
  // Attributes of resources or scopes, parsed.
  struct Origins {
    std::vector<std::vector<format::SpanAttribute>> attributes;
    std::vector<std::string_view> names;  // of scopes
    std::vector<std::string_view> versions;
    bool is_parsed = false;
  };

  static Value ValueOf(const format::SpanAttribute& attribute);
  Columns ColumnsOf(format::AttributeScope scope, std::string_view key) const;
  Result<const Places*> PlacesOf(format::AttributeScope scope, const std::string& key);
  Result<Value> ColumnValue(uint32_t column, uint32_t value);
  Result<Value> SpanValue(const std::string& key, uint32_t row);
  Result<Value> ItemValues(format::AttributeScope scope, const std::string& key, uint32_t row);
  Result<const Origins*> OriginsOf(Scope scope);
  Result<Value> OriginValue(Scope scope, std::string_view key, uint32_t row);
  Result<Value> IntrinsicValue(Intrinsic intrinsic, uint32_t row);
  Result<Value> ItemIntrinsic(Intrinsic intrinsic, uint32_t row);
  Result<Value> OriginIntrinsic(Intrinsic intrinsic, uint32_t row);

  Status KeepByGet(const Comparison& comparison, Bitmap* rows);
  Status KeepByOrigin(const Comparison& comparison, Scope scope, Bitmap* rows);
  Status KeepByStrings(const Comparison& comparison, format::SpanColumn column, Bitmap* rows);
  Status KeepByDuration(const Comparison& comparison, Bitmap* rows);
  Status KeepBySpanColumns(const Comparison& comparison, const std::string& key, Bitmap* rows);

  format::SpanBlock block_;
  std::map<std::pair<format::AttributeScope, std::string>, std::unique_ptr<Places>> places_;
  Origins resources_;
  Origins scopes_;
  std::deque<std::string> ids_;  // texts of ids that were asked for
};

}  // namespace varve::traceql
