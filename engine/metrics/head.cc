#include "engine/metrics/head.h"

#include <algorithm>

#include "base/check.h"
#include "base/status_macros.h"
#include "storage/format/label_bytes.h"

namespace varve::engine {

namespace {

// The series' newest sample ever is in the head.
bool HoldsNewest(const HeadSeries& series) {
  if (series.has_open_chunk()) return true;
  for (const SealedChunk* chunk = series.newest; chunk != nullptr; chunk = chunk->older) {
    if (chunk->max_time_ms == series.max_time_ms) return true;
  }
  return false;
}

}  // namespace

Head::Head(const Options& options)
    : options_(options), blocks_(std::make_unique<std::atomic<HeadSeries*>[]>(kBlockCount)) {}

Head::~Head() {
  HeadCounters counters;
  for (uint32_t block = 0; block < kBlockCount; ++block) {
    HeadSeries* all = blocks_[block].load(std::memory_order_relaxed);
    if (all == nullptr) continue;
    for (uint32_t i = 0; i < kSeriesPerBlock; ++i) DestroySeries(&all[i], &counters);
    delete[] all;
  }
}

HeadSeries* Head::AddSlot(index::SeriesId id) {
  const uint32_t block = id / kSeriesPerBlock;
  VARVE_CHECK(block < kBlockCount);
  if (blocks_[block].load(std::memory_order_relaxed) == nullptr) {
    blocks_[block].store(new HeadSeries[kSeriesPerBlock], std::memory_order_release);
  }
  if (block_live_counts_.size() <= block) block_live_counts_.resize(block + 1);
  ++block_live_counts_[block];
  return series(id);
}

void Head::RemoveSlot(index::SeriesId id) {
  DestroySeries(series(id), &mutable_counters);
  const uint32_t block = id / kSeriesPerBlock;
  // The newest block still gets series.
  if (--block_live_counts_[block] == 0 && block + 1 < block_live_counts_.size()) {
    delete[] blocks_[block].exchange(nullptr, std::memory_order_acq_rel);
  }
}

void Head::ApplyRun(const PreparedBatch& batch, const SeriesRun& run) {
  HeadSeries* const target = series(run.id);
  const int64_t window_ms = options_.out_of_order_window_ms;
  for (uint32_t i = run.sample_begin; i < run.sample_begin + run.sample_count; ++i) {
    const Sample& sample = batch.samples[i];
    AppendToSeries(target, sample.timestamp_ms, sample.value, batch.start_ms(i), window_ms,
                   &mutable_counters);
  }
  for (uint32_t i = run.histogram_begin; i < run.histogram_begin + run.histogram_count; ++i) {
    AppendToSeries(target, *batch.histograms[i], window_ms, &mutable_counters);
  }
}

void Head::Apply(const PreparedBatch& batch) {
  constexpr size_t kPrefetchSeries = 8;
  constexpr size_t kPrefetchPayload = 4;
  const std::span<const SeriesRun> runs = batch.runs;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (i + kPrefetchSeries < runs.size()) {
      const char* ahead = reinterpret_cast<const char*>(series(runs[i + kPrefetchSeries].id));
      __builtin_prefetch(ahead, 1);
      __builtin_prefetch(ahead + 64, 1);
    }
    if (i + kPrefetchPayload < runs.size()) {
      const HeadSeries* ahead = series(runs[i + kPrefetchPayload].id);
      __builtin_prefetch(ahead->payload + ahead->encoder.bit_count / 8, 1);
    }
    ApplyRun(batch, runs[i]);
  }
  if (runs.empty()) return;
  WidenTimeRange(batch.min_time_ms, batch.max_time_ms);
  write_history.Record(batch.min_time_ms);
}

void Head::TakeBackCreated(std::span<const index::SeriesId> ids) {
  if (ids.empty()) return;
  WriterLock index_lock(&index_mutex);
  MutexLock lock(&visibility_mutex);
  index.Remove(ids);
  for (const index::SeriesId id : ids) RemoveSlot(id);
  index_generation_.fetch_add(1, std::memory_order_acq_rel);
}

