#include "storage/kv/rocksdb_file_system.h"

#include <string_view>
#include <utility>

#include "storage/kv/rocksdb_files.h"
#include "storage/kv/status_translation.h"

namespace varve::kv {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// See the comment at the top of the header.
class NoLock final : public rocksdb::FileLock {};

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// RocksDB writes its options to a text file at every open and for every new family, and syncs it.
// Our options are in the code and nothing reads those files.
bool IsOptionsFile(std::string_view path) { return FileName(path).starts_with("OPTIONS-"); }

}  // namespace

RocksDbFileSystem::RocksDbFileSystem(varve::FileSystem* base)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), base_(base) {}

void RocksDbFileSystem::HoldRemovals() {
  const MutexLock lock(&mutex_);
  removals_ = Removals::kHeld;
}

void RocksDbFileSystem::ReleaseRemovals() {
  std::vector<std::string> held;
  {
    const MutexLock lock(&mutex_);
    removals_ = Removals::kImmediate;
    held.swap(held_);
  }
  // A file that stays behind is found again, and removed, by the next open.
  for (const std::string& path : held) static_cast<void>(base_->Remove(path));
}

IOStatus RocksDbFileSystem::NewSequentialFile(const std::string& path, const FileOptions&,
                                              std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                              IODebugContext*) {
  auto file = base_->OpenRandomAccess(path);
  if (!file.ok()) return ToRocks(file.status());
  *result = WrapSequential(std::move(file).value());
  return IOStatus::OK();
}

IOStatus RocksDbFileSystem::NewRandomAccessFile(
    const std::string& path, const FileOptions&,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* result, IODebugContext*) {
  auto file = base_->OpenRandomAccess(path);
  if (!file.ok()) return ToRocks(file.status());
  *result = WrapRandomAccess(std::move(file).value());
  return IOStatus::OK();
}

IOStatus RocksDbFileSystem::NewWritableFile(const std::string& path, const FileOptions&,
                                            std::unique_ptr<rocksdb::FSWritableFile>* result,
                                            IODebugContext*) {
  if (IsOptionsFile(path)) return IOStatus::NotSupported("no options files: " + path);
  auto file = base_->OpenWritable(path, OpenMode::kTruncate);
  if (!file.ok()) return ToRocks(file.status());
  *result = WrapWritable(std::move(file).value());
  return IOStatus::OK();
}

IOStatus RocksDbFileSystem::ReopenWritableFile(const std::string& path, const FileOptions&,
                                               std::unique_ptr<rocksdb::FSWritableFile>* result,
                                               IODebugContext*) {
  auto file = base_->OpenWritable(path, OpenMode::kAppend);
  if (!file.ok()) return ToRocks(file.status());
  *result = WrapWritable(std::move(file).value());
  return IOStatus::OK();
}

IOStatus RocksDbFileSystem::ReuseWritableFile(const std::string& path, const std::string& old_path,
                                              const FileOptions& options,
                                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                                              IODebugContext* dbg) {
  if (Status status = base_->Rename(old_path, path); !status.ok()) return ToRocks(status);
  return NewWritableFile(path, options, result, dbg);
}

IOStatus RocksDbFileSystem::NewRandomRWFile(const std::string& path, const FileOptions&,
                                            std::unique_ptr<rocksdb::FSRandomRWFile>*,
                                            IODebugContext*) {
  return IOStatus::NotSupported("read-write file " + path);
}

IOStatus RocksDbFileSystem::NewMemoryMappedFileBuffer(
    const std::string& path, std::unique_ptr<rocksdb::MemoryMappedFileBuffer>*) {
  return IOStatus::NotSupported("writable mapping of " + path);
}

IOStatus RocksDbFileSystem::NewDirectory(const std::string& path, const IOOptions&,
                                         std::unique_ptr<rocksdb::FSDirectory>* result,
                                         IODebugContext*) {
  *result = WrapDirectory(base_, path);
  return IOStatus::OK();
}

IOStatus RocksDbFileSystem::FileExists(const std::string& path, const IOOptions&, IODebugContext*) {
  auto exists = base_->Exists(path);
  if (!exists.ok()) return ToRocks(exists.status());
  return *exists ? IOStatus::OK() : IOStatus::NotFound(path);
}

