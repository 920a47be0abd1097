#include "storage/kv/catalog_recovery.h"

#include <rocksdb/iterator.h>
#include <rocksdb/metadata.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "storage/kv/part_keys.h"
#include "storage/kv/part_reclaimer.h"
#include "storage/kv/sst_part_writer.h"
#include "storage/kv/status_translation.h"

namespace varve::kv {
namespace {

struct LiveFile {
  uint64_t bytes = 0;
  std::string largest_key;
};
using LiveParts = std::map<uint64_t, std::map<Family, LiveFile>>;

// A read that fails while RocksDB ingests a file may leave it with key bounds that are not the
// file's; Ingest reports that, so no catalog entry needs such a file: they go to `strays`.
Result<LiveParts> ListLiveParts(const RocksDbHandle& handle, std::vector<std::string>* strays) {
  LiveParts parts;
  for (const Family family : kDataFamilies) {
    rocksdb::ColumnFamilyMetaData metadata;
    handle.db()->GetColumnFamilyMetaData(handle.family(IndexOf(family)), &metadata);
    for (const auto& level : metadata.levels) {
      for (const auto& file : level.files) {
        const std::optional<uint64_t> part_id = PartIdOf(file.smallestkey);
        if (!part_id || PartIdOf(file.largestkey) != part_id) {
          strays->push_back(file.name);
          continue;
        }
        const bool first =
            parts[*part_id].emplace(family, LiveFile{file.size, file.largestkey}).second;
        if (!first) {
          return DataLossError(handle.directory() + file.name + " is a second file of part " +
                               std::to_string(*part_id) + ", family " + FamilyName(family));
        }
      }
    }
  }
  return parts;
}

Result<std::optional<std::string>> ReadState(const RocksDbHandle& handle, const std::string& key) {
  std::string value;
  const rocksdb::Status status =
      handle.db()->Get(PartReadOptions(), handle.family(kStateIndex), key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return FromRocks(status, "read the state of " + handle.directory());
  return std::optional<std::string>(std::move(value));
}

Status WriteState(const RocksDbHandle& handle, const std::string& key, const std::string& value) {
  rocksdb::WriteOptions write;
  write.sync = true;
  return FromRocks(handle.db()->Put(write, handle.family(kStateIndex), key, value),
                   "write the state of " + handle.directory());
}

Result<std::vector<format::PartInfo>> ReadEntries(const RocksDbHandle& handle) {
  std::vector<format::PartInfo> entries;
  const std::unique_ptr<rocksdb::Iterator> iterator(
      handle.db()->NewIterator(PartReadOptions(), handle.family(kCatalogIndex)));
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    const std::string name = "catalog entry 0x" + iterator->key().ToString(true);
    auto info = format::DecodePartInfo(iterator->value().ToStringView());
    if (!info.ok()) return info.status().WithContext(name);
    if (iterator->key().ToStringView() != PartPrefix(info->part_id)) {
      return DataLossError(name + " describes part " + std::to_string(info->part_id));
    }
    entries.push_back(std::move(info).value());
  }
  RETURN_IF_ERROR(FromRocks(iterator->status(), "read the catalog of " + handle.directory()));
  return entries;
}

std::string FamilyNumberName(uint8_t number) {
  for (const Family family : kDataFamilies) {
    if (static_cast<uint8_t>(family) == number) return FamilyName(family);
  }
  return std::to_string(number);
}

// The part's files as RocksDB knows them, if they are what the catalog says.
Result<LargestKeys> MatchFiles(const format::PartInfo& info, const LiveParts& live) {
  LargestKeys keys;
  const auto part = live.find(info.part_id);
  for (const format::PartFile& file : info.files) {
    const std::string name =
        "part " + std::to_string(info.part_id) + ", family " + FamilyNumberName(file.family);
    const auto family = static_cast<Family>(file.family);
    if (part == live.end() || !part->second.contains(family)) {
      return DataLossError(name + ": the catalog has a file of " + std::to_string(file.bytes) +
                           " bytes that the MANIFEST lacks");
    }
    const LiveFile& live_file = part->second.at(family);
    if (live_file.bytes != file.bytes) {
      return DataLossError(name + ": the catalog has a file of " + std::to_string(file.bytes) +
                           " bytes, the MANIFEST one of " + std::to_string(live_file.bytes));
    }
    keys.emplace(family, live_file.largest_key);
  }
  if (part != live.end() && part->second.size() != keys.size()) {
    return DataLossError("part " + std::to_string(info.part_id) + ": the catalog has " +
                         std::to_string(keys.size()) + " files, the MANIFEST " +
                         std::to_string(part->second.size()));
  }
  return keys;
}

uint64_t RandomId() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

// Number of files that hold, or held, keys. Removals are still held back, so none is missed.
Result<size_t> CountSstFiles(const RocksDbHandle& handle) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   handle.file_system()->List(handle.directory()));
  return static_cast<size_t>(std::count_if(
      names.begin(), names.end(), [](const std::string& name) { return name.ends_with(".sst"); }));
}

