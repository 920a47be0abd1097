#include "engine/traces/span_flush.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/status_macros.h"
#include "compaction/planner.h"
#include "compaction/span_part.h"
#include "compaction/span_rows.h"

namespace varve::engine {
namespace {

int64_t ToMs(uint64_t ns) { return static_cast<int64_t>(ns / 1'000'000); }

// Spans of one partition on their way into a part.
struct PartitionPart {
  std::unique_ptr<compaction::SpanPartWriter> writer;
  std::vector<compaction::StoredSpan> spans;

  Status WriteBlock() {
    if (spans.empty()) return OkStatus();
    compaction::SortUniqueSpans(&spans);
    std::vector<format::SpanRow> rows;
    for (const compaction::StoredSpan& span : spans) rows.push_back(span.row());
    ASSIGN_OR_RETURN(const format::SpanBlockBytes block, format::EncodeSpanBlock(rows));
    spans.clear();
    return writer->Add(block);
  }
};

Result<std::vector<format::PartInfo>> WritePartitions(kv::Store* store,
                                                      const HeadSpanBlocks& blocks,
                                                      int64_t width_ms,
                                                      const format::PartInfo& info) {
  std::map<int64_t, PartitionPart> partitions;  // by begin
  format::SpanFields scratch;
  for (const auto& head_block : blocks) {
    ASSIGN_OR_RETURN(format::SpanBlock opened, head_block->Open());
    const auto block = std::make_shared<const format::SpanBlock>(std::move(opened));
    for (uint32_t row = 0; row < block->row_count(); ++row) {
      compaction::StoredSpan span;
      span.owner = block;
      RETURN_IF_ERROR(compaction::ReadStoredSpan(*block, row, &scratch, &span));
      const int64_t begin_ms = compaction::PartitionOf(ToMs(span.start_ns), width_ms).begin_ms;
      PartitionPart& partition = partitions[begin_ms];
      if (partition.writer == nullptr) {
        ASSIGN_OR_RETURN(partition.writer,
                         compaction::SpanPartWriter::Create(store, kv::Compression::kFast));
      }
      partition.spans.push_back(std::move(span));
      if (partition.spans.size() >= SpanHead::kBlockRows) RETURN_IF_ERROR(partition.WriteBlock());
    }
  }
  std::vector<format::PartInfo> parts;
  for (auto& [begin_ms, partition] : partitions) {
    RETURN_IF_ERROR(partition.WriteBlock());
    ASSIGN_OR_RETURN(format::PartInfo part, partition.writer->Finish(info));
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace

Result<std::vector<format::PartInfo>> WriteSpanParts(kv::Store* store, const HeadSpanBlocks& blocks,
                                                     uint64_t min_sequence, uint64_t max_sequence) {
  std::vector<format::PartInfo> parts;
  if (blocks.empty()) return parts;
  format::PartInfo info;
  info.min_sequence = min_sequence;
  info.max_sequence = max_sequence;
  uint64_t min_ns = UINT64_MAX;
  uint64_t max_ns = 0;
  for (const auto& block : blocks) {
    min_ns = std::min(min_ns, block->header().min_start_ns);
    max_ns = std::max(max_ns, block->header().max_start_ns);
  }
  const int64_t width_ms = compaction::FlushPartitionWidth(ToMs(min_ns), ToMs(max_ns));
  const bool lies_close = ToMs(max_ns) - ToMs(min_ns) <= 2 * compaction::kPartitionMs;
  if (!lies_close) return WritePartitions(store, blocks, width_ms, info);
  ASSIGN_OR_RETURN(std::unique_ptr<compaction::SpanPartWriter> writer,
                   compaction::SpanPartWriter::Create(store, kv::Compression::kFast));
  for (const auto& block : blocks) RETURN_IF_ERROR(writer->Add(block->bytes()));
  ASSIGN_OR_RETURN(format::PartInfo part, writer->Finish(std::move(info)));
  parts.push_back(std::move(part));
  return parts;
}

}  // namespace varve::engine
