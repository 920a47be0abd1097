// Database: one directory of metrics (traces and logs join later).
//
//   varve::Options options;
//   auto database = varve::Database::Open(options, "/var/lib/varve");
//   varve::WriteBatch batch;
//   batch.BeginSeries(varve::Labels{{"__name__", "temperature"}, {"room", "attic"}});
//   batch.AddSample(1'700'000'000'000, 21.5);
//   auto result = (*database)->Append(&batch);
//
// Invariants:
//   1. An append that returned ok is durable as Options::durability says.
//   2. A query sees all of an append or none of it.
//   3. One process has a directory open at a time; a second Open fails with kFailedPrecondition.
//
// Thread safety: all methods from any thread, without external synchronisation; not from
// Options::log.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "varve/backup.h"
#include "varve/labels.h"
#include "varve/matcher.h"
#include "varve/options.h"
#include "varve/status.h"
#include "varve/write_batch.h"

namespace varve {

// Why a sample (or a whole series of a batch) was refused, alone. The names appear in metrics and
// messages.
enum class RejectReason : uint8_t {
  kNone = 0,
  kInvalidLabelName,   // empty, or not UTF-8
  kInvalidLabelValue,  // not UTF-8
  kDuplicateLabelName,
  kNoLabels,
  kTooManyLabels,      // Options::label_count_max
  kLabelNameTooLong,   // Options::label_name_bytes_max
  kLabelValueTooLong,  // Options::label_value_bytes_max
  kSeriesLimit,        // Options::series_count_max
  kUnknownSeriesRef,   // the reference is of no series in memory; append by labels
  kTooFarInFuture,     // Options::future_limit_ms
  kOutOfRetention,     // Options::retention_ms, or before unix time 0
  kInvalidHistogram,   // Histogram::Validate
  kInvalidExemplar,    // labels not valid, or longer than Options::exemplar_label_bytes_max
};
inline constexpr size_t kRejectReasonCount = 14;
// Snake case, for metrics and messages: "series_limit".
std::string_view RejectReasonName(RejectReason reason);

// One kind of refusal within a batch.
struct Rejection {
  RejectReason reason = RejectReason::kNone;
  uint64_t sample_count = 0;
  std::string example;  // the first one in words, with the offending value and the limit
};

struct AppendResult {
  uint64_t samples_appended = 0;  // duplicates of same time and value count as appended
  uint64_t samples_rejected = 0;
  uint64_t histograms_appended = 0;  // native histograms; not in samples_appended
  uint64_t histograms_rejected = 0;
  uint64_t exemplars_appended = 0;  // duplicates count as appended
  uint64_t exemplars_rejected = 0;
  std::vector<Rejection> rejections;  // one per reason that occurred
};

// What became of spans.
struct SpanAppendResult {
  uint64_t spans_appended = 0;
  uint64_t spans_rejected = 0;
  std::string example;  // the first refusal in words, with the offending value
};

// Half-open on neither side: both ends belong to the range. Milliseconds since the Unix epoch.
struct TimeRange {
  int64_t min_ms = INT64_MIN;
  int64_t max_ms = INT64_MAX;
};

// A selector: all matchers hold. A set of selectors is a union; an empty set means every series.
using Selector = std::vector<Matcher>;

// The samples of one series, as Read returns them.
struct SeriesSamples {
  Labels labels;
  std::vector<Sample> samples;              // ascending in time; stale markers included
  std::vector<int64_t> start_times_ms;      // empty, or one per sample; 0: not known
  std::vector<HistogramSample> histograms;  // ascending in time; no time occurs in both
};

// Walks the series that Database::Read selected, in label order, from one read view. Thread
// safety: none. Must not outlive the database.
class SeriesCursor {
 public:
  virtual ~SeriesCursor() = default;
  // Replaces `out` by the next series that has samples in the range; false at the end. Errors:
  // kDataLoss, kIoError.
  virtual Result<bool> Next(SeriesSamples* out) = 0;
};

// The exemplars of one series.
struct SeriesExemplars {
  Labels labels;
  std::vector<Exemplar> exemplars;  // ascending in time
};

struct DeleteReport {
  uint64_t series_matched = 0;  // that had samples in the range
};

// A part that retention would drop.
struct ExpiringPart {
  uint64_t part_id = 0;
  std::string signal;  // "metrics", "rollups", "exemplars"
  // Of metrics the retention rule's selector, or "default"; of rollups the downsampling rule's and
  // the resolution.
  std::string rule;
  std::string reason;  // "age", or "size" (Options::part_bytes_max)
  TimeRange range;     // of its samples
  uint64_t series_count = 0;
  uint64_t sample_count = 0;
  uint64_t bytes = 0;
};

struct NamedCount {
  std::string name;
  uint64_t value = 0;
};

// Something wrong in a database directory.
struct VerifyFault {
  std::string where;  // "part 12", a file
  std::string what;   // with the offending value
};

// What Verify looked at, and what it found wrong.
struct VerifyReport {
  uint64_t part_count = 0;
  uint64_t part_bytes = 0;
  uint64_t series_count = 0;  // of all parts; a series is counted in each
  uint64_t chunk_count = 0;
  uint64_t sample_count = 0;
  uint64_t exemplar_count = 0;
  uint64_t span_count = 0;  // in parts
  uint64_t checkpoint_count = 0;
  uint64_t journal_record_count = 0;
  std::vector<NamedCount> family_bytes;  // of the parts' files: "chunks", "time_columns", ...
  std::vector<VerifyFault> faults;
};

// Samples that Repair could not read.
struct LostSamples {
  uint64_t part_id = 0;
  Labels labels;  // empty: of series whose labels are lost, too
  TimeRange range;
  uint64_t series_count = 1;
  uint64_t sample_count = 0;  // 0: not known
  std::string reason;
};

struct RepairReport {
  VerifyReport found;  // before
  VerifyReport left;   // after
  uint64_t parts_replaced = 0;
  uint64_t files_replaced = 0;  // checkpoints and journal segments
  std::string quarantine;       // the directory that damaged files were set aside in; empty: none
  std::vector<LostSamples> lost;
};

// A part on disk.
struct PartDescription {
  uint64_t part_id = 0;
  std::string signal;  // as in ExpiringPart
  std::string rule;
  int64_t resolution_ms = 0;  // of rollups
  uint32_t level = 0;         // merges behind it
  TimeRange range;
  uint64_t series_count = 0;
  uint64_t sample_count = 0;  // of rollups their rows
  uint64_t chunk_count = 0;
  std::vector<NamedCount> family_bytes;
};

struct CompactReport {
  uint64_t parts_before = 0;
  uint64_t parts_after = 0;
  uint64_t bytes_before = 0;  // of the parts on disk, the flushed head included
  uint64_t bytes_after = 0;
};

struct DatabaseStatistics {
  // The head.
  uint64_t head_series_count = 0;
  uint64_t head_chunk_count = 0;
  uint64_t head_sample_bytes = 0;  // chunk memory
  uint64_t head_index_bytes = 0;   // series, labels, postings (estimate)
  int64_t head_min_time_ms = 0;    // 0, 0 when the head is empty
  int64_t head_max_time_ms = 0;
  // Since open.
  uint64_t samples_appended = 0;
  uint64_t samples_rejected[kRejectReasonCount] = {};  // by RejectReason
  uint64_t samples_duplicate = 0;                      // same time, same value: dropped
  uint64_t samples_overwritten = 0;  // same time, other value: the later one won (head only)
  uint64_t samples_out_of_order = 0;
  uint64_t series_created = 0;
  uint64_t spans_appended = 0;
  uint64_t spans_rejected = 0;
  uint64_t appends_refused_pressure = 0;  // whole batches: memory or disk
  uint64_t journal_bytes_written = 0;
  uint64_t journal_sync_count = 0;
  uint64_t checkpoint_count = 0;
  uint64_t flush_count = 0;
  uint64_t merge_count = 0;
  uint64_t downsample_count = 0;  // parts of rollups made
  // Bytes of parts written, and of parts that merges took the place of: write amplification is
  // (journal + flushed + merged) / (journal + what is left).
  uint64_t flush_bytes_written = 0;
  uint64_t merge_bytes_written = 0;
  uint64_t merge_bytes_replaced = 0;
  // On disk.
  uint64_t part_count = 0;
  uint64_t part_sample_count = 0;  // raw
  uint64_t part_bytes = 0;         // of all
  uint64_t rollup_row_count = 0;
  uint64_t rollup_bytes = 0;
  uint64_t span_metrics_counted = 0;     // spans in span metrics
  uint64_t span_metrics_late = 0;        // too old on arrival to be counted
  uint64_t span_metrics_repeated = 0;    // sent again, and counted once
  uint64_t span_metrics_overflowed = 0;  // counted without their labels
  uint64_t span_metrics_series = 0;      // combinations of labels in memory
  uint64_t head_span_count = 0;          // not in parts yet
  uint64_t head_span_bytes = 0;          // of memory, about
  uint64_t part_span_count = 0;
  uint64_t part_span_bytes = 0;
  uint64_t journal_bytes = 0;
  // What recovery met: bytes of damaged journal records that were skipped.
  uint64_t recovery_damaged_records = 0;
  uint64_t recovery_ms = 0;
};

// "Which label makes most series?"
struct CardinalityReport {
  uint64_t series_count = 0;
  std::vector<NamedCount> series_by_metric_name;
  std::vector<NamedCount> values_by_label_name;
  std::vector<NamedCount> bytes_by_label_name;
  std::vector<NamedCount> series_by_label_pair;  // "name=value"
  uint64_t label_pair_count = 0;
};

class Database {
 public:
  // Opens `path`, creating it if allowed, and replays what was not flushed. Damaged journal records
  // are reported through Options::log, skipped and counted; damaged parts are reported when they
  // are read. Errors: kFailedPrecondition (in use by another process, newer format), kNotFound,
  // kDataLoss, kIoError.
  static Result<std::unique_ptr<Database>> Open(const Options& options, const std::string& path);

