#include "engine/metrics/head_series.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
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

// The series' extras while they are changed: counts what memory they take or give back, and lets
// them go when they are empty.
class ChangingExtras {
 public:
  ChangingExtras(HeadSeries* series, HeadCounters* counters)
      : series_(series), counters_(counters) {
    if (series->extras == nullptr) {
      series->extras = new SeriesExtras;
    } else {
      counters_->sample_bytes -= series->extras->MemoryBytes();
    }
  }
  ~ChangingExtras() {
    if (series_->extras->empty()) {
      delete std::exchange(series_->extras, nullptr);
    } else {
      counters_->sample_bytes += series_->extras->MemoryBytes();
    }
  }
  ChangingExtras(const ChangingExtras&) = delete;
  ChangingExtras& operator=(const ChangingExtras&) = delete;
  SeriesExtras* operator->() const { return series_->extras; }

 private:
  HeadSeries* const series_;
  HeadCounters* const counters_;
};

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

// A copy of `payload`, exactly as long, in the place of `buffer`, which it may lie in.
void OwnPayload(uint8_t* buffer, std::string_view payload, SealedChunk* chunk) {
  const size_t size = std::max<size_t>(payload.size(), 1);
  const bool in_place = payload.data() == reinterpret_cast<const char*>(buffer);
  auto* exact = static_cast<uint8_t*>(in_place ? std::realloc(buffer, size) : std::malloc(size));
  VARVE_CHECK(exact != nullptr);
  if (!in_place) {
    std::memcpy(exact, payload.data(), payload.size());
    std::free(buffer);
  }
  chunk->owned.reset(exact);
  chunk->payload = exact;
  chunk->payload_bytes = static_cast<uint32_t>(payload.size());
}

// A sealed chunk like `view`, whose payload may lie in `buffer`, which is taken over.
SealedChunk* NewSealed(const format::ChunkView& view, Arrival arrival, uint8_t* buffer) {
  auto* chunk = new SealedChunk;
  chunk->min_time_ms = view.min_time_ms;
  chunk->max_time_ms = view.max_time_ms;
  chunk->sample_count = static_cast<uint16_t>(view.sample_count);
  chunk->codec = view.codec;
  chunk->arrival = arrival;
  OwnPayload(buffer, view.payload, chunk);
  return chunk;
}

[[gnu::noinline]] void SealOpenChunk(HeadSeries* series, HeadCounters* counters) {
  if (!series->has_open_chunk()) return;
  std::string scratch;
  const format::ChunkView view = ViewOpenChunk(*series, &scratch);
  counters->sample_bytes -= series->payload_capacity;
  SealedChunk* chunk = NewSealed(view, Arrival::kInOrder, std::exchange(series->payload, nullptr));
  series->payload_capacity = 0;
  series->encoder = {};
  if (series->extras != nullptr) {
    ChangingExtras extras(series, counters);
    extras->start_times.reset();
    extras->histograms.reset();
  }
  PushSealed(series, chunk, counters);
}

void SealLate(HeadSeries* series, HeadCounters* counters) {
  if (series->late() == nullptr) return;
  compaction::EncodedChunks encoded;
  compaction::EncodeChunks(series->late()->samples(), &encoded);
  {
    ChangingExtras extras(series, counters);
    extras->late.reset();
  }
  for (const format::ChunkView& view : encoded.chunks) {
    PushSealed(series, NewSealed(view, Arrival::kLate, nullptr), counters);
  }
}

// What became of a sample that went to the late buffer.
void CountLate(const HeadSeries& series, int64_t timestamp_ms, LateBuffer::Insertion insertion,
               int64_t window_ms, HeadCounters* counters) {
  switch (insertion) {
    case LateBuffer::Insertion::kDuplicate:
      ++counters->duplicates;
      return;
    case LateBuffer::Insertion::kOverwritten:
      ++counters->overwritten;
      return;
    case LateBuffer::Insertion::kNew:
      ++(timestamp_ms < series.max_time_ms - window_ms ? counters->backfill : counters->late);
  }
}

