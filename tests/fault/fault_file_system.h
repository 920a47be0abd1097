// FaultFileSystem: a FileSystem whose disk fails, fills and forgets, as a test says. It wraps a
// real one (the files are really there, so that RocksDB and mappings work) and keeps book of what a
// power loss would leave of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "storage/file_system.h"

namespace varve::fault {

enum class Operation : uint8_t {
  kOpenWritable,
  kAppend,
  kSync,
  kCreateDirectory,
  kSyncDirectory,
  kRemove,
  kRename,
  kLink,
  kTruncate,
  kOpenRead,  // also ReadFile and OpenMapped
  kRead,      // of an open file; mappings excepted
};
inline constexpr size_t kOperationCount = 11;

enum class Persistence { kOnce, kForever };

// What a power loss does to bytes and directory entries that were not synced.
enum class Unsynced {
  kLose,            // all of them are gone
  kKeepRandomPart,  // of each file's unsynced tail a random part stays, sometimes with zeros at its
                    // end; of each directory all unsynced changes stay or none
};

// The model of durability:
//   1. Bytes are durable once a Sync of their file covered them. A failed Sync made nothing
//   durable.
//   2. A creation, rename, link or removal is durable once SyncDirectory was called on its
//   directory; for directories
//      on their parent. A synced file whose name is not durable is lost.
//   3. Emptying an existing file (OpenMode::kTruncate) is durable with the next Sync of that file;
//   Truncate at once.
//   4. What was there before the file system was first asked to change it is durable.
// Sync and SyncDirectory only keep book: the real disk is never waited for, and never needed.
//
// Not kept book of: lock files. Not supported: renaming directories (kUnimplemented).
// Thread safety: all methods from any thread, and of the files as of those that they wrap;
// DropUnsynced as it says.
class FaultFileSystem final : public FileSystem {
 public:
  // Second names of the files are kept in `keep_directory`, which must be on the same disk, outside
  // of what is tested, and outlive this object. `base` is borrowed.
  FaultFileSystem(FileSystem* base, std::string keep_directory);
  ~FaultFileSystem() override;

  // --- Faults ---
  // The `nth` such operation from now (1: the next) fails with kIoError and without effect; with
  // kForever all later ones too. Several may be set.
  void FailNth(Operation operation, uint64_t nth, Persistence persistence);
  // After `bytes` more appended ones, appends fail with kResourceExhausted, having written what
  // fitted. Removing files gives nothing back. Empty: no limit.
  void SetSpaceLeft(std::optional<uint64_t> bytes);
  // What FreeBytes answers; empty: the space left if that is set, else the disk's.
  void SetFreeBytes(std::optional<uint64_t> bytes);
  void ClearFaults();  // all of the above

  // --- Power ---
  // From now on every operation that changes the disk fails, syncs included.
  void CutPower();
  // The same, beginning with the `nth` changing operation from now (1: the next).
  void CutPowerAtNth(uint64_t nth);
  bool power_is_off() const;
  // Rewinds the disk to what is durable, cuts off whatever is still open for writing, and turns the
  // power on again. The same seed does the same. REQUIRES: no other call in flight; mappings of
  // files that shrink are gone.
  Status DropUnsynced(Unsynced unsynced, uint64_t seed);

  // --- Counts, since construction, failed ones included ---
  uint64_t count(Operation operation) const;
  uint64_t changing_count()
      const;  // of all operations that change the disk: the scale of CutPowerAtNth

  // --- FileSystem ---
  Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                     OpenMode mode) override;
  Result<std::unique_ptr<RandomAccessFile>> OpenRandomAccess(const std::string& path) override;
  Result<std::unique_ptr<RandomAccessFile>> OpenMapped(const std::string& path) override;
  Result<std::string> ReadFile(const std::string& path) override;
  Status CreateDirectory(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override;
  Result<uint64_t> FileSize(const std::string& path) override;
  Status Remove(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status Truncate(const std::string& path, uint64_t size) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  friend class FaultWritableFile;
  friend class FaultRandomAccessFile;

  // An inode: what its names and open handles share. Its bytes are reachable by `keeper` as long as
  // it lives.
  struct Node {
    Node(FileSystem* file_system, std::string keeper_path)
        : base(file_system), keeper(std::move(keeper_path)) {}
    ~Node();
    FileSystem* const base;
    const std::string keeper;
    uint64_t size = 0;
    uint64_t synced = 0;
    std::shared_ptr<Node> emptied;  // what it was before it was emptied, until that is durable
  };
  using NodePtr = std::shared_ptr<Node>;  // null: a directory
  using Names = std::map<std::string, NodePtr>;

  struct Fault {
    Operation operation;
    uint64_t remaining;
    Persistence persistence;
  };

  // Counts the operation and says whether it may go on.
  Status Gate(Operation operation, std::string_view path) REQUIRES(mutex_);
  // The node of a file that exists, which from then on is kept book of.
  Result<NodePtr> Adopt(const std::string& path) REQUIRES(mutex_);
  Result<NodePtr> NewNode(const std::string& path) REQUIRES(mutex_);
  void CommitNames(const std::string& directory) REQUIRES(mutex_);
  Status AppendTo(Node* node, WritableFile* file, std::string_view bytes, uint64_t generation);
  Status SyncNode(const NodePtr& node, const std::string& path, uint64_t generation);
  Status GateRead(const std::string& path);

  void CommitRandomDirectories(std::mt19937_64* random) REQUIRES(mutex_);
  void RewindDirectories() REQUIRES(mutex_);
  Status RewindBytes(Unsynced unsynced, std::mt19937_64* random) REQUIRES(mutex_);
  Status RewindNames() REQUIRES(mutex_);

  FileSystem* const base_;
  const std::string keep_directory_;
  mutable Mutex mutex_;
  uint64_t next_keeper_ GUARDED_BY(mutex_) = 0;
  // Of the paths that were changed: the names as they are, and as a power loss would leave them.
  Names current_ GUARDED_BY(mutex_);
  Names durable_ GUARDED_BY(mutex_);
  uint64_t generation_ GUARDED_BY(mutex_) =
      0;  // power losses so far; handles of earlier ones are dead
  std::vector<Fault> faults_ GUARDED_BY(mutex_);
  std::optional<uint64_t> space_left_ GUARDED_BY(mutex_);
  std::optional<uint64_t> free_bytes_ GUARDED_BY(mutex_);
  bool power_off_ GUARDED_BY(mutex_) = false;
  std::optional<uint64_t> power_cut_at_ GUARDED_BY(mutex_);  // on the scale of changing_count_
  uint64_t changing_count_ GUARDED_BY(mutex_) = 0;
  std::array<uint64_t, kOperationCount> counts_ GUARDED_BY(mutex_) = {};
};

}  // namespace varve::fault
