// The jobs: from raw samples or finer rows to rows, and rows merged. Series by series in label
// order, as all merges.
#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "compaction/downsampling.h"
#include "compaction/merge.h"
#include "compaction/metrics_part.h"
#include "compaction/part_stream.h"
#include "compaction/rollup_builder.h"
#include "storage/format/rollup.h"

namespace varve::compaction {
namespace {

using format::ChunkView;
using format::PartInfo;
using format::PartPiece;
using format::SeriesRollups;

// Rows of floats or histograms in one chunk: chunks are cut at multiples of so many buckets.
constexpr int64_t kRowsPerChunk = format::kRollupRowsMax / 2;

// Chunks of one series' rows. Lives as long as the views are used.
class RollupChunks {
 public:
  std::span<const ChunkView> Encode(const SeriesRollups& rows, int64_t resolution_ms) {
    chunks_.clear();
    payloads_.clear();
    size_t at = 0;
    size_t histogram_at = 0;
    const format::RollupColumns& floats = rows.floats;
    const format::HistogramRollups& histograms = rows.histograms;
    while (at < floats.size() || histogram_at < histograms.size()) {
      int64_t first_ms = std::numeric_limits<int64_t>::max();
      if (at < floats.size()) first_ms = floats.end_ms[at];
      if (histogram_at < histograms.size()) {
        first_ms = std::min(first_ms, histograms.end_ms[histogram_at]);
      }
      const int64_t end_ms = RollupPartitionOf(first_ms, kRowsPerChunk * resolution_ms).end_ms;
      piece_.Clear();
      for (; at < floats.size() && floats.end_ms[at] <= end_ms; ++at) {
        piece_.floats.Append(floats, at);
      }
      for (; histogram_at < histograms.size() && histograms.end_ms[histogram_at] <= end_ms;
           ++histogram_at) {
        piece_.histograms.Append(histograms, histogram_at);
      }
      int64_t last_ms = std::numeric_limits<int64_t>::min();
      if (piece_.floats.size() > 0) last_ms = piece_.floats.end_ms.back();
      if (piece_.histograms.size() > 0)
        last_ms = std::max(last_ms, piece_.histograms.end_ms.back());
      ChunkView& chunk = chunks_.emplace_back();
      chunk.codec = format::ChunkCodec::kRollup;
      chunk.sample_count = static_cast<uint32_t>(piece_.size());
      chunk.min_time_ms = first_ms - resolution_ms + 1;
      chunk.max_time_ms = last_ms;
      format::EncodeRollups(piece_, &payloads_.emplace_back());
    }
    for (size_t i = 0; i < chunks_.size(); ++i) chunks_[i].payload = payloads_[i];
    return chunks_;
  }

 private:
  SeriesRollups piece_;
  std::vector<ChunkView> chunks_;
  std::vector<std::string> payloads_;
};

Status DecodeChunks(std::span<const ChunkView> chunks, SeriesRollups* out) {
  for (const ChunkView& chunk : chunks) RETURN_IF_ERROR(format::DecodeRollupChunk(chunk, out));
  return OkStatus();
}

// Appends the rows that `wanted(end_ms)` is true of.
template <typename Wanted>
void Filter(const SeriesRollups& rows, Wanted wanted, SeriesRollups* out) {
  for (size_t i = 0; i < rows.floats.size(); ++i) {
    if (wanted(rows.floats.end_ms[i])) out->floats.Append(rows.floats, i);
  }
  for (size_t i = 0; i < rows.histograms.size(); ++i) {
    if (wanted(rows.histograms.end_ms[i])) out->histograms.Append(rows.histograms, i);
  }
}

bool Lies(int64_t time_ms, std::span<const PartPiece> pieces) {
  return std::any_of(pieces.begin(), pieces.end(), [time_ms](const PartPiece& piece) {
    return piece.begin_ms <= time_ms && time_ms <= piece.end_ms;
  });
}

bool IsHidden(int64_t end_ms, int64_t resolution_ms, std::span<const HiddenRange> hidden) {
  return std::any_of(hidden.begin(), hidden.end(), [&](const HiddenRange& range) {
    return range.min_ms <= end_ms && range.max_ms > end_ms - resolution_ms;
  });
}

const HiddenSamples* HiddenOf(std::span<const HiddenSamples> hidden, size_t i) {
  return hidden.empty() || hidden[i].empty() ? nullptr : &hidden[i];
}

bool IsCancelled(const std::atomic<bool>* cancelled) {
  return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
}

// The parts of one level with what counts of each: of each day the newest piece of all.
class RollupSources {
 public:
  // Streams are opened without what is hidden; Rows leaves out hidden rows.
  Status Open(std::span<const std::shared_ptr<const kv::Part>> parts,
              std::span<const HiddenSamples> hidden,
              std::vector<std::unique_ptr<PartStream>>* streams) {
    for (size_t i = 0; i < parts.size(); ++i) {
      ASSIGN_OR_RETURN(auto stream, PartStream::Open(parts[i]));
      streams->push_back(std::move(stream));
      hidden_.push_back(HiddenOf(hidden, i));
      pieces_.emplace_back();
      for (const PartPiece& piece : parts[i]->info().pieces) {
        if (IsNewest(piece, i, parts)) pieces_.back().push_back(piece);
      }
    }
    return OkStatus();
  }

