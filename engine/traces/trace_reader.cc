#include "engine/traces/trace_reader.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/status_macros.h"
#include "compaction/span_rows.h"
#include "storage/format/traces_message.h"

namespace varve::engine {

namespace {

// What is opened of a block in memory, and the block.
struct OpenedHeadBlock {
  std::shared_ptr<const HeadSpanBlock> head;
  format::SpanBlock block;
};

}  // namespace

SpanBlockRef TraceReader::RefOf(const std::shared_ptr<const HeadSpanBlock>& block) const {
  return {
      block->id(), [cache = cache_, block]() {
        return cache->Get(block->id(), [&]() -> Result<SpanBlockCache::SharedBlock> {
          ASSIGN_OR_RETURN(format::SpanBlock opened, block->Open());
          auto both = std::make_shared<OpenedHeadBlock>(OpenedHeadBlock{block, std::move(opened)});
          return SpanBlockCache::SharedBlock(both, &both->block);
        });
      }};
}

SpanBlockRef TraceReader::RefOf(const std::shared_ptr<const compaction::SpanPartReader>& part,
                                uint32_t block) const {
  const uint64_t id = SpanBlockCache::IdOf(part->info().part_id, block);
  return {id, [cache = cache_, part, block, id]() {
            return cache->Get(id, [&]() -> Result<SpanBlockCache::SharedBlock> {
              ASSIGN_OR_RETURN(format::SpanBlock opened, part->OpenBlock(block));
              return std::make_shared<const format::SpanBlock>(std::move(opened));
            });
          }};
}

// Memory first: what a flush takes away from it is in the catalog before.
Result<std::unique_ptr<TraceReader>> TraceReader::Open(SpanHead* head, const kv::Store& store,
                                                       SpanBlockCache* cache) {
  auto reader = std::make_unique<TraceReader>(cache);
  ASSIGN_OR_RETURN(reader->memory_, head->Blocks());
  for (const std::shared_ptr<const kv::Part>& part : store.current()->parts) {
    if (part->info().signal != format::Signal::kTraces) continue;
    reader->parts_.push_back(std::make_shared<const compaction::SpanPartReader>(part));
  }
  reader->ForgetDead();
  return reader;
}

// What was flushed is asked for no more. Parts that were merged away left with their merge.
void TraceReader::ForgetDead() const {
  std::unordered_set<uint64_t> live;
  for (const auto& block : memory_) live.insert(block->id());
  cache_->Retain([&](uint64_t id) { return id < SpanBlockCache::kMemoryIds || live.contains(id); });
}

Result<std::vector<SpanBlockRef>> TraceReader::Blocks(uint64_t min_ns, uint64_t max_ns) const {
  std::vector<SpanBlockRef> sources;
  for (const auto& block : memory_) {
    if (block->header().min_start_ns > max_ns || block->header().max_start_ns < min_ns) continue;
    sources.push_back(RefOf(block));
  }
  constexpr uint64_t kNsPerMs = 1'000'000;
  for (const auto& part : parts_) {
    const auto part_min_ms = static_cast<uint64_t>(part->info().min_time_ms);
    const auto part_max_ms = static_cast<uint64_t>(part->info().max_time_ms);
    if (part_min_ms > max_ns / kNsPerMs || part_max_ms < min_ns / kNsPerMs) continue;
    for (uint32_t block = 0; block < part->block_count(); ++block) {
      sources.push_back(RefOf(part, block));
    }
  }
  return sources;
}

Result<std::vector<SpanBlockRef>> TraceReader::BlocksOf(std::string_view trace_id) const {
  std::vector<SpanBlockRef> sources;
  for (const auto& block : memory_) {
    if (block->HasTrace(trace_id)) sources.push_back(RefOf(block));
  }
  for (const auto& part : parts_) {
    ASSIGN_OR_RETURN(const std::vector<uint32_t> blocks, part->FindTrace(trace_id));
    for (const uint32_t block : blocks) sources.push_back(RefOf(part, block));
  }
  return sources;
}

Result<std::optional<std::string>> TraceReader::Trace(std::string_view trace_id) const {
  ASSIGN_OR_RETURN(const std::vector<SpanBlockRef> sources, BlocksOf(trace_id));
  std::vector<compaction::StoredSpan> spans;
  format::SpanFields scratch;
  for (const SpanBlockRef& source : sources) {
    ASSIGN_OR_RETURN(const std::shared_ptr<const format::SpanBlock> block, source.open());
    ASSIGN_OR_RETURN(const std::string* ids, block->TraceIds());
    ASSIGN_OR_RETURN(const std::vector<uint32_t>* begins, block->TraceBegins());
    for (size_t trace = 0; trace + 1 < begins->size(); ++trace) {
      if (ids->compare(trace * format::kTraceIdBytes, format::kTraceIdBytes, trace_id) != 0) {
        continue;
      }
      for (uint32_t row = (*begins)[trace]; row < (*begins)[trace + 1]; ++row) {
        spans.emplace_back().owner = block;
        RETURN_IF_ERROR(compaction::ReadStoredSpan(*block, row, &scratch, &spans.back()));
      }
    }
  }
  if (spans.empty()) return std::optional<std::string>();
  compaction::SortUniqueSpans(&spans);
  format::TracesBuilder builder;
  for (const compaction::StoredSpan& span : spans) {
    builder.Add(span.resource, span.scope, span.message);
  }
  return std::optional<std::string>(builder.Finish());
}

}  // namespace varve::engine
