// When a metric's name falls: at once where an operation makes something else of it, or, with
// delayed name removal, at the end of the query, so that what lies between may still use it.
//
// Delayed, rows keep their names and carry a flag (SeriesRow::drop_name). Set operators, sorting
// and selections pass the flag on, aggregations join it, label_replace and label_join take it back
// when they write the name.
#pragma once

#include <cstddef>
#include <cstdint>

#include "query/exec/label_ops.h"
#include "query/exec/vector_value.h"
#include "varve/status.h"

namespace varve::promql::exec {

// What is to become of a row's name.
inline MetricName NameOf(const SeriesRow& row) {
  return row.drop_name ? MetricName::kDrop : MetricName::kKeep;
}

struct NameRules {
  enum class Removal : uint8_t { kAtOnce, kAtEnd };
  Removal removal = Removal::kAtOnce;
  MetadataLabels metadata = MetadataLabels::kNameTypeUnit;

  bool delayed() const { return removal == Removal::kAtEnd; }
  // What an operation that changes the metric's meaning leaves of the labels for now.
  Labels After(MetricName name, const Labels& labels) const {
    return name == MetricName::kDrop && !delayed() ? DropMetadata(labels, metadata) : labels;
  }
  // Does to a row in place what such an operation does to its labels.
  void Apply(MetricName name, SeriesRow* row) const;
};

// Whether the result of a group loses its name: if any series of the group does that has a value at
// the last step at which the group has one (the reference decides anew at each step, and the last
// decision stands).
class GroupNameRemoval {
 public:
  void Add(const Column& column, size_t step_count, MetricName name);
  void Merge(const GroupNameRemoval& other);
  bool drop_name() const { return drop_name_; }

 private:
  size_t end_ = 0;  // behind the last step with a value
  bool drop_name_ = false;
};

// Takes the names of flagged rows away and joins rows that this makes equal. Errors: kOutOfRange
// when two of them have a value at one step. Keeps the order of rows.
Status RemoveDelayedNames(const NameRules& rules, VectorValue* value);

}  // namespace varve::promql::exec
