// RocksDbHandle: the open RocksDB database of a store, with everything that must outlive it.
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "storage/file_system.h"
#include "storage/kv/rocksdb_file_system.h"
#include "storage/kv/rocksdb_options.h"
#include "varve/status.h"

namespace varve::kv {

// Thread safety: const methods from any thread.
class RocksDbHandle {
 public:
  // Takes <directory>/LOCK, checks the logs and opens or creates the database. SST files that the
  // database does not know stay on disk until ReleaseRemovals.
  // Errors: kFailedPrecondition (in use; a newer version's), kDataLoss, kIoError.
  static Result<std::unique_ptr<RocksDbHandle>> Open(FileSystem* file_system,
                                                     const std::string& directory,
                                                     const StoreOptions& options);
  ~RocksDbHandle();
  RocksDbHandle(const RocksDbHandle&) = delete;
  RocksDbHandle& operator=(const RocksDbHandle&) = delete;

  rocksdb::DB* db() const { return db_.get(); }
  rocksdb::ColumnFamilyHandle* family(FamilyIndex index) const { return families_[index]; }
  const RocksDbSetup& setup() const { return setup_; }
  FileSystem* file_system() const { return file_system_; }
  const std::string& directory() const { return directory_; }
  void Log(std::string_view message) const;

  void ReleaseRemovals() { rocksdb_file_system_->ReleaseRemovals(); }
  // Drops old WAL files when opens have piled them up.
  Status BoundWalFiles();

 private:
  RocksDbHandle(FileSystem* file_system, std::string directory, const StoreOptions& options);
  Status OpenDatabase();

  FileSystem* const file_system_;
  const std::string directory_;
  const std::function<void(std::string_view)> log_;
  std::unique_ptr<FileLock> lock_;
  const std::shared_ptr<RocksDbFileSystem> rocksdb_file_system_;
  const RocksDbSetup setup_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> families_{};
};

}  // namespace varve::kv
