#include "query/exec/match_groups.h"

#include <algorithm>
#include <string>
#include <unordered_map>

namespace varve::promql::exec {

namespace {

bool HasTypeOrUnit(const Labels& labels) {
  for (const LabelView label : labels) {
    if (label.name == kTypeLabel || label.name == kUnitLabel) return true;
    if (label.name > kUnitLabel) return false;
  }
  return false;
}

bool AnyHasTypeOrUnit(const VectorValue& value) {
  return std::any_of(value.rows().begin(), value.rows().end(),
                     [](const SeriesRow& row) { return HasTypeOrUnit(row.labels); });
}

}  // namespace

LabelProjection MatchingProjection(const VectorMatching& matching, const NameRules& rules,
                                   const VectorValue& lhs, const VectorValue& rhs) {
  LabelNames names(matching.labels);
  if (matching.on == MatchOn::kOn) return LabelProjection::Only(std::move(names));
  if (rules.metadata == MetadataLabels::kNameTypeUnit && !rules.delayed() &&
      AnyHasTypeOrUnit(lhs) != AnyHasTypeOrUnit(rhs)) {
    names = names.With(kTypeLabel).With(kUnitLabel);
  }
  return LabelProjection::AllBut(std::move(names));
}

std::vector<MatchGroup> GroupByMatch(const LabelProjection& projection, const VectorValue& lhs,
                                     const VectorValue& rhs) {
  std::vector<MatchGroup> groups;
  std::unordered_map<std::string, size_t> index_by_key;
  index_by_key.reserve(lhs.rows().size());
  std::string key;
  const auto group_of = [&](const SeriesRow& row) -> MatchGroup& {
    projection.Key(row.labels, MetricName::kKeep, &key);
    const auto [it, inserted] = index_by_key.emplace(key, groups.size());
    if (inserted) groups.emplace_back();
    return groups[it->second];
  };
  for (size_t i = 0; i < lhs.rows().size(); ++i) group_of(lhs.rows()[i]).lhs.push_back(i);
  for (size_t i = 0; i < rhs.rows().size(); ++i) group_of(rhs.rows()[i]).rhs.push_back(i);
  return groups;
}

}  // namespace varve::promql::exec
