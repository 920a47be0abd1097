#include "engine/database_impl.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "engine/backup/backup.h"
#include "engine/backup/snapshot_files.h"
#include "engine/metrics/exemplar_prepare.h"
#include "engine/metrics/exemplar_select.h"
#include "engine/metrics/recovery.h"
#include "engine/metrics/sample_record.h"
#include "engine/metrics/selection_cursor.h"
#include "engine/open.h"

namespace varve {

Result<std::unique_ptr<Database>> Database::Open(const Options& options, const std::string& path) {
  return engine::OpenDatabase(options, path, FileSystem::Posix());
}

std::string_view RejectReasonName(RejectReason reason) {
  switch (reason) {
    case RejectReason::kNone:
      return "none";
    case RejectReason::kInvalidLabelName:
      return "invalid_label_name";
    case RejectReason::kInvalidLabelValue:
      return "invalid_label_value";
    case RejectReason::kDuplicateLabelName:
      return "duplicate_label_name";
    case RejectReason::kNoLabels:
      return "no_labels";
    case RejectReason::kTooManyLabels:
      return "too_many_labels";
    case RejectReason::kLabelNameTooLong:
      return "label_name_too_long";
    case RejectReason::kLabelValueTooLong:
      return "label_value_too_long";
    case RejectReason::kSeriesLimit:
      return "series_limit";
    case RejectReason::kUnknownSeriesRef:
      return "unknown_series_ref";
    case RejectReason::kTooFarInFuture:
      return "too_far_in_future";
    case RejectReason::kOutOfRetention:
      return "out_of_retention";
    case RejectReason::kInvalidHistogram:
      return "invalid_histogram";
    case RejectReason::kInvalidExemplar:
      return "invalid_exemplar";
  }
  return "unknown";
}

}  // namespace varve

namespace varve::engine {
namespace {

constexpr int64_t kMaintenancePollMs = 100;

// {name="value",...}, quoted so that different selectors have different texts.
std::string SelectorText(std::span<const Matcher> selector) {
  static constexpr std::string_view kOperators[] = {"=", "!=", "=~", "!~"};
  std::string text = "{";
  for (const Matcher& matcher : selector) {
    if (text.size() > 1) text += ",";
    text += matcher.name;
    text += kOperators[static_cast<size_t>(matcher.op)];
    text += '"';
    for (const char c : matcher.value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c == '\n' ? "\\n" : std::string(1, c);
    }
    text += '"';
  }
  return text + "}";
}

std::string ParentOf(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  const size_t slash = end == std::string::npos ? end : path.find_last_of('/', end);
  if (slash == std::string::npos) return ".";
  const size_t last = path.find_last_not_of('/', slash);
  return last == std::string::npos ? "/" : path.substr(0, last + 1);
}

// Creates `path` and the parents it lacks, and makes their names durable.
Status CreateDurably(FileSystem* file_system, const std::string& path) {
  std::vector<std::string> parents;  // of what is missing
  for (std::string at = path;;) {
    ASSIGN_OR_RETURN(const bool exists, file_system->Exists(at));
    if (exists) break;
    parents.push_back(ParentOf(at));
    if (parents.back() == at) break;
    at = parents.back();
  }
  RETURN_IF_ERROR(file_system->CreateDirectory(path));
  for (const std::string& parent : parents) RETURN_IF_ERROR(file_system->SyncDirectory(parent));
  return OkStatus();
}

// A directory without a store must hold nothing else than what an unfinished creation leaves, so
// that a mistyped path does not fill somebody's directory.
Status RequireOurs(FileSystem* file_system, const std::string& path) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system->List(path));
  for (const std::string& name : names) {
    if (name == "LOCK" || name == "journal" || name == "lost+found") continue;
    if (name.ends_with(".yaml")) continue;  // a server's configuration
    return FailedPreconditionError("it holds \"" + name +
                                   "\" but no database; a new one needs an empty directory");
  }
  return OkStatus();
}

}  // namespace

Result<std::unique_ptr<Database>> OpenDatabase(const Options& options, const std::string& path,
                                               FileSystem* file_system) {
  ASSIGN_OR_RETURN(std::unique_ptr<DatabaseImpl> database,
                   DatabaseImpl::Open(options, path, file_system));
  return std::unique_ptr<Database>(std::move(database));
}

