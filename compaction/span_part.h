// A part of spans: written block by block, read by block or by trace id, merged. Layout:
// docs/FORMATS.md, "Store: families and keys".
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/format/span_block.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::compaction {

// Rows of a block that a merge writes: larger ones compress better and prune worse.
inline constexpr uint32_t kSpanBlockRows = 32'768;

// Thread safety: none.
class SpanPartWriter {
 public:
  // `store` is borrowed.
  static Result<std::unique_ptr<SpanPartWriter>> Create(kv::Store* store,
                                                        kv::Compression compression);
  // Adds a block. A trace may be in several.
  Status Add(const format::SpanBlockBytes& block);
  // Ingests the part, still invisible; the caller commits the returned entry. `info` brings the
  // level and sequences. kFailedPrecondition when nothing was added.
  Result<format::PartInfo> Finish(format::PartInfo info);

 private:
  SpanPartWriter(kv::Store* store, std::unique_ptr<kv::PartWriter> writer)
      : store_(store), writer_(std::move(writer)) {}

  kv::Store* const store_;
  std::unique_ptr<kv::PartWriter> writer_;
  uint32_t block_count_ = 0;
  uint64_t span_count_ = 0;
  uint64_t min_start_ns_ = UINT64_MAX;
  uint64_t max_start_ns_ = 0;
  std::vector<std::pair<std::string, uint32_t>> traces_;  // id, block
};

// Thread safety: const methods from any thread.
class SpanPartReader {
 public:
  explicit SpanPartReader(std::shared_ptr<const kv::Part> part) : part_(std::move(part)) {}
  const format::PartInfo& info() const { return part_->info(); }
  uint32_t block_count() const { return static_cast<uint32_t>(info().chunk_count); }
  // The columns of a block are fetched when they are asked for; the part lives as long.
  Result<format::SpanBlock> OpenBlock(uint32_t block) const;
  // The blocks that a trace is in, ascending; none when it is not here.
  Result<std::vector<uint32_t>> FindTrace(std::string_view trace_id) const;
  // Every trace's entry is in the block that it names, every block's trace has an entry, every row
  // decodes. kDataLoss names the first that does not.
  Status Check() const;

 private:
  std::shared_ptr<const kv::Part> part_;
};

// Merges whole parts of spans into one, ingested but not committed: the rows of a trace together,
// traces in the order of their first span, spans that are there twice once. Memory: an entry per
// trace, and the columns of blocks that overlap in time. Errors: kDataLoss names the part that is
// damaged, kCancelled when
// `*cancelled` became true; nothing was changed then.
Result<format::PartInfo> MergeSpanParts(kv::Store* store,
                                        std::span<const std::shared_ptr<const kv::Part>> parts,
                                        const std::atomic<bool>* cancelled);

}  // namespace varve::compaction
