#include "engine/metrics/maintenance.h"

#include <algorithm>
#include <utility>

#include "base/heap_trim.h"
#include "base/status_macros.h"
#include "compaction/exemplar_part.h"
#include "compaction/merge.h"
#include "compaction/planner.h"
#include "engine/metrics/exemplar_flush.h"
#include "engine/metrics/flush.h"
#include "engine/metrics/select.h"
#include "engine/traces/span_flush.h"

namespace varve::engine {
namespace {

// A series without samples in the head leaves memory when it has been silent so long
// (Head::CountIdle). Should it be written to again, it is made anew.
constexpr int64_t kIdleSeriesMs = int64_t{3} * 60 * 1000;
// The head is flushed for the sake of idle series when one in eight is idle, and at least so many.
constexpr size_t kIdleSeriesMin = 10'000;
constexpr size_t kIdleSeriesShare = 8;
// Bulk loads of history span much time at once, and series that are written to now and then look
// idle; neither alone starts flushes faster than this.
constexpr int64_t kSpanFlushIntervalNs = int64_t{60} * 1'000'000'000;
constexpr int64_t kRetryIntervalNs = int64_t{5} * 1'000'000'000;

}  // namespace

Maintenance::Maintenance(MaintenanceContext context, RecoveredHead recovered)
    : context_(std::move(context)),
      manifest_(std::move(recovered.manifest)),
      series_checkpointed_(recovered.series_checkpointed),
      last_flush_ns_(Clock::System()->SteadyNs()),
      journal_bytes_replayed_(recovered.journal_bytes),
      mapped_files_(std::move(recovered.mapped_files)) {}

Status Maintenance::Checkpoint() {
  MutexLock lock(&mutex_);
  return CheckpointLocked();
}

Status Maintenance::Flush() {
  MutexLock lock(&mutex_);
  return FlushLocked(nullptr);
}

Status Maintenance::Delete(Tombstone tombstone) {
  MutexLock lock(&mutex_);
  return FlushLocked(std::make_shared<Tombstone>(std::move(tombstone)));
}

Status Maintenance::CommitManifest(HeadManifest next, kv::CatalogEdit edit) {
  RETURN_IF_ERROR(context_.file_system->SyncDirectory(context_.directory));
  edit.put_state.emplace_back(kManifestKey, EncodeHeadManifest(next));
  RETURN_IF_ERROR(context_.store->Commit(edit));
  manifest_ = std::move(next);
  return OkStatus();
}

// A number is used once, even if writing or committing fails: whether a failed commit reached the
// disk is unknown, and what it may name must not be overwritten.
uint64_t Maintenance::TakeFileNumber(HeadManifest* next) {
  const uint64_t number = manifest_.next_file++;
  next->next_file = manifest_.next_file;
  return number;
}

Status Maintenance::WriteCheckpointFile(uint64_t number, std::span<const index::SeriesId> series,
                                        std::span<const FrozenSeries> frozen,
                                        std::vector<uint64_t>* payload_offsets) {
  const std::string name = CheckpointFileName(number);
  Status status = WriteCheckpoint(context_.file_system, context_.directory + "/" + name,
                                  context_.store->database_id(), context_.head, series, frozen,
                                  payload_offsets);
  if (!status.ok())
    RemoveFiles({&name, 1});  // it may be in the way of what comes next: the disk may be full
  return status;
}

// Spans that were set aside leave the journal soon: what is counted of them goes into it first.
Status Maintenance::AfterFreeze(const Status& new_segment) {
  RETURN_IF_ERROR(new_segment);
  Report("span metrics", context_.write_span_metrics());
  return OkStatus();
}

Status Maintenance::CheckpointLocked() {
  Result<uint64_t> segment = uint64_t{0};
  std::vector<FrozenSeries> frozen;
  std::shared_ptr<const ExemplarMap> exemplars;
  HeadManifest next = manifest_;
  const uint64_t journal_end = journal_bytes_replayed_ + context_.journal->bytes_appended();
  context_.commits->RunAlone([&] {
    segment = context_.journal->StartSegment();
    if (!segment.ok()) return;
    frozen = context_.head->Freeze(Head::FreezeScope::kSeriesWithChunks);
    exemplars = context_.exemplars->Freeze();  // after the head: all groups before are applied
    context_.spans->Freeze();
    next.sequence = context_.commits->last_sequence();
    next.next_series_id = context_.head->next_id();
  });
  RETURN_IF_ERROR(AfterFreeze(segment.status()));
  if (next.sequence == manifest_.sequence && next.next_series_id == manifest_.next_series_id)
    return OkStatus();

  std::vector<index::SeriesId> new_series;
  for (uint64_t id = series_checkpointed_; id < next.next_series_id; ++id) {
    new_series.push_back(static_cast<index::SeriesId>(id));
  }
  const uint64_t number = TakeFileNumber(&next);
  std::vector<uint64_t> payload_offsets;
  RETURN_IF_ERROR(WriteCheckpointFile(number, new_series, frozen, &payload_offsets));
  next.first_segment = *segment;
  next.files.push_back(CheckpointFileName(number));
  kv::CatalogEdit edit;
  RETURN_IF_ERROR(WriteExemplars(*exemplars, next.sequence, &edit));
  RETURN_IF_ERROR(WriteSpans(next.sequence, &edit));
  RETURN_IF_ERROR(CommitManifest(std::move(next), std::move(edit)));
  context_.exemplars->DropFrozen();
  context_.spans->DropFrozen();
  series_checkpointed_ = manifest_.next_series_id;
  journal_bytes_at_checkpoint_.store(journal_end);
  ++checkpoints_;
  RETURN_IF_ERROR(AdoptCheckpoint(context_.directory + "/" + CheckpointFileName(number), frozen,
                                  payload_offsets));
  return context_.journal->RemoveSegmentsBefore(manifest_.first_segment);
}

Status Maintenance::WriteExemplars(const ExemplarMap& frozen, uint64_t max_sequence,
                                   kv::CatalogEdit* edit) {
  ASSIGN_OR_RETURN(
      std::vector<format::PartInfo> parts,
      WriteExemplarParts(context_.store, frozen, manifest_.sequence + 1, max_sequence));
  edit->add.insert(edit->add.end(), parts.begin(), parts.end());
  return OkStatus();
}

Status Maintenance::WriteSpans(uint64_t max_sequence, kv::CatalogEdit* edit) {
  ASSIGN_OR_RETURN(const HeadSpanBlocks blocks, context_.spans->FrozenBlocks());
  ASSIGN_OR_RETURN(std::vector<format::PartInfo> parts,
                   WriteSpanParts(context_.store, blocks, manifest_.sequence + 1, max_sequence));
  edit->add.insert(edit->add.end(), parts.begin(), parts.end());
  return OkStatus();
}

// From now on the chunks are read from the file; their memory is given back.
Status Maintenance::AdoptCheckpoint(const std::string& path, std::span<const FrozenSeries> frozen,
                                    std::span<const uint64_t> payload_offsets) {
  ASSIGN_OR_RETURN(std::shared_ptr<const RandomAccessFile> file,
                   context_.file_system->OpenMapped(path));
  ASSIGN_OR_RETURN(const std::string_view bytes, file->Read(0, file->size(), nullptr));
  std::vector<SealedChunk*> replacements;
  replacements.reserve(frozen.size());
  std::vector<SealedChunk*> chunks;
  size_t next_offset = 0;
  for (const FrozenSeries& series : frozen) {
    SealedChunk* older = nullptr;
    UnwrittenChunks(series, &chunks, &older);
    for (const SealedChunk* chunk : chunks) {
      auto* mapped = new SealedChunk;
      mapped->payload_bytes = chunk->payload_bytes;
      mapped->min_time_ms = chunk->min_time_ms;
      mapped->max_time_ms = chunk->max_time_ms;
      mapped->payload =
          reinterpret_cast<const uint8_t*>(bytes.data()) + payload_offsets[next_offset++];
      mapped->sample_count = chunk->sample_count;
      mapped->arrival = chunk->arrival;
      mapped->codec = chunk->codec;
      mapped->older = older;
      SealedChunkPtr::Acquire(older);
      older = mapped;
    }
    replacements.push_back(older);
  }
  mapped_files_.push_back(std::move(file));
  context_.head->Replace(frozen, replacements, std::make_shared<const MappedFiles>(mapped_files_));
  return OkStatus();
}

void Maintenance::RemoveFiles(std::span<const std::string> names) {
  for (const std::string& name : names) {
    const Status status = context_.file_system->Remove(context_.directory + "/" + name);
    if (status.ok() || status.code() == StatusCode::kNotFound) continue;
    context_.log(LogLevel::kWarning, status.WithContext("removing an old checkpoint").ToString());
  }
}

Status Maintenance::FlushLocked(std::shared_ptr<Tombstone> tombstone) {
  Result<uint64_t> segment = uint64_t{0};
  std::vector<FrozenSeries> frozen;
  std::shared_ptr<const ExemplarMap> exemplars;
  HeadManifest next = manifest_;
  std::pair<int64_t, int64_t> range;
  const uint64_t journal_end = journal_bytes_replayed_ + context_.journal->bytes_appended();
  context_.commits->RunAlone([&] {
    segment = context_.journal->StartSegment();
    if (!segment.ok()) return;
    frozen = context_.head->Freeze(Head::FreezeScope::kAllSeries);
    exemplars = context_.exemplars->Freeze();
    context_.spans->Freeze();
    range = context_.head->BeginFlushRange();
    next.sequence = context_.commits->last_sequence();
    next.next_series_id = context_.head->next_id();
  });
  RETURN_IF_ERROR(AfterFreeze(segment.status()));
  last_flush_ns_ = Clock::System()->SteadyNs();
  const bool any_chunk = std::any_of(frozen.begin(), frozen.end(),
                                     [](const FrozenSeries& s) { return bool(s.newest); });
  const bool any_span = context_.spans->span_count() > 0;
  if (!any_chunk && !any_span && exemplars->empty() && tombstone == nullptr) {
    context_.head->ForgetFlushedRange();
    return OkStatus();
  }
  kv::CatalogEdit edit;
  if (any_chunk) {
    const FlushInput input{frozen, range.first, range.second, manifest_.flushed_sequence + 1,
                           next.sequence};
    ASSIGN_OR_RETURN(edit.add, WriteParts(context_.store, context_.head, input, *context_.classes));
  }
  RETURN_IF_ERROR(WriteExemplars(*exemplars, next.sequence, &edit));
  RETURN_IF_ERROR(WriteSpans(next.sequence, &edit));
  std::vector<index::SeriesId> all_series;
  for (const FrozenSeries& series : frozen) all_series.push_back(series.id);
  const std::vector<FrozenSeries> without_samples = SeriesTable(frozen, tombstone.get());
  const uint64_t number = TakeFileNumber(&next);
  std::vector<uint64_t> payload_offsets;
  RETURN_IF_ERROR(WriteCheckpointFile(number, all_series, without_samples, &payload_offsets));
  next.flushed_sequence = next.sequence;
  next.first_segment = *segment;
  const std::vector<std::string> old_files =
      std::exchange(next.files, {CheckpointFileName(number)});
  uint64_t part_bytes = 0;
  for (const format::PartInfo& part : edit.add) part_bytes += part.bytes();
  TombstoneList tombstones;
  if (tombstone != nullptr) tombstones = AddTombstone(tombstone, &edit);
  RETURN_IF_ERROR(CommitManifest(std::move(next), std::move(edit)));
  series_checkpointed_ = manifest_.next_series_id;
  journal_bytes_at_checkpoint_.store(journal_end);
  ++flushes_;
  flush_bytes_ += part_bytes;
  // Readers look at the head first and at the catalog after it, so they miss nothing between these
  // two steps.
  mapped_files_.clear();
  context_.exemplars->DropFrozen();
  context_.spans->DropFrozen();
  context_.head->Replace(frozen, {}, nullptr);
  context_.head->ForgetFlushedRange();
  if (tombstone != nullptr) {
    // After the head let go: who sees the tombstone finds nothing there that it should hide.
    context_.tombstones->Publish(std::move(tombstones));
    const std::vector<index::SeriesId> ids = context_.head->Select(tombstone->compiled);
    context_.commits->RunAlone([&] { context_.head->ForgetNewest(ids, tombstone->range); });
  }
  RemoveFiles(old_files);
  RemoveIdleSeries();
  return context_.journal->RemoveSegmentsBefore(manifest_.first_segment);
}

// The journal's records name series by number: the next recovery needs the table, without samples.
std::vector<FrozenSeries> Maintenance::SeriesTable(std::span<const FrozenSeries> frozen,
                                                   const Tombstone* tombstone) {
  std::vector<index::SeriesId> forgotten;  // whose newest sample may be deleted
  if (tombstone != nullptr) forgotten = context_.head->Select(tombstone->compiled);
  std::vector<FrozenSeries> table;
  table.reserve(frozen.size());
  for (const FrozenSeries& series : frozen) {
    table.push_back({series.id, SealedChunkPtr(), series.max_time_ms, series.newest_fingerprint});
    if (tombstone != nullptr && series.max_time_ms >= tombstone->range.min_ms &&
        series.max_time_ms <= tombstone->range.max_ms &&
        std::binary_search(forgotten.begin(), forgotten.end(), series.id)) {
      table.back().max_time_ms = INT64_MIN;
    }
  }
  return table;
}

namespace {

// False when none of the part's series is selected.
bool MayHold(const std::shared_ptr<const kv::Part>& part,
             std::span<const CompiledSelector> selectors) {
  const auto index = index::PartIndexReader::Open(part);
  if (!index.ok()) return true;
  const auto ordinals = MatchAny(**index, selectors);
  return !ordinals.ok() || !ordinals->empty();
}

}  // namespace

TombstoneList Maintenance::AddTombstone(std::shared_ptr<Tombstone> tombstone,
                                        kv::CatalogEdit* edit) {
  std::vector<format::PartInfo> parts = edit->add;
  const std::shared_ptr<const kv::CatalogVersion> version = context_.store->current();
  for (const auto& part : version->parts) {
    if (MayHold(part, tombstone->compiled)) parts.push_back(part->info());
  }
  for (const format::PartInfo& part : parts) {
    if (part.min_time_ms > tombstone->range.max_ms || part.max_time_ms < tombstone->range.min_ms) {
      continue;
    }
    if (part.signal == format::Signal::kMetrics || part.signal == format::Signal::kExemplars) {
      tombstone->part_ids.push_back(part.part_id);
    }
  }
  std::sort(tombstone->part_ids.begin(), tombstone->part_ids.end());
  TombstoneList tombstones = *context_.tombstones->current();
  if (!tombstone->part_ids.empty()) tombstones.push_back(std::move(tombstone));
  edit->put_state.emplace_back(kTombstonesKey, EncodeTombstones(tombstones));
  return tombstones;
}

void Maintenance::RemoveIdleSeries() {
  const int64_t before_ms = context_.head->CountIdle(kIdleSeriesMs).before_ms;
  context_.commits->RunAlone([&] { context_.head->RemoveIdle(before_ms); });
}

bool Maintenance::ManySeriesIdle() {
  const index::SeriesId next_id = context_.head->next_id();
  if (next_id - next_id_at_idle_check_ < kIdleSeriesMin) return false;
  next_id_at_idle_check_ = next_id;
  const Head::Idleness idleness = context_.head->CountIdle(kIdleSeriesMs);
  return idleness.idle_count >= kIdleSeriesMin &&
         idleness.idle_count >= idleness.series_count / kIdleSeriesShare;
}

bool Maintenance::FlushDue() {
  if (context_.head->sample_bytes() >= context_.options->head_bytes_max) return true;
  const bool flushed_lately = Clock::System()->SteadyNs() - last_flush_ns_ <= kSpanFlushIntervalNs;
  if (!flushed_lately && ManySeriesIdle()) return true;
  const auto [min_ms, max_ms] = context_.head->TimeRangeMs();
  return min_ms < max_ms && max_ms - min_ms > context_.options->head_span_ms_max &&
         Clock::System()->SteadyNs() - last_flush_ns_ > kSpanFlushIntervalNs;
}

bool Maintenance::CheckpointDue() const {
  return journal_bytes() >= context_.options->checkpoint_journal_bytes ||
         context_.exemplars->bytes() >= ExemplarStore::kBytesMax;
}

uint64_t Maintenance::journal_bytes() const {
  return journal_bytes_replayed_ + context_.journal->bytes_appended() -
         journal_bytes_at_checkpoint_.load();
}

void Maintenance::Report(std::string_view what, const Status& status) {
  if (status.ok()) return;
  context_.log(LogLevel::kError, status.WithContext(what).ToString());
  retry_after_ns_ = Clock::System()->SteadyNs() + kRetryIntervalNs;
}

void Maintenance::RunDue() {
  MutexLock lock(&mutex_);
  const int64_t now_ns = Clock::System()->SteadyNs();
  if (now_ns < retry_after_ns_) return;
  Report("encoding spans", context_.spans->SealDue());
  if (FlushDue()) {
    Report("flush", FlushLocked(nullptr));
    TrimHeap();  // what held the flushed samples and series is spread over the heap
  } else if (CheckpointDue()) {
    Report("checkpoint", CheckpointLocked());
  }
}

MaintenanceCounters Maintenance::counters() const {
  return {checkpoints_.load(),         flushes_.load(),     merges_.load(),
          downsamples_.load(),         flush_bytes_.load(), merge_bytes_.load(),
          merge_bytes_replaced_.load()};
}

}  // namespace varve::engine
