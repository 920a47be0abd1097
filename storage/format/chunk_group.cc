#include "storage/format/chunk_group.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace varve::format {
namespace {

constexpr uint8_t kVersion = 1;           // on disk
constexpr uint8_t kVersionOfColumns = 2;  // on disk: chunks may be columns
constexpr size_t kChecksumBytes = sizeof(uint64_t);

Status Damaged(const std::string& what) { return DataLossError("chunk group: " + what); }

// What a chunk's header is predicted to be. Series that are scraped together are cut into chunks
// alike, so a chunk is told as its differences to the chunk in the same place of the series before
// it; where that has none, to the end of its own predecessor. Unsigned, so that every difference
// wraps and comes back.
class Prediction {
 public:
  // The prediction for chunk `index` of a series.
  void Select(size_t index) {
    const bool alike = index < reference_.size();
    min_time = alike ? reference_[index].min_time : last_.max_time;
    span = alike ? reference_[index].max_time - reference_[index].min_time : 0;
    sample_count = alike ? reference_[index].sample_count : last_.sample_count;
    time_column = alike ? reference_[index].time_column : last_.time_column;
    is_column = alike && reference_[index].is_column;
    index_ = index;
  }
  // What it turned out to be.
  void Learn(const ChunkView& chunk) {
    last_ = {static_cast<uint64_t>(chunk.min_time_ms), static_cast<uint64_t>(chunk.max_time_ms),
             chunk.sample_count, chunk.time_column, chunk.codec == ChunkCodec::kColumns};
    if (index_ == reference_.size()) {
      reference_.push_back(last_);
    } else {
      reference_[index_] = last_;
    }
  }

  uint64_t min_time = 0;
  uint64_t span = 0;
  uint64_t sample_count = 0;
  uint64_t time_column = 0;
  bool is_column = false;  // what is predicted has the column `time_column`

 private:
  struct Header {
    uint64_t min_time = 0;
    uint64_t max_time = 0;
    uint64_t sample_count = 0;
    uint64_t time_column = 0;
    bool is_column = false;
  };
  std::vector<Header> reference_;  // the latest chunk of each place
  Header last_;
  size_t index_ = 0;
};

void AppendDifference(uint64_t value, uint64_t predicted, std::string* out) {
  AppendVarint(out, ZigZagEncode(static_cast<int64_t>(value - predicted)));
}

uint64_t ReadDifference(ByteReader* in, uint64_t predicted) {
  return predicted + static_cast<uint64_t>(in->SignedVarint());
}

void AppendChunkHeader(const ChunkView& chunk, const Prediction& prediction, std::string* out) {
  const auto min_time = static_cast<uint64_t>(chunk.min_time_ms);
  out->push_back(static_cast<char>(chunk.codec));
  if (chunk.codec == ChunkCodec::kColumns) {
    AppendDifference(chunk.time_column, prediction.time_column, out);
    if (prediction.is_column && chunk.time_column == prediction.time_column) {
      AppendVarint(out, chunk.payload.size());  // one column has one count, begin and end
      return;
    }
  }
  AppendDifference(min_time, prediction.min_time, out);
  AppendDifference(static_cast<uint64_t>(chunk.max_time_ms) - min_time, prediction.span, out);
  AppendDifference(chunk.sample_count, prediction.sample_count, out);
  AppendVarint(out, chunk.payload.size());
}

// `columns`: of a group whose version knows them.
Status ReadChunkHeader(ByteReader* in, bool columns, const Prediction& prediction, ChunkView* chunk,
                       uint64_t* payload_bytes) {
  chunk->codec = static_cast<ChunkCodec>(in->Fixed<uint8_t>());
  if (columns && chunk->codec == ChunkCodec::kColumns) {
    const uint64_t column = ReadDifference(in, prediction.time_column);
    if (column > UINT32_MAX) return Damaged("time column " + std::to_string(column));
    chunk->time_column = static_cast<uint32_t>(column);
    if (prediction.is_column && column == prediction.time_column) {
      chunk->min_time_ms = static_cast<int64_t>(prediction.min_time);
      chunk->max_time_ms = static_cast<int64_t>(prediction.min_time + prediction.span);
      chunk->sample_count = static_cast<uint32_t>(prediction.sample_count);
      *payload_bytes = in->Varint();
      return in->ok() ? OkStatus() : Damaged("a chunk header is cut off");
    }
  }
  const uint64_t min_time = ReadDifference(in, prediction.min_time);
  chunk->min_time_ms = static_cast<int64_t>(min_time);
  chunk->max_time_ms = static_cast<int64_t>(min_time + ReadDifference(in, prediction.span));
  const uint64_t sample_count = ReadDifference(in, prediction.sample_count);
  *payload_bytes = in->Varint();
  if (!in->ok()) return Damaged("a chunk header is cut off");
  if (sample_count == 0 || sample_count > UINT32_MAX) {
    return Damaged("a chunk of " + std::to_string(sample_count) + " samples");
  }
  if (chunk->min_time_ms > chunk->max_time_ms) {
    return Damaged("chunk times run from " + std::to_string(chunk->min_time_ms) + " back to " +
                   std::to_string(chunk->max_time_ms));
  }
  chunk->sample_count = static_cast<uint32_t>(sample_count);
  return OkStatus();
}

bool AnyColumns(std::span<const std::vector<ChunkView>> series_chunks) {
  for (const std::vector<ChunkView>& chunks : series_chunks) {
    for (const ChunkView& chunk : chunks) {
      if (chunk.codec == ChunkCodec::kColumns) return true;
    }
  }
  return false;
}

}  // namespace

