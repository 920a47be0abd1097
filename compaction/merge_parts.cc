// Series by series in label order: copy what can be copied, decode and encode only where sources
// overlap or chunks have come out small.
#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/status_macros.h"
#include "compaction/merge.h"
#include "compaction/metrics_part.h"
#include "compaction/part_stream.h"
#include "compaction/planner.h"
#include "storage/codec/histogram.h"
#include "storage/format/label_bytes.h"

namespace varve::compaction {
namespace {

using format::ChunkView;

constexpr uint32_t kSmallChunkSamples = kChunkSamplesMax / 2;
// Columns below it are joined with their neighbours: a day of a series scraped every 15 s is then
// encoded as flushes come, and once more as a day.
constexpr uint32_t kSmallColumnSamples = 512;
// What one chunk group should hold, before compression, at about half a byte a sample: it is read
// as a whole for a single series.
constexpr uint64_t kGroupSamplesTarget = uint64_t{256} << 10;

struct SourceChunk {
  const ChunkView* chunk;
  size_t source;
};

// Makes one series' chunks out of those of its sources. Reused from series to series.
class SeriesMerger {
 public:
  // `sources` oldest first, each ascending without overlap. The result's payloads point into the
  // sources or into this; they live until the next call. On error *damaged is the source at fault.
  Status Merge(std::span<const std::span<const ChunkView>> sources,
               std::span<const ChunkView>* merged, size_t* damaged) {
    sources_ = sources;
    result_.clear();
    encoded_.Clear();
    SortByTime();
    taken_.assign(sources.size(), 0);
    for (size_t begin = 0; begin < chunks_.size();) {
      const size_t end = EndOfRun(begin);
      if (end - begin == 1 && chunks_[begin].chunk->codec != format::ChunkCodec::kGorilla) {
        result_.push_back(*chunks_[begin].chunk);
        ++taken_[chunks_[begin].source];
      } else if (Status status = Reencode(begin, end); !status.ok()) {
        *damaged = FirstDamaged(begin, end);
        return status;
      }
      begin = end;
    }
    *merged = result_;
    return OkStatus();
  }

 private:
  void SortByTime() {
    chunks_.clear();
    for (size_t source = 0; source < sources_.size(); ++source) {
      for (const ChunkView& chunk : sources_[source]) chunks_.push_back({&chunk, source});
    }
    if (sources_.size() == 1) return;
    // Chunks of one source that begin together do not exist, so the order within a source stays.
    std::sort(chunks_.begin(), chunks_.end(), [](const SourceChunk& a, const SourceChunk& b) {
      if (a.chunk->min_time_ms != b.chunk->min_time_ms) {
        return a.chunk->min_time_ms < b.chunk->min_time_ms;
      }
      return a.source < b.source;
    });
  }

  // The end of the longest run from `begin` in which every chunk overlaps those before it, or is
  // joined with its predecessor. A run of one is copied, unless it is Gorilla's.
  size_t EndOfRun(size_t begin) const {
    int64_t reaches_ms = chunks_[begin].chunk->max_time_ms;
    size_t end = begin + 1;
    for (; end < chunks_.size(); ++end) {
      const ChunkView& next = *chunks_[end].chunk;
      const bool overlaps = next.min_time_ms <= reaches_ms;
      if (!overlaps && !AreJoined(*chunks_[end - 1].chunk, next)) break;
      reaches_ms = std::max(reaches_ms, next.max_time_ms);
    }
    return end;
  }

  // A chunk of histograms is also full by its bytes.
  static bool IsSmall(const ChunkView& chunk) {
    switch (chunk.codec) {
      case format::ChunkCodec::kGorilla:
        return true;  // becomes part of a column
      case format::ChunkCodec::kColumns:
        return chunk.sample_count < kSmallColumnSamples;
      case format::ChunkCodec::kHistogram:
        return chunk.sample_count < kSmallChunkSamples &&
               chunk.payload.size() < codec::kHistogramChunkBytes / 2;
      case format::ChunkCodec::kGorillaStart:
      case format::ChunkCodec::kRollup:
        break;
    }
    return chunk.sample_count < kSmallChunkSamples;
  }
  static bool BecomesColumn(const ChunkView& chunk) {
    return chunk.codec == format::ChunkCodec::kGorilla ||
           chunk.codec == format::ChunkCodec::kColumns;
  }
  // Neighbours that do not overlap and are encoded as one.
  static bool AreJoined(const ChunkView& a, const ChunkView& b) {
    if (!IsSmall(a) || !IsSmall(b) || a.has_histograms() != b.has_histograms() ||
        BecomesColumn(a) != BecomesColumn(b)) {
      return false;
    }
    const int64_t width_ms = BecomesColumn(a) ? kColumnPartitionMs : kPartitionMs;
    return PartitionOf(a.max_time_ms, width_ms) == PartitionOf(b.min_time_ms, width_ms);
  }

