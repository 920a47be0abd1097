#include "storage/format/rollup.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "storage/codec/columns.h"
#include "storage/codec/histogram.h"

namespace varve::format {
namespace {

// In the place of a value codec: the column is the same as an earlier one, whose number is in the
// low bits. (The smallest of a counter's bucket is its first, of a constant all are one.)
constexpr uint8_t kSameAs = 0x80;

using DoubleColumn = std::vector<double> RollupColumns::*;
// In the order on disk.
constexpr std::array<DoubleColumn, 7> kDoubleColumns = {
    &RollupColumns::first, &RollupColumns::last,    &RollupColumns::min,       &RollupColumns::max,
    &RollupColumns::sum,   &RollupColumns::sum_low, &RollupColumns::correction};

Status Damaged(const std::string& what) { return DataLossError("rollup chunk: " + what); }

void AppendTimes(const std::vector<int64_t>& column, std::string* out) {
  std::string bytes;
  codec::EncodeTimes(column, &bytes);
  AppendLengthPrefixed(out, bytes);
}

Status ReadTimes(ByteReader* in, size_t count, std::vector<int64_t>* column) {
  const std::string_view bytes = in->LengthPrefixed();
  if (!in->ok()) return Damaged("a column is cut off");
  const size_t begin = column->size();
  column->resize(begin + count);
  return codec::DecodeTimes(bytes, count, column->data() + begin);
}

bool SameBits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

void AppendFloats(const RollupColumns& rows, std::string* out) {
  AppendTimes(rows.end_ms, out);
  AppendTimes(rows.count, out);
  // Steady scrapes have steady distances from the bucket's end.
  std::vector<int64_t> before_end(rows.size());
  for (const std::vector<int64_t>* column : {&rows.first_ms, &rows.last_ms}) {
    for (size_t i = 0; i < rows.size(); ++i) before_end[i] = rows.end_ms[i] - (*column)[i];
    AppendTimes(before_end, out);
  }
  AppendTimes(rows.flags, out);
  for (size_t k = 0; k < kDoubleColumns.size(); ++k) {
    const std::vector<double>& column = rows.*kDoubleColumns[k];
    size_t same = 0;
    while (same < k && !SameBits(rows.*kDoubleColumns[same], column)) ++same;
    if (same < k) {
      out->push_back(static_cast<char>(kSameAs | same));
      continue;
    }
    std::string bytes;
    const codec::ValueCodec codec = codec::EncodeValues(column, &bytes);
    out->push_back(static_cast<char>(codec));
    AppendLengthPrefixed(out, bytes);
  }
}

Status CheckEnds(const std::vector<int64_t>& end_ms, const std::vector<int64_t>& count,
                 const std::vector<int64_t>& flags, size_t begin) {
  for (size_t i = begin; i < end_ms.size(); ++i) {
    if (i > begin && end_ms[i - 1] >= end_ms[i]) return Damaged("buckets do not ascend");
    if (count[i] < 0) return Damaged("a bucket of " + std::to_string(count[i]) + " samples");
    if (flags[i] < 0 || flags[i] > 31) return Damaged("flags " + std::to_string(flags[i]));
  }
  return OkStatus();
}

// A time column, or nothing of it. `base`: what its values are subtracted from.
Status ReadOffsets(ByteReader* in, const std::vector<int64_t>& base, size_t begin, bool wanted,
                   std::vector<int64_t>* column) {
  const std::string_view bytes = in->LengthPrefixed();
  if (!in->ok()) return Damaged("a column is cut off");
  if (!wanted) return OkStatus();
  column->resize(base.size());
  RETURN_IF_ERROR(codec::DecodeTimes(bytes, base.size() - begin, column->data() + begin));
  for (size_t i = begin; i < base.size(); ++i) {
    if (__builtin_sub_overflow(base[i], (*column)[i], &(*column)[i])) {
      return Damaged("a time beyond all times");
    }
  }
  return OkStatus();
}

Status CheckSampleTimes(const RollupColumns& rows, size_t begin) {
  for (size_t i = begin; i < rows.size(); ++i) {
    const bool ordered = rows.first_ms[i] <= rows.last_ms[i] && rows.last_ms[i] <= rows.end_ms[i] &&
                         (i == begin || rows.first_ms[i] > rows.end_ms[i - 1]);
    if (rows.count[i] == 0 || ordered) continue;
    return Damaged("samples from " + std::to_string(rows.first_ms[i]) + " to " +
                   std::to_string(rows.last_ms[i]) + " in the bucket that ends at " +
                   std::to_string(rows.end_ms[i]));
  }
  return OkStatus();
}

// The seven columns of values, of which `columns` are decoded.
Status ReadValues(ByteReader* in, size_t count, uint8_t columns, RollupColumns* rows) {
  struct Encoded {
    uint8_t codec = 0;
    std::string_view bytes;
  };
  std::array<Encoded, kDoubleColumns.size()> encoded;
  const size_t begin = rows->size() - count;
  for (size_t k = 0; k < kDoubleColumns.size(); ++k) {
    encoded[k].codec = in->Fixed<uint8_t>();
    if ((encoded[k].codec & kSameAs) != 0) {
      const size_t same = encoded[k].codec & ~kSameAs;
      if (same >= k) return Damaged("a column like one behind it");
      encoded[k] = encoded[same];
    } else {
      encoded[k].bytes = in->LengthPrefixed();
    }
    if (!in->ok()) return Damaged("a column is cut off");
    if ((columns & 1U << k) == 0) continue;
    std::vector<double>& column = rows->*kDoubleColumns[k];
    column.resize(begin + count);
    RETURN_IF_ERROR(codec::DecodeValues(static_cast<codec::ValueCodec>(encoded[k].codec),
                                        encoded[k].bytes, count, column.data() + begin));
  }
  return OkStatus();
}

Status ReadFloats(ByteReader* in, size_t count, uint8_t columns, RollupColumns* rows) {
  const size_t begin = rows->size();
  const bool times = (columns & kRollupTimes) != 0;
  RETURN_IF_ERROR(ReadTimes(in, count, &rows->end_ms));
  RETURN_IF_ERROR(ReadTimes(in, count, &rows->count));
  RETURN_IF_ERROR(ReadOffsets(in, rows->end_ms, begin, times, &rows->first_ms));
  RETURN_IF_ERROR(ReadOffsets(in, rows->end_ms, begin, times, &rows->last_ms));
  RETURN_IF_ERROR(ReadTimes(in, count, &rows->flags));
  RETURN_IF_ERROR(CheckEnds(rows->end_ms, rows->count, rows->flags, begin));
  if (times) RETURN_IF_ERROR(CheckSampleTimes(*rows, begin));
  return ReadValues(in, count, columns, rows);
}

// Histograms as chunks one behind the other: count, length, payload.
void AppendHistograms(const std::vector<int64_t>& times_ms,
                      const std::vector<HistogramPtr>& histograms, std::string* out) {
  codec::HistogramEncoder encoder;
  const auto flush = [&] {
    AppendVarint(out, encoder.sample_count());
    AppendLengthPrefixed(out, encoder.payload());
    encoder = codec::HistogramEncoder();
  };
  for (size_t i = 0; i < histograms.size(); ++i) {
    if (!encoder.HasRoomFor(*histograms[i])) flush();
    encoder.Append(times_ms[i], 0, *histograms[i]);
  }
  if (encoder.sample_count() > 0) flush();
}

Status ReadHistograms(ByteReader* in, size_t count, std::vector<int64_t>* times_ms,
                      std::vector<HistogramPtr>* histograms) {
  std::vector<int64_t> start_times_ms;
  for (size_t read = 0; read < count;) {
    const uint64_t chunk_count = in->Varint();
    const std::string_view payload = in->LengthPrefixed();
    if (!in->ok() || chunk_count == 0 || chunk_count > count - read ||
        chunk_count > codec::kHistogramSampleCountMax) {
      return Damaged("histograms do not add up");
    }
    RETURN_IF_ERROR(codec::HistogramDecode(payload, static_cast<uint32_t>(chunk_count), times_ms,
                                           &start_times_ms, histograms));
    read += chunk_count;
  }
  return OkStatus();
}

void AppendHistogramRows(const HistogramRollups& rows, std::string* out) {
  AppendTimes(rows.end_ms, out);
  AppendTimes(rows.count, out);
  AppendTimes(rows.flags, out);
  std::vector<int64_t> kept_count(rows.size());
  std::vector<int64_t> sum_ends;
  std::vector<HistogramPtr> sums;
  for (size_t i = 0; i < rows.size(); ++i) {
    kept_count[i] = static_cast<int64_t>(rows.kept_begin[i + 1] - rows.kept_begin[i]);
    if (rows.sum[i] == nullptr) continue;
    sum_ends.push_back(rows.end_ms[i]);
    sums.push_back(rows.sum[i]);
  }
  AppendTimes(kept_count, out);
  AppendVarint(out, sums.size());
  AppendHistograms(sum_ends, sums, out);
  AppendHistograms(rows.kept_ms, rows.kept, out);
}

Status ReadHistogramRows(ByteReader* in, size_t count, HistogramRollups* rows) {
  const size_t begin = rows->size();
  RETURN_IF_ERROR(ReadTimes(in, count, &rows->end_ms));
  RETURN_IF_ERROR(ReadTimes(in, count, &rows->count));
  RETURN_IF_ERROR(ReadTimes(in, count, &rows->flags));
  RETURN_IF_ERROR(CheckEnds(rows->end_ms, rows->count, rows->flags, begin));
  std::vector<int64_t> kept_count;
  RETURN_IF_ERROR(ReadTimes(in, count, &kept_count));
  const uint64_t sum_count = in->Varint();
  if (!in->ok() || sum_count > count) return Damaged("sums do not add up");
  std::vector<int64_t> sum_ends;
  std::vector<HistogramPtr> sums;
  RETURN_IF_ERROR(ReadHistograms(in, sum_count, &sum_ends, &sums));
  size_t next_sum = 0;
  size_t kept = 0;
  for (size_t i = begin; i < rows->size(); ++i) {
    const bool has_sum = next_sum < sums.size() && sum_ends[next_sum] == rows->end_ms[i];
    rows->sum.push_back(has_sum ? std::move(sums[next_sum++]) : nullptr);
    const int64_t of_row = kept_count[i - begin];
    if (of_row < 0 || of_row > rows->count[i]) return Damaged("kept samples do not add up");
    // A sample takes some bits at least.
    if (static_cast<uint64_t>(of_row) > 8 * in->remaining() - std::min(8 * in->remaining(), kept)) {
      return Damaged("more samples than bytes");
    }
    kept += static_cast<size_t>(of_row);
    rows->kept_begin.push_back(rows->kept_begin.back() + static_cast<size_t>(of_row));
  }
  if (next_sum != sums.size()) return Damaged("a sum of no bucket");
  RETURN_IF_ERROR(ReadHistograms(in, kept, &rows->kept_ms, &rows->kept));
  for (size_t i = begin; i < rows->size(); ++i) {
    for (size_t k = rows->kept_begin[i]; k < rows->kept_begin[i + 1]; ++k) {
      const bool ascends = k == rows->kept_begin[i] || rows->kept_ms[k - 1] < rows->kept_ms[k];
      const bool within = rows->kept_ms[k] <= rows->end_ms[i] &&
                          (i == begin || rows->kept_ms[k] > rows->end_ms[i - 1]);
      if (!ascends || !within) return Damaged("a sample outside of its bucket");
    }
  }
  return OkStatus();
}

}  // namespace

void RollupColumns::Clear() {
  for (auto* column : {&end_ms, &count, &first_ms, &last_ms, &flags}) column->clear();
  for (const DoubleColumn column : kDoubleColumns) (this->*column).clear();
}

void RollupColumns::Truncate(size_t size) {
  for (auto* column : {&end_ms, &count, &first_ms, &last_ms, &flags}) {
    if (column->size() > size) column->resize(size);
  }
  for (const DoubleColumn column : kDoubleColumns) {
    if ((this->*column).size() > size) (this->*column).resize(size);
  }
}

void RollupColumns::Append(const RollupColumns& other, size_t i) {
  end_ms.push_back(other.end_ms[i]);
  count.push_back(other.count[i]);
  first_ms.push_back(other.first_ms[i]);
  last_ms.push_back(other.last_ms[i]);
  flags.push_back(other.flags[i]);
  for (const DoubleColumn column : kDoubleColumns) {
    (this->*column).push_back((other.*column)[i]);
  }
}

void HistogramRollups::Clear() {
  end_ms.clear();
  count.clear();
  flags.clear();
  sum.clear();
  kept_begin.assign(1, 0);
  kept_ms.clear();
  kept.clear();
}

void HistogramRollups::Append(const HistogramRollups& other, size_t i) {
  end_ms.push_back(other.end_ms[i]);
  count.push_back(other.count[i]);
  flags.push_back(other.flags[i]);
  sum.push_back(other.sum[i]);
  for (size_t k = other.kept_begin[i]; k < other.kept_begin[i + 1]; ++k) {
    kept_ms.push_back(other.kept_ms[k]);
    kept.push_back(other.kept[k]);
  }
  kept_begin.push_back(kept.size());
}

void EncodeRollups(const SeriesRollups& rollups, std::string* out) {
  VARVE_CHECK(rollups.size() > 0 && rollups.size() <= kRollupRowsMax);
  AppendVarint(out, rollups.floats.size());
  if (rollups.floats.size() > 0) AppendFloats(rollups.floats, out);
  if (rollups.histograms.size() > 0) AppendHistogramRows(rollups.histograms, out);
}

Status DecodeRollups(std::string_view payload, size_t row_count, SeriesRollups* out,
                     uint8_t columns) {
  if (row_count == 0 || row_count > kRollupRowsMax) {
    return Damaged("of " + std::to_string(row_count) + " rows");
  }
  const size_t floats_before = out->floats.size();
  ByteReader in(payload);
  const uint64_t float_count = in.Varint();
  if (!in.ok() || float_count > row_count) return Damaged("rows do not add up");
  HistogramRollups histograms;
  Status status;
  if (float_count > 0) status = ReadFloats(&in, float_count, columns, &out->floats);
  if (status.ok() && float_count < row_count) {
    status = ReadHistogramRows(&in, row_count - float_count, &histograms);
  }
  if (status.ok() && (!in.ok() || !in.done())) {
    status = Damaged("its columns do not add up to its length");
  }
  if (!status.ok()) {
    out->floats.Truncate(floats_before);
    return status;
  }
  if (out->histograms.size() == 0) {
    out->histograms = std::move(histograms);
    return OkStatus();
  }
  for (size_t i = 0; i < histograms.size(); ++i) out->histograms.Append(histograms, i);
  return OkStatus();
}

Status DecodeRollupChunk(const ChunkView& chunk, SeriesRollups* out, uint8_t columns) {
  if (chunk.codec != ChunkCodec::kRollup) {
    return Damaged("its codec is " + std::to_string(static_cast<int>(chunk.codec)));
  }
  const size_t floats_before = out->floats.size();
  const size_t histograms_before = out->histograms.size();
  RETURN_IF_ERROR(DecodeRollups(chunk.payload, chunk.sample_count, out, columns));
  const auto check = [&chunk](const std::vector<int64_t>& end_ms, size_t begin) {
    if (end_ms.size() == begin) return true;
    return end_ms[begin] > chunk.min_time_ms && end_ms.back() <= chunk.max_time_ms;
  };
  if (!check(out->floats.end_ms, floats_before) ||
      !check(out->histograms.end_ms, histograms_before)) {
    return Damaged("its buckets contradict its header, " + std::to_string(chunk.min_time_ms) +
                   " to " + std::to_string(chunk.max_time_ms));
  }
  return OkStatus();
}

}  // namespace varve::format
