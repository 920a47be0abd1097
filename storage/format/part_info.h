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
enum class Tier : uint8_t { kRaw = 0, kFiveMinutes = 1, kOneHour = 2 };                // on disk

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
  uint16_t retention_class = 0;
  uint8_t level = 0;        // merges behind it
  int64_t min_time_ms = 0;  // of its samples, both ends included
  int64_t max_time_ms = 0;
  uint64_t min_sequence = 0;  // of the journal: which writes it holds, both ends included
  uint64_t max_sequence = 0;  // of two parts the one with the larger max_sequence is newer
  uint64_t series_count = 0;
  uint64_t sample_count = 0;
  uint64_t chunk_count = 0;
  // Of a part of metrics: series o lies in chunk group o / series_per_group. 1 to 64.
  uint32_t series_per_group = 64;
  std::vector<PartFile> files;
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
