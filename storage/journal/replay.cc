#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "storage/journal/journal.h"
#include "storage/journal/segment_format.h"
#include "storage/journal/segment_reader.h"

namespace varve::journal {
namespace {

class Replayer {
 public:
  Replayer(FileSystem* file_system, const std::string& directory, uint64_t database_id,
           uint64_t after_sequence, const ReplayCallbacks& callbacks)
      : file_system_(file_system),
        directory_(directory),
        database_id_(database_id),
        after_sequence_(after_sequence),
        callbacks_(callbacks) {}

  Result<ReplayReport> Run(uint64_t first_segment) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers, ListSegments());
    report_.next_segment = std::max<uint64_t>(first_segment, 1);
    // With no first segment given, the journal begins wherever its oldest file says.
    std::optional<uint64_t> expected;
    if (first_segment != 0) expected = first_segment;
    for (const uint64_t number : numbers) {
      report_.next_segment = std::max(report_.next_segment, number + 1);
      if (number < first_segment) continue;
      if (expected && number != *expected) AddMissing(*expected, number);
      expected = number + 1;
      RETURN_IF_ERROR(ReplaySegment(number));
    }
    report_.torn_tail = !open_ends_.empty();
    return std::move(report_);
  }

 private:
  Result<std::vector<uint64_t>> ListSegments() {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_->List(directory_));
    std::vector<uint64_t> numbers;
    for (const std::string& name : names) {
      if (const auto number = ParseSegmentName(name)) numbers.push_back(*number);
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }

  void AddDamage(const std::string& file, const BadRange& range) {
    report_.damage.push_back({file, range.offset, range.bytes, range.reason});
  }
  void AddMissing(uint64_t from, uint64_t to) {
    std::string reason = "segment missing";
    if (to - from > 1) reason = std::to_string(to - from) + " segments missing from here";
    report_.damage.push_back({directory_ + "/" + SegmentName(from), 0, 0, std::move(reason)});
  }

  // Reads the whole file by pread: a bad sector is an error here, in a mapping it would be a
  // signal. The buffer is reused, so at most one segment is in memory.
  Result<std::string_view> ReadSegment(const std::string& path) {
    ASSIGN_OR_RETURN(const auto file, file_system_->OpenRandomAccess(path));
    const uint64_t size = file->size();
    if (size > buffer_bytes_) {
      buffer_.reset(new char[size]);
      buffer_bytes_ = size;
    }
    report_.byte_count += size;
    return file->Read(0, size, buffer_.get());
  }

  Status ReplaySegment(uint64_t number) {
    const std::string path = directory_ + "/" + SegmentName(number);
    ASSIGN_OR_RETURN(const std::string_view bytes, ReadSegment(path));
    const Result<SegmentHeader> header = DecodeSegmentHeader(bytes);
    if (header.ok()) {
      if (header->database_id != database_id_) {
        AddDamage(path, {0, bytes.size(), "segment of another database"});
        return OkStatus();
      }
      if (header->number != number) {
        AddDamage(path, {0, bytes.size(), "copy of another segment"});
        return OkStatus();
      }
      JudgeOpenEnds((header->flags & kBeginsRun) != 0);
    } else if (header.status().code() != StatusCode::kDataLoss) {
      return header.status().WithContext(path);
    }
    SegmentReader reader(bytes, ChecksumSeed(database_id_, number),
                         header.ok() ? nullptr : "segment header damaged");
    RETURN_IF_ERROR(ReplayRecords(path, &reader));
    if (reader.tail().bytes != 0) open_ends_.push_back({path, reader.tail()});
    return callbacks_.on_segment_done ? callbacks_.on_segment_done() : OkStatus();
  }

  Status ReplayRecords(const std::string& path, SegmentReader* reader) {
    while (reader->Next()) {
      if (reader->gap().bytes != 0) AddDamage(path, reader->gap());
      const Record& record = reader->record();
      if (record.sequence <= report_.last_sequence) {
        report_.damage.push_back({path, reader->record_offset(), reader->record_bytes(),
                                  "sequence " + std::to_string(record.sequence) + " after " +
                                      std::to_string(report_.last_sequence)});
        continue;
      }
      report_.last_sequence = record.sequence;
      ++report_.record_count;
      if (record.sequence > after_sequence_) RETURN_IF_ERROR(callbacks_.on_record(record));
    }
    return OkStatus();
  }

  // Decides about bad ends of earlier segments, once a sound header is seen after them: torn tails
  // when that header begins another run, damage when its writer had finished the earlier segments.
  void JudgeOpenEnds(bool begins_run) {
    if (!begins_run) {
      for (const OpenEnd& end : open_ends_) AddDamage(end.path, end.range);
    }
    open_ends_.clear();
  }

  struct OpenEnd {
    std::string path;
    BadRange range;
  };

  FileSystem* const file_system_;
  const std::string& directory_;
  const uint64_t database_id_;
  const uint64_t after_sequence_;
  const ReplayCallbacks& callbacks_;
  ReplayReport report_;
  std::unique_ptr<char[]> buffer_;
  uint64_t buffer_bytes_ = 0;
  std::vector<OpenEnd> open_ends_;
};

}  // namespace

Result<ReplayReport> Replay(FileSystem* file_system, const std::string& directory,
                            uint64_t database_id, uint64_t first_segment, uint64_t after_sequence,
                            const ReplayCallbacks& callbacks) {
  return Replayer(file_system, directory, database_id, after_sequence, callbacks)
      .Run(first_segment);
}

}  // namespace varve::journal