std::unique_ptr<Reader> NewReader(Database* database) {
  auto* impl = dynamic_cast<DatabaseImpl*>(database);
  VARVE_CHECK(impl != nullptr);
  return impl->NewReader();
}

DatabaseImpl::DatabaseImpl(const Options& options, std::string path, FileSystem* file_system)
    : options_(options),
      path_(std::move(path)),
      file_system_(file_system),
      head_(options),
      span_cache_(options.trace_cache_bytes) {}

Result<std::unique_ptr<DatabaseImpl>> DatabaseImpl::Open(const Options& options,
                                                         const std::string& path,
                                                         FileSystem* file_system) {
  std::unique_ptr<DatabaseImpl> database(new DatabaseImpl(options, path, file_system));
  RETURN_IF_ERROR(database->OpenStore().WithContext("opening database " + path));
  RETURN_IF_ERROR(database->Recover().WithContext("recovering database " + path));
  database->StartThreads();
  return database;
}

Status DatabaseImpl::OpenStore() {
  ASSIGN_OR_RETURN(const bool exists, file_system_->Exists(path_ + "/store"));
  if (!exists && !options_.create_if_missing) {
    return NotFoundError("there is no database, and create_if_missing is off");
  }
  RETURN_IF_ERROR(CreateDurably(file_system_, path_));
  if (!exists) RETURN_IF_ERROR(RequireOurs(file_system_, path_));
  ASSIGN_OR_RETURN(lock_, file_system_->Lock(path_ + "/LOCK"));
  kv::StoreOptions store_options;
  store_options.cache_bytes = options_.storage_cache_bytes;
  if (options_.log) {
    store_options.log = [log = options_.log](std::string_view message) {
      log(LogLevel::kWarning, message);
    };
  }
  ASSIGN_OR_RETURN(store_, kv::Store::Open(file_system_, path_ + "/store", store_options));
  ASSIGN_OR_RETURN(const std::optional<std::string> tombstones, store_->GetState(kTombstonesKey));
  if (tombstones) {
    ASSIGN_OR_RETURN(TombstoneList list, DecodeTombstones(*tombstones));
    tombstones_.Publish(std::move(list));
  }
  if (options_.keep_rules) {
    RETURN_IF_ERROR(KeepRules());
  } else {
    RETURN_IF_ERROR(AssignRetentionClasses());
    RETURN_IF_ERROR(AssignDownsamplingLevels());
  }
  metadata_ = std::make_unique<MetadataRegistry>(store_.get());
  return metadata_->Load();
}

namespace {

std::string Ms(int64_t ms) { return std::to_string(ms) + " ms"; }

// Of the calling thread, for good.
void LowerPriority() {
  constexpr int kNiceness = 10;
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness));
}

// Somebody waits for it, but those who write and ask meanwhile go first.
Status AtLowPriority(const std::function<Status()>& work) {
  Status status;
  std::thread worker([&] {
    pthread_setname_np(pthread_self(), "varve-compact");
    LowerPriority();
    status = work();
  });
  worker.join();
  return status;
}

Status CheckLevels(std::span<const DownsamplingLevel> levels) {
  constexpr int64_t kSecondMs = 1000;
  constexpr int64_t kDayMs = 86'400'000;
  if (levels.empty()) return InvalidArgumentError("no resolution is named");
  const DownsamplingLevel* previous = nullptr;
  for (const DownsamplingLevel& level : levels) {
    const int64_t resolution_ms = level.resolution_ms;
    if (resolution_ms < kSecondMs || kDayMs % resolution_ms != 0) {
      return InvalidArgumentError("resolution " + Ms(resolution_ms) +
                                  " does not divide a day, or is less than a second");
    }
    if (previous != nullptr && (resolution_ms <= previous->resolution_ms ||
                                resolution_ms % levels.front().resolution_ms != 0)) {
      return InvalidArgumentError("resolution " + Ms(resolution_ms) +
                                  " is not a larger multiple of " +
                                  Ms(levels.front().resolution_ms));
    }
    if (level.after_ms < 0) return InvalidArgumentError("after " + Ms(level.after_ms));
    if (level.retention_ms < 0 ||
        (level.retention_ms != 0 && level.retention_ms <= level.after_ms + kDayMs)) {
      return InvalidArgumentError("made after " + Ms(level.after_ms) + " and kept for " +
                                  Ms(level.retention_ms) + ": not a day");
    }
    const int64_t source_ms = levels.front().retention_ms;
    if (previous != nullptr && source_ms != 0 && source_ms <= level.after_ms + kDayMs) {
      return InvalidArgumentError("resolution " + Ms(resolution_ms) + " is made after " +
                                  Ms(level.after_ms) + ", when " +
                                  Ms(levels.front().resolution_ms) + " has gone");
    }
    previous = &level;
  }
  return OkStatus();
}

}  // namespace

