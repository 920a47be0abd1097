#include "engine/metrics/rollup_read.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <tuple>
#include <utility>

#include "base/status_macros.h"
#include "compaction/rollup_builder.h"
#include "varve/write_batch.h"

namespace varve::engine {
namespace {

using format::HistogramRollups;
using format::RollupColumns;

constexpr int64_t kPointsPerWindow = 3;
constexpr int64_t kPointsMax = 1000;  // of one bucket

bool Touches(int64_t min_ms, int64_t max_ms, int64_t other_min_ms, int64_t other_max_ms) {
  return min_ms <= other_max_ms && max_ms >= other_min_ms;
}

// Rows of `columns` whose buckets end in [min_ms, max_ms].
std::pair<size_t, size_t> RowsIn(const std::vector<int64_t>& end_ms, int64_t min_ms,
                                 int64_t max_ms) {
  const auto first = std::lower_bound(end_ms.begin(), end_ms.end(), min_ms);
  const auto last = std::upper_bound(first, end_ms.end(), max_ms);
  return {static_cast<size_t>(first - end_ms.begin()), static_cast<size_t>(last - end_ms.begin())};
}

// What AppendExact looks at.
uint8_t ColumnsOf(RollupField field) {
  switch (field) {
    case RollupField::kLast:
      return format::kRollupLast | format::kRollupTimes;
    case RollupField::kFirst:
      return format::kRollupFirst | format::kRollupTimes;
    case RollupField::kMin:
      return format::kRollupMin;
    case RollupField::kMax:
      return format::kRollupMax;
    case RollupField::kSum:
    case RollupField::kMean:
      return format::kRollupSum | format::kRollupSumLow;
    case RollupField::kCount:
      return 0;
    case RollupField::kDelta:
      return format::kRollupFirst | format::kRollupLast | format::kRollupTimes;
    case RollupField::kIncrease:
      return format::kRollupFirst | format::kRollupLast | format::kRollupCorrection |
             format::kRollupTimes;
    case RollupField::kNone:
    case RollupField::kOther:
      break;
  }
  return format::kRollupAll;
}

// The parts of `from` that lie outside of all stretches (which ascend and are disjoint).
std::vector<ReadStretch> Uncovered(ReadStretch from, const std::vector<ReadStretch>& stretches) {
  std::vector<ReadStretch> free;
  for (const ReadStretch& taken : stretches) {
    if (taken.max_ms < from.min_ms) continue;
    if (taken.min_ms > from.max_ms) break;
    if (taken.min_ms > from.min_ms) {
      ReadStretch before = from;
      before.max_ms = taken.min_ms - 1;
      free.push_back(before);
    }
    if (taken.max_ms >= from.max_ms) return free;
    from.min_ms = taken.max_ms + 1;
  }
  free.push_back(from);
  return free;
}

void SortByTime(std::vector<ReadStretch>* stretches) {
  std::sort(stretches->begin(), stretches->end(),
            [](const ReadStretch& a, const ReadStretch& b) { return a.min_ms < b.min_ms; });
}

const HistogramPtr& StaleHistogram() {
  static const HistogramPtr kStale = [] {
    auto histogram = std::make_shared<Histogram>();
    histogram->sum = std::bit_cast<double>(kStaleMarkerBits);
    return HistogramPtr(std::move(histogram));
  }();
  return kStale;
}

// Appends samples with their weights.
class Appender {
 public:
  explicit Appender(SampleBuffer* out) : out_(out) {
    out_->weights.resize(out_->timestamps_ms.size(), 1);
    out_->histogram_weights.resize(out_->histograms.size(), 1);
  }
  void Add(int64_t time_ms, double value, double weight) {
    out_->timestamps_ms.push_back(time_ms);
    out_->values.push_back(value);
    out_->weights.push_back(weight);
  }
  void Add(int64_t time_ms, const HistogramPtr& histogram, double weight) {
    out_->histogram_timestamps_ms.push_back(time_ms);
    out_->histograms.push_back(histogram);
    out_->histogram_weights.push_back(weight);
  }