// The record is the first write to a new database. Without it creation did not finish, unless there
// are files: then RocksDB has lost the families that had it, and made them anew.
Result<StoreFormat> RecoverFormat(const RocksDbHandle& handle) {
  ASSIGN_OR_RETURN(const std::optional<std::string> bytes, ReadState(handle, FormatKey()));
  if (bytes) {
    ASSIGN_OR_RETURN(StoreFormat format, DecodeStoreFormat(*bytes));
    if (format.features == kKnownFeatures) return format;
    // From now on there may be what the version that made the directory would misread.
    format.features = kKnownFeatures;
    RETURN_IF_ERROR(WriteState(handle, FormatKey(), EncodeStoreFormat(format)));
    return format;
  }
  ASSIGN_OR_RETURN(const size_t files, CountSstFiles(handle));
  if (files > 0) {
    return DataLossError(handle.directory() + " holds " + std::to_string(files) +
                         " SST files but no format record: its MANIFEST or WAL lost it");
  }
  StoreFormat format;
  format.database_id = RandomId();
  RETURN_IF_ERROR(WriteState(handle, FormatKey(), EncodeStoreFormat(format)));
  return format;
}

}  // namespace

Result<RecoveredCatalog> RecoverCatalog(const RocksDbHandle& handle) {
  RecoveredCatalog catalog;
  ASSIGN_OR_RETURN(LiveParts live, ListLiveParts(handle, &catalog.strays));
  // Before the entries: a newer version may have written entries that this one cannot read.
  ASSIGN_OR_RETURN(catalog.format, RecoverFormat(handle));
  ASSIGN_OR_RETURN(std::vector<format::PartInfo> entries, ReadEntries(handle));
  ASSIGN_OR_RETURN(const std::optional<std::string> floor, ReadState(handle, NextPartIdKey()));
  if (floor) {
    ASSIGN_OR_RETURN(catalog.next_part_id, DecodeNextPartId(*floor));
  } else if (!entries.empty()) {
    return DataLossError(handle.directory() + " has a catalog but no next part id");
  }
  for (format::PartInfo& info : entries) {
    if (info.part_id >= catalog.next_part_id) {
      return DataLossError("catalog entry of part " + std::to_string(info.part_id) +
                           ": the next part id is " + std::to_string(catalog.next_part_id));
    }
    ASSIGN_OR_RETURN(LargestKeys keys, MatchFiles(info, live));
    live.erase(info.part_id);
    catalog.parts.push_back({std::move(info), std::move(keys)});
  }
  for (const auto& [part_id, files] : live) {
    catalog.orphans.push_back(part_id);
    catalog.next_part_id = std::max(catalog.next_part_id, part_id + 1);
  }
  return catalog;
}

Status RemoveLeftovers(const RocksDbHandle& handle, const RecoveredCatalog& catalog) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   handle.file_system()->List(handle.directory()));
  for (const std::string& name : names) {
    if (!IsIngestFile(name)) continue;
    RETURN_IF_ERROR(handle.file_system()->Remove(handle.directory() + "/" + name));
  }
  for (const std::string& stray : catalog.strays) {
    RETURN_IF_ERROR(FromRocks(handle.db()->DeleteFile(stray), "remove stray file " + stray));
  }
  if (catalog.orphans.empty()) return OkStatus();
  // First the floor: once their files are gone, nothing else tells that these ids were used.
  RETURN_IF_ERROR(WriteState(handle, NextPartIdKey(), EncodeNextPartId(catalog.next_part_id)));
  return RemovePartFiles(handle, catalog.orphans);
}

}  // namespace varve::kv