Status DatabaseImpl::KeepRules() {
  if (!options_.retention_rules.empty() || !options_.downsampling_rules.empty()) {
    return InvalidArgumentError("options that keep a database's rules bring rules");
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> state,
                   store_->GetState(compaction::kRetentionNumbersKey));
  compaction::RetentionNumbers numbers;
  if (state) {
    ASSIGN_OR_RETURN(numbers, compaction::DecodeRetentionNumbers(*state));
  }
  classes_ = compaction::RetentionClasses::OfUnknownRules(numbers);
  return OkStatus();
}

Status DatabaseImpl::AssignRetentionClasses() {
  std::string text;
  std::vector<compaction::RetentionRule> rules;
  for (const RetentionRule& rule : options_.retention_rules) {
    compaction::RetentionRule compiled;
    compiled.text = SelectorText(rule.selector);
    ASSIGN_OR_RETURN(compiled.selector, CompileMatchers(rule.selector));
    compiled.retention_ms = rule.retention_ms;
    text += compiled.text + "\n";
    rules.push_back(std::move(compiled));
  }
  ASSIGN_OR_RETURN(const uint16_t first_class,
                   NumbersFor(compaction::kRetentionNumbersKey, text, rules.size()));
  classes_ = compaction::RetentionClasses(first_class, std::move(rules), options_.retention_ms);
  return OkStatus();
}

Result<uint16_t> DatabaseImpl::NumbersFor(std::string_view key, const std::string& rules,
                                          size_t count) {
  compaction::RetentionNumbers before;
  ASSIGN_OR_RETURN(const std::optional<std::string> state, store_->GetState(key));
  if (state) {
    ASSIGN_OR_RETURN(before, compaction::DecodeRetentionNumbers(*state));
  }
  ASSIGN_OR_RETURN(const compaction::RetentionNumbers numbers,
                   compaction::NextRetentionNumbers(before, rules, count));
  if (numbers != before) {
    kv::CatalogEdit edit;
    edit.put_state.emplace_back(key, compaction::EncodeRetentionNumbers(numbers));
    RETURN_IF_ERROR(store_->Commit(edit));
  }
  return numbers.first_class;
}

Status DatabaseImpl::AssignDownsamplingLevels() {
  std::string text;
  std::vector<compaction::DownsamplingRule> rules;
  size_t level_count = 0;
  for (const DownsamplingRule& rule : options_.downsampling_rules) {
    compaction::DownsamplingRule compiled;
    compiled.text = SelectorText(rule.selector);
    RETURN_IF_ERROR(CheckLevels(rule.levels).WithContext("downsampling of " + compiled.text));
    ASSIGN_OR_RETURN(compiled.selector, CompileMatchers(rule.selector));
    text += compiled.text;
    for (const DownsamplingLevel& level : rule.levels) {
      compiled.levels.push_back({level.resolution_ms, level.after_ms, level.retention_ms});
      text += " " + std::to_string(level.resolution_ms);
      ++level_count;
    }
    text += "\n";
    rules.push_back(std::move(compiled));
  }
  ASSIGN_OR_RETURN(const uint16_t first_number,
                   NumbersFor(compaction::kDownsamplingNumbersKey, text, level_count));
  downsampling_ =
      compaction::DownsamplingRules(first_number, std::move(rules), classes_.longest_ms());
  return OkStatus();
}

