// MetadataRegistry: type, help and unit of metric families, in memory and in the store.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "storage/kv/store.h"
#include "varve/status.h"
#include "varve/write_batch.h"

namespace varve::engine {

// Thread safety: all methods from any thread.
class MetadataRegistry {
 public:
  explicit MetadataRegistry(kv::Store* store) : store_(store) {}
  Status Load() EXCLUDES(mutex_);
  // Keeps the latest of each family that says something; writes what changed. Beyond kFamiliesMax
  // new families are ignored.
  Status Update(std::span<const MetricMetadata> metadata) EXCLUDES(mutex_);
  std::vector<MetricMetadata> All() EXCLUDES(mutex_);

 private:
  static constexpr size_t kFamiliesMax = 200'000;
  static constexpr size_t kTextBytesMax = 4096;

  kv::Store* const store_;
  Mutex mutex_;
  std::map<std::string, MetricMetadata> families_ GUARDED_BY(mutex_);
};

}  // namespace varve::engine
