// PartReaders: the opened readers of the live parts, shared by queries.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/mutex.h"
#include "compaction/metrics_part.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::engine {

// Thread safety: all methods from any thread.
class PartReaders {
 public:
  // Opens on first use.
  Result<std::shared_ptr<const compaction::MetricsPartReader>> Get(
      const std::shared_ptr<const kv::Part>& part) EXCLUDES(mutex_);
  // Lets go of readers of parts that are not in `version`, so that their files can be removed.
  void Prune(const kv::CatalogVersion& version) EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  std::unordered_map<uint64_t, std::shared_ptr<const compaction::MetricsPartReader>> readers_
      GUARDED_BY(mutex_);
};

}  // namespace varve::engine