Status DatabaseImpl::Recover() {
  const int64_t started_ns = Clock::System()->SteadyNs();
  auto log = [this](LogLevel level, std::string_view message) {
    if (options_.log) options_.log(level, message);
  };
  const std::string journal_directory = path_ + "/journal";
  RETURN_IF_ERROR(file_system_->CreateDirectory(journal_directory));
  // The names of the journal's and the store's directories: what is synced in them must be found
  // after a power loss.
  RETURN_IF_ERROR(file_system_->SyncDirectory(path_));
  ASSIGN_OR_RETURN(RecoveredHead recovered,
                   RecoverHead(file_system_, path_, journal_directory, store_.get(), &head_,
                               &exemplars_, &spans_, log));
  recovery_damaged_records_ = recovered.damaged_records;
  journal::WriterOptions journal_options;
  journal_options.database_id = store_->database_id();
  journal_ = std::make_unique<journal::Writer>(file_system_, journal_directory, journal_options,
                                               recovered.next_segment);
  commits_ = std::make_unique<CommitQueue>(&head_, &exemplars_, &spans_, journal_.get(),
                                           options_.durability, recovered.next_sequence);
  const std::vector<JournaledSpans> journaled_spans = std::move(recovered.spans);
  const std::string span_state = std::move(recovered.span_state);
  MaintenanceContext context;
  context.options = &options_;
  context.file_system = file_system_;
  context.directory = path_;
  context.store = store_.get();
  context.head = &head_;
  context.exemplars = &exemplars_;
  context.spans = &spans_;
  context.span_cache = &span_cache_;
  context.journal = journal_.get();
  context.commits = commits_.get();
  context.readers = &readers_;
  context.tombstones = &tombstones_;
  context.classes = &classes_;
  context.downsampling = &downsampling_;
  context.now_ms = [this] { return NowMs(); };
  context.write_span_metrics = [this] {
    return span_metrics_ == nullptr ? OkStatus() : span_metrics_->WriteWithState();
  };
  context.log = log;
  maintenance_ = std::make_unique<Maintenance>(std::move(context), std::move(recovered));
  if (options_.span_metrics) RecoverSpanMetrics(journaled_spans, span_state);
  recovery_ms_ = static_cast<uint64_t>((Clock::System()->SteadyNs() - started_ns) / 1'000'000);
  return OkStatus();
}

void DatabaseImpl::StartThreads() {
  maintenance_thread_ = std::thread([this] { MaintenanceLoop(); });
  pthread_setname_np(maintenance_thread_.native_handle(), "varve-maint");
  merge_thread_ = std::thread([this] { MergeLoop(); });
  pthread_setname_np(merge_thread_.native_handle(), "varve-merge");
  if (options_.durability != Durability::kInterval) return;
  sync_thread_ = std::thread([this] { SyncLoop(); });
  pthread_setname_np(sync_thread_.native_handle(), "varve-sync");
}

void DatabaseImpl::StopThreads() {
  {
    MutexLock lock(&threads_mutex_);
    stopping_ = true;
    threads_changed_.NotifyAll();
  }
  if (merge_thread_.joinable()) {
    maintenance_->CancelMerges();
    merge_thread_.join();
  }
  if (maintenance_thread_.joinable()) maintenance_thread_.join();
  if (sync_thread_.joinable()) sync_thread_.join();
}

void DatabaseImpl::MaintenanceLoop() {
  while (true) {
    {
      MutexLock lock(&threads_mutex_);
      if (!stopping_) threads_changed_.WaitForMs(&threads_mutex_, kMaintenancePollMs);
      if (stopping_) return;
    }
    if (span_metrics_ != nullptr) {
      // A failure is sticky where it comes from, and reported there.
      static_cast<void>(span_metrics_->WriteDue());
    }
    maintenance_->RunDue();
  }
}

// Merges get what processor time ingest and queries leave over.
void DatabaseImpl::MergeLoop() {
  LowerPriority();
  while (true) {
    {
      MutexLock lock(&threads_mutex_);
      if (!stopping_) threads_changed_.WaitForMs(&threads_mutex_, kMaintenancePollMs);
      if (stopping_) return;
    }
    maintenance_->RunMergesDue();
  }
}

void DatabaseImpl::SyncLoop() {
  while (true) {
    {
      MutexLock lock(&threads_mutex_);
      if (!stopping_) threads_changed_.WaitForMs(&threads_mutex_, options_.durability_interval_ms);
      if (stopping_) return;
    }
    // A failure is sticky in the journal, so the next append reports it.
    if (Status status = journal_->Sync(); !status.ok() && options_.log) {
      options_.log(LogLevel::kError, status.WithContext("journal").ToString());
    }
  }
}

DatabaseImpl::~DatabaseImpl() { StopThreads(); }

Status DatabaseImpl::Close() {
  WriterLock lock(&open_mutex_);
  if (closed_) return OkStatus();
  closed_ = true;
  StopThreads();
  const Status checkpointed = maintenance_->Checkpoint();
  RETURN_IF_ERROR(journal_->Close());
  return checkpointed;
}

