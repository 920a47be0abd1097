// Chunk: a compressed run of one series' samples, as the head, the checkpoints and the parts pass
// it around.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "varve/status.h"

namespace varve::format {

enum class ChunkCodec : uint8_t {  // on disk: never change a value
  kGorilla = 1,
};

// A chunk's header, and its payload borrowed from whoever holds the bytes.
struct ChunkView {
  ChunkCodec codec = ChunkCodec::kGorilla;
  uint32_t sample_count = 0;  // > 0
  int64_t min_time_ms = 0;    // of its first sample
  int64_t max_time_ms = 0;    // of its last sample
  std::string_view payload;
};

// Appends the chunk's samples to the columns. Errors: kDataLoss (payload too short, times that
// contradict the header or do not strictly ascend), kUnimplemented (a codec of a newer version, by
// number); the columns are then as before.
Status DecodeChunk(const ChunkView& chunk, std::vector<int64_t>* timestamps_ms,
                   std::vector<double>* values);

}  // namespace varve::format
