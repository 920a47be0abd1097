// Writing frozen series of the head into parts.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compaction/retention_classes.h"
#include "engine/metrics/head.h"
#include "storage/format/part_info.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::engine {

struct FlushInput {
  std::span<const FrozenSeries> frozen;
  int64_t min_time_ms = 0;  // of all frozen samples
  int64_t max_time_ms = 0;
  uint64_t min_sequence = 0;  // of the journal records they came from
  uint64_t max_sequence = 0;
};

// Writes one part per partition and retention class, ingested but not committed. Reads labels from
// the head; takes none of its other locks.
Result<std::vector<format::PartInfo>> WriteParts(kv::Store* store, Head* head,
                                                 const FlushInput& input,
                                                 const compaction::RetentionClasses& classes);

}  // namespace varve::engine