Status DatabaseImpl::CheckOpen() const {
  return closed_ ? FailedPreconditionError("the database is closed") : OkStatus();
}

int64_t DatabaseImpl::NowMs() const {
  return options_.now_ms ? options_.now_ms() : Clock::System()->NowMs();
}

Status DatabaseImpl::CheckPressure(const WriteBatch& batch) {
  if (!batch.exemplars().empty() && exemplars_.bytes() > 2 * ExemplarStore::kBytesMax) {
    refused_pressure_.fetch_add(1, std::memory_order_relaxed);
    return ResourceExhaustedError("exemplar memory: " + std::to_string(exemplars_.bytes()) +
                                  " bytes wait to be written to a part");
  }
  if (head_.sample_bytes() > options_.head_bytes_max + options_.head_bytes_max / 2) {
    refused_pressure_.fetch_add(1, std::memory_order_relaxed);
    return ResourceExhaustedError("head memory: " + std::to_string(head_.sample_bytes()) +
                                  " bytes of samples wait to be flushed, the limit is " +
                                  std::to_string(options_.head_bytes_max));
  }
  return CheckDisk();
}

Status DatabaseImpl::CheckDisk() {
  if (options_.free_disk_bytes_min == 0) return OkStatus();
  ASSIGN_OR_RETURN(const uint64_t free_bytes, file_system_->FreeBytes(path_));
  if (free_bytes >= options_.free_disk_bytes_min) return OkStatus();
  refused_pressure_.fetch_add(1, std::memory_order_relaxed);
  return ResourceExhaustedError("free disk: " + std::to_string(free_bytes) +
                                " bytes are left on the file system of " + path_ +
                                ", the floor is " + std::to_string(options_.free_disk_bytes_min));
}

std::unique_ptr<PreparedBatch> DatabaseImpl::TakeScratch() {
  MutexLock lock(&scratch_mutex_);
  if (scratch_.empty()) return std::make_unique<PreparedBatch>();
  std::unique_ptr<PreparedBatch> scratch = std::move(scratch_.back());
  scratch_.pop_back();
  return scratch;
}

void DatabaseImpl::ReturnScratch(std::unique_ptr<PreparedBatch> scratch) {
  scratch->Reset(nullptr);
  constexpr size_t kKeptBytesMax = size_t{4} << 20;
  if (scratch->journal_buffer.size() > kKeptBytesMax) return;
  MutexLock lock(&scratch_mutex_);
  if (scratch_.size() < kScratchMax) scratch_.push_back(std::move(scratch));
}

Result<AppendResult> DatabaseImpl::Append(WriteBatch* batch) {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  RETURN_IF_ERROR(CheckPressure(*batch));
  if (!batch->metadata().empty()) RETURN_IF_ERROR(metadata_->Update(batch->metadata()));
  std::unique_ptr<PreparedBatch> scratch = TakeScratch();
  scratch->Reset(batch);
  Result<AppendResult> result = AppendPrepared(scratch.get());
  ReturnScratch(std::move(scratch));
  return result;
}

Result<AppendResult> DatabaseImpl::AppendPrepared(PreparedBatch* batch) {
  int64_t min_ms = 0;
  int64_t exemplar_min_ms = 0;
  int64_t max_ms = INT64_MAX;
  const int64_t retention_ms = classes_.longest_ms();
  if (retention_ms != 0 || options_.exemplar_retention_ms != 0 || options_.future_limit_ms != 0) {
    const int64_t now_ms = NowMs();
    if (retention_ms != 0) min_ms = std::max<int64_t>(0, now_ms - retention_ms);
    if (options_.exemplar_retention_ms != 0) {
      exemplar_min_ms = std::max<int64_t>(0, now_ms - options_.exemplar_retention_ms);
    }
    if (options_.future_limit_ms != 0 && options_.future_limit_ms < INT64_MAX - now_ms) {
      max_ms = now_ms + options_.future_limit_ms;
    }
  }
  PrepareExemplars(&head_, options_, exemplar_min_ms, max_ms, batch);
  head_.Prepare(batch, min_ms, max_ms);
  if (!batch->runs.empty() || !batch->exemplar_body.empty()) {
    if (batch->pending.empty()) EncodeSampleRecord(batch);
    RETURN_IF_ERROR(commits_->Commit(batch));
  }
  for (const SeriesRun& run : batch->runs) {
    batch->result.samples_appended += run.sample_count;
    batch->result.histograms_appended += run.histogram_count;
  }
  series_created_.fetch_add(batch->created.size(), std::memory_order_relaxed);
  CountAppend(batch->result);
  return std::move(batch->result);
}