Status Head::DropSuperseded(std::string_view labels) {
  WriterLock lock(&index_mutex);
  index::SeriesId found = index::kNoSeriesId;
  uint64_t hash = 0;
  index.Lookup({&labels, 1}, {&found, 1}, {&hash, 1});
  return found == index::kNoSeriesId ? OkStatus() : RemoveSuperseded(found);
}

Status Head::RemoveSuperseded(index::SeriesId id) {
  MutexLock lock(&visibility_mutex);
  if (!series(id)->empty()) {
    return DataLossError("series " + std::to_string(id) +
                         " has samples and is defined again under another number");
  }
  index.Remove({&id, 1});
  RemoveSlot(id);
  return OkStatus();
}

Status Head::RestoreSeries(index::SeriesId id, std::string_view labels) {
  RETURN_IF_ERROR(format::CheckCanonical(labels));
  if (labels.empty()) return DataLossError("series " + std::to_string(id) + " has no labels");
  WriterLock lock(&index_mutex);
  index::SeriesId found = index::kNoSeriesId;
  uint64_t hash = 0;
  index.Lookup({&labels, 1}, {&found, 1}, {&hash, 1});
  if (found == id) return OkStatus();
  if (id < next_id() || id >= kIdEnd) {
    return DataLossError("series " + std::to_string(id) +
                         " contradicts what was recovered before it");
  }
  if (found != index::kNoSeriesId) RETURN_IF_ERROR(RemoveSuperseded(found));
  index.Insert(id, labels, hash);
  AddSlot(id);
  ReserveIds(id + 1);
  return OkStatus();
}

void Head::RestoreSeries(index::SeriesId id, std::span<const index::PairId> pairs, uint64_t hash) {
  WriterLock lock(&index_mutex);
  index.InsertPairs(id, pairs, hash);
  AddSlot(id);
  ReserveIds(id + 1);
}

std::vector<FrozenSeries> Head::Freeze(FreezeScope scope) {
  std::vector<FrozenSeries> frozen;
  ReaderLock index_lock(&index_mutex);
  const std::vector<index::SeriesId> ids = index.Match({});
  if (scope == FreezeScope::kAllSeries) frozen.reserve(ids.size());
  MutexLock lock(&visibility_mutex);
  for (const index::SeriesId id : ids) {
    HeadSeries* target = series(id);
    SealSeries(target, &mutable_counters);
    if (target->newest == nullptr && scope == FreezeScope::kSeriesWithChunks) continue;
    frozen.push_back(
        {id, SealedChunkPtr(target->newest), target->max_time_ms, target->newest_fingerprint});
  }
  PublishCounters();
  return frozen;
}

void Head::Replace(std::span<const FrozenSeries> frozen, std::span<SealedChunk* const> replacements,
                   std::shared_ptr<const MappedFiles> files) {
  std::vector<SealedChunkPtr> released;  // freed after the locks
  released.reserve(frozen.size());
  ReaderLock index_lock(&index_mutex);
  MutexLock lock(&visibility_mutex);
  for (size_t i = 0; i < frozen.size(); ++i) {
    SealedChunk* const old = frozen[i].newest.get();
    if (old == nullptr) continue;
    SealedChunk* const replacement = replacements.empty() ? nullptr : replacements[i];
    SealedChunk** link = &series(frozen[i].id)->newest;
    while (*link != old) {
      VARVE_CHECK(*link != nullptr);
      link = &(*link)->older;
    }
    for (const SealedChunk* chunk = old; chunk != nullptr; chunk = chunk->older) {
      mutable_counters.sample_bytes -= SealedChunkBytes(*chunk);
      --mutable_counters.sealed_chunks;
    }
    for (const SealedChunk* chunk = replacement; chunk != nullptr; chunk = chunk->older) {
      mutable_counters.sample_bytes += SealedChunkBytes(*chunk);
      ++mutable_counters.sealed_chunks;
    }
    SealedChunkPtr::Acquire(replacement);
    *link = replacement;
    released.emplace_back(old);
    SealedChunkPtr::Release(old);  // the list's reference; `released` holds one
  }
  mapped_files.swap(files);  // the old ones go after the lock
  PublishCounters();
}

