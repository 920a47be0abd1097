// FileSystem: the one door to the disk. The journal and the checkpoints use it directly, kv/ gives
// it to RocksDB, and fault tests put a failing or forgetful one in its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "varve/status.h"

namespace varve {

// A file being written from its start or end. Thread safety: Append from one thread at a time; Sync
// may run concurrently with Append and covers at least what was appended before it was called.
class WritableFile {
 public:
  // Closes without a sync if Close was not called.
  virtual ~WritableFile() = default;
  // Hands the bytes to the kernel (one write; no user-space buffer), so they survive kill -9 but
  // not power loss.
  virtual Status Append(std::string_view bytes) = 0;
  // The same for the concatenation of `parts`, without copying them together where the system can
  // gather.
  virtual Status AppendParts(std::span<const std::string_view> parts) {
    std::string bytes;
    for (const std::string_view part : parts) bytes.append(part);
    return Append(bytes);
  }
  // fdatasync. After an error the file's durable contents are unknown: it must not be retried.
  virtual Status Sync() = 0;
  // Reserves room beyond the end without changing the size. Best effort; never an error.
  virtual void Preallocate(uint64_t bytes) = 0;
  // Gives back reserved room that was not used. Idempotent.
  virtual Status Close() = 0;
  virtual uint64_t size() const = 0;
};

// Thread safety: Read from any thread.
class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;
  // Exactly `size` bytes at `offset`: a view into `scratch` (REQUIRES: room for `size`) or into
  // memory that lives as long as the file object (a mapping). Error: kOutOfRange when the file ends
  // before offset + size; kIoError.
  virtual Result<std::string_view> Read(uint64_t offset, size_t size, char* scratch) const = 0;
  virtual uint64_t size() const = 0;
};

// Held until destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode {
  kTruncate,  // create, or empty an existing file
  kAppend,    // create, or continue at the end
};

// Errors: kNotFound, kAlreadyExists, kPermissionDenied, kResourceExhausted (ENOSPC, EDQUOT,
// EMFILE), kIoError; the message holds the operation, the path and strerror.
// Thread safety: all methods from any thread.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // The operating system's; lives for ever.
  static FileSystem* Posix();

  virtual Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                             OpenMode mode) = 0;
  // pread.
  virtual Result<std::unique_ptr<RandomAccessFile>> OpenRandomAccess(const std::string& path) = 0;
  // mmap of the whole file as it is now; the file must not shrink while it is mapped.
  virtual Result<std::unique_ptr<RandomAccessFile>> OpenMapped(const std::string& path) = 0;
  virtual Result<std::string> ReadFile(const std::string& path) = 0;

  virtual Status CreateDirectory(const std::string& path) = 0;  // parents too; ok when it exists
  // Makes creations, renames and removals in `path` durable.
  virtual Status SyncDirectory(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> List(const std::string& path) = 0;  // names, sorted
  virtual Result<bool> Exists(const std::string& path) = 0;
  virtual Result<uint64_t> FileSize(const std::string& path) = 0;
  virtual Status Remove(const std::string& path) = 0;  // a file, or an empty directory
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status Link(const std::string& from, const std::string& to) = 0;
  virtual Status Truncate(const std::string& path, uint64_t size) = 0;
  // Bytes an unprivileged process may still write to the file system of `path`.
  virtual Result<uint64_t> FreeBytes(const std::string& path) = 0;
  // Exclusive among processes and among openers within this one. kFailedPrecondition when it is
  // held already, with the holder's process id in the message where known.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

}  // namespace varve