// A sample that is not newer than the newest. `insert(LateBuffer*)` puts it into a late buffer.
template <typename Insert>
[[gnu::noinline]] void AppendLate(HeadSeries* series, int64_t timestamp_ms, uint64_t fingerprint,
                                  int64_t window_ms, HeadCounters* counters, Insert insert) {
  if (timestamp_ms == series->max_time_ms) {
    if (fingerprint == series->newest_fingerprint) {
      ++counters->duplicates;
      return;
    }
    series->newest_fingerprint = fingerprint;
    ++counters->overwritten;
  }
  {
    ChangingExtras extras(series, counters);
    if (extras->late == nullptr) extras->late = std::make_unique<LateBuffer>();
    CountLate(*series, timestamp_ms, insert(extras->late.get()), window_ms, counters);
  }
  if (series->late()->full()) SealLate(series, counters);
}

uint64_t Fingerprint(double value, int64_t start_ms) {
  const auto bits = std::bit_cast<uint64_t>(value);
  if (start_ms == 0) return bits;
  const uint64_t fields[] = {bits, static_cast<uint64_t>(start_ms)};
  return Hash64({reinterpret_cast<const char*>(fields), sizeof fields});
}

template <typename T>
uint64_t HashOf(const std::vector<T>& values) {
  static_assert(std::has_unique_object_representations_v<T> || std::is_floating_point_v<T>);
  return Hash64({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

uint64_t Fingerprint(const Histogram& histogram, int64_t start_ms) {
  const uint64_t fields[] = {
      static_cast<uint64_t>(histogram.form),
      static_cast<uint64_t>(histogram.reset_hint),
      static_cast<uint64_t>(start_ms),
      std::bit_cast<uint64_t>(histogram.sum),
      std::bit_cast<uint64_t>(histogram.count),
      std::bit_cast<uint64_t>(histogram.zero_count),
      std::bit_cast<uint64_t>(histogram.zero_threshold),
      static_cast<uint64_t>(histogram.schema),
      HashOf(histogram.positive_spans),
      HashOf(histogram.negative_spans),
      HashOf(histogram.positive_buckets),
      HashOf(histogram.negative_buckets),
      HashOf(histogram.custom_values),
  };
  return Hash64({reinterpret_cast<const char*>(fields), sizeof fields});
}

// Beside a float that is about to be appended to the open chunk. Out of line, as is all that the
// commonest append does not need: its frame costs every float.
[[gnu::noinline]] void AppendStartTime(HeadSeries* series, int64_t start_ms,
                                       HeadCounters* counters) {
  if (start_ms == 0 && series->extras->start_times == nullptr) return;
  ChangingExtras extras(series, counters);
  if (extras->start_times == nullptr) {
    extras->start_times = std::make_unique<codec::StartTimeColumn>();
    for (uint32_t i = 0; i < series->encoder.sample_count; ++i) extras->start_times->Append(0, 0);
  }
  extras->start_times->Append(start_ms, series->encoder.last_timestamp);
}

}  // namespace

size_t SeriesExtras::MemoryBytes() const {
  return sizeof(*this) + (late == nullptr ? 0 : late->MemoryBytes()) +
         (start_times == nullptr ? 0 : sizeof(*start_times) + start_times->MemoryBytes()) +
         (histograms == nullptr ? 0 : histograms->MemoryBytes());
}

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

void AppendToSeries(HeadSeries* series, int64_t timestamp_ms, double value, int64_t start_ms,
                    int64_t window_ms, HeadCounters* counters) {
  if (timestamp_ms <= series->max_time_ms) [[unlikely]] {
    AppendLate(series, timestamp_ms, Fingerprint(value, start_ms), window_ms, counters,
               [&](LateBuffer* late) { return late->InsertFloat(timestamp_ms, value, start_ms); });
    return;
  }
  if (series->encoder.sample_count != 0 &&
      (series->encoder.sample_count >= kOpenChunkSamplesMax ||
       codec::GorillaBytes(series->encoder) >= kOpenChunkBytesMax ||
       !SamePartition(series->open_min_time_ms, timestamp_ms))) {
    SealOpenChunk(series, counters);
  }
  if (series->encoder.sample_count == 0) {
    SealOpenChunk(series, counters);  // it may be one of histograms
    series->open_min_time_ms = timestamp_ms;
  }
  if (codec::GorillaBytes(series->encoder) + codec::kGorillaAppendBytesMax >
      series->payload_capacity) {
    GrowPayload(series, counters);
  }
  series->newest_fingerprint = std::bit_cast<uint64_t>(value);
  if (start_ms != 0 || series->extras != nullptr) [[unlikely]] {
    if (start_ms != 0) series->newest_fingerprint = Fingerprint(value, start_ms);
    AppendStartTime(series, start_ms, counters);
  }
  codec::GorillaAppend(&series->encoder, series->payload, timestamp_ms, value);
  series->max_time_ms = timestamp_ms;
}

void AppendToSeries(HeadSeries* series, const HistogramSample& sample, int64_t window_ms,
                    HeadCounters* counters) {
  const uint64_t fingerprint = Fingerprint(sample.histogram, sample.start_ms);
  if (sample.timestamp_ms <= series->max_time_ms) {
    AppendLate(series, sample.timestamp_ms, fingerprint, window_ms, counters,
               [&](LateBuffer* late) {
                 return late->InsertHistogram(sample.timestamp_ms,
                                              std::make_shared<const Histogram>(sample.histogram),
                                              sample.start_ms);
               });
    return;
  }
  if (series->has_open_chunk() && (!series->has_open_histograms() ||
                                   !series->extras->histograms->HasRoomFor(sample.histogram) ||
                                   !SamePartition(series->open_min_time_ms, sample.timestamp_ms))) {
    SealOpenChunk(series, counters);
  }
  if (!series->has_open_chunk()) series->open_min_time_ms = sample.timestamp_ms;
  ChangingExtras extras(series, counters);
  if (extras->histograms == nullptr) {
    extras->histograms = std::make_unique<codec::HistogramEncoder>();
  }
  extras->histograms->Append(sample.timestamp_ms, sample.start_ms, sample.histogram);
  series->max_time_ms = sample.timestamp_ms;
  series->newest_fingerprint = fingerprint;
}

format::ChunkView ViewOpenChunk(const HeadSeries& series, std::string* scratch) {
  format::ChunkView view;
  view.min_time_ms = series.open_min_time_ms;
  view.max_time_ms = series.max_time_ms;
  if (series.has_open_histograms()) {
    view.codec = format::ChunkCodec::kHistogram;
    view.sample_count = series.extras->histograms->sample_count();
    view.payload = series.extras->histograms->payload();
    return view;
  }
  view.sample_count = series.encoder.sample_count;
  view.payload = {reinterpret_cast<const char*>(series.payload),
                  codec::GorillaBytes(series.encoder)};
  if (series.extras != nullptr && series.extras->start_times != nullptr) {
    *scratch = format::JoinStartTimes(series.extras->start_times->payload(), view.payload);
    view.codec = format::ChunkCodec::kGorillaStart;
    view.payload = *scratch;
  }
  return view;
}

void SealSeries(HeadSeries* series, HeadCounters* counters) {
  SealOpenChunk(series, counters);
  SealLate(series, counters);
}

void DestroySeries(HeadSeries* series, HeadCounters* counters) {
  counters->sample_bytes -= series->payload_capacity;
  std::free(series->payload);
  if (series->extras != nullptr) counters->sample_bytes -= series->extras->MemoryBytes();
  delete series->extras;
  for (const SealedChunk* chunk = series->newest; chunk != nullptr; chunk = chunk->older) {
    counters->sample_bytes -= SealedChunkBytes(*chunk);
    --counters->sealed_chunks;
  }
  SealedChunkPtr::Release(series->newest);
  *series = HeadSeries();
}

}  // namespace varve::engine
