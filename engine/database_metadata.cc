// Series, label names and label values: answered from the indexes of the head and of the parts.
#include <algorithm>
#include <set>
#include <string>
#include <unordered_set>

#include "base/status_macros.h"
#include "engine/database_impl.h"
#include "storage/format/label_bytes.h"

namespace varve::engine {
namespace {

bool Overlaps(const format::PartInfo& info, TimeRange range) {
  return info.signal == format::Signal::kMetrics && info.min_time_ms <= range.max_ms &&
         info.max_time_ms >= range.min_ms;
}

std::vector<std::string> Limited(std::set<std::string> all, size_t limit) {
  std::vector<std::string> out;
  for (auto it = all.begin(); it != all.end() && (limit == 0 || out.size() < limit);) {
    out.push_back(std::move(all.extract(it++).value()));
  }
  return out;
}

}  // namespace

Status DatabaseImpl::VisitSelected(std::span<const Selector> selectors, TimeRange range,
                                   const std::function<void(std::string_view labels)>& visit) {
  ASSIGN_OR_RETURN(const std::vector<CompiledSelector> compiled, CompileSelectors(selectors));
  // Before the parts: what a tombstone that goes meanwhile has hidden is gone from them.
  const std::shared_ptr<const TombstoneList> tombstones = tombstones_.current();
  // The head first: what a flush takes away from it is in the catalog before.
  head_.VisitLabels({compiled, range.min_ms, range.max_ms}, visit);
  const std::shared_ptr<const kv::CatalogVersion> version = store_->current();  // keeps the parts
  for (const auto& part : version->parts) {
    if (!Overlaps(part->info(), range)) continue;
    ASSIGN_OR_RETURN(const auto reader, readers_.Get(part));
    ASSIGN_OR_RETURN(auto ordinals, MatchAny(reader->index(), compiled));
    ASSIGN_OR_RETURN(const auto hidden, HiddenIn(*tombstones, part->info(), reader->index()));
    DropHidden(hidden, part->info(), range, &ordinals);
    RETURN_IF_ERROR(reader->index().VisitLabels(
        ordinals, [&](size_t, std::string_view labels) { visit(labels); }));
  }
  return OkStatus();
}

Result<std::vector<Labels>> DatabaseImpl::Series(std::span<const Selector> selectors,
                                                 TimeRange range, size_t limit) {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  std::unordered_set<std::string> distinct;
  RETURN_IF_ERROR(
      VisitSelected(selectors, range, [&](std::string_view labels) { distinct.emplace(labels); }));
  std::vector<Labels> all;
  all.reserve(distinct.size());
  while (!distinct.empty()) {
    all.push_back(
        Labels::FromCanonicalBytes(std::move(distinct.extract(distinct.begin()).value())));
  }
  std::sort(all.begin(), all.end());
  if (limit != 0 && all.size() > limit) all.resize(limit);
  return all;
}

Result<std::vector<std::string>> DatabaseImpl::LabelNames(std::span<const Selector> selectors,
                                                          TimeRange range, size_t limit) {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  std::set<std::string> names;
  if (!selectors.empty()) {
    RETURN_IF_ERROR(VisitSelected(selectors, range, [&](std::string_view labels) {
      for (format::LabelCursor cursor(labels); cursor.Next();) names.emplace(cursor.name());
    }));
    return Limited(std::move(names), limit);
  }
  const auto [head_min, head_max] = head_.TimeRangeMs();
  if (head_min <= range.max_ms && head_max >= range.min_ms) {
    ReaderLock index_lock(&head_.index_mutex);
    for (std::string& name : head_.index.LabelNames()) names.insert(std::move(name));
  }
  const std::shared_ptr<const kv::CatalogVersion> version = store_->current();  // keeps the parts
  for (const auto& part : version->parts) {
    if (!Overlaps(part->info(), range)) continue;
    ASSIGN_OR_RETURN(const auto reader, readers_.Get(part));
    ASSIGN_OR_RETURN(std::vector<std::string> more, reader->index().LabelNames());
    for (std::string& name : more) names.insert(std::move(name));
  }
  return Limited(std::move(names), limit);
}

Result<std::vector<std::string>> DatabaseImpl::LabelValues(std::string_view name,
                                                           std::span<const Selector> selectors,
                                                           TimeRange range, size_t limit) {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  std::set<std::string> values;
  if (!selectors.empty()) {
    RETURN_IF_ERROR(VisitSelected(selectors, range, [&](std::string_view labels) {
      const std::string_view value = format::FindLabel(labels, name);
      if (!value.empty()) values.emplace(value);
    }));
    return Limited(std::move(values), limit);
  }
  const auto [head_min, head_max] = head_.TimeRangeMs();
  if (head_min <= range.max_ms && head_max >= range.min_ms) {
    ReaderLock index_lock(&head_.index_mutex);
    for (std::string& value : head_.index.LabelValues(name)) values.insert(std::move(value));
  }
  const std::shared_ptr<const kv::CatalogVersion> version = store_->current();  // keeps the parts
  for (const auto& part : version->parts) {
    if (!Overlaps(part->info(), range)) continue;
    ASSIGN_OR_RETURN(const auto reader, readers_.Get(part));
    ASSIGN_OR_RETURN(std::vector<std::string> more, reader->index().LabelValues(name));
    for (std::string& value : more) values.insert(std::move(value));
  }
  return Limited(std::move(values), limit);
}

}  // namespace varve::engine
