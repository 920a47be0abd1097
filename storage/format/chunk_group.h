// Chunk group: the chunks of up to kSeriesPerChunkGroup neighbouring series of a part, one value of
// the `chunks` family.
// Layout: docs/FORMATS.md, "Chunk group".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/format/chunk.h"
#include "varve/status.h"

namespace varve::format {

inline constexpr uint32_t kSeriesPerChunkGroup = 64;  // at most; PartInfo::series_per_group

// Encodes series_chunks[i] = the chunks of the i-th series of the group (ascending in time, not
// overlapping; may be none).
// REQUIRES: 1..kSeriesPerChunkGroup series. Appends to `out`.
void EncodeChunkGroup(std::span<const std::vector<ChunkView>> series_chunks, std::string* out);

// A decoded group: the headers are decoded and checked, payloads stay views into the value's bytes.
class ChunkGroup {
 public:
  // Verifies version, checksum and every length. Error: kDataLoss naming what is wrong. `bytes`
  // must outlive the group.
  static Result<ChunkGroup> Parse(std::string_view bytes);
  uint32_t series_count() const { return static_cast<uint32_t>(chunk_begin_.size() - 1); }
  // For whoever looks up their time columns.
  std::span<ChunkView> mutable_chunks(uint32_t i) {
    return {chunks_.data() + chunk_begin_[i], chunk_begin_[i + 1] - chunk_begin_[i]};
  }
  // Chunks of the i-th series, ascending in time. Those of columns have no timestamps yet.
  std::span<const ChunkView> chunks(uint32_t i) const {
    return {chunks_.data() + chunk_begin_[i], chunk_begin_[i + 1] - chunk_begin_[i]};
  }

 private:
  std::vector<ChunkView> chunks_;
  std::vector<uint32_t> chunk_begin_{0};  // series_count() + 1 entries
};

}  // namespace varve::format
