#include "compaction/span_rows.h"

#include <algorithm>
#include <vector>

#include "base/status_macros.h"

namespace varve::compaction {
namespace {

Status ReadOrigin(const format::SpanBlock& block, format::SpanColumn column,
                  format::SpanColumn table, uint32_t row, std::string_view* origin) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* numbers, block.Values(column));
  ASSIGN_OR_RETURN(const codec::StringColumn* origins, block.Strings(table));
  if ((*numbers)[row] >= origins->size()) {
    return DataLossError("span block: a resource or scope that is not there");
  }
  *origin = origins->at((*numbers)[row]);
  return format::DecodeOrigin(*origin).status();
}

}  // namespace

Status ReadStoredSpan(const format::SpanBlock& block, uint32_t row, format::SpanFields* scratch,
                      StoredSpan* span) {
  RETURN_IF_ERROR(block.ReadRow(row, scratch));
  span->trace_id = scratch->trace_id;
  span->start_ns = scratch->start_ns;
  span->span_id = scratch->span_id;
  span->message.clear();
  format::AppendSpan(*scratch, &span->message);
  RETURN_IF_ERROR(ReadOrigin(block, format::SpanColumn::kResources,
                             format::SpanColumn::kResourceTable, row, &span->resource));
  return ReadOrigin(block, format::SpanColumn::kScopes, format::SpanColumn::kScopeTable, row,
                    &span->scope);
}

void SortUniqueSpans(std::vector<StoredSpan>* spans) {
  std::sort(spans->begin(), spans->end(),
            [](const StoredSpan& a, const StoredSpan& b) { return a.key() < b.key(); });
  spans->erase(std::unique(spans->begin(), spans->end(),
                           [](const auto& a, const auto& b) { return a.key() == b.key(); }),
               spans->end());
}

}  // namespace varve::compaction
