#include "storage/format/chunk_group.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"

namespace varve::format {
namespace {

constexpr uint8_t kVersion = 1;  // on disk
constexpr size_t kChecksumBytes = sizeof(uint64_t);

Status Damaged(const char* what) { return DataLossError(std::string("chunk group: ") + what); }

}  // namespace

void EncodeChunkGroup(std::span<const std::vector<ChunkView>> series_chunks, std::string* out) {
  VARVE_CHECK(!series_chunks.empty() && series_chunks.size() <= kSeriesPerChunkGroup);
  const size_t begin = out->size();
  out->push_back(static_cast<char>(kVersion));
  out->push_back(static_cast<char>(series_chunks.size()));
  // Times are deltas to the end of the chunk before, across series: neighbours are scraped together.
  uint64_t previous = 0;
  for (const std::vector<ChunkView>& chunks : series_chunks) {
    AppendVarint(out, chunks.size());
    for (const ChunkView& chunk : chunks) {
      VARVE_CHECK(chunk.sample_count > 0 && chunk.min_time_ms <= chunk.max_time_ms);
      out->push_back(static_cast<char>(chunk.codec));
      AppendVarint(out, chunk.sample_count);
      AppendVarint(out, ZigZagEncode(static_cast<int64_t>(static_cast<uint64_t>(chunk.min_time_ms) - previous)));
      AppendVarint(out, static_cast<uint64_t>(chunk.max_time_ms) - static_cast<uint64_t>(chunk.min_time_ms));
      AppendVarint(out, chunk.payload.size());
      previous = static_cast<uint64_t>(chunk.max_time_ms);
    }
  }
  for (const std::vector<ChunkView>& chunks : series_chunks) {
    for (const ChunkView& chunk : chunks) out->append(chunk.payload);
  }
  AppendFixed(out, Hash64(std::string_view(*out).substr(begin)));
}

Result<ChunkGroup> ChunkGroup::Parse(std::string_view bytes) {
  if (bytes.size() < 2 + kChecksumBytes) return Damaged("too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  ByteReader trailer(bytes.substr(body.size()));
  if (trailer.Fixed<uint64_t>() != Hash64(body)) return Damaged("checksum mismatch");
  ByteReader reader(body);
  if (reader.Fixed<uint8_t>() != kVersion) return Damaged("unknown version");
  const auto series_count = reader.Fixed<uint8_t>();
  if (series_count == 0 || series_count > kSeriesPerChunkGroup) return Damaged("bad series count");

  ChunkGroup group;
  std::vector<uint64_t> payload_sizes;
  uint64_t previous = 0;
  for (uint32_t i = 0; i < series_count; ++i) {
    const uint64_t chunk_count = reader.Varint();
    if (chunk_count > reader.remaining()) return Damaged("chunk count exceeds the bytes");
    for (uint64_t k = 0; k < chunk_count; ++k) {
      ChunkView chunk;
      chunk.codec = static_cast<ChunkCodec>(reader.Fixed<uint8_t>());
      const uint64_t sample_count = reader.Varint();
      const uint64_t min_time = previous + static_cast<uint64_t>(reader.SignedVarint());
      previous = min_time + reader.Varint();
      chunk.min_time_ms = static_cast<int64_t>(min_time);
      chunk.max_time_ms = static_cast<int64_t>(previous);
      payload_sizes.push_back(reader.Varint());
      if (!reader.ok()) return Damaged("header ends early");
      if (sample_count == 0 || sample_count > UINT32_MAX) return Damaged("bad sample count");
      if (chunk.min_time_ms > chunk.max_time_ms) return Damaged("times run backwards");
      chunk.sample_count = static_cast<uint32_t>(sample_count);
      group.chunks_.push_back(chunk);
    }
    group.chunk_begin_.push_back(static_cast<uint32_t>(group.chunks_.size()));
  }
  for (size_t i = 0; i < payload_sizes.size(); ++i) group.chunks_[i].payload = reader.Bytes(payload_sizes[i]);
  if (!reader.ok() || !reader.done()) return Damaged("payload sizes do not add up");
  return group;
}

}  // namespace varve::format