  // Closes without a checkpoint if Close was not called: the next open replays the journal.
  virtual ~Database() = default;

  // Waits for calls under way, checkpoints and closes. Later calls that can fail return
  // kFailedPrecondition. The directory is given back when the object is destroyed. Idempotent.
  virtual Status Close() = 0;

  // Appends every sample of `batch` that is valid and reports the rest; learned references are
  // written into the batch. Returns once the batch is durable (Options::durability) and visible to
  // new queries. Errors (then nothing was appended): kResourceExhausted (memory or free disk, try
  // again later), kIoError (the journal failed; sticky: no append succeeds until the database is
  // reopened), kFailedPrecondition. `batch` is borrowed until return. Cost: one group commit;
  // concurrent callers share a sync.
  virtual Result<AppendResult> Append(WriteBatch* batch) = 0;

  // Label sets of the series that match any selector and may have a sample in `range` (exact to a
  // chunk in the head, to a part on disk), sorted; at most `limit` (0: no limit). kInvalidArgument
  // for a bad regular expression.
  virtual Result<std::vector<Labels>> Series(std::span<const Selector> selectors, TimeRange range,
                                             size_t limit) = 0;
  // Sorted, distinct. The time range is honoured at the granularity of parts and the head.
  virtual Result<std::vector<std::string>> LabelNames(std::span<const Selector> selectors,
                                                      TimeRange range, size_t limit) = 0;
  virtual Result<std::vector<std::string>> LabelValues(std::string_view name,
                                                       std::span<const Selector> selectors,
                                                       TimeRange range, size_t limit) = 0;
  // Samples as they were written, of one instant. Errors: as Series.
  virtual Result<std::unique_ptr<SeriesCursor>> Read(std::span<const Selector> selectors,
                                                     TimeRange range) = 0;
  // Exemplars of the series that match any selector, in label order. Errors: as Series.
  virtual Result<std::vector<SeriesExemplars>> Exemplars(std::span<const Selector> selectors,
                                                         TimeRange range) = 0;
  // Deletes the samples and exemplars in `range` of the series that match any selector: hidden from
  // every later query and durable when this returns, gone from the disk when their parts are next
  // merged. Samples appended later are seen again. kInvalidArgument for no selectors or a bad
  // regular expression.
  virtual Result<DeleteReport> Delete(std::span<const Selector> selectors, TimeRange range) = 0;
  // Appends the spans of an OTLP TracesData message (which is also ExportTraceServiceRequest).
  // Spans with ids of other lengths than 16 and 8 bytes or of zeros, that start before
  // Options::trace_retention_ms or after Options::future_limit_ms are refused alone. Returns once
  // the others are durable (Options::durability) and visible to new queries. A message sent again
  // is seen once. Errors (then nothing was appended): kInvalidArgument names the byte at which the
  // message cannot be read; else as Append.
  virtual Result<SpanAppendResult> AppendSpans(std::string traces_data) = 0;
  // A TracesData message of every span of the trace of this id (16 bytes), by start time; nothing
  // when there is none. No time range is needed. Errors: kDataLoss, kIoError.
  virtual Result<std::optional<std::string>> Trace(std::string_view trace_id) = 0;

