// Maintenance: checkpoints, flushes, merges and retention; what the background thread does and the
// API may ask for.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "compaction/downsampling.h"
#include "compaction/planner.h"
#include "engine/commit_queue.h"
#include "engine/metrics/checkpoint.h"
#include "engine/metrics/exemplar_store.h"
#include "engine/metrics/head.h"
#include "engine/metrics/part_readers.h"
#include "engine/metrics/recovery.h"
#include "engine/metrics/tombstones.h"
#include "engine/traces/span_block_cache.h"
#include "engine/traces/span_head.h"
#include "storage/file_system.h"
#include "storage/journal/journal.h"
#include "storage/kv/store.h"
#include "varve/database.h"
#include "varve/options.h"
#include "varve/status.h"

namespace varve::engine {

// Everything is borrowed and outlives the Maintenance.
struct MaintenanceContext {
  const Options* options = nullptr;
  FileSystem* file_system = nullptr;
  std::string directory;
  kv::Store* store = nullptr;
  Head* head = nullptr;
  ExemplarStore* exemplars = nullptr;
  SpanHead* spans = nullptr;
  SpanBlockCache* span_cache = nullptr;
  journal::Writer* journal = nullptr;
  CommitQueue* commits = nullptr;
  PartReaders* readers = nullptr;
  Tombstones* tombstones = nullptr;
  const compaction::RetentionClasses* classes = nullptr;
  const compaction::DownsamplingRules* downsampling = nullptr;
  std::function<int64_t()> now_ms;
  // Writes what span metrics have counted; called when spans are about to leave the journal.
  std::function<Status()> write_span_metrics;
  std::function<void(LogLevel, std::string_view)> log;
};

struct MaintenanceCounters {
  uint64_t checkpoints = 0;
  uint64_t flushes = 0;
  uint64_t merges = 0;
  uint64_t downsamples = 0;
  uint64_t flush_bytes = 0;  // of parts, as written
  uint64_t merge_bytes = 0;
  uint64_t merge_bytes_replaced = 0;
};

// Thread safety: all methods from any thread. Flushes, checkpoints, deletes and snapshots run one
// at a time, and so do merges; the ones beside the others.
class Maintenance {
 public:
  // Goes on from what recovery found.
  Maintenance(MaintenanceContext context, RecoveredHead recovered);

  // Writes what was appended since the last checkpoint to a checkpoint file and drops the journal
  // before it.
  Status Checkpoint() EXCLUDES(mutex_);
  // Writes the whole head into parts. The head's series stay known.
  Status Flush() EXCLUDES(mutex_);
  // Merges until none is due, drops what is out of retention, and rids the parts of what was
  // deleted.
  Status Maintain() EXCLUDES(merge_mutex_, mutex_);
  // Flushes, forgets the series that have no samples left in memory, merges whatever there is to
  // merge (compaction::PlanFullMerge), and does what Maintain does.
  Status Compact() EXCLUDES(merge_mutex_, mutex_);
  // Makes `directory`, which must be empty or not exist, a database that holds everything appended
  // before the call.
  Status Snapshot(const std::string& directory) EXCLUDES(mutex_);
  // Parts are checked without the lock; checkpoints and the journal hold up flushes and merges.
  Result<VerifyReport> Verify() EXCLUDES(mutex_);
  // Sets aside what Verify finds damaged and puts what can be read of it in its place.
  Result<RepairReport> Repair() EXCLUDES(merge_mutex_, mutex_);
  // Deletes what `tombstone` (selectors, range) hides of everything written so far: writes the head
  // into parts and makes them live together with the tombstone.
  Status Delete(Tombstone tombstone) EXCLUDES(mutex_);
  // A flush or checkpoint, if one is due by size, span or time. Errors are logged and retried at a
  // later round.
  void RunDue() EXCLUDES(mutex_);
  // The same for merges and retention.
  void RunMergesDue() EXCLUDES(merge_mutex_, mutex_);
  // Ends merges under way as soon as may be, for good; they leave nothing behind.
  void CancelMerges() { cancelled_.store(true); }

