// ScriptedFileSystem: the operating system's, without the waits of syncs, and failing when told to.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/file_system.h"

namespace varve::kv {

// What changes the disk is counted: creations, writes, syncs, renames, links, removals.
// Thread safety: all methods from any thread.
class ScriptedFileSystem final : public FileSystem {
 public:
  enum class Failing { kOnce, kFromThenOn };

  // Operation number `operation` (from 1, counted from now) fails with `error`.
  void FailAt(uint64_t operation, Failing failing, Status error) {
    error_ = std::move(error);
    failing_ = failing;
    count_ = 0;
    fail_at_ = operation;
  }
  // The next sync of a file fails, once.
  void FailNextFileSync(Status error) {
    error_ = std::move(error);
    fail_file_sync_ = true;
  }
  // Called before the next link, once. Not while links are made.
  void BeforeNextLink(std::function<void()> event) { before_link_ = std::move(event); }
  void Heal() { fail_at_ = UINT64_MAX; }
  uint64_t operation_count() const { return count_; }

  Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                     OpenMode mode) override {
    if (Status status = Count(); !status.ok()) return status;
    auto file = base_->OpenWritable(path, mode);
    if (!file.ok()) return file;
    return std::unique_ptr<WritableFile>(new File(this, std::move(file).value()));
  }
  Result<std::unique_ptr<RandomAccessFile>> OpenRandomAccess(const std::string& path) override {
    return base_->OpenRandomAccess(path);
  }
  Result<std::unique_ptr<RandomAccessFile>> OpenMapped(const std::string& path) override {
    return base_->OpenMapped(path);
  }
  Result<std::string> ReadFile(const std::string& path) override { return base_->ReadFile(path); }
  Status CreateDirectory(const std::string& path) override { return base_->CreateDirectory(path); }
  Status SyncDirectory(const std::string&) override { return Count(); }
  Result<std::vector<std::string>> List(const std::string& path) override {
    return base_->List(path);
  }
  Result<bool> Exists(const std::string& path) override { return base_->Exists(path); }
  Result<uint64_t> FileSize(const std::string& path) override { return base_->FileSize(path); }
  Status Remove(const std::string& path) override {
    const Status status = Count();
    return status.ok() ? base_->Remove(path) : status;
  }
  Status Rename(const std::string& from, const std::string& to) override {
    const Status status = Count();
    return status.ok() ? base_->Rename(from, to) : status;
  }
  Status Link(const std::string& from, const std::string& to) override {
    if (before_link_) std::exchange(before_link_, nullptr)();
    const Status status = Count();
    return status.ok() ? base_->Link(from, to) : status;
  }
  Status Truncate(const std::string& path, uint64_t size) override {
    const Status status = Count();
    return status.ok() ? base_->Truncate(path, size) : status;
  }
  Result<uint64_t> FreeBytes(const std::string& path) override { return base_->FreeBytes(path); }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return base_->Lock(path);
  }

 private:
  class File final : public WritableFile {
   public:
    File(ScriptedFileSystem* owner, std::unique_ptr<WritableFile> base)
        : owner_(owner), base_(std::move(base)) {}
    Status Append(std::string_view bytes) override {
      const Status status = owner_->Count();
      if (status.ok()) return base_->Append(bytes);
      // As a full disk does: some of it arrives.
      static_cast<void>(base_->Append(bytes.substr(0, bytes.size() / 2)));
      return status;
    }
    Status Sync() override {
      if (owner_->fail_file_sync_.exchange(false)) return owner_->error_;
      return owner_->Count();
    }
    void Preallocate(uint64_t) override {}
    Status Close() override { return base_->Close(); }
    uint64_t size() const override { return base_->size(); }

   private:
    ScriptedFileSystem* const owner_;
    const std::unique_ptr<WritableFile> base_;
  };

  Status Count() {
    const uint64_t operation = ++count_;
    const uint64_t fail_at = fail_at_;
    if (operation < fail_at) return OkStatus();
    if (operation > fail_at && failing_ == Failing::kOnce) return OkStatus();
    return error_;
  }

  FileSystem* const base_ = FileSystem::Posix();
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> fail_at_{UINT64_MAX};
  std::atomic<bool> fail_file_sync_{false};
  std::function<void()> before_link_;
  Failing failing_ = Failing::kOnce;
  Status error_;
};

}  // namespace varve::kv