  std::span<const PartPiece> pieces(size_t i) const { return pieces_[i]; }

  // Appends what counts of the current series of `stream`, the i-th that was opened.
  Status Rows(size_t i, PartStream* stream, SeriesRollups* out) {
    decoded_.Clear();
    const Status status = DecodeChunks(stream->chunks(), &decoded_);
    if (!status.ok()) {
      return status.WithContext("part " + std::to_string(stream->info().part_id));
    }
    std::span<const HiddenRange> hidden;
    if (hidden_[i] != nullptr) hidden = hidden_[i]->Of(stream->ordinal());
    const int64_t resolution_ms = stream->info().resolution_ms;
    Filter(
        decoded_,
        [&](int64_t end_ms) {
          return Lies(end_ms, pieces_[i]) && !IsHidden(end_ms, resolution_ms, hidden);
        },
        out);
    return OkStatus();
  }

 private:
  static bool IsNewest(const PartPiece& piece, size_t i,
                       std::span<const std::shared_ptr<const kv::Part>> parts) {
    const auto rank = [](const PartPiece& p, size_t part) {
      return std::tuple(p.max_sequence, !p.purged, part);
    };
    for (size_t k = 0; k < parts.size(); ++k) {
      for (const PartPiece& other : parts[k]->info().pieces) {
        if (other.begin_ms == piece.begin_ms && rank(other, k) > rank(piece, i)) return false;
      }
    }
    return true;
  }

  std::vector<const HiddenSamples*> hidden_;
  std::vector<std::vector<PartPiece>> pieces_;
  SeriesRollups decoded_;
};

// Rows of several parts in the order of time. REQUIRES: they have no bucket in common.
void SortRows(SeriesRollups* rows) {
  const auto sort = [](auto* columns) {
    if (std::is_sorted(columns->end_ms.begin(), columns->end_ms.end())) return;
    std::vector<size_t> order(columns->size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return columns->end_ms[a] < columns->end_ms[b]; });
    std::remove_reference_t<decltype(*columns)> sorted;
    for (const size_t i : order) sorted.Append(*columns, i);
    *columns = std::move(sorted);
  };
  sort(&rows->floats);
  sort(&rows->histograms);
}

PartInfo InfoOf(uint16_t level, int64_t resolution_ms, std::vector<PartPiece> pieces) {
  PartInfo info;
  info.tier = format::Tier::kRollup;
  info.retention_class = level;
  info.resolution_ms = resolution_ms;
  info.level = 1;
  for (const PartPiece& piece : pieces) {
    info.max_sequence = std::max(info.max_sequence, piece.max_sequence);
  }
  info.pieces = std::move(pieces);
  return info;
}

Result<std::optional<PartInfo>> Finish(MetricsPartWriter* writer, bool any, PartInfo info) {
  if (!any) return std::optional<PartInfo>();
  ASSIGN_OR_RETURN(info, writer->Finish(std::move(info)));
  return std::optional<PartInfo>(std::move(info));
}

MetricsPartLayout Layout() {
  MetricsPartLayout layout;
  layout.compression = kv::Compression::kSmall;
  return layout;
}

// Makes the rows of one series after the other of what the streams stand on.
class SeriesDownsampler {
 public:
  // All borrowed.
  SeriesDownsampler(const DownsampleJob& job, const DownsamplingRules::Level& level)
      : job_(job), level_(level) {}

