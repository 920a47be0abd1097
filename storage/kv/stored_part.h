// StoredPart: a part whose files lie in RocksDB.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "storage/kv/part_reclaimer.h"
#include "storage/kv/rocksdb_handle.h"
#include "storage/kv/store.h"

namespace varve::kv {

// The largest key of each family's file, part id included. A family without a file has none.
// Reads end there, since RocksDB's would go on into the file of the next part, which may be
// damaged.
using LargestKeys = std::map<Family, std::string>;

// Invariant: what it hands out (PinnedBytes, PartCursor) holds the part, so that a part's
// destructor runs when nothing reads its files any more.
class StoredPart final : public Part, public std::enable_shared_from_this<StoredPart> {
 public:
  // `handle` and `reclaimer` must outlive it.
  StoredPart(const RocksDbHandle* handle, PartReclaimer* reclaimer, format::PartInfo info,
             LargestKeys largest_keys);
  // Gives the files to the reclaimer if the part was retired.
  ~StoredPart() override;

  const format::PartInfo& info() const override { return info_; }
  Result<PinnedBytes> Get(Family family, std::string_view key) const override;
  std::unique_ptr<PartCursor> NewCursor(Family family) const override;

  // The part has left the catalog for good: its files go with it.
  void Retire() const { retired_.store(true, std::memory_order_relaxed); }
  // Null when the part has no file in the family.
  const std::string* largest_key(Family family) const;
  // "part 12, family chunks", for messages.
  std::string Describe(Family family) const;

 private:
  const RocksDbHandle* const handle_;
  PartReclaimer* const reclaimer_;
  const format::PartInfo info_;
  const std::string prefix_;
  const LargestKeys largest_keys_;
  // Ordered before the destructor by the reference count.
  mutable std::atomic<bool> retired_{false};
};

}  // namespace varve::kv
