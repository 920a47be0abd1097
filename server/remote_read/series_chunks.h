// Cuts the samples of one series into Prometheus' chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "varve/database.h"

namespace varve::server {

// The numbers of the remote read protocol (prometheus.Chunk.Encoding).
enum class ChunkEncoding : uint8_t { kXor = 1, kHistogram = 2, kFloatHistogram = 3 };

struct EncodedChunk {
  ChunkEncoding encoding = ChunkEncoding::kXor;
  int64_t min_time_ms = 0;
  int64_t max_time_ms = 0;
  std::string data;
};

class SeriesChunks {
 public:
  static constexpr size_t kSamplesMax = 120;  // as Prometheus cuts its own

  // `series` is borrowed.
  explicit SeriesChunks(const SeriesSamples* series) : series_(series) {}

  // Replaces `chunk` by the next one, in time order; false at the end.
  bool Next(EncodedChunk* chunk);

 private:
  void TakeFloats(EncodedChunk* chunk);
  void TakeHistograms(EncodedChunk* chunk);

  const SeriesSamples* const series_;
  size_t sample_ = 0;  // the first that is not taken
  size_t histogram_ = 0;
};

}  // namespace varve::server
