#include <algorithm>
#include <cstddef>
#include <limits>

#include "base/check.h"
#include "base/status_macros.h"
#include "compaction/merge.h"

namespace varve::compaction {
namespace {

using format::ChunkView;

enum class Kind : uint8_t { kFloat, kHistogram };

Kind KindOf(const ChunkView& chunk) {
  return chunk.has_histograms() ? Kind::kHistogram : Kind::kFloat;
}

// Keeps of a column what lies at [begin, begin + drop) out and ends it at `end`.
template <typename T>
void Cut(size_t begin, size_t drop, size_t end, std::vector<T>* column) {
  if (column->size() > end) column->resize(end);
  if (drop == 0 || column->size() <= begin) return;
  const auto first = column->begin() + static_cast<ptrdiff_t>(begin);
  column->erase(first, first + static_cast<ptrdiff_t>(std::min(drop, column->size() - begin)));
}

// Copies [begin, end) of a column of start times, which may be shorter, behind `size` entries.
void AppendStarts(const std::vector<int64_t>& from, size_t begin, size_t end, size_t size,
                  std::vector<int64_t>* to) {
  end = std::min(end, from.size());
  if (begin >= end) return;
  to->resize(size);
  to->insert(to->end(), from.begin() + static_cast<ptrdiff_t>(begin),
             from.begin() + static_cast<ptrdiff_t>(end));
}

template <typename T>
void AppendPiece(const std::vector<T>& from, size_t begin, size_t end, std::vector<T>* to) {
  to->insert(to->end(), from.begin() + static_cast<ptrdiff_t>(begin),
             from.begin() + static_cast<ptrdiff_t>(end));
}

// Columns being filled: where they ended before a call, so that an error leaves them as they were.
class Columns {
 public:
  explicit Columns(format::SampleColumns* samples)
      : samples_(samples),
        floats_before_(samples->timestamps_ms.size()),
        histograms_before_(samples->histogram_timestamps_ms.size()),
        float_starts_before_(samples->start_times_ms.size()),
        histogram_starts_before_(samples->histogram_start_times_ms.size()) {
    VARVE_CHECK(floats_before_ == samples->values.size());
    VARVE_CHECK(histograms_before_ == samples->histograms.size());
  }

  size_t size(Kind kind) const { return times(kind).size(); }
  const std::vector<int64_t>& times(Kind kind) const {
    return kind == Kind::kFloat ? samples_->timestamps_ms : samples_->histogram_timestamps_ms;
  }

  void Restore() {
    samples_->timestamps_ms.resize(floats_before_);
    samples_->values.resize(floats_before_);
    samples_->start_times_ms.resize(float_starts_before_);
    samples_->histogram_timestamps_ms.resize(histograms_before_);
    samples_->histograms.resize(histograms_before_);
    samples_->histogram_start_times_ms.resize(histogram_starts_before_);
  }

  // Decodes `chunk` and keeps what lies in [min_ms, max_ms].
  Status AppendChunk(const ChunkView& chunk, int64_t min_ms, int64_t max_ms,
                     codec::HistogramHints hints = codec::HistogramHints::kAsWritten) {
    const Kind kind = KindOf(chunk);
    const size_t begin = size(kind);
    RETURN_IF_ERROR(format::DecodeChunk(chunk, samples_, hints));
    if (chunk.min_time_ms >= min_ms && chunk.max_time_ms <= max_ms) return OkStatus();
    const auto first = times(kind).begin() + static_cast<ptrdiff_t>(begin);
    const auto from = std::lower_bound(first, times(kind).end(), min_ms);
    const auto to = std::upper_bound(from, times(kind).end(), max_ms);
    const auto drop = static_cast<size_t>(from - first);
    const auto end = static_cast<size_t>(to - times(kind).begin());
    if (kind == Kind::kFloat) {
      Cut(begin, drop, end, &samples_->timestamps_ms);
      Cut(begin, drop, end, &samples_->values);
      Cut(begin, drop, end, &samples_->start_times_ms);
    } else {
      Cut(begin, drop, end, &samples_->histogram_timestamps_ms);
      Cut(begin, drop, end, &samples_->histograms);
      Cut(begin, drop, end, &samples_->histogram_start_times_ms);
    }
    return OkStatus();
  }

