// Histogram chunks: native histograms of one series as a string of bits. A sample is told as its
// difference to the one before: times as in a Gorilla chunk, whole counts by the change of their
// change, others and the sum XORed. The layout (schema, thresholds, spans, bounds) is told when it
// changes, and buckets that both layouts have go on from what they were.
// Bit layout: docs/FORMATS.md, "Histogram chunk".
//
// Pure: no I/O, no clock. Lossless to the bit, but for stale markers, of which form, reset hint and
// times are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "varve/histogram.h"
#include "varve/status.h"

namespace varve::codec {

// Of one chunk. On disk: a decoder refuses more.
inline constexpr uint32_t kHistogramSampleCountMax = 240;
// Of all its samples' spans, buckets and bounds, 8 bytes each: bounds what a payload can make a
// decoder allocate.
inline constexpr size_t kHistogramDecodedBytesMax = size_t{8} << 20;
// A writer begins a new chunk when the payload has reached this.
inline constexpr size_t kHistogramChunkBytes = 4096;

// What a histogram counts for in kHistogramDecodedBytesMax.
size_t HistogramDecodedBytes(const Histogram& histogram);

// An open chunk.
class HistogramEncoder {
 public:
  HistogramEncoder();
  ~HistogramEncoder();
  HistogramEncoder(HistogramEncoder&&) noexcept;
  HistogramEncoder& operator=(HistogramEncoder&&) noexcept;

  // REQUIRES: HasRoomFor(histogram); histogram.Validate().ok(). Timestamps may be in any order.
  void Append(int64_t timestamp_ms, int64_t start_ms, const Histogram& histogram);
  // False when the sample belongs into a new chunk. True of an empty one for every histogram of at
  // most kHistogramDecodedBytesMax.
  bool HasRoomFor(const Histogram& histogram) const;
  uint32_t sample_count() const;
  // Until the next Append.
  std::string_view payload() const;
  // Heap and own bytes.
  size_t MemoryBytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// What becomes of the hint kUnknown. kResolved: it turns into kNoReset where the sample before it
// in the chunk is of the same layout, neither a gauge nor a stale marker, and has no greater count
// anywhere. Whoever reads on does not have to compare the buckets once more.
enum class HistogramHints : uint8_t { kAsWritten, kResolved };

// Appends the `sample_count` samples of `payload` to the three columns. Error: kDataLoss when the
// bytes end early or mean nothing; then the columns hold what was decoded before.
Status HistogramDecode(std::string_view payload, uint32_t sample_count,
                       std::vector<int64_t>* timestamps_ms, std::vector<int64_t>* start_times_ms,
                       std::vector<HistogramPtr>* histograms,
                       HistogramHints hints = HistogramHints::kAsWritten);

}  // namespace varve::codec