void DatabaseImpl::CountAppend(const AppendResult& result) {
  samples_appended_.fetch_add(result.samples_appended + result.histograms_appended,
                              std::memory_order_relaxed);
  for (const Rejection& rejection : result.rejections) {
    samples_rejected_[static_cast<size_t>(rejection.reason)].fetch_add(rejection.sample_count,
                                                                       std::memory_order_relaxed);
  }
}

Status DatabaseImpl::Flush() {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  return maintenance_->Flush();
}

Status DatabaseImpl::Checkpoint() {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  return maintenance_->Checkpoint();
}

Status DatabaseImpl::Maintain() {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  return AtLowPriority([this] { return maintenance_->Maintain(); });
}

Result<CompactReport> DatabaseImpl::Compact() {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  CompactReport report;
  RETURN_IF_ERROR(AtLowPriority([this] { return maintenance_->Flush(); }));
  report.parts_before = store_->current()->parts.size();
  report.bytes_before = store_->disk_bytes();
  RETURN_IF_ERROR(AtLowPriority([this] { return maintenance_->Compact(); }));
  report.parts_after = store_->current()->parts.size();
  report.bytes_after = store_->disk_bytes();
  return report;
}

Status DatabaseImpl::Snapshot(const std::string& directory) {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  return maintenance_->Snapshot(directory);
}

Result<VerifyReport> DatabaseImpl::Verify() {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  return maintenance_->Verify();
}

Result<RepairReport> DatabaseImpl::Repair() {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  return maintenance_->Repair();
}

std::vector<PartDescription> DatabaseImpl::Parts() {
  ReaderLock lock(&open_mutex_);
  if (!CheckOpen().ok()) return {};
  return maintenance_->Parts();
}

Result<BackupReport> DatabaseImpl::Backup(const std::string& backup_directory) {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  const MutexLock one_at_a_time(&backup_mutex_);
  const std::string snapshot = path_ + "/backup-snapshot";
  RemoveTree(file_system_, snapshot);  // what a killed backup left
  RETURN_IF_ERROR(maintenance_->Snapshot(snapshot));
  Result<BackupReport> report =
      BackUpDirectory(file_system_, snapshot, backup_directory, Clock::System()->NowMs());
  RemoveTree(file_system_, snapshot);
  return report;
}

Result<std::vector<ExpiringPart>> DatabaseImpl::Expiring(std::optional<int64_t> at_ms) {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  return maintenance_->Expiring(at_ms.value_or(NowMs()));
}

std::unique_ptr<Reader> DatabaseImpl::NewReader() {
  return std::make_unique<MetricsReader>(&head_, store_.get(), &readers_, &tombstones_);
}

Result<std::unique_ptr<SeriesCursor>> DatabaseImpl::Read(std::span<const Selector> selectors,
                                                         TimeRange range) {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  MetricsReader reader(&head_, store_.get(), &readers_, &tombstones_);
  ASSIGN_OR_RETURN(auto selection, reader.SelectUnion(selectors, range));
  return std::unique_ptr<SeriesCursor>(
      std::make_unique<SelectionCursor>(std::move(selection), range));
}

Result<std::vector<SeriesExemplars>> DatabaseImpl::Exemplars(std::span<const Selector> selectors,
                                                             TimeRange range) {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  return SelectExemplars(exemplars_, *store_, tombstones_, selectors, range);
}

Result<uint64_t> DatabaseImpl::CountSeries(std::span<const Selector> selectors, TimeRange range) {
  MetricsReader reader(&head_, store_.get(), &readers_, &tombstones_);
  ASSIGN_OR_RETURN(auto selection, reader.SelectUnion(selectors, range));
  uint64_t count = 0;
  SampleBuffer samples;
  for (size_t i = 0; i < selection->series_count(); ++i) {
    RETURN_IF_ERROR(selection->Read(i, range.min_ms, range.max_ms, &samples));
    count += samples.size() == 0 ? 0 : 1;
  }
  return count;
}

