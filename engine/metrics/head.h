// Head: the recent samples of every live series, in memory, with their index.
//
// Invariants:
//   1. Series are created, removed and written to by one thread at a time, the leader of a commit
//   (CommitQueue).
//   2. Lock order: index_mutex, then visibility_mutex.
//   3. A batch's samples become visible under one hold of the visibility lock, so a snapshot sees
//   all of it or nothing.
//   4. A series id is never reused while the database is open, nor by recovery.
//
// Thread safety: as each method says; the locks are public to the few classes of this folder that
// combine them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/mutex.h"
#include "engine/metrics/head_series.h"
#include "engine/metrics/prepared_batch.h"
#include "engine/reader.h"
#include "engine/write_history.h"
#include "index/head_index.h"
#include "storage/file_system.h"
#include "varve/database.h"
#include "varve/options.h"

namespace varve::engine {

// The samples of one series as a snapshot holds them: chunks oldest first, the late ones apart
// because they win.
struct SnapshotSeries {
  index::SeriesId id = index::kNoSeriesId;
  uint32_t chunk_begin = 0;  // into HeadSnapshot::chunks
  uint32_t in_order_count = 0;
  uint32_t late_count = 0;  // follow the in-order ones
};

// Checkpoint files that sealed chunks may point into.
using MappedFiles = std::vector<std::shared_ptr<const RandomAccessFile>>;

// What one selector sees of the head. Owns or shares everything it points to.
struct HeadSnapshot {
  std::vector<SnapshotSeries> series;
  std::vector<format::ChunkView> chunks;
  std::vector<SealedChunkPtr> pins;
  std::shared_ptr<const MappedFiles> files;
  Arena copies;        // of open chunks
  std::string labels;  // canonical bytes of series i: [label_begin[i], label_begin[i + 1])
  std::vector<size_t> label_begin{0};
};

// Compiled matchers of one selector: all must hold.
using CompiledSelector = std::vector<index::LabelMatcher>;

struct HeadSelect {
  std::span<const CompiledSelector> selectors;  // their union; none: every series
  int64_t min_ms = 0;
  int64_t max_ms = 0;
};

// Everything that was sealed at one moment, for a checkpoint or a flush.
struct FrozenSeries {
  index::SeriesId id = index::kNoSeriesId;
  SealedChunkPtr newest;  // head of its list of sealed chunks; may be null
  int64_t max_time_ms = 0;
  uint64_t newest_fingerprint = 0;
};

class Head {
 public:
  static constexpr uint32_t kSeriesPerBlock = 8192;
  // Numbers are used once: ten million new series a day last for more than a year.
  static constexpr uint32_t kBlockCount = (1 << 19) - 1;
  // Series ids lie below.
  static constexpr index::SeriesId kIdEnd = kSeriesPerBlock * kBlockCount;

  explicit Head(const Options& options);
  ~Head();
  Head(const Head&) = delete;
  Head& operator=(const Head&) = delete;

  // Resolves the batch's series, refuses what is invalid (labels, references, times outside
  // [min_time, max_time]). Any thread.
  void Prepare(PreparedBatch* batch, int64_t min_time_ms, int64_t max_time_ms)
      EXCLUDES(index_mutex);
  // Creates the pending series and drops runs whose series has gone since Prepare. Leader only.
  void CreatePending(PreparedBatch* batch) EXCLUDES(index_mutex);
  // Appends all runs. Leader only.
  void Apply(const PreparedBatch& batch) REQUIRES(visibility_mutex);

  // Takes one consistent snapshot for all selects. Any thread.
  std::vector<HeadSnapshot> Snapshot(std::span<const HeadSelect> selects)
      EXCLUDES(index_mutex, visibility_mutex) {
    return *Snapshot(selects, nullptr);
  }
  // As above, ended by an error of `check`.
  Result<std::vector<HeadSnapshot>> Snapshot(std::span<const HeadSelect> selects,
                                             const SelectCheck& check)
      EXCLUDES(index_mutex, visibility_mutex);

  // Calls visit(canonical labels) for every series that matches and may have a sample in the
  // select's range. `visit` runs under the index lock and must not call back. Any thread.
  void VisitLabels(const HeadSelect& select, const std::function<void(std::string_view)>& visit)
      EXCLUDES(index_mutex, visibility_mutex);

  // Removes series that CreatePending made for a batch that did not reach the journal: a later
  // record that names them would name nothing after a restart. Leader only.
  void TakeBackCreated(std::span<const index::SeriesId> ids)
      EXCLUDES(index_mutex, visibility_mutex);

  // For recovery. Single-threaded use only; ids ascend. A series may come back under a new id after
  // it left memory idle; then the new one takes the place of the old. kDataLoss for labels that are
  // not canonical and ids that contradict.
  Status RestoreSeries(index::SeriesId id, std::string_view labels);
  // Makes room for labels about to be restored under a new id. kDataLoss when the series that has
  // them holds samples.
  Status DropSuperseded(std::string_view labels) EXCLUDES(index_mutex, visibility_mutex);
  // REQUIRES: id < kIdEnd.
  void RestoreSeries(index::SeriesId id, std::span<const index::PairId> pairs, uint64_t hash);

