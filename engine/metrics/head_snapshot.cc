#include <algorithm>
#include <iterator>

#include "base/status_macros.h"
#include "compaction/merge.h"
#include "engine/metrics/head.h"
#include "engine/metrics/select_meter.h"

namespace varve::engine {
namespace {

// What a snapshot holds for a chunk: its view, and its share of the copies of open chunks.
constexpr uint64_t kChunkBytes = sizeof(format::ChunkView) + 128;

bool Touches(int64_t min_ms, int64_t max_ms, const HeadSelect& select) {
  return min_ms <= select.max_ms && max_ms >= select.min_ms;
}

void AddSealed(const HeadSeries& series, const HeadSelect& select, Arrival arrival,
               HeadSnapshot* snapshot) {
  const size_t begin = snapshot->chunks.size();
  for (SealedChunk* chunk = series.newest; chunk != nullptr; chunk = chunk->older) {
    if (chunk->arrival != arrival || !Touches(chunk->min_time_ms, chunk->max_time_ms, select))
      continue;
    snapshot->chunks.push_back(chunk->View());
    snapshot->pins.emplace_back(chunk);
  }
  std::reverse(snapshot->chunks.begin() + static_cast<ptrdiff_t>(begin), snapshot->chunks.end());
}

void AddOpen(const HeadSeries& series, const HeadSelect& select, HeadSnapshot* snapshot) {
  if (!series.has_open_chunk() || !Touches(series.open_min_time_ms, series.max_time_ms, select))
    return;
  std::string scratch;
  format::ChunkView view = ViewOpenChunk(series, &scratch);
  view.payload = snapshot->copies.Copy(view.payload);
  snapshot->chunks.push_back(view);
}

void AddLateBuffer(const HeadSeries& series, const HeadSelect& select, HeadSnapshot* snapshot) {
  const LateBuffer* late = series.late();
  if (late == nullptr || !Touches(late->min_time_ms(), late->max_time_ms(), select)) return;
  compaction::EncodedChunks encoded;
  compaction::EncodeChunks(late->samples(), &encoded);
  for (format::ChunkView view : encoded.chunks) {
    view.payload = snapshot->copies.Copy(view.payload);
    snapshot->chunks.push_back(view);
  }
}

bool SeriesTouches(const HeadSeries& series, const HeadSelect& select) {
  if (series.has_open_chunk() && Touches(series.open_min_time_ms, series.max_time_ms, select))
    return true;
  for (const SealedChunk* chunk = series.newest; chunk != nullptr; chunk = chunk->older) {
    if (Touches(chunk->min_time_ms, chunk->max_time_ms, select)) return true;
  }
  const LateBuffer* late = series.late();
  return late != nullptr && Touches(late->min_time_ms(), late->max_time_ms(), select);
}

}  // namespace

std::vector<index::SeriesId> Head::MatchAny(std::span<const CompiledSelector> selectors) const {
  if (selectors.empty()) return index.Match({});
  std::vector<index::SeriesId> ids = index.Match(selectors.front());
  for (const CompiledSelector& selector : selectors.subspan(1)) {
    const std::vector<index::SeriesId> matched = index.Match(selector);
    std::vector<index::SeriesId> both;
    std::set_union(ids.begin(), ids.end(), matched.begin(), matched.end(),
                   std::back_inserter(both));
    ids = std::move(both);
  }
  return ids;
}

void Head::VisitLabels(const HeadSelect& select,
                       const std::function<void(std::string_view)>& visit) {
  ReaderLock index_lock(&index_mutex);
  std::vector<index::SeriesId> ids = MatchAny(select.selectors);
  {
    MutexLock lock(&visibility_mutex);
    std::erase_if(ids, [&](index::SeriesId id) { return !SeriesTouches(*series(id), select); });
  }
  std::string labels;
  for (const index::SeriesId id : ids) {
    labels.clear();
    index.AppendLabels(id, &labels);
    visit(labels);
  }
}

bool Head::SelectSeries(const HeadSelect& select, index::SeriesId id, HeadSnapshot* snapshot) {
  const HeadSeries& target = *series(id);
  SnapshotSeries selected;
  selected.id = id;
  selected.chunk_begin = static_cast<uint32_t>(snapshot->chunks.size());
  AddSealed(target, select, Arrival::kInOrder, snapshot);
  AddOpen(target, select, snapshot);
  selected.in_order_count = static_cast<uint32_t>(snapshot->chunks.size()) - selected.chunk_begin;
  AddSealed(target, select, Arrival::kLate, snapshot);
  AddLateBuffer(target, select, snapshot);
  selected.late_count = static_cast<uint32_t>(snapshot->chunks.size()) - selected.chunk_begin -
                        selected.in_order_count;
  if (selected.in_order_count + selected.late_count == 0) return false;
  snapshot->series.push_back(selected);
  return true;
}

Result<std::vector<HeadSnapshot>> Head::Snapshot(std::span<const HeadSelect> selects,
                                                 const SelectCheck& check) {
  std::vector<HeadSnapshot> snapshots(selects.size());
  // Matching runs under the shared lock; the leader that creates series waits for it, so the ids
  // are complete for every batch that was applied before the visibility lock is taken.
  ReaderLock index_lock(&index_mutex);
  std::vector<std::vector<index::SeriesId>> ids(selects.size());
  for (size_t i = 0; i < selects.size(); ++i) ids[i] = MatchAny(selects[i].selectors);
  {
    SelectMeter meter(check);
    MutexLock lock(&visibility_mutex);
    for (size_t i = 0; i < selects.size(); ++i) {
      snapshots[i].files = mapped_files;
      for (const index::SeriesId id : ids[i]) {
        const size_t chunk_count = snapshots[i].chunks.size();
        SelectSeries(selects[i], id, &snapshots[i]);
        RETURN_IF_ERROR(meter.Add((snapshots[i].chunks.size() - chunk_count) * kChunkBytes));
      }
    }
  }
  for (HeadSnapshot& snapshot : snapshots) {
    for (const SnapshotSeries& selected : snapshot.series) {
      index.AppendLabels(selected.id, &snapshot.labels);
      snapshot.label_begin.push_back(snapshot.labels.size());
    }
  }
  return snapshots;
}

}  // namespace varve::engine
