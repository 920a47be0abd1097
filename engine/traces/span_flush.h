// Writing blocks of the span head into parts.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/traces/span_head.h"
#include "storage/format/part_info.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::engine {

// Writes one part, or one per partition where the spans' start times lie days apart, ingested but
// not committed. The sequences are those of the journal records they came from.
Result<std::vector<format::PartInfo>> WriteSpanParts(kv::Store* store, const HeadSpanBlocks& blocks,
                                                     uint64_t min_sequence, uint64_t max_sequence);

}  // namespace varve::engine
