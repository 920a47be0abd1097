#include <algorithm>
#include <cstddef>
#include <limits>

#include "base/check.h"
#include "base/status_macros.h"
#include "compaction/merge.h"

namespace varve::compaction {
namespace {

using format::ChunkView;

// Where the output ended before a call, so that an error leaves the columns as they were.
class Columns {
 public:
  Columns(std::vector<int64_t>* timestamps_ms, std::vector<double>* values)
      : timestamps_ms_(timestamps_ms), values_(values), size_before_(timestamps_ms->size()) {
    VARVE_CHECK(timestamps_ms->size() == values->size());
  }

  size_t size() const { return timestamps_ms_->size(); }

  void Restore() {
    timestamps_ms_->resize(size_before_);
    values_->resize(size_before_);
  }

  // Decodes `chunk` and keeps what lies in [min_ms, max_ms].
  Status AppendChunk(const ChunkView& chunk, int64_t min_ms, int64_t max_ms) {
    const size_t begin = size();
    RETURN_IF_ERROR(format::DecodeChunk(chunk, timestamps_ms_, values_));
    if (chunk.max_time_ms > max_ms) {
      const auto end = std::upper_bound(At(begin), timestamps_ms_->end(), max_ms);
      timestamps_ms_->erase(end, timestamps_ms_->end());
      values_->resize(timestamps_ms_->size());
    }
    if (chunk.min_time_ms < min_ms) {
      const auto first = std::lower_bound(At(begin), timestamps_ms_->end(), min_ms);
      const auto drop = first - At(begin);
      timestamps_ms_->erase(At(begin), first);
      const auto value_begin = values_->begin() + static_cast<ptrdiff_t>(begin);
      values_->erase(value_begin, value_begin + drop);
    }
    return OkStatus();
  }

  void AppendRun(const int64_t* timestamps_ms, const double* values, size_t count) {
    timestamps_ms_->insert(timestamps_ms_->end(), timestamps_ms, timestamps_ms + count);
    values_->insert(values_->end(), values, values + count);
  }

  bool EndsAt(int64_t time_ms) const {
    return size() > size_before_ && timestamps_ms_->back() == time_ms;
  }

 private:
  std::vector<int64_t>::iterator At(size_t i) {
    return timestamps_ms_->begin() + static_cast<ptrdiff_t>(i);
  }

  std::vector<int64_t>* timestamps_ms_;
  std::vector<double>* values_;
  const size_t size_before_;
};

bool Touches(const ChunkView& chunk, int64_t min_ms, int64_t max_ms) {
  return chunk.max_time_ms >= min_ms && chunk.min_time_ms <= max_ms;
}

// True when the chunks that touch the range, taken source by source, already ascend without
// overlap.
bool InOrder(std::span<const std::span<const ChunkView>> sources, int64_t min_ms, int64_t max_ms) {
  const ChunkView* previous = nullptr;
  for (const std::span<const ChunkView>& source : sources) {
    for (const ChunkView& chunk : source) {
      if (!Touches(chunk, min_ms, max_ms)) continue;
      if (previous != nullptr && chunk.min_time_ms <= previous->max_time_ms) return false;
      previous = &chunk;
    }
  }
  return true;
}

struct RankedChunk {
  const ChunkView* chunk;
  size_t rank;  // place among the chunks in order of age; at one timestamp the highest rank wins
};

std::vector<RankedChunk> TouchingByTime(std::span<const std::span<const ChunkView>> sources,
                                        int64_t min_ms, int64_t max_ms) {
  std::vector<RankedChunk> chunks;
  for (const std::span<const ChunkView>& source : sources) {
    for (const ChunkView& chunk : source) {
      if (Touches(chunk, min_ms, max_ms)) chunks.push_back({&chunk, chunks.size()});
    }
  }
  std::sort(chunks.begin(), chunks.end(), [](const RankedChunk& a, const RankedChunk& b) {
    if (a.chunk->min_time_ms != b.chunk->min_time_ms) {
      return a.chunk->min_time_ms < b.chunk->min_time_ms;
    }
    return a.rank < b.rank;
  });
  return chunks;
}

// The samples of a decoded chunk that are not yet merged; never empty.
struct Run {
  size_t at;
  size_t end;
  size_t rank;
};

// Merges chunks that overlap each other. A heap holds only the runs that are open at the time being
// written, and a run is copied in one piece up to the next sample of any other, so that one stray
// sample costs two copies, not a comparison per sample.
class OverlapMerger {
 public:
  OverlapMerger(int64_t min_ms, int64_t max_ms, Columns* out)
      : min_ms_(min_ms), max_ms_(max_ms), out_(out) {}

