// PartInfo: what the catalog knows of a part, and its bytes. Layout: docs/FORMATS.md, "Catalog
// entry".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "varve/status.h"

namespace varve::format {

enum class Signal : uint8_t { kMetrics = 1, kTraces = 2, kLogs = 3, kExemplars = 4 };  // on disk
enum class Tier : uint8_t { kRaw = 0, kRollup = 1 };                                   // on disk

// A stretch of time within a part, both ends included, and the newest write that the part has of
// it. Of a part of rollups: what it covers, and the newest raw write that went into it.
struct PartPiece {
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
  uint64_t max_sequence = 0;
  // Of rollups: rows were taken out because samples were deleted. Where there still are raw samples
  // they say more.
  bool purged = false;
  friend bool operator==(const PartPiece&, const PartPiece&) = default;
};

// One ingested SST file of a part.
struct PartFile {
  uint8_t family = 0;  // kv::Family
  uint64_t bytes = 0;
  uint64_t checksum = 0;  // XXH3 of the file as it was written
  friend bool operator==(const PartFile&, const PartFile&) = default;
};

struct PartInfo {
  uint64_t part_id = 0;  // never reused
  Signal signal = Signal::kMetrics;
  Tier tier = Tier::kRaw;
  uint16_t retention_class = 0;  // of rollups: their downsampling level
  int64_t resolution_ms = 0;     // of rollups: the width of a bucket
  uint8_t level = 0;             // merges behind it
  int64_t min_time_ms = 0;       // of its samples, both ends included
  int64_t max_time_ms = 0;
  uint64_t min_sequence = 0;  // of the journal: which writes it holds, both ends included
  uint64_t max_sequence = 0;  // of two parts the one with the larger max_sequence is newer
  uint64_t series_count = 0;
  uint64_t sample_count = 0;
  uint64_t chunk_count = 0;
  // Of a part of metrics: series o lies in chunk group o / series_per_group. 1 to 64.
  uint32_t series_per_group = 64;
  // Ascending, disjoint. Rollups: what is covered. Raw samples: where the part is newer and where
  // older; none: max_sequence everywhere.
  std::vector<PartPiece> pieces = {};
  std::vector<PartFile> files;
  // The newest write of [begin_ms, end_ms] that the part may have; 0 when it has none.
  uint64_t SequenceIn(int64_t begin_ms, int64_t end_ms) const {
    if (begin_ms > max_time_ms || end_ms < min_time_ms) return 0;
    if (pieces.empty()) return max_sequence;
    uint64_t newest = 0;
    for (const PartPiece& piece : pieces) {
      if (piece.begin_ms <= end_ms && piece.end_ms >= begin_ms && piece.max_sequence > newest) {
        newest = piece.max_sequence;
      }
    }
    return newest;
  }
  uint64_t bytes() const {  // of its files
    uint64_t sum = 0;
    for (const PartFile& file : files) sum += file.bytes;
    return sum;
  }
  friend bool operator==(const PartInfo&, const PartInfo&) = default;
};

void EncodePartInfo(const PartInfo& info, std::string* out);
// Error: kDataLoss; kFailedPrecondition for an entry of a newer version.
Result<PartInfo> DecodePartInfo(std::string_view bytes);

}  // namespace varve::format