void EncodeChunkGroup(std::span<const std::vector<ChunkView>> series_chunks, std::string* out) {
  VARVE_CHECK(!series_chunks.empty() && series_chunks.size() <= kSeriesPerChunkGroup);
  const size_t begin = out->size();
  out->push_back(static_cast<char>(AnyColumns(series_chunks) ? kVersionOfColumns : kVersion));
  out->push_back(static_cast<char>(series_chunks.size()));
  Prediction prediction;
  for (const std::vector<ChunkView>& chunks : series_chunks) {
    AppendVarint(out, chunks.size());
    for (size_t i = 0; i < chunks.size(); ++i) {
      const ChunkView& chunk = chunks[i];
      VARVE_CHECK(chunk.sample_count > 0 && chunk.min_time_ms <= chunk.max_time_ms);
      VARVE_CHECK(i == 0 || chunks[i - 1].max_time_ms < chunk.min_time_ms);
      prediction.Select(i);
      AppendChunkHeader(chunk, prediction, out);
      prediction.Learn(chunk);
    }
  }
  for (const std::vector<ChunkView>& chunks : series_chunks) {
    for (const ChunkView& chunk : chunks) out->append(chunk.payload);
  }
  AppendFixed(out, Hash64(std::string_view(*out).substr(begin)));
}

Result<ChunkGroup> ChunkGroup::Parse(std::string_view bytes) {
  if (bytes.size() < 2 + kChecksumBytes) {
    return Damaged("cut off after " + std::to_string(bytes.size()) + " bytes");
  }
  ByteReader in(bytes.substr(0, bytes.size() - kChecksumBytes));
  ByteReader trailer(bytes.substr(in.remaining()));
  if (trailer.Fixed<uint64_t>() != Hash64(bytes.substr(0, in.remaining()))) {
    return Damaged("checksum mismatch over " + std::to_string(in.remaining()) + " bytes");
  }
  const auto version = in.Fixed<uint8_t>();
  if (version != kVersion && version != kVersionOfColumns)
    return Damaged("unknown version " + std::to_string(version));
  const auto series_count = in.Fixed<uint8_t>();
  if (series_count == 0 || series_count > kSeriesPerChunkGroup) {
    return Damaged("of " + std::to_string(series_count) + " series");
  }
  ChunkGroup group;
  group.chunk_begin_.reserve(series_count + size_t{1});
  std::vector<uint64_t> payload_bytes;
  Prediction prediction;
  for (uint32_t i = 0; i < series_count; ++i) {
    const uint64_t chunk_count = in.Varint();
    // The loop ends with the bytes, whatever the count says: a header takes several of them.
    for (uint64_t k = 0; k < chunk_count; ++k) {
      ChunkView chunk;
      prediction.Select(k);
      RETURN_IF_ERROR(ReadChunkHeader(&in, version == kVersionOfColumns, prediction, &chunk,
                                      &payload_bytes.emplace_back()));
      prediction.Learn(chunk);
      if (k > 0 && chunk.min_time_ms <= group.chunks_.back().max_time_ms) {
        return Damaged("chunks of a series overlap at " + std::to_string(chunk.min_time_ms));
      }
      group.chunks_.push_back(chunk);
    }
    group.chunk_begin_.push_back(static_cast<uint32_t>(group.chunks_.size()));
  }
  for (size_t i = 0; i < payload_bytes.size(); ++i) {
    group.chunks_[i].payload = in.Bytes(payload_bytes[i]);
  }
  if (!in.ok() || !in.done()) return Damaged("payload sizes do not add up");
  return group;
}

}  // namespace varve::format
