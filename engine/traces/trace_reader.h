// TraceReader: the blocks of spans that one query sees, in memory and in parts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compaction/span_part.h"
#include "engine/span_reader.h"
#include "engine/traces/span_block_cache.h"
#include "engine/traces/span_head.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::engine {

class TraceReader final : public SpanReader {
 public:
  // All are borrowed.
  static Result<std::unique_ptr<TraceReader>> Open(SpanHead* head, const kv::Store& store,
                                                   SpanBlockCache* cache);
  explicit TraceReader(SpanBlockCache* cache) : cache_(cache) {}
  ~TraceReader() override { cache_->Trim(); }
  TraceReader(const TraceReader&) = delete;
  TraceReader& operator=(const TraceReader&) = delete;

  Result<std::vector<SpanBlockRef>> Blocks(uint64_t min_ns, uint64_t max_ns) const override;
  Result<std::vector<SpanBlockRef>> BlocksOf(std::string_view trace_id) const override;
  Result<std::optional<std::string>> Trace(std::string_view trace_id) const override;

 private:
  SpanBlockRef RefOf(const std::shared_ptr<const HeadSpanBlock>& block) const;
  SpanBlockRef RefOf(const std::shared_ptr<const compaction::SpanPartReader>& part,
                     uint32_t block) const;
  void ForgetDead() const;

  SpanBlockCache* const cache_;
  HeadSpanBlocks memory_;
  std::vector<std::shared_ptr<const compaction::SpanPartReader>> parts_;
};

}  // namespace varve::engine
