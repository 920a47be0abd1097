#include "storage/kv/rocksdb_store.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/check.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "storage/kv/part_keys.h"
#include "storage/kv/rocksdb_options.h"
#include "storage/kv/sst_part_writer.h"
#include "storage/kv/status_translation.h"
#include "storage/kv/store_snapshot.h"

namespace varve::kv {
namespace {

using LiveParts = std::map<uint64_t, std::shared_ptr<const StoredPart>>;

std::shared_ptr<const CatalogVersion> MakeVersion(uint64_t number, const LiveParts& live) {
  auto version = std::make_shared<CatalogVersion>();
  version->number = number;
  version->parts.reserve(live.size());
  for (const auto& [part_id, part] : live) version->parts.push_back(part);
  std::sort(version->parts.begin(), version->parts.end(), [](const auto& a, const auto& b) {
    const format::PartInfo& x = a->info();
    const format::PartInfo& y = b->info();
    return std::tie(x.max_sequence, x.min_time_ms, x.part_id) <
           std::tie(y.max_sequence, y.min_time_ms, y.part_id);
  });
  return version;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(FileSystem* file_system, const std::string& directory,
                                           const StoreOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<RocksDbHandle> handle,
                   RocksDbHandle::Open(file_system, directory, options));
  ASSIGN_OR_RETURN(RecoveredCatalog catalog, RecoverCatalog(*handle));
  // From here on the database is known to be whole, so what it does not name may go.
  handle->ReleaseRemovals();
  RETURN_IF_ERROR(RemoveLeftovers(*handle, catalog));
  RETURN_IF_ERROR(handle->BoundWalFiles());
  return std::unique_ptr<Store>(
      std::make_unique<RocksDbStore>(std::move(handle), std::move(catalog)));
}

RocksDbStore::RocksDbStore(std::unique_ptr<RocksDbHandle> handle, RecoveredCatalog catalog)
    : handle_(std::move(handle)),
      reclaimer_(handle_.get()),
      database_id_(catalog.format.database_id),
      next_part_id_(catalog.next_part_id) {
  const MutexLock lock(&write_mutex_);
  for (RecoveredPart& part : catalog.parts) {
    const uint64_t part_id = part.info.part_id;
    live_.emplace(part_id, std::make_shared<const StoredPart>(handle_.get(), &reclaimer_,
                                                              std::move(part.info),
                                                              std::move(part.largest_keys)));
  }
  SetCurrent(MakeVersion(1, live_));
}

Result<std::unique_ptr<PartWriter>> RocksDbStore::NewPart(Compression compression) {
  // Ids need no write of their own: every commit records the counter (next_part_id), and so does an
  // open that finds an uncommitted part. An id that was lost before either left no trace.
  const uint64_t part_id = next_part_id_.fetch_add(1);
  return std::unique_ptr<PartWriter>(
      std::make_unique<SstPartWriter>(handle_.get(), part_id, compression));
}

Result<format::PartInfo> RocksDbStore::Ingest(std::unique_ptr<PartWriter> writer,
                                              format::PartInfo info) {
  VARVE_CHECK(writer != nullptr);
  auto* sst_writer = static_cast<SstPartWriter*>(writer.get());  // NewPart makes no other
  info.part_id = sst_writer->part_id();
  info.files.clear();
  LargestKeys largest_keys;
  RETURN_IF_ERROR(sst_writer->Ingest(&info.files, &largest_keys));
  const MutexLock lock(&ingested_mutex_);
  ingested_.emplace(info.part_id, std::move(largest_keys));
  return info;
}

Status RocksDbStore::CheckEdit(const CatalogEdit& edit) const {
  std::set<uint64_t> seen;
  for (const format::PartInfo& info : edit.add) {
    if (live_.contains(info.part_id) || !seen.insert(info.part_id).second) {
      return InvalidArgumentError("commit adds part " + std::to_string(info.part_id) + " twice");
    }
  }
  for (const uint64_t part_id : edit.remove) {
    if (!live_.contains(part_id) || !seen.insert(part_id).second) {
      return NotFoundError("commit removes part " + std::to_string(part_id) +
                           ", which is not live");
    }
  }
  return OkStatus();
}

Status RocksDbStore::WriteEdit(const CatalogEdit& edit) {
  rocksdb::WriteBatch batch;
  rocksdb::ColumnFamilyHandle* catalog = handle_->family(kCatalogIndex);
  rocksdb::ColumnFamilyHandle* state = handle_->family(kStateIndex);
  rocksdb::Status status;
  for (const format::PartInfo& info : edit.add) {
    std::string bytes;
    format::EncodePartInfo(info, &bytes);
    if (status.ok()) status = batch.Put(catalog, PartPrefix(info.part_id), bytes);
  }
  for (const uint64_t part_id : edit.remove) {
    if (status.ok()) status = batch.Delete(catalog, PartPrefix(part_id));
  }
  for (const auto& [key, value] : edit.put_state) {
    if (status.ok()) status = batch.Put(state, EngineKey(key), value);
  }
  if (status.ok()) status = batch.Put(state, NextPartIdKey(), EncodeNextPartId(next_part_id_));
  rocksdb::WriteOptions write;
  write.sync = true;
  if (status.ok()) status = handle_->db()->Write(write, &batch);
  return FromRocks(status, "commit to the catalog of " + handle_->directory());
}

Status RocksDbStore::Commit(const CatalogEdit& edit) {
  const MutexLock lock(&write_mutex_);
  RETURN_IF_ERROR(failed_);
  RETURN_IF_ERROR(CheckEdit(edit));
  {
    const MutexLock ingested_lock(&ingested_mutex_);
    for (const format::PartInfo& info : edit.add) {
      if (!ingested_.contains(info.part_id)) {
        return InvalidArgumentError("commit adds part " + std::to_string(info.part_id) +
                                    ", which was not ingested");
      }
    }
  }
  if (Status status = WriteEdit(edit); !status.ok()) {
    failed_ = status.WithContext("no more commits until the store is reopened, since one failed");
    return status;
  }
  WriteSeal();
  Publish(edit);
  return OkStatus();
}

void RocksDbStore::WriteSeal() {
  failed_ = FromRocks(handle_->db()->Put(rocksdb::WriteOptions(), handle_->family(kStateIndex),
                                         SealKey(), rocksdb::Slice()),
                      "write behind a commit to the catalog of " + handle_->directory());
  if (!failed_.ok()) handle_->Log(failed_.message());  // the commit itself stands
}

void RocksDbStore::Publish(const CatalogEdit& edit) {
  std::vector<std::shared_ptr<const StoredPart>> removed;  // let go of after the swap
  for (const uint64_t part_id : edit.remove) {
    removed.push_back(std::move(live_.extract(part_id).mapped()));
    removed.back()->Retire();
  }
  for (const format::PartInfo& info : edit.add) {
    LargestKeys largest_keys;
    {
      const MutexLock lock(&ingested_mutex_);
      largest_keys = std::move(ingested_.extract(info.part_id).mapped());
    }
    live_.emplace(info.part_id, std::make_shared<const StoredPart>(handle_.get(), &reclaimer_, info,
                                                                   std::move(largest_keys)));
  }
  SetCurrent(MakeVersion(current()->number + 1, live_));
}

void RocksDbStore::SetCurrent(std::shared_ptr<const CatalogVersion> version) {
  const MutexLock lock(&current_mutex_);
  current_.swap(version);
  // The old version goes after the lock does, with the parts that only it held.
}

std::shared_ptr<const CatalogVersion> RocksDbStore::current() const {
  const MutexLock lock(&current_mutex_);
  return current_;
}

Result<std::optional<std::string>> RocksDbStore::GetState(std::string_view key) const {
  std::string value;
  const rocksdb::Status status =
      handle_->db()->Get(PartReadOptions(), handle_->family(kStateIndex), EngineKey(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return FromRocks(status, "read state \"" + std::string(key) + "\"");
  return std::optional<std::string>(std::move(value));
}

Status RocksDbStore::PutMetadata(std::span<const std::pair<std::string, std::string>> entries) {
  const MutexLock lock(&write_mutex_);
  RETURN_IF_ERROR(failed_);
  rocksdb::WriteBatch batch;
  rocksdb::Status status;
  for (const auto& [metric, value] : entries) {
    if (status.ok()) status = batch.Put(handle_->family(kMetadataIndex), metric, value);
  }
  const std::string context = "write metadata to " + handle_->directory();
  if (!status.ok()) return FromRocks(status, context);
  failed_ = FromRocks(handle_->db()->Write(rocksdb::WriteOptions(), &batch), context);
  return failed_;
}

Result<std::vector<std::pair<std::string, std::string>>> RocksDbStore::AllMetadata() const {
  std::vector<std::pair<std::string, std::string>> entries;
  const std::unique_ptr<rocksdb::Iterator> iterator(
      handle_->db()->NewIterator(PartReadOptions(), handle_->family(kMetadataIndex)));
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    entries.emplace_back(iterator->key().ToString(), iterator->value().ToString());
  }
  RETURN_IF_ERROR(FromRocks(iterator->status(), "read the metadata of " + handle_->directory()));
  return entries;
}

std::vector<std::string> RocksDbStore::CheckFiles(const Part& part) const {
  std::vector<std::string> faults;
  for (const format::PartFile& expected : part.info().files) {
    const auto family = static_cast<Family>(expected.family);
    const std::string path = PathOf(part.info().part_id, family);
    if (path.empty()) {
      faults.push_back(std::string("no file of family ") + FamilyName(family));
      continue;
    }
    const auto file = handle_->file_system()->OpenMapped(path);
    const auto bytes = file.ok() ? (*file)->Read(0, (*file)->size(), nullptr) : file.status();
    if (!bytes.ok()) {
      faults.push_back(bytes.status().message());
    } else if (bytes->size() != expected.bytes) {
      faults.push_back(path + " has " + std::to_string(bytes->size()) + " bytes, its entry says " +
                       std::to_string(expected.bytes));
    } else if (Hash64(*bytes) != expected.checksum) {
      faults.push_back(path + " (" + FamilyName(family) + ") fails its checksum");
    }
  }
  return faults;
}

Status RocksDbStore::LinkFiles(const Part& part, const std::string& directory) const {
  FileSystem* const files = handle_->file_system();
  for (const format::PartFile& file : part.info().files) {
    const auto family = static_cast<Family>(file.family);
    const std::string path = PathOf(part.info().part_id, family);
    if (path.empty()) continue;  // there is nothing to link
    const std::string target = directory + "/" + FamilyName(family) + ".sst";
    ASSIGN_OR_RETURN(const bool exists, files->Exists(target));
    if (!exists) RETURN_IF_ERROR(files->Link(path, target));
  }
  return OkStatus();
}

// Empty when RocksDB knows none.
std::string RocksDbStore::PathOf(uint64_t part_id, Family family) const {
  rocksdb::ColumnFamilyMetaData metadata;
  handle_->db()->GetColumnFamilyMetaData(handle_->family(IndexOf(family)), &metadata);
  for (const auto& level : metadata.levels) {
    for (const auto& file : level.files) {
      if (PartIdOf(file.smallestkey) == part_id) return file.db_path + file.name;
    }
  }
  return {};
}

Status RocksDbStore::Snapshot(const std::string& directory) {
  const MutexLock lock(&write_mutex_);  // nothing is written meanwhile
  return CopyDatabase(*handle_, directory);
}

uint64_t RocksDbStore::disk_bytes() const {
  uint64_t bytes = 0;
  for (const auto& part : current()->parts) {
    for (const format::PartFile& file : part->info().files) bytes += file.bytes;
  }
  return bytes;
}

}  // namespace varve::kv
