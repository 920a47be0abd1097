#include "engine/metrics/select.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/status_macros.h"
#include "compaction/hidden_samples.h"
#include "compaction/merge.h"
#include "engine/metrics/part_slice.h"
#include "engine/metrics/rollup_read.h"
#include "engine/metrics/select_meter.h"
#include "engine/metrics/series_table.h"

namespace varve::engine {
namespace {

// Where one series has samples: in a slice, or (slice == kHeadSource) in the head's snapshot.
struct SourcePlace {
  uint32_t slice = 0;
  uint32_t index = 0;
};
constexpr uint32_t kHeadSource = UINT32_MAX;
// Between two looks at what the selection may hold. A multiple of a block of a part's series.
constexpr size_t kSeriesPerVisit = 4096;

// One selector's series, each with its places oldest part first and the head last.
class MetricsSelection final : public SeriesSelection {
 public:
  // hidden[i] is hidden of slices[i].
  MetricsSelection(HeadSnapshot head, std::vector<std::unique_ptr<PartSlice>> slices,
                   std::vector<compaction::HiddenSamples> hidden, codec::HistogramHints hints)
      : head_(std::move(head)),
        slices_(std::move(slices)),
        hidden_(std::move(hidden)),
        hints_(hints) {}

  // Joins the sources by labels.
  Status Build(std::span<const std::shared_ptr<const compaction::MetricsPartReader>> readers,
               const SelectCheck& check) {
    SelectMeter meter(check);
    size_t place_count = head_.series.size();
    for (const auto& slice : slices_) place_count += slice->ordinals().size();
    labels_.reserve(slices_.empty() ? place_count : slices_.front()->ordinals().size());
    added_.reserve(place_count);
    // A single source has each series once.
    if (slices_.size() + (head_.series.empty() ? 0 : 1) > 1) table_.emplace(place_count);
    for (uint32_t slice = 0; slice < slices_.size(); ++slice) {
      RETURN_IF_ERROR(AddSlice(slice, readers[slice]->index(), &meter));
    }
    for (uint32_t i = 0; i < head_.series.size(); ++i) {
      const size_t begin = head_.label_begin[i];
      Add(std::string_view(head_.labels).substr(begin, head_.label_begin[i + 1] - begin),
          {kHeadSource, i});
      RETURN_IF_ERROR(meter.Add(SeriesBytes(head_.label_begin[i + 1] - begin)));
    }
    RETURN_IF_ERROR(meter.Check());
    CompareRollups();
    // Counting sort of the places by series; stable, so places stay oldest first.
    place_begin_.assign(labels_.size() + 1, 0);
    for (const auto& [series, place] : added_) ++place_begin_[series + 1];
    for (size_t i = 1; i < place_begin_.size(); ++i) place_begin_[i] += place_begin_[i - 1];
    places_.resize(added_.size());
    std::vector<size_t> next(place_begin_.begin(), place_begin_.end() - 1);
    for (const auto& [series, place] : added_) places_[next[series]++] = place;
    added_ = {};
    table_.reset();
    return OkStatus();
  }

  size_t series_count() const override { return labels_.size(); }
  const Labels& labels(size_t i) const override { return labels_[i]; }

  Status Read(size_t i, int64_t min_ms, int64_t max_ms, SampleBuffer* out) const override {
    out->Clear();
    RawChunks raw;
    if (out->rollups.field != RollupField::kNone && HasRollups(i)) {
      return ReadWithRollups(i, {min_ms, max_ms}, &raw, out);
    }
    for (size_t k = place_begin_[i]; k < place_begin_[i + 1]; ++k) {
      if (!IsOfRollups(places_[k])) RETURN_IF_ERROR(Fetch(places_[k], &raw));
    }
    RETURN_IF_ERROR(CountChunks(raw.sources, min_ms, max_ms, out));
    return compaction::MergeChunks(raw.sources, min_ms, max_ms, out, hints_);
  }