std::vector<index::SeriesId> Head::Select(std::span<const CompiledSelector> selectors) {
  ReaderLock lock(&index_mutex);
  return MatchAny(selectors);
}

void Head::ForgetNewest(std::span<const index::SeriesId> ids, TimeRange range) {
  ReaderLock index_lock(&index_mutex);
  MutexLock lock(&visibility_mutex);
  for (const index::SeriesId id : ids) {
    if (!index.Contains(id)) continue;
    HeadSeries* target = series(id);
    if (target->max_time_ms < range.min_ms || target->max_time_ms > range.max_ms) continue;
    if (target->empty()) {
      target->max_time_ms = INT64_MIN;
    } else if (!HoldsNewest(*target)) {
      // Late samples are here, so times must go on to be late; but nothing is a duplicate of it.
      target->newest_fingerprint = ~target->newest_fingerprint;
    }
  }
}

Head::Idleness Head::CountIdle(int64_t silence_ms) {
  std::vector<int64_t> newest_ms;
  {
    ReaderLock index_lock(&index_mutex);
    const std::vector<index::SeriesId> ids = index.Match({});
    newest_ms.reserve(ids.size());
    MutexLock lock(&visibility_mutex);
    for (const index::SeriesId id : ids) newest_ms.push_back(series(id)->max_time_ms);
  }
  Idleness idleness;
  idleness.series_count = newest_ms.size();
  if (newest_ms.empty()) return idleness;
  const auto middle = newest_ms.begin() + static_cast<ptrdiff_t>(newest_ms.size() / 2);
  std::nth_element(newest_ms.begin(), middle, newest_ms.end());
  if (*middle < INT64_MIN + silence_ms) return idleness;
  idleness.before_ms = *middle - silence_ms;
  idleness.idle_count = static_cast<size_t>(std::count_if(
      newest_ms.begin(), middle, [&](int64_t time_ms) { return time_ms < idleness.before_ms; }));
  return idleness;
}

void Head::RemoveIdle(int64_t before_ms) {
  WriterLock index_lock(&index_mutex);
  MutexLock lock(&visibility_mutex);
  std::vector<index::SeriesId> idle;
  for (const index::SeriesId id : index.Match({})) {
    const HeadSeries* candidate = series(id);
    if (candidate->empty() && candidate->max_time_ms < before_ms) idle.push_back(id);
  }
  if (idle.empty()) return;
  index.Remove(idle);
  for (const index::SeriesId id : idle) RemoveSlot(id);
  index_generation_.fetch_add(1, std::memory_order_acq_rel);
  PublishCounters();
}

std::pair<int64_t, int64_t> Head::TimeRangeMs() const {
  // In the opposite order of BeginFlushRange, so that the range is in one of the two.
  const int64_t since_flush_ms = min_time_ms_.load(std::memory_order_acquire);
  const int64_t flushing_ms = flushing_min_time_ms_.load(std::memory_order_relaxed);
  return {std::min(since_flush_ms, flushing_ms), max_time_ms_.load(std::memory_order_relaxed)};
}

void Head::WidenTimeRange(int64_t min_ms, int64_t max_ms) {
  if (min_ms < min_time_ms_.load(std::memory_order_relaxed))
    min_time_ms_.store(min_ms, std::memory_order_relaxed);
  if (max_ms > max_time_ms_.load(std::memory_order_relaxed))
    max_time_ms_.store(max_ms, std::memory_order_relaxed);
}

std::pair<int64_t, int64_t> Head::BeginFlushRange() {
  const auto range = TimeRangeMs();
  flushing_min_time_ms_.store(range.first, std::memory_order_relaxed);
  min_time_ms_.store(INT64_MAX, std::memory_order_release);
  return range;
}

void Head::ForgetFlushedRange() {
  flushing_min_time_ms_.store(INT64_MAX, std::memory_order_relaxed);
}

HeadCounters Head::counters() {
  MutexLock lock(&visibility_mutex);
  return mutable_counters;
}

void Head::PublishCounters() {
  sample_bytes_.store(mutable_counters.sample_bytes, std::memory_order_relaxed);
}

}  // namespace varve::engine