  std::vector<PartDescription> Parts() const;
  // What DropExpired would drop at `at_ms`.
  std::vector<ExpiringPart> Expiring(int64_t at_ms);

  MaintenanceCounters counters() const;
  // Journal bytes that the next recovery would replay.
  uint64_t journal_bytes() const;

 private:
  Status AfterFreeze(const Status& new_segment) REQUIRES(mutex_);
  Status CheckpointLocked() REQUIRES(mutex_);
  // With a tombstone, it is committed and published too; otherwise null.
  Status FlushLocked(std::shared_ptr<Tombstone> tombstone) REQUIRES(mutex_);
  // Names the parts that the tombstone counts in and adds it to `edit`; returns the list then.
  TombstoneList AddTombstone(std::shared_ptr<Tombstone> tombstone, kv::CatalogEdit* edit)
      REQUIRES(mutex_);
  // The series of the head without samples, as the next recovery needs them.
  std::vector<FrozenSeries> SeriesTable(std::span<const FrozenSeries> frozen,
                                        const Tombstone* tombstone) REQUIRES(mutex_);
  // Drops tombstones whose parts are all gone.
  Status PruneTombstones() REQUIRES(merge_mutex_) EXCLUDES(mutex_);
  Result<std::optional<format::PartInfo>> Merge(
      std::span<const std::shared_ptr<const kv::Part>> inputs) REQUIRES(merge_mutex_);
  Status MaintainParts() REQUIRES(merge_mutex_) EXCLUDES(mutex_);
  // Commits outputs in the place of inputs. `applied`: the tombstones that they were written with.
  // `kept_inputs` went into them too, and stay.
  Status Replace(std::span<const std::shared_ptr<const kv::Part>> inputs,
                 std::span<const std::shared_ptr<const kv::Part>> kept_inputs,
                 std::span<const format::PartInfo> outputs, const TombstoneList& applied)
      REQUIRES(merge_mutex_) EXCLUDES(mutex_);
  // Adds parts of what the exemplar store set aside to `edit`.
  Status WriteExemplars(const ExemplarMap& frozen, uint64_t max_sequence, kv::CatalogEdit* edit)
      REQUIRES(mutex_);
  // Adds parts of what the span head set aside to `edit`.
  Status WriteSpans(uint64_t max_sequence, kv::CatalogEdit* edit) REQUIRES(mutex_);
  // Makes `next` durable together with `edit`, and current.
  Status CommitManifest(HeadManifest next, kv::CatalogEdit edit) REQUIRES(mutex_);
  Status AdoptCheckpoint(const std::string& path, std::span<const FrozenSeries> frozen,
                         std::span<const uint64_t> payload_offsets) REQUIRES(mutex_);
  void RemoveFiles(std::span<const std::string> names);
  using MergePlan = std::optional<compaction::MergeJob> (*)(std::span<const format::PartInfo>,
                                                            const compaction::PlannerOptions&);
  // Merges until `plan` has nothing more.
  Status MergeAll(MergePlan plan) REQUIRES(merge_mutex_) EXCLUDES(mutex_);
  // Lets go of every series without samples, and writes what is left as the only checkpoint.
  Status ForgetIdleSeries() REQUIRES(mutex_);
  // Merges the parts into one and commits it in their place. Parts whose merge fails are not tried
  // again.
  Status ReplaceByMerge(std::span<const std::shared_ptr<const kv::Part>> inputs)
      REQUIRES(merge_mutex_) EXCLUDES(mutex_);
  // Writes every part anew that a tombstone names.
  Status PurgeDeleted() REQUIRES(merge_mutex_) EXCLUDES(mutex_);
  // Logs a failed job and puts the next round off.
  void Report(std::string_view what, const Status& status) REQUIRES(mutex_);
  // `end_segment`: the first segment of the journal that does not belong to it.
  Status LinkSnapshot(const std::string& directory, uint64_t end_segment) REQUIRES(mutex_);
  Status DropExpired() REQUIRES(merge_mutex_) EXCLUDES(mutex_);
  // Repair's steps (verify/repair.cc): links the files of a part into the quarantine; replaces one
  // by what is left of it; the same of checkpoints and journal.
  Status SetAside(const kv::Part& part, const std::string& directory);
  Status RepairPart(const std::shared_ptr<const kv::Part>& part, RepairReport* report)
      REQUIRES(merge_mutex_) EXCLUDES(mutex_);
  Status SetAsideHead(const VerifyReport& found, RepairReport* report) REQUIRES(mutex_);
  // Rolls up what is due (downsampling.cc). What fails is not tried again.
  Status DownsampleDue() REQUIRES(merge_mutex_) EXCLUDES(mutex_);
  Status RunDownsampling(const compaction::DownsampleJob& job) REQUIRES(merge_mutex_)
      EXCLUDES(mutex_);
  // Splits the parts of stale retention classes.
  Status SplitStale() REQUIRES(merge_mutex_) EXCLUDES(mutex_);
  Result<compaction::HiddenSamples> Hidden(const std::shared_ptr<const kv::Part>& part) const;
  compaction::PlannerOptions Planner() const;
  // For people; as ExpiringPart::rule.
  std::string RuleOf(const format::PartInfo& info) const;
  // With the parts that must wait for their rollups.
  compaction::PlannerOptions ExpiryPlanner(std::span<const format::PartInfo> parts)
      EXCLUDES(downsampling_mutex_);
  // With the parts that no merge may take.
  compaction::PlannerOptions MergePlanner() const REQUIRES(merge_mutex_);
  void RemoveIdleSeries() REQUIRES(mutex_);
  bool FlushDue() REQUIRES(mutex_);
  // Many series have fallen silent. Looks when enough were created since it looked last.
  bool ManySeriesIdle() REQUIRES(mutex_);
  bool CheckpointDue() const;
  uint64_t TakeFileNumber(HeadManifest* next) REQUIRES(mutex_);
  // Writes checkpoint `number`; removes what was written of it when that fails.
  Status WriteCheckpointFile(uint64_t number, std::span<const index::SeriesId> series,
                             std::span<const FrozenSeries> frozen,
                             std::vector<uint64_t>* payload_offsets) REQUIRES(mutex_);