  // All known metadata, sorted by metric.
  virtual std::vector<MetricMetadata> Metadata() = 0;

  // Writes the head into parts and returns when they are live and durable.
  virtual Status Flush() = 0;
  // Writes a checkpoint, so that the next open replays nothing.
  virtual Status Checkpoint() = 0;
  // Runs retention and due merges now; returns when done.
  virtual Status Maintain() = 0;
  // Writes the head into parts, merges whatever there is to merge, however young, drops what is out
  // of retention or deleted, and returns when that is durable. Later samples form new parts. The
  // head forgets series that have no sample left in memory, so references learned before
  // (WriteBatch) may answer kUnknownSeriesRef afterwards. Cost: every part of the last days may be
  // written anew. Appends and queries go on meanwhile.
  virtual Result<CompactReport> Compact() = 0;

  // Makes `directory`, which must be empty or not exist, a database of its own that holds
  // everything appended before the call: hard links where it lies in the same file system, else
  // copies. Appends and queries go on meanwhile. Errors: kAlreadyExists, kIoError,
  // kResourceExhausted.
  virtual Status Snapshot(const std::string& directory) = 0;
  // Adds the database to a backup directory (varve/backup.h): takes a snapshot and copies what no
  // backup there has.
  virtual Result<BackupReport> Backup(const std::string& backup_directory) = 0;

