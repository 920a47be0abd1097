#include "storage/kv/rocksdb_files.h"

#include <algorithm>
#include <utility>

#include "storage/kv/status_translation.h"

namespace varve::kv {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// RocksDB reads past the end and expects what there is; ours refuses such a read.
IOStatus ReadUpToEnd(const RandomAccessFile& file, uint64_t offset, size_t size, char* scratch,
                     Slice* result) {
  const uint64_t file_size = file.size();
  const uint64_t available = offset < file_size ? file_size - offset : 0;
  size = static_cast<size_t>(std::min<uint64_t>(size, available));
  if (size == 0) {
    *result = Slice();
    return IOStatus::OK();
  }
  auto bytes = file.Read(offset, size, scratch);
  if (!bytes.ok()) return ToRocks(bytes.status());
  *result = Slice(bytes->data(), bytes->size());
  return IOStatus::OK();
}

class Sequential final : public rocksdb::FSSequentialFile {
 public:
  explicit Sequential(std::unique_ptr<RandomAccessFile> file) : file_(std::move(file)) {}
  IOStatus Read(size_t size, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    const IOStatus status = ReadUpToEnd(*file_, offset_, size, scratch, result);
    if (status.ok()) offset_ += result->size();
    return status;
  }
  IOStatus Skip(uint64_t size) override {
    offset_ += std::min(size, file_->size() - std::min(offset_, file_->size()));
    return IOStatus::OK();
  }

 private:
  const std::unique_ptr<RandomAccessFile> file_;
  uint64_t offset_ = 0;
};

class RandomAccess final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccess(std::unique_ptr<RandomAccessFile> file) : file_(std::move(file)) {}
  IOStatus Read(uint64_t offset, size_t size, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    return ReadUpToEnd(*file_, offset, size, scratch, result);
  }

 private:
  const std::unique_ptr<RandomAccessFile> file_;
};

class Writable final : public rocksdb::FSWritableFile {
 public:
  explicit Writable(std::unique_ptr<WritableFile> file) : file_(std::move(file)) {}
  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& bytes, const IOOptions&, IODebugContext*) override {
    return ToRocks(file_->Append(std::string_view(bytes.data(), bytes.size())));
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return ToRocks(file_->Sync()); }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return ToRocks(file_->Close()); }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return file_->size(); }
  // No reserved room: the small files (WAL, MANIFEST) would occupy many times their size, and SST
  // files are written in one go.
  void PrepareWrite(size_t, size_t, const IOOptions&, IODebugContext*) override {}

 private:
  const std::unique_ptr<WritableFile> file_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(FileSystem* base, std::string path) : base_(base), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return ToRocks(base_->SyncDirectory(path_));
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  FileSystem* const base_;
  const std::string path_;
};

}  // namespace

std::unique_ptr<rocksdb::FSSequentialFile> WrapSequential(std::unique_ptr<RandomAccessFile> file) {
  return std::make_unique<Sequential>(std::move(file));
}

std::unique_ptr<rocksdb::FSRandomAccessFile> WrapRandomAccess(
    std::unique_ptr<RandomAccessFile> file) {
  return std::make_unique<RandomAccess>(std::move(file));
}

std::unique_ptr<rocksdb::FSWritableFile> WrapWritable(std::unique_ptr<WritableFile> file) {
  return std::make_unique<Writable>(std::move(file));
}

std::unique_ptr<rocksdb::FSDirectory> WrapDirectory(FileSystem* base, std::string path) {
  return std::make_unique<Directory>(base, std::move(path));
}

}  // namespace varve::kv