  // `hidden` as Downsample's.
  Status Open(std::span<const std::shared_ptr<const kv::Part>> sources,
              std::span<const std::shared_ptr<const kv::Part>> older,
              std::span<const HiddenSamples> hidden) {
    sources_ = sources;
    const auto of_sources = hidden.empty() ? hidden : hidden.subspan(0, sources.size());
    const auto of_older = hidden.empty() ? hidden : hidden.subspan(sources.size());
    if (from_raw()) {
      for (size_t i = 0; i < sources.size(); ++i) {
        ASSIGN_OR_RETURN(auto stream, PartStream::Open(sources[i], HiddenOf(hidden, i)));
        streams_.push_back(std::move(stream));
      }
    } else {
      RETURN_IF_ERROR(finer_.Open(sources, of_sources, &streams_));
    }
    return own_.Open(older, of_older, &streams_);
  }

  const std::vector<std::unique_ptr<PartStream>>& streams() const { return streams_; }

  // The rows of the series that the streams in `first` stand on.
  Status Make(const std::vector<PartStream*>& first, SeriesRollups* rows) {
    raw_.clear();
    for (SeriesRollups* scratch : {&fine_, &made_, &before_, &wanted_}) scratch->Clear();
    for (size_t i = 0, at = 0; i < streams_.size() && at < first.size(); ++i) {
      if (streams_[i].get() != first[at]) continue;
      PartStream* const stream = first[at++];
      if (i >= sources_.size()) {
        RETURN_IF_ERROR(own_.Rows(i - sources_.size(), stream, &before_));
      } else if (from_raw()) {
        ASSIGN_OR_RETURN(const auto visible, stream->VisibleChunksOfSeries());
        raw_.push_back(visible);
      } else {
        RETURN_IF_ERROR(finer_.Rows(i, stream, &fine_));
      }
    }
    if (from_raw()) {
      RETURN_IF_ERROR(RollUpRaw());
    } else {
      SortRows(&fine_);
      Filter(
          fine_, [this](int64_t end_ms) { return Lies(end_ms, job_.pieces); }, &wanted_);
      RollUp(wanted_, level_.resolution_ms, &made_);
      wanted_.Clear();
    }
    SortRows(&before_);
    Filter(
        before_, [this](int64_t end_ms) { return Lies(end_ms, job_.pieces); }, &wanted_);
    rows->Clear();
    MergeRollups(wanted_, made_, rows);
    return OkStatus();
  }

 private:
  bool from_raw() const { return level_.source == level_.number; }

  Status RollUpRaw() {
    const std::vector<PartPiece>& days = job_.pieces;
    for (size_t begin = 0; begin < days.size();) {
      // Days in a row at once.
      size_t end = begin + 1;
      while (end < days.size() && days[end].begin_ms == days[end - 1].end_ms + 1) ++end;
      samples_.Clear();
      const Status status =
          MergeChunks(raw_, days[begin].begin_ms, days[end - 1].end_ms, &samples_);
      if (!status.ok()) {
        std::string ids;
        for (const auto& part : sources_) ids += " " + std::to_string(part->info().part_id);
        return status.WithContext("one of parts" + ids);
      }
      RollUp(samples_, level_.resolution_ms, &made_);
      begin = end;
    }
    return OkStatus();
  }

  const DownsampleJob& job_;
  const DownsamplingRules::Level& level_;
  std::span<const std::shared_ptr<const kv::Part>> sources_;
  std::vector<std::unique_ptr<PartStream>> streams_;  // of the sources, then of the older parts
  RollupSources finer_;
  RollupSources own_;
  std::vector<std::span<const ChunkView>> raw_;
  format::SampleColumns samples_;
  SeriesRollups fine_;
  SeriesRollups made_;
  SeriesRollups before_;
  SeriesRollups wanted_;
};

}  // namespace