  const MaintenanceContext context_;
  Mutex merge_mutex_;  // taken before mutex_
  Mutex mutex_;
  HeadManifest manifest_ GUARDED_BY(mutex_);
  uint64_t series_checkpointed_ GUARDED_BY(mutex_) = 0;  // ids below it are in a checkpoint file
  index::SeriesId next_id_at_idle_check_ GUARDED_BY(mutex_) = 0;
  int64_t last_flush_ns_ GUARDED_BY(mutex_) = 0;
  const uint64_t journal_bytes_replayed_;
  // On the scale that starts with the bytes replayed and goes on with the writer's.
  std::atomic<uint64_t> journal_bytes_at_checkpoint_{0};

  MappedFiles mapped_files_ GUARDED_BY(mutex_);                    // as the head has them
  std::set<uint64_t> unmergeable_parts_ GUARDED_BY(merge_mutex_);  // a merge of them failed
  int64_t last_maintain_ns_ GUARDED_BY(merge_mutex_) = 0;
  uint64_t flushes_at_maintain_ GUARDED_BY(merge_mutex_) = 0;
  int64_t retry_merges_after_ns_ GUARDED_BY(merge_mutex_) = 0;
  Mutex downsampling_mutex_;
  std::set<compaction::EmptyDay> empty_days_ GUARDED_BY(downsampling_mutex_);
  // Parts that could not be read for it.
  std::set<uint64_t> undownsampled_parts_ GUARDED_BY(downsampling_mutex_);
  std::atomic<bool> cancelled_{false};
  int64_t retry_after_ns_ GUARDED_BY(mutex_) = 0;  // a failed round waits

  std::atomic<uint64_t> checkpoints_{0};
  std::atomic<uint64_t> flushes_{0};
  std::atomic<uint64_t> merges_{0};
  std::atomic<uint64_t> downsamples_{0};
  std::atomic<uint64_t> flush_bytes_{0};
  std::atomic<uint64_t> merge_bytes_{0};
  std::atomic<uint64_t> merge_bytes_replaced_{0};
};

}  // namespace varve::engine
