// LateBuffer: samples of one series that were not newer than its newest, sorted by time, one per
// timestamp, until there are enough for a chunk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/format/sample_columns.h"
#include "varve/histogram.h"

namespace varve::engine {

// Thread safety: none.
class LateBuffer {
 public:
  static constexpr size_t kSamplesMax = 256;
  static constexpr size_t kHistogramBytesMax = size_t{64} << 10;

  enum class Insertion : uint8_t {
    kNew,
    kDuplicate,    // the same sample was here
    kOverwritten,  // another of this timestamp was; it is gone
  };
  Insertion InsertFloat(int64_t timestamp_ms, double value, int64_t start_ms);
  Insertion InsertHistogram(int64_t timestamp_ms, HistogramPtr histogram, int64_t start_ms);

  const format::SampleColumns& samples() const { return samples_; }
  bool full() const {
    return samples_.size() >= kSamplesMax || histogram_bytes_ >= kHistogramBytesMax;
  }
  // REQUIRES: a sample was inserted.
  int64_t min_time_ms() const;
  int64_t max_time_ms() const;
  // Heap and own bytes.
  size_t MemoryBytes() const;

 private:
  format::SampleColumns samples_;
  size_t histogram_bytes_ = 0;
};

}  // namespace varve::engine