Result<std::optional<PartInfo>> Downsample(kv::Store* store, const DownsampleJob& job,
                                           const DownsamplingRules& rules,
                                           std::span<const std::shared_ptr<const kv::Part>> sources,
                                           std::span<const std::shared_ptr<const kv::Part>> older,
                                           std::span<const HiddenSamples> hidden,
                                           const std::atomic<bool>* cancelled) {
  VARVE_CHECK(hidden.empty() || hidden.size() == sources.size() + older.size());
  const DownsamplingRules::Level* const level = rules.Find(job.level);
  VARVE_CHECK(level != nullptr && !job.pieces.empty());
  SeriesDownsampler downsampler(job, *level);
  RETURN_IF_ERROR(downsampler.Open(sources, older, hidden));
  ASSIGN_OR_RETURN(auto writer, MetricsPartWriter::Create(store, Layout()));
  std::vector<PartStream*> next;
  SeriesRollups rows;
  RollupChunks chunks;
  bool any = false;
  const auto& streams = downsampler.streams();
  for (FindFirst(streams, &next); !next.empty(); FindFirst(streams, &next)) {
    if (IsCancelled(cancelled)) return CancelledError("downsampling was ended");
    if (rules.RuleOf(next.front()->labels()) == level->rule) {
      RETURN_IF_ERROR(downsampler.Make(next, &rows));
      if (rows.size() > 0) {
        RETURN_IF_ERROR(
            writer->Add(next.front()->labels(), chunks.Encode(rows, level->resolution_ms)));
        any = true;
      }
    }
    for (PartStream* stream : next) RETURN_IF_ERROR(stream->Advance());
  }
  return Finish(writer.get(), any, InfoOf(level->number, level->resolution_ms, job.pieces));
}

Result<std::optional<PartInfo>> MergeRollupParts(
    kv::Store* store, std::span<const std::shared_ptr<const kv::Part>> parts,
    std::span<const HiddenSamples> hidden, const std::atomic<bool>* cancelled) {
  VARVE_CHECK(!parts.empty() && (hidden.empty() || hidden.size() == parts.size()));
  const PartInfo& first = parts.front()->info();
  std::vector<std::unique_ptr<PartStream>> streams;
  RollupSources sources;
  RETURN_IF_ERROR(sources.Open(parts, hidden, &streams));
  std::vector<PartPiece> pieces;
  for (size_t i = 0; i < parts.size(); ++i) {
    const PartInfo& info = parts[i]->info();
    if (info.tier != format::Tier::kRollup || info.resolution_ms != first.resolution_ms ||
        info.retention_class != first.retention_class) {
      return InvalidArgumentError("part " + std::to_string(info.part_id) +
                                  " is not of one downsampling level with part " +
                                  std::to_string(first.part_id));
    }
    for (PartPiece piece : sources.pieces(i)) {
      piece.purged =
          piece.purged || (!hidden.empty() && hidden[i].Touches({piece.begin_ms, piece.end_ms}));
      pieces.push_back(piece);
    }
  }
  std::sort(pieces.begin(), pieces.end(),
            [](const PartPiece& a, const PartPiece& b) { return a.begin_ms < b.begin_ms; });
  ASSIGN_OR_RETURN(auto writer, MetricsPartWriter::Create(store, Layout()));
  std::vector<PartStream*> next;
  SeriesRollups rows;
  RollupChunks chunks;
  bool any = false;
  for (FindFirst(streams, &next); !next.empty(); FindFirst(streams, &next)) {
    if (IsCancelled(cancelled)) return CancelledError("the merge was ended");
    rows.Clear();
    for (size_t i = 0, at = 0; i < streams.size() && at < next.size(); ++i) {
      if (streams[i].get() != next[at]) continue;
      RETURN_IF_ERROR(sources.Rows(i, next[at++], &rows));
    }
    SortRows(&rows);
    if (rows.size() > 0) {
      RETURN_IF_ERROR(
          writer->Add(next.front()->labels(), chunks.Encode(rows, first.resolution_ms)));
      any = true;
    }
    for (PartStream* stream : next) RETURN_IF_ERROR(stream->Advance());
  }
  return Finish(writer.get(), any,
                InfoOf(first.retention_class, first.resolution_ms, std::move(pieces)));
}

}  // namespace varve::compaction
