#include "engine/metrics/head_series.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "compaction/merge.h"
#include "compaction/planner.h"

namespace varve::engine {
namespace {

bool SamePartition(int64_t a, int64_t b) {
  // Chunks never straddle a partition border, so that a flush can cut by chunks. Floor division:
  // times are >= 0 here except in tests.
  auto number = [](int64_t t) {
    const int64_t q = t / compaction::kPartitionMs;
    return t % compaction::kPartitionMs < 0 ? q - 1 : q;
  };
  return number(a) == number(b);
}

size_t NextCapacity(size_t capacity, size_t needed) {
  size_t next = capacity == 0 ? 48 : capacity + capacity / 2;
  next = std::max(next, needed);
  return (next + 15) & ~size_t{15};
}

void GrowPayload(HeadSeries* series, HeadCounters* counters) {
  const size_t needed = codec::GorillaBytes(series->encoder) + codec::kGorillaAppendBytesMax;
  const size_t capacity = NextCapacity(series->payload_capacity, needed);
  auto* grown = static_cast<uint8_t*>(std::realloc(series->payload, capacity));
  VARVE_CHECK(grown != nullptr);
  series->payload = grown;
  counters->sample_bytes += capacity - series->payload_capacity;
  series->payload_capacity = static_cast<uint16_t>(capacity);
}

void SealOpenChunk(HeadSeries* series, HeadCounters* counters) {
  if (series->encoder.sample_count == 0) return;
  auto* chunk = new SealedChunk;
  chunk->payload_bytes = static_cast<uint32_t>(codec::GorillaBytes(series->encoder));
  chunk->min_time_ms = series->open_min_time_ms;
  chunk->max_time_ms = series->max_time_ms;
  chunk->sample_count = series->encoder.sample_count;
  counters->sample_bytes -= series->payload_capacity;
  // The buffer changes hands, cut to size.
  auto* exact = static_cast<uint8_t*>(
      std::realloc(series->payload, std::max<size_t>(chunk->payload_bytes, 1)));
  VARVE_CHECK(exact != nullptr);
  chunk->owned.reset(exact);
  chunk->payload = exact;
  series->payload = nullptr;
  series->payload_capacity = 0;
  series->encoder = {};
  PushSealed(series, chunk, counters);
}

void SealLate(HeadSeries* series, HeadCounters* counters) {
  if (series->late == nullptr) return;
  std::vector<int64_t> timestamps;
  std::vector<double> values;
  for (const Sample& sample : series->late->samples) {
    timestamps.push_back(sample.timestamp_ms);
    values.push_back(sample.value);
  }
  counters->sample_bytes -= series->late->samples.capacity() * sizeof(Sample);
  delete series->late;
  series->late = nullptr;
  compaction::EncodedChunks encoded;
  compaction::EncodeChunks(timestamps, values, &encoded);
  for (const format::ChunkView& view : encoded.chunks) {
    auto* chunk = new SealedChunk;
    chunk->payload_bytes = static_cast<uint32_t>(view.payload.size());
    chunk->min_time_ms = view.min_time_ms;
    chunk->max_time_ms = view.max_time_ms;
    chunk->sample_count = static_cast<uint16_t>(view.sample_count);
    chunk->arrival = Arrival::kLate;
    auto* copy = static_cast<uint8_t*>(std::malloc(std::max<size_t>(view.payload.size(), 1)));
    VARVE_CHECK(copy != nullptr);
    std::memcpy(copy, view.payload.data(), view.payload.size());
    chunk->owned.reset(copy);
    chunk->payload = copy;
    PushSealed(series, chunk, counters);
  }
}

void AppendLate(HeadSeries* series, const Sample& sample, int64_t window_ms,
                HeadCounters* counters) {
  if (series->late == nullptr) series->late = new LateBuffer;
  std::vector<Sample>& samples = series->late->samples;
  const size_t capacity_before = samples.capacity();
  auto at = std::lower_bound(samples.begin(), samples.end(), sample.timestamp_ms,
                             [](const Sample& s, int64_t t) { return s.timestamp_ms < t; });
  if (at != samples.end() && at->timestamp_ms == sample.timestamp_ms) {
    const bool same = std::bit_cast<uint64_t>(at->value) == std::bit_cast<uint64_t>(sample.value);
    ++(same ? counters->duplicates : counters->overwritten);
    at->value = sample.value;
    return;
  }
  samples.insert(at, sample);
  counters->sample_bytes += (samples.capacity() - capacity_before) * sizeof(Sample);
  ++(sample.timestamp_ms < series->max_time_ms - window_ms ? counters->backfill : counters->late);
  if (samples.size() >= kLateSamplesMax) SealLate(series, counters);
}

}  // namespace

size_t SealedChunkBytes(const SealedChunk& chunk) {
  return sizeof(SealedChunk) + (chunk.owned ? chunk.payload_bytes : 0);
}

void PushSealed(HeadSeries* series, SealedChunk* chunk, HeadCounters* counters) {
  SealedChunkPtr::Acquire(chunk);
  chunk->older = series->newest;  // its reference moves along
  series->newest = chunk;
  counters->sample_bytes += SealedChunkBytes(*chunk);
  ++counters->sealed_chunks;
}

void AppendToSeries(HeadSeries* series, int64_t timestamp_ms, double value, int64_t window_ms,
                    HeadCounters* counters) {
  if (timestamp_ms <= series->max_time_ms) [[unlikely]] {
    const uint64_t bits = std::bit_cast<uint64_t>(value);
    if (timestamp_ms == series->max_time_ms && bits == series->newest_value_bits) {
      ++counters->duplicates;
      return;
    }
    if (timestamp_ms == series->max_time_ms) {
      series->newest_value_bits = bits;
      ++counters->overwritten;
    }
    AppendLate(series, {timestamp_ms, value}, window_ms, counters);
    return;
  }
  if (series->encoder.sample_count != 0 &&
      (series->encoder.sample_count >= kOpenChunkSamplesMax ||
       codec::GorillaBytes(series->encoder) >= kOpenChunkBytesMax ||
       !SamePartition(series->open_min_time_ms, timestamp_ms))) {
    SealOpenChunk(series, counters);
  }
  if (series->encoder.sample_count == 0) series->open_min_time_ms = timestamp_ms;
  if (codec::GorillaBytes(series->encoder) + codec::kGorillaAppendBytesMax >
      series->payload_capacity) {
    GrowPayload(series, counters);
  }
  codec::GorillaAppend(&series->encoder, series->payload, timestamp_ms, value);
  series->max_time_ms = timestamp_ms;
  series->newest_value_bits = std::bit_cast<uint64_t>(value);
}

void SealSeries(HeadSeries* series, HeadCounters* counters) {
  SealOpenChunk(series, counters);
  SealLate(series, counters);
}

void DestroySeries(HeadSeries* series, HeadCounters* counters) {
  counters->sample_bytes -= series->payload_capacity;
  std::free(series->payload);
  if (series->late != nullptr) {
    counters->sample_bytes -= series->late->samples.capacity() * sizeof(Sample);
    delete series->late;
  }
  for (const SealedChunk* chunk = series->newest; chunk != nullptr; chunk = chunk->older) {
    counters->sample_bytes -= SealedChunkBytes(*chunk);
    --counters->sealed_chunks;
  }
  SealedChunkPtr::Release(series->newest);
  *series = HeadSeries();
}

}  // namespace varve::engine
