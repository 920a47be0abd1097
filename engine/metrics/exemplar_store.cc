#include "engine/metrics/exemplar_store.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "engine/metrics/exemplar_record.h"

namespace varve::engine {
namespace {

constexpr uint64_t kSeriesOverheadBytes = 128;  // a node of the map and its strings

// Keeps a series' exemplars sorted and unique; false for a duplicate. Most come in order.
bool Insert(const format::ExemplarView& exemplar, std::vector<StoredExemplar>* exemplars) {
  const auto at = std::lower_bound(exemplars->begin(), exemplars->end(), exemplar,
                                   [](const StoredExemplar& a, const format::ExemplarView& b) {
                                     return format::CompareExemplars(a.view(), b) < 0;
                                   });
  if (at != exemplars->end() && format::CompareExemplars(at->view(), exemplar) == 0) return false;
  exemplars->insert(at, {exemplar.timestamp_ms, exemplar.value, std::string(exemplar.labels)});
  return true;
}

void CollectFrom(const ExemplarMap& from, std::span<const CompiledSelector> selectors,
                 TimeRange range, ExemplarMap* found) {
  for (const auto& [labels, exemplars] : from) {
    if (!SelectsLabels(selectors, labels)) continue;
    for (const StoredExemplar& exemplar : exemplars) {
      if (exemplar.timestamp_ms < range.min_ms || exemplar.timestamp_ms > range.max_ms) continue;
      (*found)[labels].push_back(exemplar);
    }
  }
}

}  // namespace

bool SelectsLabels(std::span<const CompiledSelector> selectors, std::string_view labels) {
  const auto selects = [labels](const CompiledSelector& selector) {
    return std::all_of(selector.begin(), selector.end(), [&](const index::LabelMatcher& matcher) {
      return matcher.Matches(format::FindLabel(labels, matcher.name()));
    });
  };
  return selectors.empty() || std::any_of(selectors.begin(), selectors.end(), selects);
}

Status ExemplarStore::Add(std::string_view record_body) {
  std::vector<SeriesExemplarViews> record;
  RETURN_IF_ERROR(DecodeExemplarRecord(record_body, &record));
  uint64_t bytes = 0;
  MutexLock lock(&mutex_);
  for (const SeriesExemplarViews& series : record) {
    auto at = active_.find(series.labels);
    if (at == active_.end()) {
      at = active_.emplace(series.labels, std::vector<StoredExemplar>()).first;
      bytes += kSeriesOverheadBytes + series.labels.size();
    }
    for (const format::ExemplarView& exemplar : series.exemplars) {
      if (Insert(exemplar, &at->second)) {
        bytes += sizeof(StoredExemplar) + exemplar.labels.size();
      }
    }
  }
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return OkStatus();
}

std::shared_ptr<const ExemplarMap> ExemplarStore::Freeze() {
  MutexLock lock(&mutex_);
  if (!active_.empty()) {
    auto both = std::make_shared<ExemplarMap>(std::move(active_));
    active_.clear();
    for (const auto& [labels, exemplars] : *frozen_) {
      std::vector<StoredExemplar>& into = (*both)[labels];
      for (const StoredExemplar& exemplar : exemplars) Insert(exemplar.view(), &into);
    }
    frozen_ = std::move(both);
    frozen_bytes_ = bytes_.load(std::memory_order_relaxed);
  }
  return frozen_;
}

void ExemplarStore::DropFrozen() {
  auto dropped = std::make_shared<const ExemplarMap>();  // freed after the lock
  MutexLock lock(&mutex_);
  frozen_.swap(dropped);
  bytes_.fetch_sub(std::exchange(frozen_bytes_, 0), std::memory_order_relaxed);
}

void ExemplarStore::Collect(std::span<const CompiledSelector> selectors, TimeRange range,
                            ExemplarMap* found) const {
  MutexLock lock(&mutex_);
  CollectFrom(*frozen_, selectors, range, found);
  CollectFrom(active_, selectors, range, found);
}

}  // namespace varve::engine
