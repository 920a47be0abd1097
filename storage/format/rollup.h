// Rollups: what is kept of a series when its samples are downsampled. The samples of each bucket
// (end - resolution, end] become one row; buckets without samples have none.
//
// A row holds what makes range functions over whole buckets exact: of rate and increase the first
// and the last sample, how many there were, and what was counted before each reset in between; of
// sums the rounding error that a compensated summation carries on; the extremes. Native histograms
// have rows of their own: their sum, and those samples themselves between which nothing was reset.
// Layout: docs/FORMATS.md, "Rollup chunk".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/format/chunk.h"
#include "storage/format/sample_columns.h"
#include "varve/histogram.h"
#include "varve/status.h"

namespace varve::format {

enum RollupFlag : uint8_t {  // on disk
  // The last sample of the bucket is a stale marker.
  kRollupEndsStale = 1,
  // rate and increase are not exact: several resets whose sum was rounded, or values below zero.
  kRollupRateInexact = 2,
  // The histograms of the bucket cannot be added up (exponential and custom buckets).
  kRollupNoSum = 4,
  // Some samples had a start time, which rows do not keep.
  kRollupHasStarts = 8,
  // Sums were rounded: some sample is no integer, or they are large. A mean, which is rounded once
  // more, may then differ in its last bit.
  kRollupSumRounded = 16,
};

// Rows of floats, column by column; all of one length. Stale markers are in no column but flags.
struct RollupColumns {
  std::vector<int64_t> end_ms;  // strictly ascending multiples of the resolution
  std::vector<int64_t> count;   // of samples; 0 where all were stale markers
  std::vector<int64_t> first_ms;
  std::vector<int64_t> last_ms;
  std::vector<double> first;
  std::vector<double> last;
  std::vector<double> min;  // NaN only where all samples are
  std::vector<double> max;
  std::vector<double> sum;         // sum + sum_low is the sum of the samples
  std::vector<double> sum_low;     // Neumaier's compensation
  std::vector<double> correction;  // the values before each reset within the bucket, added up
  std::vector<int64_t> flags;      // RollupFlag

  size_t size() const { return end_ms.size(); }
  void Clear();
  void Truncate(size_t size);
  // Appends row `i` of `other`, which has all columns.
  void Append(const RollupColumns& other, size_t i);
};

// Rows of native histograms.
struct HistogramRollups {
  std::vector<int64_t> end_ms;
  std::vector<int64_t> count;
  std::vector<int64_t> flags;
  std::vector<HistogramPtr> sum;  // null where count is 0 or kRollupNoSum is set
  // Samples of the bucket as they were, ascending in time: the first and the last one and those
  // beside each reset. Row i has [kept_begin[i], kept_begin[i + 1]).
  std::vector<size_t> kept_begin = {0};
  std::vector<int64_t> kept_ms;
  std::vector<HistogramPtr> kept;

  size_t size() const { return end_ms.size(); }
  void Clear();
  void Append(const HistogramRollups& other, size_t i);
};

struct SeriesRollups {
  RollupColumns floats;
  HistogramRollups histograms;
  size_t size() const { return floats.size() + histograms.size(); }
  void Clear() {
    floats.Clear();
    histograms.Clear();
  }
};

// Which columns of floats to decode; end_ms, count and flags always are. The others stay empty.
enum RollupColumnSet : uint8_t {
  kRollupFirst = 1 << 0,
  kRollupLast = 1 << 1,
  kRollupMin = 1 << 2,
  kRollupMax = 1 << 3,
  kRollupSum = 1 << 4,
  kRollupSumLow = 1 << 5,
  kRollupCorrection = 1 << 6,
  kRollupTimes = 1 << 7,  // of the first and the last sample
  kRollupAll = 255,
};

// Rows of one chunk, of floats and histograms together.
inline constexpr size_t kRollupRowsMax = 4096;

// Appends the payload of a kRollup chunk. REQUIRES: 1 to kRollupRowsMax rows.
void EncodeRollups(const SeriesRollups& rollups, std::string* out);
// Appends the rows of a payload of `row_count` rows. Error: kDataLoss; then `out` is as before.
// All calls that fill one `out` name the same columns.
Status DecodeRollups(std::string_view payload, size_t row_count, SeriesRollups* out,
                     uint8_t columns = kRollupAll);
// The same of a chunk, whose times are checked as well: its rows end within them.
Status DecodeRollupChunk(const ChunkView& chunk, SeriesRollups* out, uint8_t columns = kRollupAll);

}  // namespace varve::format
