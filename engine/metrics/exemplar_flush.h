// Writing frozen exemplars into parts.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/metrics/exemplar_store.h"
#include "storage/format/part_info.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::engine {

// Writes one part per day (of fewer, wider partitions when the exemplars span many), ingested but
// not committed. The sequences are those of the journal records they came from.
Result<std::vector<format::PartInfo>> WriteExemplarParts(kv::Store* store,
                                                         const ExemplarMap& exemplars,
                                                         uint64_t min_sequence,
                                                         uint64_t max_sequence);

}  // namespace varve::engine