 private:
  SampleBuffer* const out_;
};

// What gives the same answer as the samples of row `i` to every window that holds all of its
// bucket.
void AppendExact(RollupField field, int64_t min_ms, const RollupColumns& rows, size_t i,
                 Appender* out) {
  const auto count = static_cast<double>(rows.count[i]);
  const int64_t end_ms = rows.end_ms[i];
  if (field == RollupField::kLast) {
    // The window may begin within the bucket.
    if (rows.count[i] > 0 && rows.last_ms[i] >= min_ms) {
      out->Add(rows.last_ms[i], rows.last[i], count);
    }
    if ((rows.flags[i] & format::kRollupEndsStale) != 0 &&
        (rows.count[i] == 0 || rows.last_ms[i] < end_ms)) {
      out->Add(end_ms, std::bit_cast<double>(kStaleMarkerBits), 0);
    }
    return;
  }
  if (rows.count[i] == 0) return;
  switch (field) {
    case RollupField::kFirst:
      return out->Add(rows.first_ms[i], rows.first[i], count);
    case RollupField::kMin:
      return out->Add(end_ms, rows.min[i], count);
    case RollupField::kMax:
      return out->Add(end_ms, rows.max[i], count);
    case RollupField::kSum:
    case RollupField::kMean:
      if (rows.sum_low[i] != 0) out->Add(end_ms - 1, rows.sum_low[i], 0);
      return out->Add(end_ms, rows.sum[i], count);
    case RollupField::kCount:
      return out->Add(end_ms, 0, count);
    case RollupField::kIncrease:
    case RollupField::kDelta:
      out->Add(rows.first_ms[i], rows.first[i], 1);
      if (rows.count[i] == 1) return;
      if (field == RollupField::kIncrease && rows.correction[i] != 0) {
        // As if it had run up to what was counted before all resets together, and begun at zero.
        out->Add(rows.first_ms[i] + 1, rows.correction[i], 0);
        out->Add(rows.first_ms[i] + 2, 0, 0);
      }
      return out->Add(rows.last_ms[i], rows.last[i], count - 1);
    case RollupField::kLast:
    case RollupField::kNone:
    case RollupField::kOther:
      return;
  }
}

void AppendExact(RollupField field, int64_t min_ms, const HistogramRollups& rows, size_t i,
                 Appender* out) {
  const size_t begin = rows.kept_begin[i];
  const size_t end = rows.kept_begin[i + 1];
  const auto count = static_cast<double>(rows.count[i]);
  if (field == RollupField::kLast) {
    if (begin < end && rows.kept_ms[end - 1] >= min_ms) {
      out->Add(rows.kept_ms[end - 1], rows.kept[end - 1], count);
    }
    if ((rows.flags[i] & format::kRollupEndsStale) != 0) {
      out->Add(rows.end_ms[i], StaleHistogram(), 0);
    }
    return;
  }
  if (begin == end) return;
  if (field == RollupField::kFirst) {
    out->Add(rows.kept_ms[begin], rows.kept[begin], count);
    return;
  }
  for (size_t k = begin; k < end; ++k) {
    double weight = k == begin ? 1 : 0;
    if (k + 1 == end) weight = k == begin ? count : count - 1;
    out->Add(rows.kept_ms[k], rows.kept[k], weight);
  }
}

// Whether a counter's resets within the bucket can be told by a few samples.
bool HasCorrectionTold(const RollupColumns& rows, size_t i) {
  const double correction = rows.correction[i];
  if (correction == 0) return true;
  return correction >= rows.first[i] && rows.last[i] >= 0 &&
         rows.last_ms[i] - rows.first_ms[i] >= 3;
}

// Points from the first sample of a row to its last, as many as windows need to see it.
int64_t PointCount(const RollupUse& use, int64_t span_ms, int64_t count) {
  if (use.window_ms <= 0 || count < 2) return 1;
  const int64_t spacing_ms = std::max<int64_t>(1, use.window_ms / kPointsPerWindow);
  return std::clamp<int64_t>(span_ms / spacing_ms + 2, 2, std::min(kPointsMax, span_ms));
}

// What is left of samples that are gone: as many points as the query's windows need.
void AppendStandIn(const RollupUse& use, const ReadStretch& stretch, const RollupColumns& rows,
                   size_t i, Appender* out) {
  if (rows.count[i] == 0) return;
  const auto add = [&](int64_t time_ms, double value, double weight) {
    if (time_ms >= stretch.min_ms && time_ms <= stretch.max_ms) out->Add(time_ms, value, weight);
  };
  const int64_t span_ms = rows.last_ms[i] - rows.first_ms[i];
  if (use.field == RollupField::kIncrease && rows.correction[i] != 0 &&
      HasCorrectionTold(rows, i)) {
    add(rows.first_ms[i], rows.first[i], 1);
    add(rows.first_ms[i] + 1, rows.correction[i], 1);
    add(rows.first_ms[i] + 2, 0, 1);
    add(rows.last_ms[i], rows.last[i], 1);
    return;
  }
  const int64_t points = PointCount(use, span_ms, rows.count[i]);
  const auto count = static_cast<double>(rows.count[i]);
  const double mean = rows.sum[i] / count + rows.sum_low[i] / count;
  for (int64_t k = 0; k < points; ++k) {
    const bool last = k + 1 == points;
    const double share = points == 1 ? 1 : static_cast<double>(k) / static_cast<double>(points - 1);
    const int64_t time_ms =
        last ? rows.last_ms[i]
             : rows.first_ms[i] + static_cast<int64_t>(share * static_cast<double>(span_ms));
    double value = mean;
    double weight = 1;
    switch (use.field) {
      case RollupField::kMin:
        value = rows.min[i];
        break;
      case RollupField::kMax:
        value = rows.max[i];
        break;
      case RollupField::kSum:
      case RollupField::kMean:
        value = (rows.sum[i] + rows.sum_low[i]) / static_cast<double>(points);
        weight = count / static_cast<double>(points);
        break;
      case RollupField::kCount:
        weight = count / static_cast<double>(points);
        break;
      case RollupField::kIncrease:
      case RollupField::kDelta:
        value = rows.first[i] + share * (rows.last[i] - rows.first[i]);
        break;
      case RollupField::kNone:
      case RollupField::kLast:
      case RollupField::kFirst:
      case RollupField::kOther:
        break;
    }
    if (last && points == 1) value = use.field == RollupField::kLast ? rows.last[i] : value;
    const bool ends = use.field == RollupField::kLast || use.field == RollupField::kFirst ||
                      use.field == RollupField::kOther || use.field == RollupField::kIncrease ||
                      use.field == RollupField::kDelta;
    if (ends && points > 1 && k == 0) value = rows.first[i];
    if (ends && points > 1 && last) value = rows.last[i];
    add(time_ms, value, weight);
  }
}

void AppendStandIn(const RollupUse&, const ReadStretch& stretch, const HistogramRollups& rows,
                   size_t i, Appender* out) {
  for (size_t k = rows.kept_begin[i]; k < rows.kept_begin[i + 1]; ++k) {
    if (rows.kept_ms[k] < stretch.min_ms || rows.kept_ms[k] > stretch.max_ms) continue;
    out->Add(rows.kept_ms[k], rows.kept[k], 1);
  }
}

}  // namespace

std::vector<PieceRivals> FindRivals(const format::PartInfo& rollup,
                                    std::span<const format::PartInfo* const> raw) {
  std::vector<PieceRivals> rivals(rollup.pieces.size());
  for (size_t i = 0; i < rivals.size(); ++i) {
    const format::PartPiece& piece = rollup.pieces[i];
    for (uint32_t k = 0; k < raw.size(); ++k) {
      if (raw[k] == nullptr ||
          !Touches(piece.begin_ms, piece.end_ms, raw[k]->min_time_ms, raw[k]->max_time_ms)) {
        continue;
      }
      if (piece.purged || raw[k]->SequenceIn(piece.begin_ms, piece.end_ms) > piece.max_sequence) {
        rivals[i].push_back(k);
      }
    }
  }
  return rivals;
}

RollupRead::RollupRead(const RollupUse& use, TimeRange range, std::vector<RollupSource> rollups,
                       std::span<const RawSource> raw)
    : use_(use), range_(range), rollups_(std::move(rollups)), raw_(raw), rows_(rollups_.size()) {}

Status RollupRead::Load(size_t source, uint8_t columns) {
  Rows& rows = rows_[source];
  if (rows.read && (columns & ~rows.columns) == 0) return OkStatus();
  rows.read = true;
  rows.columns = columns;
  rows.rows.Clear();
  return rollups_[source].read(columns, &rows.rows);
}

std::vector<size_t> RollupRead::Ordered(Order order) const {
  const bool coarsest_first = order == Order::kCoarsestFirst;
  std::vector<size_t> sources(rollups_.size());
  for (size_t i = 0; i < sources.size(); ++i) sources[i] = i;
  std::sort(sources.begin(), sources.end(), [&](size_t a, size_t b) {
    const format::PartInfo& left = *rollups_[a].info;
    const format::PartInfo& right = *rollups_[b].info;
    if (left.resolution_ms != right.resolution_ms) {
      return (left.resolution_ms > right.resolution_ms) == coarsest_first;
    }
    return std::tuple(left.max_sequence, left.part_id) >
           std::tuple(right.max_sequence, right.part_id);
  });
  return sources;
}

// Nothing was written or deleted since the piece was made.
bool RollupRead::IsCurrent(const RollupSource& source, size_t piece_number) const {
  const format::PartPiece& piece = source.info->pieces[piece_number];
  for (const compaction::HiddenRange& hidden : source.hidden) {
    if (Touches(piece.begin_ms, piece.end_ms, hidden.min_ms, hidden.max_ms)) return false;
  }
  const PieceRivals& rivals = source.rivals[piece_number];
  return std::none_of(raw_.begin(), raw_.end(), [&](const RawSource& raw) {
    if (raw.slice != RawSource::kHead) {
      return std::find(rivals.begin(), rivals.end(), raw.slice) != rivals.end();
    }
    return Touches(piece.begin_ms, piece.end_ms, raw.min_ms, raw.max_ms);
  });
}

// Rows whose buckets end in [min_ms, max_ms] answer for the samples in them.
bool RollupRead::IsExact(size_t source, int64_t min_ms, int64_t max_ms) const {
  const format::SeriesRollups& rows = rows_[source].rows;
  const auto [begin, end] = RowsIn(rows.floats.end_ms, min_ms, max_ms);
  const auto [histogram_begin, histogram_end] = RowsIn(rows.histograms.end_ms, min_ms, max_ms);
  const bool floats = begin < end;
  const bool histograms = histogram_begin < histogram_end;
  if (use_.field == RollupField::kLast && !use_.heeds_start_times && !(floats && histograms)) {
    return true;
  }
  const bool increase = use_.field == RollupField::kIncrease;
  if (floats && histograms) return false;  // there is more to say of such windows
  // A last bit is no reason to prefer nothing.
  const bool raw_left = std::any_of(raw_.begin(), raw_.end(), [&](const RawSource& raw) {
    return Touches(min_ms, max_ms, raw.min_ms, raw.max_ms);
  });
  const bool mean = use_.field == RollupField::kMean && raw_left;
  const int64_t inexact = (increase && raw_left ? format::kRollupRateInexact : 0) |
                          (mean ? format::kRollupSumRounded : 0) |
                          (use_.heeds_start_times ? format::kRollupHasStarts : 0);
  for (size_t i = begin; i < end; ++i) {
    if ((rows.floats.flags[i] & inexact) != 0) return false;
    if (increase && !HasCorrectionTold(rows.floats, i)) return false;
  }
  if (!histograms) return true;
  for (size_t i = histogram_begin; i < histogram_end; ++i) {
    if ((rows.histograms.flags[i] & inexact) != 0) return false;
  }
  return increase || use_.field == RollupField::kDelta || use_.field == RollupField::kFirst ||
         use_.field == RollupField::kLast;
}

Result<bool> RollupRead::Take(size_t source, int64_t min_ms, int64_t max_ms,
                              std::vector<ReadStretch>* stretches) {
  const int64_t resolution_ms = rollups_[source].info->resolution_ms;
  // Whole buckets; the newest sample may lie in one that the range cuts.
  const int64_t first_end_ms = compaction::BucketEnd(range_.min_ms, resolution_ms);
  const int64_t first_ms = first_end_ms - resolution_ms + 1;
  const bool cut = first_ms < range_.min_ms && use_.field != RollupField::kLast;
  min_ms = std::max(min_ms, cut ? first_end_ms + 1 : first_ms);
  const int64_t last_end_ms = compaction::BucketEnd(range_.max_ms, resolution_ms);
  max_ms =
      std::min(max_ms, last_end_ms > range_.max_ms ? last_end_ms - resolution_ms : last_end_ms);
  if (min_ms > max_ms) return true;
  const std::vector<ReadStretch> free = Uncovered({min_ms, max_ms, source}, *stretches);
  if (free.empty()) return true;
  RETURN_IF_ERROR(Load(source, ColumnsOf(use_.field)));
  size_t taken = 0;
  for (const ReadStretch& stretch : free) {
    if (!IsExact(source, stretch.min_ms, stretch.max_ms)) continue;
    stretches->push_back(stretch);
    ++taken;
  }
  if (taken > 0) SortByTime(stretches);
  return taken == free.size();
}

Status RollupRead::Plan(std::vector<ReadStretch>* stretches) {
  stretches->clear();
  if (use_.edge_ms > 0 && use_.field != RollupField::kOther) {
    for (const size_t source : Ordered(Order::kCoarsestFirst)) {
      const format::PartInfo& info = *rollups_[source].info;
      if (info.resolution_ms <= 0 || use_.edge_ms % info.resolution_ms != 0) continue;
      const std::vector<format::PartPiece>& pieces = info.pieces;
      for (size_t begin = 0; begin < pieces.size();) {
        if (!IsCurrent(rollups_[source], begin)) {
          ++begin;
          continue;
        }
        // Days in a row at once, and one by one where some row of them is not exact.
        size_t end = begin + 1;
        while (end < pieces.size() && pieces[end].begin_ms == pieces[end - 1].end_ms + 1 &&
               IsCurrent(rollups_[source], end)) {
          ++end;
        }
        ASSIGN_OR_RETURN(const bool all,
                         Take(source, pieces[begin].begin_ms, pieces[end - 1].end_ms, stretches));
        for (size_t i = begin; !all && end - begin > 1 && i < end; ++i) {
          RETURN_IF_ERROR(Take(source, pieces[i].begin_ms, pieces[i].end_ms, stretches).status());
        }
        begin = end;
      }
    }
  }
  const auto raw = Uncovered({range_.min_ms, range_.max_ms, SIZE_MAX}, *stretches);
  stretches->insert(stretches->end(), raw.begin(), raw.end());
  SortByTime(stretches);
  return OkStatus();
}

Status RollupRead::StandIn(int64_t first_raw_ms, std::vector<ReadStretch>* stretches) {
  std::vector<ReadStretch> raw;
  std::vector<ReadStretch> taken;
  for (const ReadStretch& stretch : *stretches) {
    (stretch.rollup == SIZE_MAX ? raw : taken).push_back(stretch);
  }
  const size_t taken_before = taken.size();
  for (const size_t source : Ordered(Order::kFinestFirst)) {
    const format::PartInfo& info = *rollups_[source].info;
    for (const ReadStretch& gap : raw) {
      if (gap.min_ms >= first_raw_ms) continue;
      for (const format::PartPiece& piece : info.pieces) {
        if (!Touches(piece.begin_ms, piece.end_ms, gap.min_ms, gap.max_ms)) continue;
        RETURN_IF_ERROR(Load(source, format::kRollupAll));
        const format::SeriesRollups& rows = rows_[source].rows;
        // Up to the bucket in which raw samples begin, and with it where it begins without them.
        int64_t until_ms = gap.max_ms;
        if (first_raw_ms <= gap.max_ms) {
          const int64_t end_ms = compaction::BucketEnd(first_raw_ms, info.resolution_ms);
          const auto [begin, end] = RowsIn(rows.floats.end_ms, end_ms, end_ms);
          const bool began_before = begin < end && rows.floats.first_ms[begin] < first_raw_ms;
          until_ms = std::min(gap.max_ms, began_before ? end_ms : end_ms - info.resolution_ms);
        }
        const ReadStretch wanted{std::max(gap.min_ms, piece.begin_ms),
                                 std::min(until_ms, piece.end_ms), source};
        if (wanted.min_ms > wanted.max_ms) continue;
        // Of a bucket that the stretch cuts short the row counts, too.
        const int64_t last_end_ms = compaction::BucketEnd(wanted.max_ms, info.resolution_ms);
        const auto [begin, end] = RowsIn(rows.floats.end_ms, wanted.min_ms, last_end_ms);
        const auto [histogram_begin, histogram_end] =
            RowsIn(rows.histograms.end_ms, wanted.min_ms, last_end_ms);
        if (begin == end && histogram_begin == histogram_end) continue;
        for (const ReadStretch& stretch : Uncovered(wanted, taken)) {
          taken.push_back(stretch);
          stand_ins_.push_back(stretch);
        }
        SortByTime(&taken);
      }
    }
  }
  if (taken.size() == taken_before) return OkStatus();
  std::vector<ReadStretch> left;
  for (const ReadStretch& gap : raw) {
    for (const ReadStretch& stretch : Uncovered(gap, taken)) left.push_back(stretch);
  }
  *stretches = std::move(taken);
  stretches->insert(stretches->end(), left.begin(), left.end());
  SortByTime(stretches);
  return OkStatus();
}

void RollupRead::Append(const ReadStretch& stretch, SampleBuffer* out) const {
  const format::SeriesRollups& rows = rows_[stretch.rollup].rows;
  const format::PartInfo& info = *rollups_[stretch.rollup].info;
  const bool stands_in =
      std::any_of(stand_ins_.begin(), stand_ins_.end(), [&stretch](const ReadStretch& other) {
        return other.min_ms == stretch.min_ms && other.rollup == stretch.rollup;
      });
  const int64_t last_end_ms =
      stands_in ? compaction::BucketEnd(stretch.max_ms, info.resolution_ms) : stretch.max_ms;
  Appender appender(out);
  const auto append = [&](const auto& columns) {
    const auto [begin, end] = RowsIn(columns.end_ms, stretch.min_ms, last_end_ms);
    for (size_t i = begin; i < end; ++i) {
      const bool hidden = std::any_of(
          rollups_[stretch.rollup].hidden.begin(), rollups_[stretch.rollup].hidden.end(),
          [&](const compaction::HiddenRange& range) {
            return Touches(columns.end_ms[i] - info.resolution_ms + 1, columns.end_ms[i],
                           range.min_ms, range.max_ms);
          });
      if (hidden) continue;
      if (stands_in) {
        AppendStandIn(use_, stretch, columns, i, &appender);
      } else {
        AppendExact(use_.field, range_.min_ms, columns, i, &appender);
      }
    }
    out->rollup_row_count += end - begin;
  };
  append(rows.floats);
  append(rows.histograms);
  out->rollup_resolution_ms = std::max(out->rollup_resolution_ms, info.resolution_ms);
  out->rollups_stand_in = out->rollups_stand_in || stands_in;
}

}  // namespace varve::engine
