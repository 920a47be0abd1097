// HeadSeries: the samples of one series that are not in a part yet: an open chunk, sealed chunks,
// late samples.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>

#include "engine/metrics/late_buffer.h"
#include "engine/metrics/sealed_chunk.h"
#include "storage/codec/gorilla.h"
#include "storage/codec/histogram.h"
#include "storage/codec/start_times.h"
#include "varve/write_batch.h"

namespace varve::engine {

inline constexpr uint16_t kOpenChunkSamplesMax = 240;
inline constexpr size_t kOpenChunkBytesMax = 1024;  // of floats; codec::kHistogramChunkBytes

// What few series have at a time.
struct SeriesExtras {
  std::unique_ptr<LateBuffer> late;  // null: none; else not empty
  // Beside the open chunk of floats; null while none of its samples has a start time.
  std::unique_ptr<codec::StartTimeColumn> start_times;
  // The open chunk, if it is one of histograms; then there is none of floats.
  std::unique_ptr<codec::HistogramEncoder> histograms;

  bool empty() const { return late == nullptr && start_times == nullptr && histograms == nullptr; }
  size_t MemoryBytes() const;
};

// Plain data in a slab, one per series of the head. Guarded by the head's visibility lock.
struct HeadSeries {
  codec::GorillaState encoder;     // of the open chunk of floats; empty when sample_count is 0
  uint8_t* payload = nullptr;      // of that chunk, malloc'ed
  SealedChunk* newest = nullptr;   // holds a reference
  SeriesExtras* extras = nullptr;  // owned; not empty
  int64_t open_min_time_ms = 0;    // first sample of the open chunk
  int64_t max_time_ms = std::numeric_limits<int64_t>::min();  // newest sample ever seen here
  // Of that sample: the bits of a float without a start time, a hash of anything else.
  uint64_t newest_fingerprint = 0;
  uint16_t payload_capacity = 0;

  bool empty() const { return encoder.sample_count == 0 && newest == nullptr && extras == nullptr; }
  bool has_open_histograms() const { return extras != nullptr && extras->histograms != nullptr; }
  bool has_open_chunk() const { return encoder.sample_count != 0 || has_open_histograms(); }
  const LateBuffer* late() const { return extras == nullptr ? nullptr : extras->late.get(); }
};
static_assert(sizeof(HeadSeries) <= 96, "memory per series is a promise");

// Counts and bytes that appends to series change; kept beside the series.
struct HeadCounters {
  uint64_t sample_bytes = 0;  // payload capacities, sealed chunks in memory, extras
  uint64_t sealed_chunks = 0;
  uint64_t duplicates = 0;
  uint64_t overwritten = 0;
  uint64_t late = 0;
  uint64_t backfill = 0;  // late beyond the out-of-order window
};

// Appends one sample in journal order. `start_ms`: when counting began, 0 for not known.
// `window_ms`: Options::out_of_order_window_ms.
void AppendToSeries(HeadSeries* series, int64_t timestamp_ms, double value, int64_t start_ms,
                    int64_t window_ms, HeadCounters* counters);
// The same of a histogram. REQUIRES: it is valid, of at most codec::kHistogramDecodedBytesMax.
void AppendToSeries(HeadSeries* series, const HistogramSample& sample, int64_t window_ms,
                    HeadCounters* counters);

// Seals the open chunk and the late buffer, if any.
void SealSeries(HeadSeries* series, HeadCounters* counters);

// What a reader sees of the open chunk. REQUIRES: series.has_open_chunk(). The payload points into
// the series or into `*scratch`.
format::ChunkView ViewOpenChunk(const HeadSeries& series, std::string* scratch);

// Pushes a finished chunk on the series' list. Takes a reference.
void PushSealed(HeadSeries* series, SealedChunk* chunk, HeadCounters* counters);

// Frees everything the series holds.
void DestroySeries(HeadSeries* series, HeadCounters* counters);

// Bytes that a chunk counts for in HeadCounters::sample_bytes.
size_t SealedChunkBytes(const SealedChunk& chunk);

}  // namespace varve::engine