  // REQUIRES: sorted by min_time_ms.
  Status Merge(std::span<const RankedChunk> chunks) {
    timestamps_ms_.clear();
    values_.clear();
    heap_.clear();
    for (size_t next = 0; next < chunks.size() || !heap_.empty();) {
      const bool opens =
          next < chunks.size() &&
          (heap_.empty() || chunks[next].chunk->min_time_ms <= TimeOf(heap_.front()));
      if (opens) {
        RETURN_IF_ERROR(Open(chunks[next++]));
        continue;
      }
      CopyFirstRun(next < chunks.size() ? chunks[next].chunk->min_time_ms : kNever);
    }
    return OkStatus();
  }

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  int64_t TimeOf(const Run& run) const { return timestamps_ms_[run.at]; }

  // Orders a max-heap so that its front is the earliest sample, and of equal times the newest.
  bool After(const Run& a, const Run& b) const {
    if (TimeOf(a) != TimeOf(b)) return TimeOf(a) > TimeOf(b);
    return a.rank < b.rank;
  }

  void Push(const Run& run) {
    heap_.push_back(run);
    std::push_heap(heap_.begin(), heap_.end(),
                   [this](const Run& a, const Run& b) { return After(a, b); });
  }

  Run Pop() {
    std::pop_heap(heap_.begin(), heap_.end(),
                  [this](const Run& a, const Run& b) { return After(a, b); });
    const Run run = heap_.back();
    heap_.pop_back();
    return run;
  }

  Status Open(const RankedChunk& ranked) {
    const size_t begin = timestamps_ms_.size();
    Columns scratch(&timestamps_ms_, &values_);
    RETURN_IF_ERROR(scratch.AppendChunk(*ranked.chunk, min_ms_, max_ms_));
    if (scratch.size() > begin) Push({begin, scratch.size(), ranked.rank});
    return OkStatus();
  }

  // Writes the front run's samples that lie before every other run's next sample and before
  // `opens_ms`, where a chunk waits that is not decoded yet; at least its first one.
  void CopyFirstRun(int64_t opens_ms) {
    Run run = Pop();
    const int64_t limit = heap_.empty() ? opens_ms : std::min(opens_ms, TimeOf(heap_.front()));
    if (out_->EndsAt(TimeOf(run))) {
      ++run.at;  // an older version of the sample just written
    } else {
      const auto begin = timestamps_ms_.begin();
      const auto stop = std::lower_bound(begin + static_cast<ptrdiff_t>(run.at + 1),
                                         begin + static_cast<ptrdiff_t>(run.end), limit);
      const size_t end = static_cast<size_t>(stop - begin);
      out_->AppendRun(timestamps_ms_.data() + run.at, values_.data() + run.at, end - run.at);
      run.at = end;
    }
    if (run.at < run.end) Push(run);
  }

  const int64_t min_ms_;
  const int64_t max_ms_;
  Columns* const out_;
  std::vector<int64_t> timestamps_ms_;  // the decoded chunks, one after the other
  std::vector<double> values_;
  std::vector<Run> heap_;
};

Status MergeOverlapping(std::span<const std::span<const ChunkView>> sources, int64_t min_ms,
                        int64_t max_ms, Columns* out) {
  const std::vector<RankedChunk> chunks = TouchingByTime(sources, min_ms, max_ms);
  OverlapMerger merger(min_ms, max_ms, out);
  for (size_t begin = 0; begin < chunks.size();) {
    int64_t reaches_ms = chunks[begin].chunk->max_time_ms;
    size_t end = begin + 1;
    while (end < chunks.size() && chunks[end].chunk->min_time_ms <= reaches_ms) {
      reaches_ms = std::max(reaches_ms, chunks[end++].chunk->max_time_ms);
    }
    if (end - begin == 1) {
      RETURN_IF_ERROR(out->AppendChunk(*chunks[begin].chunk, min_ms, max_ms));
    } else {
      RETURN_IF_ERROR(merger.Merge(std::span(chunks).subspan(begin, end - begin)));
    }
    begin = end;
  }
  return OkStatus();
}

Status AppendInOrder(std::span<const std::span<const ChunkView>> sources, int64_t min_ms,
                     int64_t max_ms, Columns* out) {
  for (const std::span<const ChunkView>& source : sources) {
    for (const ChunkView& chunk : source) {
      if (Touches(chunk, min_ms, max_ms)) {
        RETURN_IF_ERROR(out->AppendChunk(chunk, min_ms, max_ms));
      }
    }
  }
  return OkStatus();
}

}  // namespace

Status MergeChunks(std::span<const std::span<const ChunkView>> sources, int64_t min_ms,
                   int64_t max_ms, std::vector<int64_t>* timestamps_ms,
                   std::vector<double>* values) {
  Columns out(timestamps_ms, values);
  Status status = InOrder(sources, min_ms, max_ms)
                      ? AppendInOrder(sources, min_ms, max_ms, &out)
                      : MergeOverlapping(sources, min_ms, max_ms, &out);
  if (!status.ok()) out.Restore();
  return status;
}

}  // namespace varve::compaction
