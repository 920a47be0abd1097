// The journal: what was acknowledged and is not yet in a checkpoint or part, in segment files
// journal-<number>.vj.
// Layout and recovery rules: docs/FORMATS.md, "Journal".
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/file_system.h"
#include "varve/status.h"

namespace varve::journal {

enum class RecordKind : uint8_t {  // on disk: never change a value
  kSamples = 1,
  kMetadata = 2,
  kExemplars = 3,
  kSamplesAndExemplars = 4,
  kSpans = 5,
  kSpanState = 6,  // of span metrics
};

struct Record {
  uint64_t sequence = 0;  // strictly ascending through the whole journal
  RecordKind kind = RecordKind::kSamples;
  std::string_view body;
};

struct WriterOptions {
  uint64_t segment_bytes_max = uint64_t{64} << 20;
  // Stamped into every segment, so that a segment of another database (a stray copy) is recognised.
  uint64_t database_id = 0;
};

// Writes segments. The first segment file is created by the first Append, not by construction. A
// failed write or sync is sticky: every later call returns it, since what the file holds is
// unknown. Failing to create a segment is not: nothing was written, and the next Append tries
// again.
// Thread safety: Append and StartSegment from one thread at a time; Sync concurrently with them;
// the rest any thread.
class Writer {
 public:
  // Segments are numbered from `first_segment` on, which must be above every existing one in
  // `directory`.
  Writer(FileSystem* file_system, std::string directory, const WriterOptions& options,
         uint64_t first_segment);
  ~Writer();

  // Hands all records to the kernel in one write, starting a new segment when the current one is
  // full. Records are never split over segments; one may exceed the segment size. A full segment is
  // synced before the next is begun.
  // REQUIRES: sequences above every earlier one. kInvalidArgument for a body of 4 GiB or more;
  // nothing is written then.
  Status Append(std::span<const Record> records);
  // Makes everything appended before the call durable (file, and directory entry of new segments).
  // Concurrent calls wait for one another and share a sync; one that finds nothing to do returns at
  // once.
  Status Sync();
  // Ends the current segment: later records go to a new one. Returns the number of that next
  // segment.
  Result<uint64_t> StartSegment();
  // Unlinks the segments numbered below `segment`. REQUIRES: not above what StartSegment returned
  // last.
  Status RemoveSegmentsBefore(uint64_t segment);

  uint64_t bytes_appended() const;  // since construction
  uint64_t sync_count() const;
  Status Close();  // syncs and gives back preallocated room; later calls return kFailedPrecondition

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// One damaged place that recovery skipped.
struct Damage {
  std::string file;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::string reason;
};

struct ReplayReport {
  uint64_t next_segment = 1;   // above every segment found, not below `first_segment`
  uint64_t last_sequence = 0;  // of the last valid record; 0 if none
  uint64_t record_count = 0;   // valid records, whether replayed or not above `after_sequence`
  uint64_t byte_count = 0;     // of the segment files read
  bool torn_tail = false;  // the last segment ends in an incomplete record: normal after a crash
  // Bad bytes with a valid record after them, or at the end of a segment that its writer had
  // finished; segments of another database; missing segments; records whose sequence goes
  // backwards. In the journal's order, except that the bad end of a segment is known for damage
  // only when a later segment is read.
  std::vector<Damage> damage;
};

// Replays every valid record with sequence > `after_sequence`, in order, segments below
// `first_segment` excepted. A torn tail ends the replay silently. Damage is reported and skipped;
// the rest is replayed. `body` views live until the callback of the *last record of the same
// segment* returned unless segment_done is given (then until it is called for that segment), so
// that a caller may decode on other threads. A record's kind may be one that this version does not
// know; refusing it is for `on_record`. A `first_segment` of 0 means the oldest there is; otherwise
// a journal that begins later is damaged. The first segment of each Writer may follow a torn one,
// which the crash before it left: that stays silent in later replays too.
// Errors: kIoError, kFailedPrecondition (a segment of a newer format), or the first error of a
// callback. A directory without segments is an empty journal.
struct ReplayCallbacks {
  std::function<Status(const Record&)> on_record;
  std::function<Status()> on_segment_done;  // optional
};
Result<ReplayReport> Replay(FileSystem* file_system, const std::string& directory,
                            uint64_t database_id, uint64_t first_segment, uint64_t after_sequence,
                            const ReplayCallbacks& callbacks);

}  // namespace varve::journal
