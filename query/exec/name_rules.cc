#include "query/exec/name_rules.h"

#include "query/exec/bitmap.h"
#include "query/exec/row_merge.h"

namespace varve::promql::exec {

void NameRules::Apply(MetricName name, SeriesRow* row) const {
  if (name == MetricName::kKeep) return;
  if (delayed()) {
    row->drop_name = true;
  } else if (HasMetadata(row->labels, metadata)) {
    row->labels = DropMetadata(row->labels, metadata);
  }
}

void GroupNameRemoval::Add(const Column& column, size_t step_count, MetricName name) {
  const size_t last = LastBit(column.present, step_count);
  if (last == kNoBit || last + 1 < end_) return;
  if (last + 1 > end_) drop_name_ = false;
  end_ = last + 1;
  drop_name_ = drop_name_ || name == MetricName::kDrop;
}

void GroupNameRemoval::Merge(const GroupNameRemoval& other) {
  if (other.end_ < end_) return;
  drop_name_ = other.drop_name_ || (other.end_ == end_ && drop_name_);
  end_ = other.end_;
}

Status RemoveDelayedNames(const NameRules& rules, VectorValue* value) {
  if (!rules.delayed()) return OkStatus();
  for (SeriesRow& row : value->rows()) {
    if (row.drop_name) row.labels = DropMetadata(row.labels, rules.metadata);
  }
  return ResolveEqualLabels(EqualLabels::kMergeDisjoint, value);
}

}  // namespace varve::promql::exec