  Status Reencode(size_t begin, size_t end) {
    run_.clear();
    std::vector<size_t>& next = taken_;
    for (size_t source = 0; source < sources_.size(); ++source) {
      const auto count = static_cast<size_t>(
          std::count_if(chunks_.begin() + static_cast<ptrdiff_t>(begin),
                        chunks_.begin() + static_cast<ptrdiff_t>(end),
                        [source](const SourceChunk& chunk) { return chunk.source == source; }));
      run_.push_back(sources_[source].subspan(next[source], count));
      next[source] += count;
    }
    samples_.Clear();
    RETURN_IF_ERROR(MergeChunks(run_, std::numeric_limits<int64_t>::min(),
                                std::numeric_limits<int64_t>::max(), &samples_));
    const size_t encoded_before = encoded_.chunks.size();
    EncodeChunks(samples_, &encoded_, ChunkForm::kColumns);
    result_.insert(result_.end(), encoded_.chunks.begin() + static_cast<ptrdiff_t>(encoded_before),
                   encoded_.chunks.end());
    return OkStatus();
  }

  // The source of the first chunk of a run that does not decode.
  size_t FirstDamaged(size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      samples_.Clear();
      if (!format::DecodeChunk(*chunks_[i].chunk, &samples_).ok()) {
        return chunks_[i].source;
      }
    }
    VARVE_CHECK(false);  // a merge fails only where a chunk fails
    return 0;
  }

  std::span<const std::span<const ChunkView>> sources_;
  std::vector<SourceChunk> chunks_;  // of all sources, by time
  std::vector<size_t> taken_;        // chunks of each source that are in result_
  std::vector<std::span<const ChunkView>> run_;
  format::SampleColumns samples_;
  EncodedChunks encoded_;
  std::vector<ChunkView> result_;
};

// Which day of the result is how new, so that rollups of days that nothing was added to stay
// valid. None where it is one day; wider than a day where there would be too many.
std::vector<format::PartPiece> PiecesOf(std::span<const std::shared_ptr<const kv::Part>> parts) {
  int64_t min_ms = std::numeric_limits<int64_t>::max();
  int64_t max_ms = std::numeric_limits<int64_t>::min();
  for (const auto& part : parts) {
    min_ms = std::min(min_ms, part->info().min_time_ms);
    max_ms = std::max(max_ms, part->info().max_time_ms);
  }
  std::vector<format::PartPiece> pieces;
  constexpr int64_t kSanePastMs = int64_t{1} << 53;  // where days can be counted without overflow
  if (min_ms < -kSanePastMs || max_ms > kSanePastMs) return pieces;
  constexpr int64_t kPiecesMax = 16;
  int64_t width_ms = kColumnPartitionMs;
  while ((max_ms - min_ms) / width_ms >= kPiecesMax) width_ms *= 2;
  const Partition first = RollupPartitionOf(min_ms, width_ms);
  if (max_ms <= first.end_ms) return pieces;
  for (Partition at = first; at.begin_ms <= max_ms;
       at.begin_ms += width_ms, at.end_ms += width_ms) {
    format::PartPiece piece{at.begin_ms, at.end_ms, 0};
    bool any = false;
    for (const auto& part : parts) {
      const format::PartInfo& info = part->info();
      any = any || (info.min_time_ms <= at.end_ms && info.max_time_ms >= at.begin_ms);
      piece.max_sequence = std::max(piece.max_sequence, info.SequenceIn(at.begin_ms, at.end_ms));
    }
    if (any) pieces.push_back(piece);
  }
  return pieces;
}

Result<format::PartInfo> MergedInfo(std::span<const std::shared_ptr<const kv::Part>> parts) {
  if (parts.empty()) return InvalidArgumentError("a merge needs at least one part");
  format::PartInfo merged;
  const format::PartInfo& first = parts.front()->info();
  merged.signal = first.signal;
  merged.tier = first.tier;
  merged.retention_class = first.retention_class;
  merged.min_sequence = first.min_sequence;
  for (const std::shared_ptr<const kv::Part>& part : parts) {
    const format::PartInfo& info = part->info();
    if (info.signal != format::Signal::kMetrics || info.tier != merged.tier ||
        info.retention_class != merged.retention_class) {
      return InvalidArgumentError("part " + std::to_string(info.part_id) +
                                  " is not of one metrics tier and retention class with part " +
                                  std::to_string(first.part_id));
    }
    merged.level = std::max(merged.level, info.level);
    merged.min_sequence = std::min(merged.min_sequence, info.min_sequence);
    merged.max_sequence = std::max(merged.max_sequence, info.max_sequence);
  }
  if (merged.level < std::numeric_limits<uint8_t>::max()) ++merged.level;
  merged.pieces = PiecesOf(parts);
  return merged;
}

// Groups of fewer series where a series has many samples.
MetricsPartLayout LayoutOf(std::span<const std::shared_ptr<const kv::Part>> parts) {
  uint64_t sample_count = 0;
  uint64_t series_count = 1;
  for (const auto& part : parts) {
    sample_count += part->info().sample_count;
    series_count = std::max(series_count, part->info().series_count);
  }
  MetricsPartLayout layout;
  layout.compression = kv::Compression::kSmall;
  while (layout.series_per_group > 1 &&
         sample_count / series_count * layout.series_per_group > kGroupSamplesTarget) {
    layout.series_per_group /= 2;
  }
  return layout;
}

}  // namespace