  // Appends the samples [begin, end) of one kind of `from`.
  void AppendRun(Kind kind, const format::SampleColumns& from, size_t begin, size_t end) {
    if (kind == Kind::kFloat) {
      AppendStarts(from.start_times_ms, begin, end, size(kind), &samples_->start_times_ms);
      AppendPiece(from.timestamps_ms, begin, end, &samples_->timestamps_ms);
      AppendPiece(from.values, begin, end, &samples_->values);
    } else {
      AppendStarts(from.histogram_start_times_ms, begin, end, size(kind),
                   &samples_->histogram_start_times_ms);
      AppendPiece(from.histogram_timestamps_ms, begin, end, &samples_->histogram_timestamps_ms);
      AppendPiece(from.histograms, begin, end, &samples_->histograms);
    }
  }

  // Whether a sample of either kind was written last at `time_ms`.
  bool EndsAt(int64_t time_ms) const {
    return (size(Kind::kFloat) > floats_before_ && samples_->timestamps_ms.back() == time_ms) ||
           (size(Kind::kHistogram) > histograms_before_ &&
            samples_->histogram_timestamps_ms.back() == time_ms);
  }

 private:
  format::SampleColumns* const samples_;
  const size_t floats_before_;
  const size_t histograms_before_;
  const size_t float_starts_before_;
  const size_t histogram_starts_before_;
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
  Kind kind;
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
    decoded_.Clear();
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

  const std::vector<int64_t>& TimesOf(const Run& run) const {
    return run.kind == Kind::kFloat ? decoded_.timestamps_ms : decoded_.histogram_timestamps_ms;
  }
  int64_t TimeOf(const Run& run) const { return TimesOf(run)[run.at]; }

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
    Columns scratch(&decoded_);
    const Kind kind = KindOf(*ranked.chunk);
    const size_t begin = scratch.size(kind);
    RETURN_IF_ERROR(scratch.AppendChunk(*ranked.chunk, min_ms_, max_ms_));
    if (scratch.size(kind) > begin) Push({kind, begin, scratch.size(kind), ranked.rank});
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
      const auto begin = TimesOf(run).begin();
      const auto stop = std::lower_bound(begin + static_cast<ptrdiff_t>(run.at + 1),
                                         begin + static_cast<ptrdiff_t>(run.end), limit);
      const size_t end = static_cast<size_t>(stop - begin);
      out_->AppendRun(run.kind, decoded_, run.at, end);
      run.at = end;
    }
    if (run.at < run.end) Push(run);
  }

  const int64_t min_ms_;
  const int64_t max_ms_;
  Columns* const out_;
  format::SampleColumns decoded_;  // the chunks, one after the other
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
                     int64_t max_ms, codec::HistogramHints hints, Columns* out) {
  for (const std::span<const ChunkView>& source : sources) {
    for (const ChunkView& chunk : source) {
      if (Touches(chunk, min_ms, max_ms)) {
        RETURN_IF_ERROR(out->AppendChunk(chunk, min_ms, max_ms, hints));
      }
    }
  }
  return OkStatus();
}

}  // namespace

Status MergeChunks(std::span<const std::span<const ChunkView>> sources, int64_t min_ms,
                   int64_t max_ms, format::SampleColumns* out, codec::HistogramHints hints) {
  Columns columns(out);
  Status status = InOrder(sources, min_ms, max_ms)
                      ? AppendInOrder(sources, min_ms, max_ms, hints, &columns)
                      : MergeOverlapping(sources, min_ms, max_ms, &columns);
  if (status.ok()) {
    out->CompleteStartTimes();
  } else {
    columns.Restore();
  }
  return status;
}

}  // namespace varve::compaction
