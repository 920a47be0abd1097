// Label sets cut and joined on their canonical bytes, without a builder in between: this runs once
// per series.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "query/promql/ast.h"
#include "varve/labels.h"

namespace varve::promql::exec {

// Whether an operation keeps the metric name of its input.
enum class MetricName : uint8_t { kKeep, kDrop };

// The labels that say what a metric is, and fall together when an operation makes something else
// of it: the name, and the type and unit of those who write them as labels.
enum class MetadataLabels : uint8_t { kName, kNameTypeUnit };
inline constexpr std::string_view kTypeLabel = "__type__";
inline constexpr std::string_view kUnitLabel = "__unit__";
inline bool IsMetadataLabel(std::string_view name, MetadataLabels labels) {
  if (name == kMetricNameLabel) return true;
  return labels == MetadataLabels::kNameTypeUnit && (name == kTypeLabel || name == kUnitLabel);
}

// A sorted set of label names, for selecting labels of many series.
class LabelNames {
 public:
  LabelNames() = default;
  // Sorts and drops repetitions.
  explicit LabelNames(std::vector<std::string> names);
  LabelNames With(std::string_view name) const;
  bool Contains(std::string_view name) const;
  bool empty() const { return names_.empty(); }

 private:
  std::vector<std::string> names_;
};

bool HasMetadata(const Labels& labels, MetadataLabels metadata);
Labels DropMetadata(const Labels& labels, MetadataLabels metadata);
// Only the labels named, or all but those.
Labels KeepLabels(const Labels& labels, const LabelNames& names);
Labels DropLabels(const Labels& labels, const LabelNames& names);
// `labels` with one label set (removed when `value` is empty).
Labels SetLabel(const Labels& labels, std::string_view name, std::string_view value);

// What series have in common that fall into one group of an aggregation, or match in a binary
// operation: some of their labels, or all but some.
class LabelProjection {
 public:
  // `by` and `on`: exactly these labels, the metric name among them if it is named.
  static LabelProjection Only(LabelNames names,
                              MetadataLabels metadata = MetadataLabels::kNameTypeUnit);
  // `without` and `ignoring`: all labels but these and the metric name.
  static LabelProjection AllBut(LabelNames names,
                                MetadataLabels metadata = MetadataLabels::kNameTypeUnit);

  // Replaces `key` by bytes that are equal exactly when the projections are equal: the canonical
  // bytes of the projected label set. kDrop: as if `labels` had none of the metadata labels.
  void Key(const Labels& labels, MetricName name, std::string* key) const;
  Labels Project(const Labels& labels) const;

 private:
  enum class Named : uint8_t { kKept, kLeftOut };
  LabelProjection(LabelNames names, Named named, MetadataLabels metadata)
      : names_(std::move(names)), named_(named), metadata_(metadata) {}

  LabelNames names_;
  Named named_;
  MetadataLabels metadata_;
};

}  // namespace varve::promql::exec
