// HeadSeries: the samples of one series that are not in a part yet: an open Gorilla chunk, sealed
// chunks, late samples.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "engine/metrics/sealed_chunk.h"
#include "storage/codec/gorilla.h"
#include "varve/write_batch.h"

namespace varve::engine {

// Late samples wait here sorted by time, one per timestamp, until there are enough for a chunk.
struct LateBuffer {
  std::vector<Sample> samples;
};

inline constexpr uint16_t kOpenChunkSamplesMax = 240;
inline constexpr size_t kOpenChunkBytesMax = 1024;
inline constexpr size_t kLateSamplesMax = 256;

// Plain data in a slab, one per series of the head. Guarded by the head's visibility lock.
struct HeadSeries {
  codec::GorillaState encoder;    // of the open chunk; empty when sample_count is 0
  uint8_t* payload = nullptr;     // of the open chunk, malloc'ed
  SealedChunk* newest = nullptr;  // holds a reference
  LateBuffer* late = nullptr;     // owned
  int64_t open_min_time_ms = 0;   // first sample of the open chunk
  int64_t max_time_ms = std::numeric_limits<int64_t>::min();  // newest sample ever seen here
  uint64_t newest_value_bits = 0;                             // its value
  uint16_t payload_capacity = 0;

  bool empty() const { return encoder.sample_count == 0 && newest == nullptr && late == nullptr; }
};
static_assert(sizeof(HeadSeries) <= 96, "memory per series is a promise");

// What became of an appended sample.
enum class AppendOutcome : uint8_t { kInOrder, kLate, kBackfill, kDuplicate, kOverwritten };

// Counts and bytes that appends to series change; kept beside the series.
struct HeadCounters {
  uint64_t sample_bytes = 0;  // payload capacities, sealed chunks in memory, late buffers
  uint64_t sealed_chunks = 0;
  uint64_t duplicates = 0;
  uint64_t overwritten = 0;
  uint64_t late = 0;
  uint64_t backfill = 0;  // late beyond the out-of-order window
};

// Appends one sample in journal order. `window_ms`: Options::out_of_order_window_ms.
void AppendToSeries(HeadSeries* series, int64_t timestamp_ms, double value, int64_t window_ms,
                    HeadCounters* counters);

// Seals the open chunk and the late buffer, if any.
void SealSeries(HeadSeries* series, HeadCounters* counters);

// Pushes a finished chunk on the series' list. Takes a reference.
void PushSealed(HeadSeries* series, SealedChunk* chunk, HeadCounters* counters);

// Frees everything the series holds.
void DestroySeries(HeadSeries* series, HeadCounters* counters);

// Bytes that a chunk counts for in HeadCounters::sample_bytes.
size_t SealedChunkBytes(const SealedChunk& chunk);

}  // namespace varve::engine