 private:
  // The raw chunks of a series, oldest source first, and what keeps them alive.
  struct RawChunks {
    std::vector<std::span<const format::ChunkView>> sources;
    std::vector<std::shared_ptr<const SliceBlock>> pins;
    std::vector<std::unique_ptr<compaction::VisibleChunks>> filters;
  };

  // What raw slices have that rollups lack.
  void CompareRollups() {
    std::vector<const format::PartInfo*> raw;
    for (const auto& slice : slices_) {
      raw.push_back(slice->info().tier == format::Tier::kRaw ? &slice->info() : nullptr);
    }
    for (const auto& slice : slices_) {
      rivals_.emplace_back();
      if (slice->info().tier == format::Tier::kRollup) {
        rivals_.back() = FindRivals(slice->info(), raw);
      }
    }
  }

  const format::PartInfo& InfoOf(const SourcePlace& place) const {
    return slices_[place.slice]->info();
  }
  bool IsOfRollups(const SourcePlace& place) const {
    return place.slice != kHeadSource && InfoOf(place).tier == format::Tier::kRollup;
  }
  bool HasRollups(size_t i) const {
    return std::any_of(places_.begin() + static_cast<ptrdiff_t>(place_begin_[i]),
                       places_.begin() + static_cast<ptrdiff_t>(place_begin_[i + 1]),
                       [this](const SourcePlace& place) { return IsOfRollups(place); });
  }
  std::span<const compaction::HiddenRange> HiddenOf(const SourcePlace& place) const {
    return hidden_[place.slice].Of(slices_[place.slice]->ordinals()[place.index]);
  }
  // Of the head: in order, and late.
  std::array<std::span<const format::ChunkView>, 2> HeadChunks(const SourcePlace& place) const {
    const SnapshotSeries& series = head_.series[place.index];
    const std::span chunks(head_.chunks);
    return {chunks.subspan(series.chunk_begin, series.in_order_count),
            chunks.subspan(series.chunk_begin + series.in_order_count, series.late_count)};
  }

  Status Fetch(const SourcePlace& place, RawChunks* raw) const {
    if (place.slice == kHeadSource) {
      for (const auto& chunks : HeadChunks(place)) {
        if (!chunks.empty()) raw->sources.push_back(chunks);
      }
      return OkStatus();
    }
    ASSIGN_OR_RETURN(PartSlice::Place read, slices_[place.slice]->Read(place.index));
    const std::span<const compaction::HiddenRange> hidden = HiddenOf(place);
    if (hidden.empty()) {
      raw->sources.push_back(read.block->chunks(read.index));
    } else {
      raw->filters.push_back(std::make_unique<compaction::VisibleChunks>());
      ASSIGN_OR_RETURN(const std::span<const format::ChunkView> visible,
                       raw->filters.back()->Filter(read.block->chunks(read.index), hidden));
      raw->sources.push_back(visible);
    }
    raw->pins.push_back(std::move(read.block));
    return OkStatus();
  }

