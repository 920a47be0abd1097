#include "query/exec/row_merge.h"

#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status_macros.h"

namespace varve::promql::exec {

Status ResolveEqualLabels(EqualLabels treatment, VectorValue* value) {
  value->DropEmptyRows();
  std::vector<SeriesRow>& rows = value->rows();
  if (rows.size() < 2) return OkStatus();
  const size_t step_count = value->step_count();
  // Rows that stay do not move until the end, so views of their labels stay valid.
  std::unordered_map<std::string_view, size_t> row_by_labels;
  row_by_labels.reserve(rows.size());
  std::vector<bool> absorbed(rows.size(), false);
  bool any_absorbed = false;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto [it, inserted] = row_by_labels.emplace(rows[i].labels.canonical_bytes(), i);
    if (inserted) continue;
    SeriesRow& target = rows[it->second];
    const Column& into = target.column;
    const Column& from = rows[i].column;
    if (treatment == EqualLabels::kRefuse ||
        FirstCommonBit(into.present, from.present, step_count) != kNoBit) {
      return OutOfRangeError("vector cannot contain metrics with the same labelset");
    }
    // The name's fate is decided by who comes first.
    if (FirstBit(from.present, step_count) < FirstBit(into.present, step_count)) {
      target.drop_name = rows[i].drop_name;
    }
    if (from.histograms != nullptr) {
      RETURN_IF_ERROR(value->MakeRoomForHistograms(&target));
    }
    ForEachBit(from.present, step_count, [&](size_t step) {
      into.values[step] = from.values[step];
      if (into.histograms == nullptr) return;
      into.histograms[step] = from.IsHistogram(step) ? std::move(from.histograms[step]) : nullptr;
    });
    OrBits(from.present, step_count, into.present);
    absorbed[i] = true;
    any_absorbed = true;
  }
  if (!any_absorbed) return OkStatus();
  size_t kept = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (absorbed[i]) continue;
    if (kept != i) rows[kept] = std::move(rows[i]);
    ++kept;
  }
  rows.resize(kept);
  return OkStatus();
}

}  // namespace varve::promql::exec