IOStatus RocksDbFileSystem::GetChildren(const std::string& path, const IOOptions&,
                                        std::vector<std::string>* result, IODebugContext*) {
  auto names = base_->List(path);
  if (!names.ok()) {
    result->clear();
    // RocksDB tells a missing directory (there is no archive of WAL files) by this code alone.
    if (names.status().code() == StatusCode::kNotFound) {
      return IOStatus::NotFound(names.status().message());
    }
    return ToRocks(names.status());
  }
  *result = std::move(names).value();
  return IOStatus::OK();
}

IOStatus RocksDbFileSystem::GetChildrenFileAttributes(const std::string& path,
                                                      const IOOptions& options,
                                                      std::vector<rocksdb::FileAttributes>* result,
                                                      IODebugContext* dbg) {
  // The base class of the wrapper lists and asks for each size, through the methods above.
  return rocksdb::FileSystem::GetChildrenFileAttributes(path, options, result, dbg);
}

IOStatus RocksDbFileSystem::DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) {
  if (!path.ends_with(".dbtmp")) {
    const MutexLock lock(&mutex_);
    if (removals_ == Removals::kHeld) {
      held_.push_back(path);
      return IOStatus::OK();
    }
  }
  return ToRocks(base_->Remove(path));
}

IOStatus RocksDbFileSystem::Truncate(const std::string& path, size_t size, const IOOptions&,
                                     IODebugContext*) {
  return ToRocks(base_->Truncate(path, size));
}

IOStatus RocksDbFileSystem::CreateDir(const std::string& path, const IOOptions&, IODebugContext*) {
  return ToRocks(base_->CreateDirectory(path));
}

IOStatus RocksDbFileSystem::CreateDirIfMissing(const std::string& path, const IOOptions&,
                                               IODebugContext*) {
  return ToRocks(base_->CreateDirectory(path));
}

IOStatus RocksDbFileSystem::DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) {
  return ToRocks(base_->Remove(path));
}

IOStatus RocksDbFileSystem::GetFileSize(const std::string& path, const IOOptions&, uint64_t* size,
                                        IODebugContext*) {
  auto bytes = base_->FileSize(path);
  if (!bytes.ok()) return ToRocks(bytes.status());
  *size = *bytes;
  return IOStatus::OK();
}

IOStatus RocksDbFileSystem::RenameFile(const std::string& from, const std::string& to,
                                       const IOOptions&, IODebugContext*) {
  return ToRocks(base_->Rename(from, to));
}

IOStatus RocksDbFileSystem::LinkFile(const std::string& from, const std::string& to,
                                     const IOOptions&, IODebugContext*) {
  return ToRocks(base_->Link(from, to));
}

IOStatus RocksDbFileSystem::NumFileLinks(const std::string& path, const IOOptions&, uint64_t*,
                                         IODebugContext*) {
  return IOStatus::NotSupported("link count of " + path);
}

IOStatus RocksDbFileSystem::AreFilesSame(const std::string& first, const std::string&,
                                         const IOOptions&, bool*, IODebugContext*) {
  return IOStatus::NotSupported("file identity of " + first);
}

IOStatus RocksDbFileSystem::LockFile(const std::string&, const IOOptions&, rocksdb::FileLock** lock,
                                     IODebugContext*) {
  *lock = new NoLock;  // UnlockFile takes it back
  return IOStatus::OK();
}

IOStatus RocksDbFileSystem::UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) {
  delete lock;
  return IOStatus::OK();
}

IOStatus RocksDbFileSystem::NewLogger(const std::string& path, const IOOptions&,
                                      std::shared_ptr<rocksdb::Logger>*, IODebugContext*) {
  return IOStatus::NotSupported("log file " + path);
}

IOStatus RocksDbFileSystem::GetFreeSpace(const std::string& path, const IOOptions&,
                                         uint64_t* free_bytes, IODebugContext*) {
  auto bytes = base_->FreeBytes(path);
  if (!bytes.ok()) return ToRocks(bytes.status());
  *free_bytes = *bytes;
  return IOStatus::OK();
}

IOStatus RocksDbFileSystem::IsDirectory(const std::string& path, const IOOptions&,
                                        bool* is_directory, IODebugContext*) {
  // Asked by nothing that a store does, but an answer from outside `base_` would be a wrong one.
  *is_directory = base_->List(path).ok();
  return IOStatus::OK();
}

}  // namespace varve::kv
