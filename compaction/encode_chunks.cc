#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "compaction/merge.h"
#include "compaction/planner.h"
#include "storage/codec/gorilla.h"
#include "storage/codec/histogram.h"
#include "storage/codec/start_times.h"

namespace varve::compaction {
namespace {

static_assert(kChunkSamplesMax <= codec::kGorillaSampleCountMax);
static_assert(kChunkSamplesMax <= codec::kHistogramSampleCountMax);

// `header` says everything but the payload.
void AddChunk(format::ChunkView header, std::string_view bytes, EncodedChunks* out) {
  std::unique_ptr<char[]> payload(
      new char[bytes.size()]);  // not make_unique: it would zero the bytes
  std::memcpy(payload.get(), bytes.data(), bytes.size());
  header.payload = std::string_view(payload.get(), bytes.size());
  out->chunks.push_back(header);
  out->payloads.push_back(std::move(payload));
}

// A consecutive piece of a series' floats. `start_times_ms` may be empty.
struct Floats {
  std::span<const int64_t> timestamps_ms;
  std::span<const double> values;
  std::span<const int64_t> start_times_ms;

  Floats Piece(size_t begin, size_t count) const {
    return {timestamps_ms.subspan(begin, count), values.subspan(begin, count),
            start_times_ms.empty() ? start_times_ms : start_times_ms.subspan(begin, count)};
  }
  bool any_start_time() const {
    return std::any_of(start_times_ms.begin(), start_times_ms.end(),
                       [](int64_t start) { return start != 0; });
  }
};

void EncodeFloatChunk(const Floats& floats, EncodedChunks* out) {
  uint8_t buffer[kChunkSamplesMax * codec::kGorillaAppendBytesMax + codec::kGorillaAppendBytesMax];
  codec::GorillaState state;
  for (size_t i = 0; i < floats.timestamps_ms.size(); ++i) {
    codec::GorillaAppend(&state, buffer, floats.timestamps_ms[i], floats.values[i]);
  }
  const std::string_view gorilla(reinterpret_cast<const char*>(buffer), codec::GorillaBytes(state));
  format::ChunkView header{format::ChunkCodec::kGorilla,
                           static_cast<uint32_t>(floats.timestamps_ms.size()),
                           floats.timestamps_ms.front(),
                           floats.timestamps_ms.back(),
                           {}};
  if (!floats.any_start_time()) {
    AddChunk(header, gorilla, out);
    return;
  }
  codec::StartTimeColumn starts;
  int64_t previous_ms = 0;
  for (size_t i = 0; i < floats.timestamps_ms.size(); ++i) {
    starts.Append(floats.start_times_ms[i], previous_ms);
    previous_ms = floats.timestamps_ms[i];
  }
  header.codec = format::ChunkCodec::kGorillaStart;
  AddChunk(header, format::JoinStartTimes(starts.payload(), gorilla), out);
}

void EncodeColumnChunk(const Floats& floats, EncodedChunks* out) {
  const size_t count = floats.timestamps_ms.size();
  std::unique_ptr<int64_t[]> timestamps(new int64_t[count]);
  std::copy(floats.timestamps_ms.begin(), floats.timestamps_ms.end(), timestamps.get());
  std::string payload;
  format::EncodeColumnPayload(floats.values, &payload);
  format::ChunkView header{format::ChunkCodec::kColumns,
                           static_cast<uint32_t>(count),
                           floats.timestamps_ms.front(),
                           floats.timestamps_ms.back(),
                           {}};
  header.timestamps_ms = timestamps.get();
  AddChunk(header, payload, out);
  out->timestamps.push_back(std::move(timestamps));
}

// Calls encode(begin, end) for the samples of each partition.
template <typename Encode>
void ForEachPartition(std::span<const int64_t> timestamps_ms, int64_t width_ms, Encode encode) {
  for (size_t begin = 0; begin < timestamps_ms.size();) {
    const int64_t last_ms = PartitionOf(timestamps_ms[begin], width_ms).end_ms;
    const auto stop = std::upper_bound(timestamps_ms.begin() + static_cast<ptrdiff_t>(begin),
                                       timestamps_ms.end(), last_ms);
    const auto end = static_cast<size_t>(stop - timestamps_ms.begin());
    encode(begin, end);
    begin = end;
  }
}

// A partition's samples are spread evenly over as few chunks as hold them: no partition ends in a
// chunk of a few samples, which the next merge would decode again.
void EncodeFloats(const Floats& floats, ChunkForm form, EncodedChunks* out) {
  const bool columns = form == ChunkForm::kColumns && !floats.any_start_time();
  const size_t samples_max = columns ? kColumnChunkSamplesMax : kChunkSamplesMax;
  const int64_t width_ms = columns ? kColumnPartitionMs : kPartitionMs;
  ForEachPartition(floats.timestamps_ms, width_ms, [&](size_t begin, size_t end) {
    for (size_t left = (end - begin + samples_max - 1) / samples_max; left > 0; --left) {
      const size_t count = (end - begin + left - 1) / left;
      const Floats piece = floats.Piece(begin, count);
      columns ? EncodeColumnChunk(piece, out) : EncodeFloatChunk(piece, out);
      begin += count;
    }
  });
}

// Histograms [begin, end) of one partition, by bytes as much as by number.
void EncodeHistograms(const format::SampleColumns& samples, size_t begin, size_t end,
                      EncodedChunks* out) {
  const std::vector<int64_t>& times = samples.histogram_timestamps_ms;
  while (begin < end) {
    codec::HistogramEncoder encoder;
    size_t next = begin;
    for (; next < end && encoder.HasRoomFor(*samples.histograms[next]); ++next) {
      const bool has_start = next < samples.histogram_start_times_ms.size();
      encoder.Append(times[next], has_start ? samples.histogram_start_times_ms[next] : 0,
                     *samples.histograms[next]);
    }
    VARVE_CHECK(next > begin);
    AddChunk(
        {format::ChunkCodec::kHistogram, encoder.sample_count(), times[begin], times[next - 1], {}},
        encoder.payload(), out);
    begin = next;
  }
}

// The end of the run from `begin` on that lies before time `stop_ms`.
size_t EndBefore(std::span<const int64_t> timestamps_ms, size_t begin, int64_t stop_ms) {
  const auto stop = std::lower_bound(timestamps_ms.begin() + static_cast<ptrdiff_t>(begin),
                                     timestamps_ms.end(), stop_ms);
  return static_cast<size_t>(stop - timestamps_ms.begin());
}

}  // namespace

// Runs of one kind alternate: chunks of a series never overlap.
void EncodeChunks(const format::SampleColumns& samples, EncodedChunks* out, ChunkForm form) {
  const std::vector<int64_t>& float_times = samples.timestamps_ms;
  const std::vector<int64_t>& histogram_times = samples.histogram_timestamps_ms;
  VARVE_CHECK(float_times.size() == samples.values.size());
  VARVE_CHECK(histogram_times.size() == samples.histograms.size());
  const Floats floats{float_times, samples.values, samples.start_times_ms};
  size_t next_float = 0;
  size_t next_histogram = 0;
  while (next_float < float_times.size() || next_histogram < histogram_times.size()) {
    const size_t float_end =
        next_histogram == histogram_times.size()
            ? float_times.size()
            : EndBefore(float_times, next_float, histogram_times[next_histogram]);
    EncodeFloats(floats.Piece(next_float, float_end - next_float), form, out);
    next_float = float_end;
    const size_t histogram_end =
        next_float == float_times.size()
            ? histogram_times.size()
            : EndBefore(histogram_times, next_histogram, float_times[next_float]);
    const size_t first = next_histogram;
    ForEachPartition(std::span(histogram_times).subspan(first, histogram_end - first), kPartitionMs,
                     [&](size_t begin, size_t end) {
                       EncodeHistograms(samples, first + begin, first + end, out);
                     });
    next_histogram = histogram_end;
  }
}

}  // namespace varve::compaction
