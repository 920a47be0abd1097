#include "engine/metrics/part_readers.h"

#include <unordered_set>
#include <vector>

#include "base/status_macros.h"

namespace varve::engine {

Result<std::shared_ptr<const compaction::MetricsPartReader>> PartReaders::Get(
    const std::shared_ptr<const kv::Part>& part) {
  {
    MutexLock lock(&mutex_);
    const auto found = readers_.find(part->info().part_id);
    if (found != readers_.end()) return found->second;
  }
  // Opened outside the lock; of two that race the first stays.
  ASSIGN_OR_RETURN(std::shared_ptr<const compaction::MetricsPartReader> opened,
                   compaction::MetricsPartReader::Open(part));
  MutexLock lock(&mutex_);
  return readers_.emplace(part->info().part_id, std::move(opened)).first->second;
}

void PartReaders::Prune(const kv::CatalogVersion& version) {
  std::unordered_set<uint64_t> live;
  for (const auto& part : version.parts) live.insert(part->info().part_id);
  std::vector<std::shared_ptr<const compaction::MetricsPartReader>>
      dropped;  // closed after the lock
  MutexLock lock(&mutex_);
  for (auto it = readers_.begin(); it != readers_.end();) {
    if (live.contains(it->first)) {
      ++it;
      continue;
    }
    dropped.push_back(std::move(it->second));
    it = readers_.erase(it);
  }
}

}  // namespace varve::engine
