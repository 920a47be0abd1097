// RocksDbStore: the Store over one RocksDB database.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "storage/kv/catalog_recovery.h"
#include "storage/kv/part_reclaimer.h"
#include "storage/kv/rocksdb_handle.h"
#include "storage/kv/store.h"
#include "storage/kv/stored_part.h"

namespace varve::kv {

class RocksDbStore final : public Store {
 public:
  RocksDbStore(std::unique_ptr<RocksDbHandle> handle, RecoveredCatalog catalog);

  Result<std::unique_ptr<PartWriter>> NewPart(Compression compression) override;
  Result<format::PartInfo> Ingest(std::unique_ptr<PartWriter> writer,
                                  format::PartInfo info) override;
  Status Commit(const CatalogEdit& edit) override;
  std::shared_ptr<const CatalogVersion> current() const override;
  Result<std::optional<std::string>> GetState(std::string_view key) const override;
  Status PutMetadata(std::span<const std::pair<std::string, std::string>> entries) override;
  Result<std::vector<std::pair<std::string, std::string>>> AllMetadata() const override;
  std::vector<std::string> CheckFiles(const Part& part) const override;
  Status LinkFiles(const Part& part, const std::string& directory) const override;
  Status Snapshot(const std::string& directory) override;
  uint64_t database_id() const override { return database_id_; }
  uint64_t disk_bytes() const override;

 private:
  std::string PathOf(uint64_t part_id, Family family) const;
  // Why `edit` cannot follow the current version; ok when it can.
  Status CheckEdit(const CatalogEdit& edit) const REQUIRES(write_mutex_);
  Status WriteEdit(const CatalogEdit& edit) REQUIRES(write_mutex_);
  // Writes a small record, unsynced, behind a commit that is durable. A damaged commit then has a
  // valid record behind it, which tells it from one that a crash cut off (log_check.h).
  void WriteSeal() REQUIRES(write_mutex_);
  // Makes the version after `edit` current and retires what it removed.
  void Publish(const CatalogEdit& edit) REQUIRES(write_mutex_);
  void SetCurrent(std::shared_ptr<const CatalogVersion> version);

  // Parts refer to the reclaimer, the reclaimer to the handle; destroyed in reverse order.
  const std::unique_ptr<RocksDbHandle> handle_;
  PartReclaimer reclaimer_;
  const uint64_t database_id_;
  std::atomic<uint64_t> next_part_id_;

  mutable Mutex write_mutex_;  // one Commit or PutMetadata at a time; taken before current_mutex_
  // After a failed write the WAL's durable contents are unknown: nothing may be written behind it.
  Status failed_ GUARDED_BY(write_mutex_);
  // Live parts by id: the current version's.
  std::map<uint64_t, std::shared_ptr<const StoredPart>> live_ GUARDED_BY(write_mutex_);

  Mutex ingested_mutex_;
  std::map<uint64_t, LargestKeys> ingested_ GUARDED_BY(ingested_mutex_);  // not committed yet

  mutable Mutex current_mutex_;
  std::shared_ptr<const CatalogVersion> current_ GUARDED_BY(current_mutex_);
};

}  // namespace varve::kv
