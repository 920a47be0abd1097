#include "storage/kv/rocksdb_options.h"

#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <utility>

#include "base/check.h"
#include "storage/kv/rocksdb_logger.h"

namespace varve::kv {
namespace {

// Of small families only; data families have no memtables.
constexpr size_t kWriteBufferBytes = size_t{1} << 20;
constexpr size_t kWriteBufferBytesMin = size_t{64} << 10;  // RocksDB's own floor
constexpr size_t kWriteBufferBytesAll = size_t{4} << 20;
constexpr uint64_t kWalBytesMax = uint64_t{1} << 20;
// Open SST files. Each costs a descriptor and a few KB (its index lies in the block cache).
constexpr int kOpenFilesMax = 256;
constexpr int kCacheShardBits = 3;  // shards of some MB: a block of ~100 KB must fit in often
constexpr size_t kBlockBytes = size_t{16} << 10;
constexpr size_t kReadaheadBytesMax = size_t{1} << 20;
constexpr int kZstdLevel = 3;

std::shared_ptr<rocksdb::TableFactory> MakeTableFactory(const RocksDbSetup& setup) {
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.block_cache = setup.cache;
  table.block_size = kBlockBytes;
  table.whole_key_filtering = false;  // and no filter policy: a part's readers know what it holds
  table.cache_index_and_filter_blocks = true;  // so that cache_bytes bounds them too
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.max_auto_readahead_size = kReadaheadBytesMax;
  return std::shared_ptr<rocksdb::TableFactory>(rocksdb::NewBlockBasedTableFactory(table));
}

bool IsDataFamily(FamilyIndex index) { return index >= kSeriesIndex; }

}  // namespace

FamilyIndex IndexOf(Family family) {
  switch (family) {
    case Family::kSeries:
      return kSeriesIndex;
    case Family::kPostings:
      return kPostingsIndex;
    case Family::kChunks:
      return kChunksIndex;
    case Family::kExemplars:
      return kExemplarsIndex;
    case Family::kTimeColumns:
      return kTimeColumnsIndex;
    case Family::kSpans:
      return kSpansIndex;
    case Family::kTraceIds:
      return kTraceIdsIndex;
  }
  VARVE_CHECK(!"a Family");
}

const std::string& FamilyName(FamilyIndex index) {
  static const std::string names[kFamilyCount] = {
      "default", "catalog",   "state",        "metadata", "series",   "postings",
      "chunks",  "exemplars", "time_columns", "spans",    "trace_ids"};
  VARVE_CHECK(index < kFamilyCount);
  return names[index];
}

const char* FamilyName(Family family) { return FamilyName(IndexOf(family)).c_str(); }

RocksDbSetup MakeSetup(std::shared_ptr<rocksdb::FileSystem> file_system,
                       const StoreOptions& options) {
  RocksDbSetup setup;
  setup.env = rocksdb::NewCompositeEnv(std::move(file_system));
  setup.cache = rocksdb::NewLRUCache(options.cache_bytes, kCacheShardBits);
  rocksdb::DBOptions& db = setup.db;
  db.env = setup.env.get();
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.info_log = std::make_shared<RocksDbLogger>(options.log);
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.keep_log_file_num = 1;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.max_background_jobs = 2;
  db.max_open_files = kOpenFilesMax;
  db.max_file_opening_threads = 1;
  db.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(kWriteBufferBytesAll, setup.cache);
  db.max_total_wal_size = kWalBytesMax;
  db.recycle_log_file_num = 0;
  db.allow_fallocate = false;
  db.manifest_preallocation_size = 4096;
  db.avoid_unnecessary_blocking_io = true;  // a dying iterator does not unlink files itself
  // With paranoid checks one damaged or missing data file would refuse the open. What they guard
  // besides is guarded here: the WAL and the MANIFEST are checked before RocksDB reads them
  // (log_check.h), the catalog is compared with the MANIFEST, and a failed commit is final.
  db.paranoid_checks = false;
  db.skip_stats_update_on_db_open = true;
  db.skip_checking_sst_file_sizes_on_db_open = true;
  db.verify_sst_unique_id_in_manifest = false;  // ingested files have none
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.avoid_flush_during_recovery = true;  // a reopen writes no SST files; see kWalFilesMax
  return setup;
}

rocksdb::ColumnFamilyOptions FamilyOptions(FamilyIndex index, const RocksDbSetup& setup) {
  rocksdb::ColumnFamilyOptions family;
  family.table_factory = MakeTableFactory(setup);
  family.compression = rocksdb::kNoCompression;
  family.write_buffer_size = kWriteBufferBytes;
  if (index == kDefaultIndex) family.write_buffer_size = kWriteBufferBytesMin;
  if (!IsDataFamily(index)) return family;
  family.write_buffer_size = kWriteBufferBytesMin;
  family.disable_auto_compactions = true;
  family.num_levels = 2;  // ingested files lie in level 1: part ids are disjoint
  family.compression = rocksdb::kZSTD;
  family.compression_opts.level = kZstdLevel;
  return family;
}

rocksdb::ReadOptions PartReadOptions() {
  rocksdb::ReadOptions read;
  read.verify_checksums = true;
  return read;
}

}  // namespace varve::kv
