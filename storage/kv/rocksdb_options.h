// How RocksDB is set up: one table of families, one place for every option.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>

#include <memory>
#include <string>

#include "storage/kv/store.h"

namespace varve::kv {

// Column families by position; the names are on disk. "default" is RocksDB's own and stays empty.
enum FamilyIndex : size_t {
  kDefaultIndex = 0,
  kCatalogIndex,
  kStateIndex,
  kMetadataIndex,
  kSeriesIndex,
  kPostingsIndex,
  kChunksIndex,
  kExemplarsIndex,
  kTimeColumnsIndex,
  kSpansIndex,
  kTraceIdsIndex,
  kFamilyCount,
};
FamilyIndex IndexOf(Family family);
const char* FamilyName(Family family);
const std::string& FamilyName(FamilyIndex index);

// Everything that must live as long as the database does.
struct RocksDbSetup {
  std::unique_ptr<rocksdb::Env> env;
  std::shared_ptr<rocksdb::Cache> cache;
  rocksdb::DBOptions db;
};

RocksDbSetup MakeSetup(std::shared_ptr<rocksdb::FileSystem> file_system,
                       const StoreOptions& options);
rocksdb::ColumnFamilyOptions FamilyOptions(FamilyIndex index, const RocksDbSetup& setup);
rocksdb::ReadOptions PartReadOptions();

// Of Compression::kSmall. Higher levels were measured to save another 1 to 2 % for several times
// the work.
inline constexpr int kZstdLevelSmall = 12;

}  // namespace varve::kv