Result<DeleteReport> DatabaseImpl::Delete(std::span<const Selector> selectors, TimeRange range) {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  if (selectors.empty()) return InvalidArgumentError("a delete needs a selector");
  Tombstone tombstone;
  ASSIGN_OR_RETURN(tombstone.compiled, CompileSelectors(selectors));
  tombstone.selectors.assign(selectors.begin(), selectors.end());
  tombstone.range = range;
  DeleteReport report;
  if (range.min_ms > range.max_ms) return report;
  ASSIGN_OR_RETURN(report.series_matched, CountSeries(selectors, range));
  // Twice: no view may show the deletion before the history knows it, and what was computed from a
  // view without it must not pass for newer than it.
  head_.write_history.Record(range.min_ms);
  const Status deleted = maintenance_->Delete(std::move(tombstone));
  head_.write_history.Record(range.min_ms);
  RETURN_IF_ERROR(deleted);
  return report;
}

std::vector<MetricMetadata> DatabaseImpl::Metadata() { return metadata_->All(); }

DatabaseStatistics DatabaseImpl::Statistics() {
  DatabaseStatistics statistics;
  {
    ReaderLock lock(&head_.index_mutex);
    statistics.head_series_count = head_.index.series_count();
    statistics.head_index_bytes = head_.index.memory_bytes();
  }
  const HeadCounters counters = head_.counters();
  statistics.head_index_bytes += statistics.head_series_count * sizeof(HeadSeries);
  statistics.head_chunk_count = counters.sealed_chunks;
  statistics.head_sample_bytes = counters.sample_bytes;
  const auto [min_ms, max_ms] = head_.TimeRangeMs();
  if (min_ms <= max_ms) {
    statistics.head_min_time_ms = min_ms;
    statistics.head_max_time_ms = max_ms;
  }
  statistics.samples_appended = samples_appended_.load();
  for (size_t i = 0; i < kRejectReasonCount; ++i)
    statistics.samples_rejected[i] = samples_rejected_[i].load();
  statistics.samples_duplicate = counters.duplicates;
  statistics.samples_overwritten = counters.overwritten;
  statistics.samples_out_of_order = counters.late + counters.backfill;
  statistics.series_created = series_created_.load();
  statistics.spans_appended = spans_appended_.load();
  statistics.spans_rejected = spans_rejected_.load();
  if (span_metrics_ != nullptr) {
    const SpanMetricsCounters of_spans = span_metrics_->counters();
    statistics.span_metrics_counted = of_spans.counted;
    statistics.span_metrics_late = of_spans.late;
    statistics.span_metrics_repeated = of_spans.repeated;
    statistics.span_metrics_overflowed = of_spans.overflowed;
    statistics.span_metrics_series = of_spans.series;
  }
  statistics.head_span_count = spans_.span_count();
  statistics.head_span_bytes = spans_.bytes();
  statistics.appends_refused_pressure = refused_pressure_.load();
  statistics.journal_bytes_written = journal_->bytes_appended();
  statistics.journal_sync_count = journal_->sync_count();
  const MaintenanceCounters maintenance = maintenance_->counters();
  statistics.checkpoint_count = maintenance.checkpoints;
  statistics.flush_count = maintenance.flushes;
  statistics.merge_count = maintenance.merges;
  statistics.downsample_count = maintenance.downsamples;
  statistics.flush_bytes_written = maintenance.flush_bytes;
  statistics.merge_bytes_written = maintenance.merge_bytes;
  statistics.merge_bytes_replaced = maintenance.merge_bytes_replaced;
  const std::shared_ptr<const kv::CatalogVersion> version = store_->current();  // keeps the parts
  for (const auto& part : version->parts) {
    ++statistics.part_count;
    if (part->info().signal == format::Signal::kTraces) {
      statistics.part_span_count += part->info().sample_count;
      statistics.part_span_bytes += part->info().bytes();
    }
    if (part->info().signal != format::Signal::kMetrics) continue;
    if (part->info().tier == format::Tier::kRollup) {
      statistics.rollup_row_count += part->info().sample_count;
      statistics.rollup_bytes += part->info().bytes();
    } else {
      statistics.part_sample_count += part->info().sample_count;
    }
  }
  statistics.part_bytes = store_->disk_bytes();
  statistics.journal_bytes = maintenance_->journal_bytes();
  statistics.recovery_damaged_records = recovery_damaged_records_;
  statistics.recovery_ms = recovery_ms_;
  return statistics;
}

}  // namespace varve::engine
