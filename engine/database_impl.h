// DatabaseImpl: puts the pieces together.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "engine/commit_queue.h"
#include "engine/metrics/exemplar_store.h"
#include "engine/metrics/head.h"
#include "engine/metrics/maintenance.h"
#include "engine/metrics/metadata_registry.h"
#include "engine/metrics/part_readers.h"
#include "engine/metrics/select.h"
#include "engine/metrics/tombstones.h"
#include "engine/traces/span_head.h"
#include "engine/traces/span_metrics.h"
#include "engine/traces/trace_reader.h"
#include "storage/file_system.h"
#include "storage/journal/journal.h"
#include "storage/kv/store.h"
#include "varve/database.h"

namespace varve::engine {

class DatabaseImpl final : public Database {
 public:
  static Result<std::unique_ptr<DatabaseImpl>> Open(const Options& options, const std::string& path,
                                                    FileSystem* file_system);
  ~DatabaseImpl() override;

  Status Close() override;
  Result<AppendResult> Append(WriteBatch* batch) override;
  Result<std::vector<Labels>> Series(std::span<const Selector> selectors, TimeRange range,
                                     size_t limit) override;
  Result<std::vector<std::string>> LabelNames(std::span<const Selector> selectors, TimeRange range,
                                              size_t limit) override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               std::span<const Selector> selectors, TimeRange range,
                                               size_t limit) override;
  Result<std::unique_ptr<SeriesCursor>> Read(std::span<const Selector> selectors,
                                             TimeRange range) override;
  Result<std::vector<SeriesExemplars>> Exemplars(std::span<const Selector> selectors,
                                                 TimeRange range) override;
  Result<DeleteReport> Delete(std::span<const Selector> selectors, TimeRange range) override;
  Result<SpanAppendResult> AppendSpans(std::string traces_data) override;
  Result<std::optional<std::string>> Trace(std::string_view trace_id) override;
  std::vector<MetricMetadata> Metadata() override;
  Status Flush() override;
  Status Checkpoint() override;
  Status Maintain() override;
  Result<CompactReport> Compact() override;
  Status Snapshot(const std::string& directory) override;
  Result<VerifyReport> Verify() override;
  Result<RepairReport> Repair() override;
  std::vector<PartDescription> Parts() override;
  Result<BackupReport> Backup(const std::string& backup_directory) override;
  Result<std::vector<ExpiringPart>> Expiring(std::optional<int64_t> at_ms) override;
  DatabaseStatistics Statistics() override;
  CardinalityReport Cardinality(size_t limit) override;
  Result<CardinalityReport> Cardinality(size_t limit, TimeRange range) override;

  std::unique_ptr<Reader> NewReader();
  Result<std::unique_ptr<SpanReader>> NewSpanReader();

 private:
  DatabaseImpl(const Options& options, std::string path, FileSystem* file_system);
  Status OpenStore();
  // For Options::keep_rules.
  Status KeepRules();
  Status AssignRetentionClasses();
  Status AssignDownsamplingLevels();
  // The first of `count` numbers that the rules have, kept in the store's state under `key`.
  Result<uint16_t> NumbersFor(std::string_view key, const std::string& rules, size_t count);
  Status Recover();
  void StartThreads();
  void StopThreads();
  void MaintenanceLoop();
  void MergeLoop();
  void SyncLoop();
  Status CheckOpen() const REQUIRES_SHARED(open_mutex_);
  Status CheckPressure(const WriteBatch& batch);
  Status CheckDisk();
  int64_t NowMs() const;
  void RecoverSpanMetrics(std::span<const JournaledSpans> journaled, std::string_view state);
  // The newest sample of a series; without the lock of open databases.
  Result<LastSample> LoadLast(const Labels& labels);
  Result<AppendResult> AppendPrepared(PreparedBatch* batch);
  // How many series have samples in the range.
  Result<uint64_t> CountSeries(std::span<const Selector> selectors, TimeRange range);
  void CountAppend(const AppendResult& result);

  std::unique_ptr<PreparedBatch> TakeScratch();
  void ReturnScratch(std::unique_ptr<PreparedBatch> scratch);

  // Visits the labels of every series that some selector selects, once per source.
  Status VisitSelected(std::span<const Selector> selectors, TimeRange range,
                       const std::function<void(std::string_view labels)>& visit);

  const Options options_;
  const std::string path_;
  FileSystem* const file_system_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<kv::Store> store_;
  Head head_;
  ExemplarStore exemplars_;
  SpanHead spans_;
  SpanBlockCache span_cache_;
  Tombstones tombstones_;
  PartReaders readers_;
  compaction::RetentionClasses classes_;
  compaction::DownsamplingRules downsampling_;
  std::unique_ptr<MetadataRegistry> metadata_;
  std::unique_ptr<journal::Writer> journal_;
  std::unique_ptr<CommitQueue> commits_;
  std::unique_ptr<SpanMetrics> span_metrics_;  // null: they are turned off
  std::unique_ptr<Maintenance> maintenance_;

  Mutex backup_mutex_;
  SharedMutex open_mutex_;  // held shared by every call, exclusively by Close
  bool closed_ GUARDED_BY(open_mutex_) = false;
  Mutex threads_mutex_;
  CondVar threads_changed_;
  bool stopping_ GUARDED_BY(threads_mutex_) = false;
  std::thread maintenance_thread_;
  std::thread merge_thread_;
  std::thread sync_thread_;

  static constexpr size_t kScratchMax = 16;
  Mutex scratch_mutex_;
  std::vector<std::unique_ptr<PreparedBatch>> scratch_ GUARDED_BY(scratch_mutex_);

  // Statistics.
  std::atomic<uint64_t> samples_appended_{0};
  std::atomic<uint64_t> samples_rejected_[kRejectReasonCount] = {};
  std::atomic<uint64_t> series_created_{0};
  std::atomic<uint64_t> refused_pressure_{0};
  std::atomic<uint64_t> spans_appended_{0};
  std::atomic<uint64_t> spans_rejected_{0};
  uint64_t recovery_damaged_records_ = 0;
  uint64_t recovery_ms_ = 0;
};

}  // namespace varve::engine
