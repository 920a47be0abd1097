// Chunk: a compressed run of one series' samples, as the head, the checkpoints and the parts pass
// it around. Its samples are all floats or all native histograms.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "storage/codec/histogram.h"
#include "storage/format/sample_columns.h"
#include "varve/status.h"

namespace varve::format {

enum class ChunkCodec : uint8_t {  // on disk: never change a value
  kGorilla = 1,
  kHistogram = 2,
  kGorillaStart = 3,  // floats with start times
  kColumns = 4,       // floats at rest: a value column, and a time column that lies elsewhere
  kRollup = 5,        // no samples, but rows of buckets of them: storage/format/rollup.h
};
// Of samples.
inline bool IsKnownCodec(ChunkCodec codec) {
  return codec >= ChunkCodec::kGorilla && codec <= ChunkCodec::kColumns;
}

// A chunk's header, and its payload borrowed from whoever holds the bytes.
struct ChunkView {
  ChunkCodec codec = ChunkCodec::kGorilla;
  uint32_t sample_count = 0;  // > 0
  // Of the first and the last sample. kRollup: the first bucket holds samples from min_time_ms on,
  // the last one ends at max_time_ms.
  int64_t min_time_ms = 0;
  int64_t max_time_ms = 0;
  std::string_view payload;
  // kColumns: its timestamps, strictly ascending, borrowed like the payload; null until whoever
  // read the chunk has looked them up under the column's number in their part.
  const int64_t* timestamps_ms = nullptr;
  uint32_t time_column = 0;

  bool has_histograms() const { return codec == ChunkCodec::kHistogram; }
};

inline constexpr uint32_t kColumnSamplesMax = 65535;  // of a kColumns chunk

// Appends the payload of a kColumns chunk: the value codec, then the column. REQUIRES: 1 to
// kColumnSamplesMax values.
void EncodeColumnPayload(std::span<const double> values, std::string* out);

// The payload of a kGorillaStart chunk, of its two columns.
std::string JoinStartTimes(std::string_view start_times, std::string_view gorilla);

// Appends the chunk's samples to the columns of their kind; a column of start times is left as
// SampleColumns::CompleteStartTimes takes it. Errors: kDataLoss (payload too short, times that
// contradict the header or do not strictly ascend), kUnimplemented (a codec of a newer version, by
// number); the columns are then as before.
Status DecodeChunk(const ChunkView& chunk, SampleColumns* out,
                   codec::HistogramHints hints = codec::HistogramHints::kAsWritten);

}  // namespace varve::format
