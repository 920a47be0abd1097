// SpanBlockCache: blocks of spans that queries opened, with the columns they decoded, shared by all
// queries to come. The blocks that were used longest ago go first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>

#include "base/mutex.h"
#include "storage/format/span_block.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::engine {

// Thread safety: all methods from any thread.
class SpanBlockCache {
 public:
  using SharedBlock = std::shared_ptr<const format::SpanBlock>;
  using Open = std::function<Result<SharedBlock>()>;

  // The ids of parts' blocks; those from kMemoryIds on are of blocks in memory.
  static constexpr uint64_t kMemoryIds = uint64_t{1} << 63;
  static uint64_t IdOf(uint64_t part_id, uint32_t block) { return part_id << kBlockBits | block; }

  // Keeps about `bytes_max` of decoded columns; blocks in use come on top.
  explicit SpanBlockCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  // The block of this id, which names it as long as the process runs.
  Result<SharedBlock> Get(uint64_t id, const Open& open) EXCLUDES(mutex_);
  // Forgets blocks of parts that the catalog does not have any more.
  void RetainParts(const kv::CatalogVersion& version) EXCLUDES(mutex_);
  // Forgets blocks for which `is_live` is false: they hold files and memory that others let go.
  void Retain(const std::function<bool(uint64_t id)>& is_live) EXCLUDES(mutex_);
  // Brings the cache back to its size. Blocks grow while they are used, so it is for users to call
  // this once they are done.
  void Trim() EXCLUDES(mutex_);
  size_t memory_bytes() EXCLUDES(mutex_);

 private:
  static constexpr unsigned kBlockBits = 24;  // parts have far fewer blocks

  struct Entry {
    uint64_t id;
    SharedBlock block;
  };
  using Entries = std::list<Entry>;

  void TrimLocked() REQUIRES(mutex_);

  const size_t bytes_max_;
  Mutex mutex_;
  Entries entries_ GUARDED_BY(mutex_);  // the most recently used first
  std::unordered_map<uint64_t, Entries::iterator> by_id_ GUARDED_BY(mutex_);
  size_t opened_since_trim_ GUARDED_BY(mutex_) = 0;
};

}  // namespace varve::engine
