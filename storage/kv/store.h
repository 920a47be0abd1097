// Store: the parts and the catalog, in one RocksDB database. The only folder that knows RocksDB is
// this one.
//
// Invariants:
//   1. A part is invisible until its catalog entry is committed; at open, files of unknown parts
//   are removed.
//   2. A part never changes, and is removed from disk only when its last Part handle is gone after
//   it left the catalog.
//   3. A commit is one synced write batch: after a crash the catalog is as before it or as after
//   it.
//   4. RocksDB compacts no data family; a damaged file never stops writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/file_system.h"
#include "storage/format/part_info.h"
#include "varve/status.h"

namespace varve::kv {

enum class Family : uint8_t {  // on disk (PartFile::family): never change a value
  kSeries = 1,
  kPostings = 2,
  kChunks = 3,
  kExemplars = 4,
  kTimeColumns = 5,
  kSpans = 6,
  kTraceIds = 7,
};
inline constexpr Family kDataFamilies[] = {
    Family::kSeries,      Family::kPostings, Family::kChunks,  Family::kExemplars,
    Family::kTimeColumns, Family::kSpans,    Family::kTraceIds};

// Bytes pinned in the block cache (or owned); movable, released on destruction.
class PinnedBytes {
 public:
  PinnedBytes();
  ~PinnedBytes();
  PinnedBytes(PinnedBytes&&) noexcept;
  PinnedBytes& operator=(PinnedBytes&&) noexcept;
  static PinnedBytes Own(std::string bytes);
  std::string_view view() const;
  class Rep;
  explicit PinnedBytes(std::unique_ptr<Rep> rep);

 private:
  std::unique_ptr<Rep> rep_;
};

// Walks the keys of one part and family in byte order; keys are shown without the part id.
// Thread safety: none.
class PartCursor {
 public:
  virtual ~PartCursor() = default;
  virtual void Seek(std::string_view key) = 0;  // first key >= `key`
  virtual void Next() = 0;                      // REQUIRES: Valid()
  virtual bool Valid() const = 0;               // false at the end and after an error
  virtual std::string_view key() const = 0;     // until the next move
  virtual std::string_view value() const = 0;   // until the next move
  virtual Status status() const = 0;            // kDataLoss, kIoError
};

// A live part. Shared: whoever holds it keeps its files. Thread safety: any thread.
class Part {
 public:
  virtual ~Part() = default;
  virtual const format::PartInfo& info() const = 0;
  // Error: kNotFound, kDataLoss (naming part, family and file where known), kIoError.
  virtual Result<PinnedBytes> Get(Family family, std::string_view key) const = 0;
  virtual std::unique_ptr<PartCursor> NewCursor(Family family) const = 0;
};

// A consistent set of live parts, sorted by max_sequence ascending (newer later), ties by
// min_time_ms.
struct CatalogVersion {
  uint64_t number = 0;
  std::vector<std::shared_ptr<const Part>> parts;
};

// How hard a part's bytes are compressed: kFast for what is soon written again, kSmall for what is
// to stay.
enum class Compression : uint8_t { kFast, kSmall };

// Collects one new part. Thread safety: none. Dropped without Ingest: leaves nothing behind.
class PartWriter {
 public:
  virtual ~PartWriter() = default;
  virtual uint64_t part_id() const = 0;
  // Keys (without the part id) ascend strictly within a family; families may interleave. Error:
  // kIoError, kResourceExhausted (disk full), kInvalidArgument (key order).
  virtual Status Add(Family family, std::string_view key, std::string_view value) = 0;
  virtual uint64_t bytes_added() const = 0;
};

struct CatalogEdit {
  std::vector<format::PartInfo> add;  // parts returned by Ingest
  std::vector<uint64_t> remove;       // part ids
  std::vector<std::pair<std::string, std::string>>
      put_state;  // small values, e.g. what recovery starts from
};

struct StoreOptions {
  size_t cache_bytes = size_t{32} << 20;
  std::function<void(std::string_view)> log;  // RocksDB's warnings and errors; may be empty
};

// Thread safety: all methods from any thread.
class Store {
 public:
  // Opens or creates `directory`. Errors: kDataLoss, kFailedPrecondition (newer format: the
  // catalog's feature mask names a feature this version lacks), kIoError.
  static Result<std::unique_ptr<Store>> Open(FileSystem* file_system, const std::string& directory,
                                             const StoreOptions& options);
  // REQUIRES: no Part, PartCursor, PinnedBytes or PartWriter outlives it.
  virtual ~Store() = default;

  virtual Result<std::unique_ptr<PartWriter>> NewPart(Compression compression) = 0;
  Result<std::unique_ptr<PartWriter>> NewPart() { return NewPart(Compression::kFast); }
  // Finishes, syncs and ingests the writer's files; fills info.part_id and info.files. Still
  // invisible.
  virtual Result<format::PartInfo> Ingest(std::unique_ptr<PartWriter> writer,
                                          format::PartInfo info) = 0;
  // Makes `edit` durable and current in one step. Nothing changes on error.
  virtual Status Commit(const CatalogEdit& edit) = 0;
  virtual std::shared_ptr<const CatalogVersion> current() const = 0;

  // Small state values; GetState is empty when there is none.
  virtual Result<std::optional<std::string>> GetState(std::string_view key) const = 0;
  // Metadata of metric families (key: metric), unsynced writes.
  virtual Status PutMetadata(std::span<const std::pair<std::string, std::string>> entries) = 0;
  virtual Result<std::vector<std::pair<std::string, std::string>>> AllMetadata() const = 0;

  // Reads the part's files whole and compares them with what its entry says of them. What is wrong,
  // in words with the file's name; empty when nothing is.
  virtual std::vector<std::string> CheckFiles(const Part& part) const = 0;
  // Hard links to the part's files in `directory`, named by family.
  virtual Status LinkFiles(const Part& part, const std::string& directory) const = 0;
  // Makes `directory`, which must not exist, a store that holds what is current: hard links to the
  // parts, copies of the small files.
  virtual Status Snapshot(const std::string& directory) = 0;

  // A random number made when the directory was created.
  virtual uint64_t database_id() const = 0;
  virtual uint64_t disk_bytes() const = 0;  // of the live parts
};

}  // namespace varve::kv