  // Reads everything on disk and checks every checksum and cross-reference: the parts' files, each
  // series, chunk and exemplar, postings against series and back, catalog entries, checkpoints, the
  // journal. Goes on after a fault. Appends and queries go on meanwhile. An error only when it
  // could not look.
  virtual Result<VerifyReport> Verify() = 0;

  // Verifies, and puts what can be read of damaged parts, checkpoints and journal segments in their
  // place; the damaged files stay under `quarantine` in the directory. Says which samples are lost.
  // Appends and queries go on meanwhile. Does nothing to a sound database. Errors: kIoError,
  // kResourceExhausted; what was done until then stays done.
  virtual Result<RepairReport> Repair() = 0;

  // The parts on disk, oldest first.
  virtual std::vector<PartDescription> Parts() = 0;

  // What Maintain would drop at `at_ms` (nothing: now) of what there is now, for its age or for the
  // size of all; drops nothing.
  virtual Result<std::vector<ExpiringPart>> Expiring(
      std::optional<int64_t> at_ms = std::nullopt) = 0;

  virtual DatabaseStatistics Statistics() = 0;
  // The `limit` largest of each list, from the head's index alone (Prometheus' /status/tsdb).
  virtual CardinalityReport Cardinality(size_t limit) = 0;
  // The same of every series that is in the head or may have a sample in `range` on disk, each
  // counted once. Holds the label sets of all of them meanwhile. Errors: kDataLoss, kIoError.
  virtual Result<CardinalityReport> Cardinality(size_t limit, TimeRange range) = 0;
};

}  // namespace varve