  // Seals everything and lists the series that have sealed chunks (or all series). Leader only.
  enum class FreezeScope { kSeriesWithChunks, kAllSeries };
  std::vector<FrozenSeries> Freeze(FreezeScope scope) EXCLUDES(index_mutex, visibility_mutex);
  // Puts replacements[i] (chunks that lie in `files`) in the place of what frozen[i] holds; null,
  // or an empty span: the samples are in parts now. From now on sealed chunks point into no other
  // mapping than `files`. One thread at a time, the one that froze.
  void Replace(std::span<const FrozenSeries> frozen, std::span<SealedChunk* const> replacements,
               std::shared_ptr<const MappedFiles> files) EXCLUDES(index_mutex, visibility_mutex);
  // Ids of the series that any selector selects, ascending. Any thread.
  std::vector<index::SeriesId> Select(std::span<const CompiledSelector> selectors)
      EXCLUDES(index_mutex);
  // What was the newest sample of these series, if it lies in the range and in a part, is deleted:
  // it no longer tells what is late, nor what is a duplicate. Leader only.
  void ForgetNewest(std::span<const index::SeriesId> ids, TimeRange range)
      EXCLUDES(index_mutex, visibility_mutex);
  // Which series are idle: their newest sample is more than `silence_ms` older than that of the
  // series in the middle. Not than the newest of all, which may come from a clock that runs ahead.
  struct Idleness {
    int64_t before_ms = INT64_MIN;  // idle is whose newest sample is older
    size_t idle_count = 0;
    size_t series_count = 0;
  };
  Idleness CountIdle(int64_t silence_ms) EXCLUDES(index_mutex, visibility_mutex);
  // Removes series without samples whose newest sample is older than `before_ms`. Leader only.
  void RemoveIdle(int64_t before_ms) EXCLUDES(index_mutex, visibility_mutex);

  // REQUIRES: the index has `id`. The pointer is stable until the series is removed.
  HeadSeries* series(index::SeriesId id) const {
    return &blocks_[id / kSeriesPerBlock].load(std::memory_order_acquire)[id % kSeriesPerBlock];
  }
  index::SeriesId next_id() const { return next_id_.load(std::memory_order_relaxed); }
  void ReserveIds(index::SeriesId next) {
    next_id_.store(std::max(next, next_id()), std::memory_order_relaxed);
  }
  uint64_t index_generation() const { return index_generation_.load(std::memory_order_acquire); }
  // Of the samples in the head; min > max when there are none.
  std::pair<int64_t, int64_t> TimeRangeMs() const;
  void WidenTimeRange(int64_t min_ms, int64_t max_ms);
  // The range of what a flush takes away. It stays part of TimeRangeMs until ForgetFlushedRange
  // says that the samples have left the head; after a failed flush the next one gets it again.
  // Leader only.
  std::pair<int64_t, int64_t> BeginFlushRange();
  void ForgetFlushedRange();
  HeadCounters counters() EXCLUDES(visibility_mutex);
  uint64_t sample_bytes() const { return sample_bytes_.load(std::memory_order_relaxed); }

  WriteHistory write_history;  // recorded under the visibility lock
  SharedMutex index_mutex;
  Mutex visibility_mutex;
  index::HeadIndex index GUARDED_BY(index_mutex);
  HeadCounters mutable_counters GUARDED_BY(visibility_mutex);
  std::shared_ptr<const MappedFiles> mapped_files GUARDED_BY(visibility_mutex);

  // Publishes what `mutable_counters` says of memory. Call after changing series.
  void PublishCounters() REQUIRES(visibility_mutex);

 private:
  std::vector<index::SeriesId> MatchAny(std::span<const CompiledSelector> selectors) const
      REQUIRES_SHARED(index_mutex);
  void ApplyRun(const PreparedBatch& batch, const SeriesRun& run) REQUIRES(visibility_mutex);
  HeadSeries* AddSlot(index::SeriesId id);
  void RemoveSlot(index::SeriesId id) REQUIRES(visibility_mutex);
  Status RemoveSuperseded(index::SeriesId id) REQUIRES(index_mutex) EXCLUDES(visibility_mutex);
  bool SelectSeries(const HeadSelect& select, index::SeriesId id, HeadSnapshot* snapshot)
      REQUIRES(visibility_mutex) REQUIRES_SHARED(index_mutex);

  const Options options_;
  const std::unique_ptr<std::atomic<HeadSeries*>[]> blocks_;
  std::vector<uint32_t> block_live_counts_;
  std::atomic<index::SeriesId> next_id_{0};
  std::atomic<uint64_t> index_generation_{1};             // grows when series are removed
  std::atomic<int64_t> min_time_ms_{INT64_MAX};           // since the last flush began
  std::atomic<int64_t> flushing_min_time_ms_{INT64_MAX};  // of what a flush is taking away
  std::atomic<int64_t> max_time_ms_{INT64_MIN};
  std::atomic<uint64_t> sample_bytes_{0};
};

}  // namespace varve::engine
