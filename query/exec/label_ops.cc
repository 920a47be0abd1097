#include "query/exec/label_ops.h"

#include <algorithm>
#include <utility>

#include "base/varint.h"

namespace varve::promql::exec {
namespace {

void AppendLabel(LabelView label, std::string* bytes) {
  AppendVarint(bytes, label.name.size());
  bytes->append(label.name);
  AppendVarint(bytes, label.value.size());
  bytes->append(label.value);
}

template <typename Wanted>
Labels Filter(const Labels& labels, Wanted&& wanted) {
  std::string bytes;
  bytes.reserve(labels.canonical_bytes().size());
  for (const LabelView label : labels) {
    if (wanted(label.name)) AppendLabel(label, &bytes);
  }
  return Labels::FromCanonicalBytes(std::move(bytes));
}

}  // namespace

LabelNames::LabelNames(std::vector<std::string> names) : names_(std::move(names)) {
  std::sort(names_.begin(), names_.end());
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

LabelNames LabelNames::With(std::string_view name) const {
  std::vector<std::string> names = names_;
  names.emplace_back(name);
  return LabelNames(std::move(names));
}

bool LabelNames::Contains(std::string_view name) const {
  // Lists are short; a linear search over them is the fastest.
  for (const std::string& candidate : names_) {
    if (candidate == name) return true;
  }
  return false;
}

bool HasMetadata(const Labels& labels, MetadataLabels metadata) {
  for (const LabelView label : labels) {
    if (IsMetadataLabel(label.name, metadata)) return true;
  }
  return false;
}

Labels DropMetadata(const Labels& labels, MetadataLabels metadata) {
  return Filter(labels, [=](std::string_view name) { return !IsMetadataLabel(name, metadata); });
}

Labels KeepLabels(const Labels& labels, const LabelNames& names) {
  return Filter(labels, [&](std::string_view name) { return names.Contains(name); });
}

Labels DropLabels(const Labels& labels, const LabelNames& names) {
  return Filter(labels, [&](std::string_view name) { return !names.Contains(name); });
}

Labels SetLabel(const Labels& labels, std::string_view name, std::string_view value) {
  std::string bytes;
  bytes.reserve(labels.canonical_bytes().size() + name.size() + value.size() + 4);
  bool done = value.empty();
  for (const LabelView label : labels) {
    if (!done && label.name >= name) {
      AppendLabel({name, value}, &bytes);
      done = true;
    }
    if (label.name != name) AppendLabel(label, &bytes);
  }
  if (!done) AppendLabel({name, value}, &bytes);
  return Labels::FromCanonicalBytes(std::move(bytes));
}

LabelProjection LabelProjection::Only(LabelNames names, MetadataLabels metadata) {
  return {std::move(names), Named::kKept, metadata};
}

LabelProjection LabelProjection::AllBut(LabelNames names, MetadataLabels metadata) {
  return {names.With(kMetricNameLabel), Named::kLeftOut, metadata};
}

void LabelProjection::Key(const Labels& labels, MetricName name, std::string* key) const {
  key->clear();
  const bool keep_named = named_ == Named::kKept;
  if (keep_named && names_.empty()) return;
  for (const LabelView label : labels) {
    if (names_.Contains(label.name) != keep_named) continue;
    if (name == MetricName::kDrop && IsMetadataLabel(label.name, metadata_)) continue;
    AppendLabel(label, key);
  }
}

Labels LabelProjection::Project(const Labels& labels) const {
  std::string key;
  Key(labels, MetricName::kKeep, &key);
  return Labels::FromCanonicalBytes(std::move(key));
}

}  // namespace varve::promql::exec
