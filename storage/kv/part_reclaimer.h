// PartReclaimer: removes the files of retired parts, in the background and in batches.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "base/thread_pool.h"
#include "storage/kv/rocksdb_handle.h"
#include "varve/status.h"

namespace varve::kv {

// Removes every file of the parts, in all data families. REQUIRES: nothing reads them any more.
Status RemovePartFiles(const RocksDbHandle& handle, std::span<const uint64_t> part_ids);

// Thread safety: Reclaim from any thread. The destructor finishes what was asked for.
class PartReclaimer {
 public:
  // `handle` must outlive it.
  explicit PartReclaimer(const RocksDbHandle* handle);
  // Cheap: may be called by whoever drops the last reference to a part, also while it holds locks.
  void Reclaim(uint64_t part_id) EXCLUDES(mutex_);

 private:
  void RemovePending() EXCLUDES(mutex_);

  const RocksDbHandle* const handle_;
  Mutex mutex_;
  std::vector<uint64_t> pending_ GUARDED_BY(mutex_);
  ThreadPool thread_;  // last: its destructor runs what is queued
};

}  // namespace varve::kv
