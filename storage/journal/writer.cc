#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "storage/journal/journal.h"
#include "storage/journal/segment_format.h"

namespace varve::journal {
namespace {

// Room is reserved ahead in doubling steps: a small database stays small, a busy one rarely asks.
constexpr uint64_t kPreallocateMin = uint64_t{256} << 10;
constexpr uint64_t kPreallocateMax = uint64_t{8} << 20;

}  // namespace

// Invariants:
//   1. Everything appended to a segment before the current one is durable, with its directory
//   entry.
//   2. status_ is not ok once a write or a sync failed, and then stays.
//   3. A file in use by a Sync is kept alive by that call's reference; nobody closes it beneath it.
//   4. file_ changes only when everything in it is durable, so a Sync in flight is always one of
//   file_.
class Writer::Impl {
 public:
  Impl(FileSystem* file_system, std::string directory, const WriterOptions& options,
       uint64_t first_segment)
      : file_system_(file_system),
        directory_(std::move(directory)),
        options_(options),
        next_number_(first_segment) {}

  Status Append(std::span<const Record> records) EXCLUDES(mutex_);
  Status Sync() EXCLUDES(sync_mutex_, mutex_);
  Result<uint64_t> StartSegment() EXCLUDES(mutex_);
  Status RemoveSegmentsBefore(uint64_t segment) EXCLUDES(mutex_);
  Status Close() EXCLUDES(mutex_);

  uint64_t bytes_appended() const { return bytes_appended_.load(std::memory_order_relaxed); }
  uint64_t sync_count() const { return sync_count_.load(std::memory_order_relaxed); }

 private:
  Status Sticky() EXCLUDES(mutex_) {
    MutexLock lock(&mutex_);
    return status_;
  }
  // Remembers a failure for ever; returns the first one.
  Status Fail(Status status) EXCLUDES(mutex_) {
    MutexLock lock(&mutex_);
    if (status_.ok()) status_ = std::move(status);
    return status_;
  }
  Status CheckRecords(std::span<const Record> records, uint64_t* bytes) const;
  Status OpenSegment(uint64_t first_sequence) EXCLUDES(mutex_);
  Status EndSegment() EXCLUDES(mutex_);
  Status WriteRecords(std::span<const Record> records, uint64_t bytes) EXCLUDES(mutex_);

  FileSystem* const file_system_;
  const std::string directory_;
  const WriterOptions options_;

  // Of the appending thread alone.
  uint64_t next_number_;    // of the segment to open next
  bool begins_run_ = true;  // no segment was opened yet
  uint64_t last_sequence_ = 0;
  uint64_t seed_ = 0;            // of the current segment
  uint64_t segment_bytes_ = 0;   // of the current segment, including its header
  uint64_t reserved_bytes_ = 0;  // room reserved in it
  uint64_t preallocate_ = kPreallocateMin;
  std::string segment_header_;  // not written yet: goes out with the first records
  std::vector<char> headers_;   // reused by Append
  std::vector<std::string_view> parts_;

  Mutex sync_mutex_;  // held during a sync; taken before mutex_
  Mutex mutex_;       // never held during a write or a sync
  Status status_ GUARDED_BY(mutex_);
  std::shared_ptr<WritableFile> file_ GUARDED_BY(mutex_);  // changed by the appending thread only
  uint64_t appended_ GUARDED_BY(mutex_) = 0;               // bytes handed over, all segments
  uint64_t synced_ GUARDED_BY(mutex_) = 0;                 // so many of them are durable
  bool entry_durable_ GUARDED_BY(mutex_) = true;           // the directory entry of file_
  std::atomic<uint64_t> bytes_appended_{0};
  std::atomic<uint64_t> sync_count_{0};
};

Status Writer::Impl::CheckRecords(std::span<const Record> records, uint64_t* bytes) const {
  uint64_t last = last_sequence_;
  for (const Record& record : records) {
    VARVE_CHECK(record.sequence > last);  // replay takes anything else for damage
    last = record.sequence;
    if (record.body.size() > std::numeric_limits<uint32_t>::max()) {
      return InvalidArgumentError("journal record of " + std::to_string(record.body.size()) +
                                  " bytes; the limit is 4 GiB");
    }
    *bytes += kRecordHeaderBytes + record.body.size() + PaddingBytes(record.body.size());
  }
  return OkStatus();
}

Status Writer::Impl::Append(std::span<const Record> records) {
  RETURN_IF_ERROR(Sticky());
  if (records.empty()) return OkStatus();
  uint64_t bytes = 0;
  RETURN_IF_ERROR(CheckRecords(records, &bytes));
  // A segment without records is never ended, however large the first one is.
  if (segment_bytes_ > kSegmentHeaderBytes && segment_bytes_ + bytes > options_.segment_bytes_max) {
    RETURN_IF_ERROR(EndSegment());
  }
  if (segment_bytes_ == 0) RETURN_IF_ERROR(OpenSegment(records.front().sequence));
  return WriteRecords(records, bytes);
}

// Nothing was written when this fails, so the failure does not stick.
Status Writer::Impl::OpenSegment(uint64_t first_sequence) {
  const std::string path = directory_ + "/" + SegmentName(next_number_);
  ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                   file_system_->OpenWritable(path, OpenMode::kTruncate));
  segment_header_.clear();
  AppendSegmentHeader({.flags = begins_run_ ? kBeginsRun : 0u,
                       .number = next_number_,
                       .database_id = options_.database_id,
                       .first_sequence = first_sequence},
                      &segment_header_);
  seed_ = ChecksumSeed(options_.database_id, next_number_);
  segment_bytes_ = kSegmentHeaderBytes;
  reserved_bytes_ = 0;
  begins_run_ = false;
  ++next_number_;
  MutexLock lock(&mutex_);
  file_ = std::move(file);
  entry_durable_ = false;
  return OkStatus();
}

