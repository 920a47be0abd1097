// The `series` family of one part as its reader sees it: blocks of pair numbers, and the pairs
// behind the numbers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "index/pair_chunk.h"
#include "index/part_summary.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::index {

// Pair chunks are decoded when first needed and then kept. Thread safety: all methods from any
// thread.
class PartSeries {
 public:
  // `part` is borrowed. Reads the summary and the last pair chunk, which proves the pair count.
  static Result<std::unique_ptr<PartSeries>> Open(const kv::Part* part);
  ~PartSeries();
  PartSeries(const PartSeries&) = delete;
  PartSeries& operator=(const PartSeries&) = delete;

  uint32_t series_count() const { return summary_.series_count; }
  // As PartIndexReader::VisitLabels.
  Status VisitLabels(std::span<const uint32_t> ordinals,
                     const std::function<void(size_t i, std::string_view labels)>& visit) const;

 private:
  class LabelAssembler;
  class BlockSource;

  PartSeries(const kv::Part* part, PartSummary summary) : part_(part), summary_(summary) {}
  // The chunk, decoded; it lives as long as this.
  Result<const PairChunk*> Chunk(uint32_t chunk) const;
  Result<const PairChunk*> LoadChunk(uint32_t chunk) const;
  Status VisitBlock(uint32_t block, std::string_view bytes, std::span<const uint32_t> ordinals,
                    size_t first, LabelAssembler* assembler,
                    const std::function<void(size_t i, std::string_view labels)>& visit) const;

  const kv::Part* part_;
  PartSummary summary_;
  uint32_t chunk_count_ = 0;
  // Each null until decoded, then owned; never changes again.
  std::unique_ptr<std::atomic<const PairChunk*>[]> chunks_;
};

// `status` with the part's id and what was read put before it.
Status InPart(const kv::Part& part, const std::string& what, const Status& status);

}  // namespace varve::index
