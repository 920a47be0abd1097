#include "storage/kv/part_reclaimer.h"

#include <rocksdb/convenience.h>

#include <string>

#include "storage/kv/part_keys.h"
#include "storage/kv/status_translation.h"

namespace varve::kv {

Status RemovePartFiles(const RocksDbHandle& handle, std::span<const uint64_t> part_ids) {
  // [part, part + 1) each; the keys must stand still while slices point to them.
  std::vector<std::string> keys;
  keys.reserve(part_ids.size() * 2);
  for (const uint64_t part_id : part_ids) {
    keys.push_back(PartPrefix(part_id));
    keys.push_back(PartPrefix(part_id + 1));
  }
  std::vector<rocksdb::Slice> bounds(keys.begin(), keys.end());
  std::vector<rocksdb::RangePtr> ranges;
  for (size_t i = 0; i < bounds.size(); i += 2) ranges.emplace_back(&bounds[i], &bounds[i + 1]);

  Status first_error;
  for (const Family family : kDataFamilies) {
    Status status =
        FromRocks(rocksdb::DeleteFilesInRanges(handle.db(), handle.family(IndexOf(family)),
                                               ranges.data(), ranges.size(), false),
                  std::string("remove part files of family ") + FamilyName(family));
    if (first_error.ok()) first_error = status;
  }
  return first_error;
}

PartReclaimer::PartReclaimer(const RocksDbHandle* handle)
    : handle_(handle), thread_("varve-reclaim", 1) {}

void PartReclaimer::Reclaim(uint64_t part_id) {
  {
    const MutexLock lock(&mutex_);
    pending_.push_back(part_id);
    if (pending_.size() > 1) return;  // the task that was queued for the first takes all
  }
  thread_.Schedule([this] { RemovePending(); });
}

void PartReclaimer::RemovePending() {
  std::vector<uint64_t> part_ids;
  {
    const MutexLock lock(&mutex_);
    part_ids.swap(pending_);
  }
  // Not lost: the next open removes the files of every part that is not in the catalog.
  const Status status = RemovePartFiles(*handle_, part_ids);
  if (!status.ok()) handle_->Log(status.message());
}

}  // namespace varve::kv
