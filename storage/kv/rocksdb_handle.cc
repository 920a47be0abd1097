#include "storage/kv/rocksdb_handle.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "storage/kv/log_check.h"
#include "storage/kv/status_translation.h"

namespace varve::kv {
namespace {

// An open does not flush what it replayed, so the old WAL stays beside the new one. More than this
// many are flushed and dropped.
constexpr size_t kWalFilesMax = 4;

}  // namespace

RocksDbHandle::RocksDbHandle(FileSystem* file_system, std::string directory,
                             const StoreOptions& options)
    : file_system_(file_system),
      directory_(std::move(directory)),
      log_(options.log),
      rocksdb_file_system_(std::make_shared<RocksDbFileSystem>(file_system)),
      setup_(MakeSetup(rocksdb_file_system_, options)) {}

RocksDbHandle::~RocksDbHandle() {
  if (db_ == nullptr) return;
  // Metadata is written without a sync; a clean close makes it durable.
  if (const rocksdb::Status status = db_->SyncWAL(); !status.ok()) {
    Log(FromRocks(status, "close " + directory_).message());
  }
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    if (family == nullptr) continue;
    if (const rocksdb::Status status = db_->DestroyColumnFamilyHandle(family); !status.ok()) {
      Log(FromRocks(status, "close " + directory_).message());
    }
  }
}

void RocksDbHandle::Log(std::string_view message) const {
  if (log_) log_(message);
}

Result<std::unique_ptr<RocksDbHandle>> RocksDbHandle::Open(FileSystem* file_system,
                                                           const std::string& directory,
                                                           const StoreOptions& options) {
  RETURN_IF_ERROR(file_system->CreateDirectory(directory));
  std::unique_ptr<RocksDbHandle> handle(new RocksDbHandle(file_system, directory, options));
  ASSIGN_OR_RETURN(handle->lock_, file_system->Lock(directory + "/LOCK"));
  RETURN_IF_ERROR(CheckLogs(file_system, directory));
  RETURN_IF_ERROR(handle->OpenDatabase());
  return handle;
}

Status RocksDbHandle::OpenDatabase() {
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (size_t i = 0; i < kFamilyCount; ++i) {
    const auto index = static_cast<FamilyIndex>(i);
    descriptors.emplace_back(FamilyName(index), FamilyOptions(index, setup_));
  }
  rocksdb_file_system_->HoldRemovals();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(setup_.db, directory_, descriptors, &handles, &db);
  db_.reset(db);
  std::copy(handles.begin(), handles.end(), families_.begin());
  // "Column families not opened: x": a family that this version does not know.
  if (status.IsInvalidArgument()) {
    return FailedPreconditionError("open " + directory_ +
                                   ": written by a newer version: " + status.ToString());
  }
  return FromRocks(status, "open " + directory_);
}

Status RocksDbHandle::BoundWalFiles() {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_->List(directory_));
  const auto wal_files = std::count_if(
      names.begin(), names.end(), [](const std::string& name) { return name.ends_with(".log"); });
  if (static_cast<size_t>(wal_files) <= kWalFilesMax) return OkStatus();
  // Not awaited: without paranoid checks RocksDB retries a failing flush for ever.
  rocksdb::FlushOptions flush;
  flush.wait = false;
  flush.allow_write_stall = true;
  return FromRocks(db_->Flush(flush, {families_[kCatalogIndex], families_[kStateIndex],
                                      families_[kMetadataIndex]}),
                   "flush the catalog of " + directory_);
}

}  // namespace varve::kv
