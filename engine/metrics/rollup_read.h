// Rollups on the read path: which stretches of a series' time they may stand for, and the few
// samples that give the same answer there as all raw ones.
//
// Where rollups are exact, a read takes them, coarse before fine, and raw samples elsewhere; where
// raw samples are gone, rollups stand in for them as well as they can, and the buffer says so.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "compaction/hidden_samples.h"
#include "engine/reader.h"
#include "storage/format/part_info.h"
#include "storage/format/rollup.h"
#include "varve/status.h"

namespace varve::engine {

// The raw slices of a selection (by number) that have something which is missing in a piece.
using PieceRivals = std::vector<uint32_t>;
// Those of each of the part's pieces, of raw parts numbered as `raw` is; null: no raw part.
std::vector<PieceRivals> FindRivals(const format::PartInfo& rollup,
                                    std::span<const format::PartInfo* const> raw);

// A part of rollups that has the series.
struct RollupSource {
  const format::PartInfo* info = nullptr;
  std::span<const PieceRivals> rivals;
  std::span<const compaction::HiddenRange> hidden;  // of the series
  // Appends these columns (format::RollupColumnSet) of the series' rows.
  std::function<Status(uint8_t columns, format::SeriesRollups*)> read;
};

// Raw parts and the head as far as they have the series.
struct RawSource {
  static constexpr uint32_t kHead = UINT32_MAX;
  uint32_t slice = kHead;
  int64_t min_ms = 0;  // of its samples
  int64_t max_ms = 0;
};

// A stretch of time, both ends included, and what answers for it.
struct ReadStretch {
  int64_t min_ms = 0;
  int64_t max_ms = 0;
  size_t rollup = SIZE_MAX;  // into the sources; SIZE_MAX: raw samples
};

// One read of one series. Thread safety: none.
class RollupRead {
 public:
  // All borrowed.
  RollupRead(const RollupUse& use, TimeRange range, std::vector<RollupSource> rollups,
             std::span<const RawSource> raw);

  // The stretches that make up the range, in order. Rows are read and checked, so that those of
  // rollups are exact. Errors: those of reading.
  Status Plan(std::vector<ReadStretch>* stretches);
  // Where raw samples begin within what stretches leave to them at `first_raw_ms` (INT64_MAX: there
  // are none), rollups stand in for what is gone before: puts them in the place of raw stretches.
  Status StandIn(int64_t first_raw_ms, std::vector<ReadStretch>* stretches);
  // Appends what stands for the rows of a stretch.
  void Append(const ReadStretch& stretch, SampleBuffer* out) const;

 private:
  struct Rows {
    uint8_t columns = 0;  // that were read
    bool read = false;
    format::SeriesRollups rows;
  };
  Status Load(size_t source, uint8_t columns);
  bool IsCurrent(const RollupSource& source, size_t piece) const;
  // Takes what is exact of [min_ms, max_ms] and not taken yet into `stretches`. True when all was.
  Result<bool> Take(size_t source, int64_t min_ms, int64_t max_ms,
                    std::vector<ReadStretch>* stretches);
  bool IsExact(size_t source, int64_t min_ms, int64_t max_ms) const;
  // Sources in this order of resolutions, newest first among those of one.
  enum class Order : uint8_t { kCoarsestFirst, kFinestFirst };
  std::vector<size_t> Ordered(Order order) const;

  const RollupUse use_;
  const TimeRange range_;
  const std::vector<RollupSource> rollups_;
  const std::span<const RawSource> raw_;
  std::vector<Rows> rows_;
  std::vector<ReadStretch> stand_ins_;  // among the stretches
};

}  // namespace varve::engine
