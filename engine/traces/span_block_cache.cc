#include "engine/traces/span_block_cache.h"

#include <unordered_set>
#include <utility>

#include "base/status_macros.h"

namespace varve::engine {
namespace {

// One query may open thousands; it need not wait for its end to give memory back.
constexpr size_t kOpenedPerTrim = 16;

}  // namespace

Result<SpanBlockCache::SharedBlock> SpanBlockCache::Get(uint64_t id, const Open& open) {
  {
    MutexLock lock(&mutex_);
    if (const auto found = by_id_.find(id); found != by_id_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->block;
    }
  }
  ASSIGN_OR_RETURN(SharedBlock block, open());
  MutexLock lock(&mutex_);
  if (const auto found = by_id_.find(id); found != by_id_.end()) return found->second->block;
  entries_.push_front({id, block});
  by_id_[id] = entries_.begin();
  if (++opened_since_trim_ >= kOpenedPerTrim) TrimLocked();
  return block;
}

void SpanBlockCache::Retain(const std::function<bool(uint64_t id)>& is_live) {
  MutexLock lock(&mutex_);
  for (auto at = entries_.begin(); at != entries_.end();) {
    if (is_live(at->id)) {
      ++at;
      continue;
    }
    by_id_.erase(at->id);
    at = entries_.erase(at);
  }
}

void SpanBlockCache::RetainParts(const kv::CatalogVersion& version) {
  std::unordered_set<uint64_t> parts;
  for (const auto& part : version.parts) parts.insert(part->info().part_id);
  Retain([&](uint64_t id) { return id >= kMemoryIds || parts.contains(id >> kBlockBits); });
}

void SpanBlockCache::Trim() {
  MutexLock lock(&mutex_);
  TrimLocked();
}

void SpanBlockCache::TrimLocked() {
  opened_since_trim_ = 0;
  size_t bytes = 0;
  for (auto at = entries_.begin(); at != entries_.end();) {
    bytes += at->block->memory_bytes();
    if (bytes <= bytes_max_) {
      ++at;
      continue;
    }
    bytes -= at->block->memory_bytes();
    by_id_.erase(at->id);
    at = entries_.erase(at);
  }
}

size_t SpanBlockCache::memory_bytes() {
  MutexLock lock(&mutex_);
  size_t bytes = 0;
  for (const Entry& entry : entries_) bytes += entry.block->memory_bytes();
  return bytes;
}

}  // namespace varve::engine