Result<format::PartInfo> MergeParts(kv::Store* store,
                                    std::span<const std::shared_ptr<const kv::Part>> parts) {
  ASSIGN_OR_RETURN(std::optional<format::PartInfo> merged, MergeVisible(store, parts, {}));
  VARVE_CHECK(merged.has_value());  // no part is empty
  return *std::move(merged);
}

Result<std::optional<format::PartInfo>> MergeVisible(
    kv::Store* store, std::span<const std::shared_ptr<const kv::Part>> parts,
    std::span<const HiddenSamples> hidden, const std::atomic<bool>* cancelled) {
  VARVE_CHECK(hidden.empty() || hidden.size() == parts.size());
  ASSIGN_OR_RETURN(format::PartInfo info, MergedInfo(parts));
  std::vector<std::unique_ptr<PartStream>> streams;
  for (size_t i = 0; i < parts.size(); ++i) {
    const HiddenSamples* of_part = hidden.empty() || hidden[i].empty() ? nullptr : &hidden[i];
    ASSIGN_OR_RETURN(std::unique_ptr<PartStream> stream, PartStream::Open(parts[i], of_part));
    streams.push_back(std::move(stream));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<MetricsPartWriter> writer,
                   MetricsPartWriter::Create(store, LayoutOf(parts)));
  SeriesMerger merger;
  std::vector<PartStream*> next;
  std::vector<std::span<const ChunkView>> sources;
  bool any_series = false;
  for (FindFirst(streams, &next); !next.empty(); FindFirst(streams, &next)) {
    if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) {
      return CancelledError("the merge was ended");
    }
    sources.clear();
    for (PartStream* stream : next) {
      ASSIGN_OR_RETURN(const std::span<const ChunkView> visible, stream->VisibleChunksOfSeries());
      sources.push_back(visible);
    }
    std::span<const ChunkView> merged;
    size_t damaged = 0;
    if (Status status = merger.Merge(sources, &merged, &damaged); !status.ok()) {
      return status.WithContext("part " + std::to_string(next[damaged]->info().part_id));
    }
    if (!merged.empty()) {
      RETURN_IF_ERROR(writer->Add(next.front()->labels(), merged));
      any_series = true;
    }
    for (PartStream* stream : next) RETURN_IF_ERROR(stream->Advance());
  }
  if (!any_series) return std::optional<format::PartInfo>();
  ASSIGN_OR_RETURN(info, writer->Finish(std::move(info)));
  return std::optional<format::PartInfo>(std::move(info));
}

}  // namespace varve::compaction