  Status ReadWithRollups(size_t i, TimeRange range, RawChunks* raw, SampleBuffer* out) const {
    std::vector<RollupSource> rollups;
    std::vector<RawSource> raw_sources;
    std::vector<SourcePlace> raw_places;
    for (size_t k = place_begin_[i]; k < place_begin_[i + 1]; ++k) {
      const SourcePlace place = places_[k];
      if (IsOfRollups(place)) {
        rollups.push_back({&InfoOf(place), rivals_[place.slice], HiddenOf(place),
                           [this, place](uint8_t columns, format::SeriesRollups* rows) -> Status {
                             ASSIGN_OR_RETURN(const PartSlice::Place read,
                                              slices_[place.slice]->Read(place.index));
                             for (const format::ChunkView& chunk : read.block->chunks(read.index)) {
                               RETURN_IF_ERROR(format::DecodeRollupChunk(chunk, rows, columns));
                             }
                             return OkStatus();
                           }});
        continue;
      }
      raw_places.push_back(place);
      if (place.slice != kHeadSource) {
        const format::PartInfo& info = InfoOf(place);
        raw_sources.push_back({place.slice, info.min_time_ms, info.max_time_ms});
        continue;
      }
      for (const auto& chunks : HeadChunks(place)) {
        for (const format::ChunkView& chunk : chunks) {
          raw_sources.push_back({RawSource::kHead, chunk.min_time_ms, chunk.max_time_ms});
        }
      }
    }
    RollupRead read(out->rollups, range, std::move(rollups), raw_sources);
    std::vector<ReadStretch> stretches;
    RETURN_IF_ERROR(read.Plan(&stretches));
    // Raw parts that rollups stand for altogether are not looked into.
    for (const SourcePlace& place : raw_places) {
      const bool wanted =
          place.slice == kHeadSource ||
          std::any_of(stretches.begin(), stretches.end(), [&](const ReadStretch& stretch) {
            return stretch.rollup == SIZE_MAX && InfoOf(place).min_time_ms <= stretch.max_ms &&
                   InfoOf(place).max_time_ms >= stretch.min_ms;
          });
      if (wanted) RETURN_IF_ERROR(Fetch(place, raw));
    }
    int64_t first_raw_ms = std::numeric_limits<int64_t>::max();
    for (const auto& chunks : raw->sources) {
      if (!chunks.empty()) first_raw_ms = std::min(first_raw_ms, chunks.front().min_time_ms);
    }
    RETURN_IF_ERROR(read.StandIn(first_raw_ms, &stretches));
    for (const ReadStretch& stretch : stretches) {
      if (stretch.rollup != SIZE_MAX) {
        read.Append(stretch, out);
        continue;
      }
      RETURN_IF_ERROR(CountChunks(raw->sources, stretch.min_ms, stretch.max_ms, out));
      RETURN_IF_ERROR(
          compaction::MergeChunks(raw->sources, stretch.min_ms, stretch.max_ms, out, hints_));
    }
    if (!out->weights.empty()) out->weights.resize(out->timestamps_ms.size(), 1);
    if (!out->histogram_weights.empty()) {
      out->histogram_weights.resize(out->histograms.size(), 1);
    }
    out->CompleteStartTimes();
    return OkStatus();
  }

  // Labels, and where the series is.
  static uint64_t SeriesBytes(size_t label_bytes) { return label_bytes + 2 * sizeof(Labels); }

  Status AddSlice(uint32_t slice, const index::PartIndexReader& index, SelectMeter* meter) {
    const std::span<const index::Ordinal> ordinals = slices_[slice]->ordinals();
    for (size_t begin = 0; begin < ordinals.size(); begin += kSeriesPerVisit) {
      uint64_t bytes = 0;
      const auto some = ordinals.subspan(begin, std::min(kSeriesPerVisit, ordinals.size() - begin));
      RETURN_IF_ERROR(index.VisitLabels(some, [&](size_t i, std::string_view labels) {
        Add(labels, {slice, static_cast<uint32_t>(begin + i)});
        bytes += SeriesBytes(labels.size());
      }));
      RETURN_IF_ERROR(meter->Add(bytes));
      RETURN_IF_ERROR(meter->Check());
    }
    return OkStatus();
  }

  // Refuses a series before it is decoded when it is far too long.
  static Status CountChunks(std::span<const std::span<const format::ChunkView>> sources,
                            int64_t min_ms, int64_t max_ms, SampleBuffer* out) {
    uint64_t sample_count = 0;
    uint64_t beyond_count_max = 0;
    for (const std::span<const format::ChunkView> source : sources) {
      for (const format::ChunkView& chunk : source) {
        if (chunk.max_time_ms < min_ms || chunk.min_time_ms > max_ms) continue;
        ++out->chunk_count;
        out->chunk_bytes += chunk.payload.size();
        sample_count += chunk.sample_count;
        if (chunk.max_time_ms > max_ms || chunk.min_time_ms < min_ms) {
          beyond_count_max += chunk.sample_count;
        }
      }
    }
    if (sample_count - beyond_count_max <= out->sample_count_max) return OkStatus();
    return ResourceExhaustedError("a series has " + std::to_string(sample_count) +
                                  " samples in the range, more than " +
                                  std::to_string(out->sample_count_max));
  }

