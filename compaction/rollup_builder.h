// From samples to rollups, from rollups to coarser ones, and of two rollups of one bucket the
// better. Pure.
#pragma once

#include <cstdint>

#include "storage/format/rollup.h"
#include "storage/format/sample_columns.h"

namespace varve::compaction {

// The end of the bucket (end - resolution, end] that holds `time_ms`. REQUIRES: resolution_ms > 0;
// time_ms is more than a resolution away from the ends of int64.
int64_t BucketEnd(int64_t time_ms, int64_t resolution_ms);

// Appends a row for each bucket of `resolution_ms` that `samples` (of one series) touch. Exact as
// format::RollupColumns says; sums are Neumaier's compensated ones.
void RollUp(const format::SampleColumns& samples, int64_t resolution_ms,
            format::SeriesRollups* out);

// The same from rows of a finer resolution, of which `resolution_ms` is a multiple.
void RollUp(const format::SeriesRollups& finer, int64_t resolution_ms, format::SeriesRollups* out);

// Of each bucket the row of `newer`, or of `older` where that counts more samples: then some of
// those that `newer` was made of are gone. Appends to `out`.
void MergeRollups(const format::SeriesRollups& older, const format::SeriesRollups& newer,
                  format::SeriesRollups* out);

}  // namespace varve::compaction