Status Writer::Impl::WriteRecords(std::span<const Record> records, uint64_t bytes) {
  static constexpr char kZeros[kRecordAlignment] = {};
  headers_.resize(records.size() * kRecordHeaderBytes);
  parts_.clear();
  if (!segment_header_.empty()) parts_.push_back(segment_header_);
  for (size_t i = 0; i < records.size(); ++i) {
    char* header = headers_.data() + i * kRecordHeaderBytes;
    EncodeRecordHeader(records[i], seed_, header);
    parts_.emplace_back(header, kRecordHeaderBytes);
    parts_.push_back(records[i].body);
    const size_t padding = PaddingBytes(records[i].body.size());
    if (padding != 0) parts_.emplace_back(kZeros, padding);
  }
  std::shared_ptr<WritableFile> file;
  {
    MutexLock lock(&mutex_);
    file = file_;
  }
  if (segment_bytes_ + bytes > reserved_bytes_) {
    const uint64_t needed = segment_bytes_ + bytes;
    const uint64_t room =
        std::max(needed, std::min(needed + preallocate_, options_.segment_bytes_max));
    file->Preallocate(room - file->size());
    reserved_bytes_ = room;
    preallocate_ = std::min(2 * preallocate_, kPreallocateMax);
  }
  if (Status status = file->AppendParts(parts_); !status.ok()) return Fail(std::move(status));
  const uint64_t written = bytes + segment_header_.size();
  segment_header_.clear();
  segment_bytes_ += bytes;
  last_sequence_ = records.back().sequence;
  bytes_appended_.fetch_add(written, std::memory_order_relaxed);
  MutexLock lock(&mutex_);
  appended_ += written;
  return OkStatus();
}

Status Writer::Impl::Sync() {
  uint64_t wanted = 0;
  {
    MutexLock lock(&mutex_);
    RETURN_IF_ERROR(status_);
    if (synced_ == appended_) return OkStatus();
    wanted = appended_;
  }
  // One at a time: the kernel tells only one of two concurrent callers that pages were lost.
  MutexLock syncing(&sync_mutex_);
  std::shared_ptr<WritableFile> file;
  uint64_t covered = 0;
  bool sync_entry = false;
  {
    MutexLock lock(&mutex_);
    RETURN_IF_ERROR(status_);
    if (synced_ >= wanted) return OkStatus();  // the call before did it
    // Invariant 1: what is not durable is in the current file.
    file = file_;
    covered = appended_;
    sync_entry = !entry_durable_;
  }
  sync_count_.fetch_add(1, std::memory_order_relaxed);
  if (Status status = file->Sync(); !status.ok()) return Fail(std::move(status));
  if (sync_entry) {
    if (Status status = file_system_->SyncDirectory(directory_); !status.ok()) {
      return Fail(std::move(status));
    }
  }
  MutexLock lock(&mutex_);
  synced_ = covered;
  if (sync_entry) entry_durable_ = true;
  return OkStatus();
}

Status Writer::Impl::EndSegment() {
  RETURN_IF_ERROR(Sync());
  {
    MutexLock lock(&mutex_);
    file_.reset();  // closed here, or when a concurrent Sync is done with it
  }
  segment_bytes_ = 0;
  return OkStatus();
}

Result<uint64_t> Writer::Impl::StartSegment() {
  RETURN_IF_ERROR(Sticky());
  if (segment_bytes_ > 0) RETURN_IF_ERROR(EndSegment());
  return next_number_;
}

Status Writer::Impl::RemoveSegmentsBefore(uint64_t segment) {
  RETURN_IF_ERROR(Sticky());
  ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_->List(directory_));
  for (const std::string& name : names) {
    const auto number = ParseSegmentName(name);
    if (!number || *number >= segment) continue;
    RETURN_IF_ERROR(file_system_->Remove(directory_ + "/" + name));
  }
  // No directory sync: a segment that comes back after a power loss is below the next replay's
  // first one.
  return OkStatus();
}

Status Writer::Impl::Close() {
  RETURN_IF_ERROR(Sync());
  std::shared_ptr<WritableFile> file;
  {
    MutexLock lock(&mutex_);
    file = std::move(file_);
    file_.reset();
    status_ = FailedPreconditionError("the journal in " + directory_ + " is closed");
  }
  return file == nullptr ? OkStatus() : file->Close();
}

Writer::Writer(FileSystem* file_system, std::string directory, const WriterOptions& options,
               uint64_t first_segment)
    : impl_(std::make_unique<Impl>(file_system, std::move(directory), options, first_segment)) {}
Writer::~Writer() = default;
Status Writer::Append(std::span<const Record> records) { return impl_->Append(records); }
Status Writer::Sync() { return impl_->Sync(); }
Result<uint64_t> Writer::StartSegment() { return impl_->StartSegment(); }
Status Writer::RemoveSegmentsBefore(uint64_t segment) {
  return impl_->RemoveSegmentsBefore(segment);
}
uint64_t Writer::bytes_appended() const { return impl_->bytes_appended(); }
uint64_t Writer::sync_count() const { return impl_->sync_count(); }
Status Writer::Close() { return impl_->Close(); }

}  // namespace varve::journal