  void Add(std::string_view labels, SourcePlace place) {
    if (table_.has_value()) {
      added_.emplace_back(table_->Number(labels, &labels_), place);
      return;
    }
    added_.emplace_back(static_cast<uint32_t>(labels_.size()), place);
    labels_.push_back(Labels::FromCanonicalBytes(std::string(labels)));
  }

  const HeadSnapshot head_;
  const std::vector<std::unique_ptr<PartSlice>> slices_;
  const std::vector<compaction::HiddenSamples> hidden_;
  const codec::HistogramHints hints_;
  std::vector<std::vector<PieceRivals>> rivals_;  // by slice; of those of rollups
  std::vector<Labels> labels_;
  std::vector<size_t> place_begin_;
  std::vector<SourcePlace> places_;
  // While building.
  std::vector<std::pair<uint32_t, SourcePlace>> added_;
  std::optional<SeriesTable> table_;
};

}  // namespace

Result<CompiledSelector> CompileMatchers(const Selector& selector) {
  CompiledSelector compiled;
  for (const Matcher& matcher : selector) {
    ASSIGN_OR_RETURN(auto one, index::LabelMatcher::Compile(static_cast<index::MatchOp>(matcher.op),
                                                            matcher.name, matcher.value));
    compiled.push_back(std::move(one));
  }
  return compiled;
}

Result<std::vector<CompiledSelector>> CompileSelectors(std::span<const Selector> selectors) {
  std::vector<CompiledSelector> compiled;
  compiled.reserve(selectors.size());
  for (const Selector& selector : selectors) {
    ASSIGN_OR_RETURN(CompiledSelector one, CompileMatchers(selector));
    compiled.push_back(std::move(one));
  }
  return compiled;
}

Result<std::vector<index::Ordinal>> MatchAny(const index::PartIndexReader& index,
                                             std::span<const CompiledSelector> selectors) {
  if (selectors.empty()) return index.Match({});
  ASSIGN_OR_RETURN(std::vector<index::Ordinal> ordinals, index.Match(selectors.front()));
  for (const CompiledSelector& selector : selectors.subspan(1)) {
    ASSIGN_OR_RETURN(const std::vector<index::Ordinal> matched, index.Match(selector));
    std::vector<index::Ordinal> both;
    std::set_union(ordinals.begin(), ordinals.end(), matched.begin(), matched.end(),
                   std::back_inserter(both));
    ordinals = std::move(both);
  }
  return ordinals;
}

static_assert(static_cast<int>(MatchOp::kEqual) == static_cast<int>(index::MatchOp::kEqual) &&
              static_cast<int>(MatchOp::kNotEqual) == static_cast<int>(index::MatchOp::kNotEqual) &&
              static_cast<int>(MatchOp::kRegexMatch) ==
                  static_cast<int>(index::MatchOp::kRegexMatch) &&
              static_cast<int>(MatchOp::kRegexNotMatch) ==
                  static_cast<int>(index::MatchOp::kRegexNotMatch));

Result<std::vector<std::shared_ptr<const SeriesSelection>>> MetricsReader::Select(
    std::span<const SelectRequest> requests, const SelectCheck& check) {
  std::vector<Request> compiled;
  compiled.reserve(requests.size());
  for (const SelectRequest& request : requests) {
    ASSIGN_OR_RETURN(auto selectors, CompileSelectors({&request.matchers, 1}));
    compiled.push_back({std::move(selectors),
                        {request.min_ms, request.max_ms},
                        request.reset_hints == ResetHints::kResolved
                            ? codec::HistogramHints::kResolved
                            : codec::HistogramHints::kAsWritten,
                        request.with_rollups});
  }
  return SelectAll(compiled, check);
}

Result<std::shared_ptr<const SeriesSelection>> MetricsReader::SelectUnion(
    std::span<const Selector> selectors, TimeRange range, Rollups rollups) {
  ASSIGN_OR_RETURN(auto compiled, CompileSelectors(selectors));
  const Request request{std::move(compiled), range, codec::HistogramHints::kAsWritten,
                        rollups == Rollups::kListed};
  ASSIGN_OR_RETURN(auto selections, SelectAll({&request, 1}, nullptr));
  return std::move(selections.front());
}

Result<std::vector<std::shared_ptr<const SeriesSelection>>> MetricsReader::SelectAll(
    std::span<const Request> requests, const SelectCheck& check) {
  std::vector<HeadSelect> selects;
  selects.reserve(requests.size());
  for (const Request& request : requests) {
    selects.push_back({request.selectors, request.range.min_ms, request.range.max_ms});
  }
  // The head first: what a flush takes away from it is in the catalog before. Before a delete
  // publishes its tombstone, it flushes the head; what was looked at while tombstones changed is
  // not of one instant.
  std::vector<HeadSnapshot> heads;
  std::shared_ptr<const kv::CatalogVersion> version;
  std::shared_ptr<const TombstoneList> tombstones;
  do {
    tombstones = tombstones_->current();
    ASSIGN_OR_RETURN(heads, head_->Snapshot(selects, check));
    version = store_->current();
  } while (tombstones != tombstones_->current());

  std::vector<std::shared_ptr<const SeriesSelection>> selections;
  for (size_t i = 0; i < requests.size(); ++i) {
    ASSIGN_OR_RETURN(auto selection,
                     SelectOne(requests[i], std::move(heads[i]), *version, *tombstones, check));
    selections.push_back(std::move(selection));
  }
  return selections;
}

Result<std::shared_ptr<const SeriesSelection>> MetricsReader::SelectOne(
    const Request& request, HeadSnapshot head, const kv::CatalogVersion& version,
    const TombstoneList& tombstones, const SelectCheck& check) {
  const auto [min_ms, max_ms] = request.range;
  std::vector<std::unique_ptr<PartSlice>> slices;
  std::vector<compaction::HiddenSamples> hidden;
  std::vector<std::shared_ptr<const compaction::MetricsPartReader>> slice_readers;
  for (const std::shared_ptr<const kv::Part>& part : version.parts) {
    const format::PartInfo& info = part->info();
    if (info.signal != format::Signal::kMetrics || info.min_time_ms > max_ms ||
        info.max_time_ms < min_ms ||
        (info.tier == format::Tier::kRollup && !request.with_rollups)) {
      continue;
    }
    ASSIGN_OR_RETURN(auto reader, readers_->Get(part));
    ASSIGN_OR_RETURN(auto ordinals, MatchAny(reader->index(), request.selectors));
    ASSIGN_OR_RETURN(auto hidden_here, HiddenIn(tombstones, info, reader->index()));
    DropHidden(hidden_here, info, request.range, &ordinals);
    if (ordinals.empty()) continue;
    hidden.push_back(std::move(hidden_here));
    slice_readers.push_back(reader);
    slices.push_back(
        std::make_unique<PartSlice>(std::move(reader), std::move(ordinals), min_ms, max_ms));
  }
  auto selection = std::make_shared<MetricsSelection>(std::move(head), std::move(slices),
                                                      std::move(hidden), request.hints);
  RETURN_IF_ERROR(selection->Build(slice_readers, check));
  return std::shared_ptr<const SeriesSelection>(std::move(selection));
}

}  // namespace varve::engine
