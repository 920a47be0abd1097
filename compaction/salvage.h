// Salvage: what can still be read of a damaged part of metrics, as a new part.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/format/part_info.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::compaction {

// Samples of one series, or of series whose labels are lost too.
struct LostStretch {
  std::string labels;  // canonical bytes; empty: not known
  int64_t min_ms = 0;  // both ends included
  int64_t max_ms = 0;
  uint64_t series_count = 1;
  uint64_t sample_count = 0;  // 0: not known
  std::string reason;
};

// Writes every chunk that decodes of every series whose labels can be read to a new part, ingested
// but not committed, with the sequences and classes of the old one; nothing where nothing is left.
// Tells what is lost. Errors: of writing only.
Result<std::optional<format::PartInfo>> Salvage(kv::Store* store,
                                                const std::shared_ptr<const kv::Part>& part,
                                                std::vector<LostStretch>* lost);

// The same of a part of spans: every block that decodes whole, block by block.
Result<std::optional<format::PartInfo>> SalvageSpans(kv::Store* store,
                                                     const std::shared_ptr<const kv::Part>& part,
                                                     std::vector<LostStretch>* lost);

}  // namespace varve::compaction
