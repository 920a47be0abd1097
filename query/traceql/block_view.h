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

#include "base/status_macros.h"
#include "engine/span_reader.h"
#include "query/traceql/ast.h"
#include "query/traceql/bitmap.h"
#include "storage/format/span_block.h"
#include "varve/status.h"

namespace varve::traceql {

// An array value as a list; other values of more than one field are nil.
Value ListOf(std::string_view any_value);
// Of kBool, kInt and kDouble.
Value SimpleValue(format::AttributeType type, uint64_t bits);

// A block is opened when it is asked for something, and may be let go in between.
// Thread safety: none.
class BlockView {
 public:
  explicit BlockView(engine::SpanBlockRef ref) : ref_(std::move(ref)) {}
  BlockView(const BlockView&) = delete;
  BlockView& operator=(const BlockView&) = delete;

  // The block, opened if it is not.
  Result<const format::SpanBlock*> Open();
  size_t memory_bytes() const { return block_ == nullptr ? 0 : block_->memory_bytes(); }
  // Lets the block go, and with it all texts that were got.
  void Close();

  // Of what lies in the block alone: attributes, and intrinsics for which NeedsTrace is false.
  // Texts live until Close.
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

  // Visits every value of an attribute, or more often than it occurs or less, as is cheapest: each
  // distinct one at least once. False: this needs rows one by one. REQUIRES: !NeedsTrace.
  Result<bool> VisitDistinct(const Attribute& attribute,
                             const std::function<void(const Value&)>& visit);
  // An attribute by number of the resource or scope. Valid until Close.
  Result<const std::vector<Value>*> OriginValues(Scope scope, const std::string& key);
  // service.name by number of the resource.
  Result<const std::vector<Value>*> ServiceNames() {
    RETURN_IF_ERROR(Open().status());
    return OriginValues(Scope::kResource, "service.name");
  }
  // Visits the keys of attributes with their scope.
  Status VisitKeys(const std::function<void(Scope, std::string_view)>& visit);

 private:
  using Columns = std::vector<uint32_t>;  // of attributes, by number
  template <typename S, typename T>
  using ByKey = std::map<std::pair<S, std::string>, T>;

  static Value ValueOf(const format::SpanAttribute& attribute);
  const Columns& ColumnsOf(format::AttributeScope scope, const std::string& key);
  Result<Value> ColumnValue(uint32_t column, uint32_t at);
  Result<Value> SpanValue(const std::string& key, uint32_t row);
  Result<Value> ItemValues(format::AttributeScope scope, const std::string& key, uint32_t row);
  // By number of the resource or scope.
  using OriginReader = std::function<Value(std::string_view message)>;
  Result<std::vector<Value>> ReadOrigins(Scope scope, const OriginReader& read);
  Result<const std::vector<Value>*> ScopeTexts(Intrinsic intrinsic);
  Result<Value> OriginValue(Scope scope, const std::vector<Value>& values, uint32_t row);
  Result<Value> IntrinsicValue(Intrinsic intrinsic, uint32_t row);
  Result<Value> ParentValue(Intrinsic intrinsic, uint32_t row);
  Result<Value> ItemIntrinsic(Intrinsic intrinsic, uint32_t row);

  Status KeepByGet(const Comparison& comparison, Bitmap* rows);
  Status KeepByOrigin(const Comparison& comparison, Scope scope, const std::vector<Value>& values,
                      Bitmap* rows);
  Status KeepByStrings(const Comparison& comparison, format::SpanColumn column, Bitmap* rows);
  Status KeepByNumbers(const Comparison& comparison, format::SpanColumn column, ValueType type,
                       Bitmap* rows);
  Status KeepByDuration(const Comparison& comparison, Bitmap* rows);
  Status KeepBySpanColumns(const Comparison& comparison, const std::string& key, Bitmap* rows);
  Status KeepUnscoped(const Comparison& comparison, Bitmap* rows);
  // Sets the rows on which a column's value makes the comparison hold.
  Status SetByColumn(const Comparison& comparison, uint32_t column, Bitmap* rows);

  const engine::SpanBlockRef ref_;
  std::shared_ptr<const format::SpanBlock> block_;
  ByKey<format::AttributeScope, Columns> columns_;
  ByKey<Scope, std::vector<Value>> origin_values_;
  std::map<Intrinsic, std::vector<Value>> scope_texts_;
  std::deque<std::string> ids_;  // texts of ids that were asked for
};

}  // namespace varve::traceql
