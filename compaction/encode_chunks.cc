#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/check.h"
#include "compaction/merge.h"
#include "compaction/planner.h"
#include "storage/codec/gorilla.h"

namespace varve::compaction {
namespace {

static_assert(kChunkSamplesMax <= codec::kGorillaSampleCountMax);

void EncodeChunk(std::span<const int64_t> timestamps_ms, std::span<const double> values,
                 EncodedChunks* out) {
  uint8_t buffer[kChunkSamplesMax * codec::kGorillaAppendBytesMax + codec::kGorillaAppendBytesMax];
  codec::GorillaState state;
  for (size_t i = 0; i < timestamps_ms.size(); ++i) {
    codec::GorillaAppend(&state, buffer, timestamps_ms[i], values[i]);
  }
  const size_t bytes = codec::GorillaBytes(state);
  std::unique_ptr<char[]> payload(new char[bytes]);  // not make_unique: it would zero the bytes
  std::memcpy(payload.get(), buffer, bytes);
  format::ChunkView chunk;
  chunk.codec = format::ChunkCodec::kGorilla;
  chunk.sample_count = static_cast<uint32_t>(timestamps_ms.size());
  chunk.min_time_ms = timestamps_ms.front();
  chunk.max_time_ms = timestamps_ms.back();
  chunk.payload = std::string_view(payload.get(), bytes);
  out->chunks.push_back(chunk);
  out->payloads.push_back(std::move(payload));
}

}  // namespace

// A partition's samples are spread evenly over as few chunks as hold them: no partition ends in a
// chunk of a few samples, which the next merge would decode again.
void EncodeChunks(std::span<const int64_t> timestamps_ms, std::span<const double> values,
                  EncodedChunks* out) {
  VARVE_CHECK(timestamps_ms.size() == values.size());
  for (size_t begin = 0; begin < timestamps_ms.size();) {
    const int64_t last_ms = PartitionOf(timestamps_ms[begin], kPartitionMs).end_ms;
    const auto stop = std::upper_bound(timestamps_ms.begin() + static_cast<ptrdiff_t>(begin),
                                       timestamps_ms.end(), last_ms);
    const size_t end = static_cast<size_t>(stop - timestamps_ms.begin());
    for (size_t left = (end - begin + kChunkSamplesMax - 1) / kChunkSamplesMax; left > 0; --left) {
      const size_t count = (end - begin + left - 1) / left;
      EncodeChunk(timestamps_ms.subspan(begin, count), values.subspan(begin, count), out);
      begin += count;
    }
  }
}

}  // namespace varve::compaction
