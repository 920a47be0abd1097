#include "compaction/span_part.h"

#include <algorithm>
#include <unordered_set>

#include "base/bytes.h"
#include "base/status_macros.h"

namespace varve::compaction {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;

std::string ColumnKey(uint32_t block, uint32_t column) {
  std::string key;
  AppendBigEndian32(&key, block);
  AppendBigEndian32(&key, column);
  return key;
}

std::string_view ColumnOf(const format::SpanBlockBytes& block, uint32_t column) {
  for (const auto& [number, bytes] : block) {
    if (number == column) return bytes;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<SpanPartWriter>> SpanPartWriter::Create(kv::Store* store,
                                                               kv::Compression compression) {
  ASSIGN_OR_RETURN(std::unique_ptr<kv::PartWriter> writer, store->NewPart(compression));
  return std::unique_ptr<SpanPartWriter>(new SpanPartWriter(store, std::move(writer)));
}

Status SpanPartWriter::Add(const format::SpanBlockBytes& block) {
  ASSIGN_OR_RETURN(const format::SpanBlock opened,
                   format::SpanBlock::Open([&block](uint32_t column) -> Result<std::string> {
                     return std::string(ColumnOf(block, column));
                   }));
  const format::SpanBlockHeader& header = opened.header();
  min_start_ns_ = std::min(min_start_ns_, header.min_start_ns);
  max_start_ns_ = std::max(max_start_ns_, header.max_start_ns);
  span_count_ += header.row_count;
  const std::string_view ids =
      ColumnOf(block, static_cast<uint32_t>(format::SpanColumn::kTraceIds));
  for (size_t at = 0; at < ids.size(); at += format::kTraceIdBytes) {
    traces_.emplace_back(ids.substr(at, format::kTraceIdBytes), block_count_);
  }
  for (const auto& [column, bytes] : block) {
    RETURN_IF_ERROR(writer_->Add(kv::Family::kSpans, ColumnKey(block_count_, column), bytes));
  }
  ++block_count_;
  return OkStatus();
}

Result<format::PartInfo> SpanPartWriter::Finish(format::PartInfo info) {
  if (block_count_ == 0) return FailedPreconditionError("a part without spans is not written");
  std::sort(traces_.begin(), traces_.end());
  traces_.erase(std::unique(traces_.begin(), traces_.end()), traces_.end());
  uint64_t trace_count = 0;
  for (size_t i = 0; i < traces_.size(); ++trace_count) {
    const std::string& id = traces_[i].first;
    std::string blocks;
    for (; i < traces_.size() && traces_[i].first == id; ++i) {
      AppendVarint(&blocks, traces_[i].second);
    }
    RETURN_IF_ERROR(writer_->Add(kv::Family::kTraceIds, id, blocks));
  }
  info.signal = format::Signal::kTraces;
  info.min_time_ms = static_cast<int64_t>(min_start_ns_ / kNsPerMs);
  info.max_time_ms = static_cast<int64_t>(max_start_ns_ / kNsPerMs);
  info.series_count = trace_count;
  info.sample_count = span_count_;
  info.chunk_count = block_count_;
  return store_->Ingest(std::move(writer_), std::move(info));
}

Result<format::SpanBlock> SpanPartReader::OpenBlock(uint32_t block) const {
  Result<format::SpanBlock> opened =
      format::SpanBlock::Open([part = part_, block](uint32_t column) -> Result<std::string> {
        Result<kv::PinnedBytes> bytes = part->Get(kv::Family::kSpans, ColumnKey(block, column));
        if (bytes.ok()) return std::string(bytes->view());
        if (bytes.status().code() == StatusCode::kNotFound) return std::string();
        return bytes.status();
      });
  if (opened.ok()) return opened;
  return opened.status().WithContext("part " + std::to_string(info().part_id) + ", block " +
                                     std::to_string(block));
}

Result<std::vector<uint32_t>> SpanPartReader::FindTrace(std::string_view trace_id) const {
  std::vector<uint32_t> blocks;
  const Result<kv::PinnedBytes> bytes = part_->Get(kv::Family::kTraceIds, trace_id);
  if (!bytes.ok()) {
    if (bytes.status().code() == StatusCode::kNotFound) return blocks;
    return bytes.status();
  }
  ByteReader reader(bytes->view());
  while (!reader.done()) {
    const uint64_t block = reader.Varint();
    if (!reader.ok() || block >= block_count()) {
      return DataLossError("part " + std::to_string(info().part_id) +
                           ": a trace in a block that is not there");
    }
    blocks.push_back(static_cast<uint32_t>(block));
  }
  return blocks;
}

Status SpanPartReader::Check() const {
  uint64_t spans = 0;
  uint64_t traces = 0;
  std::unordered_set<std::string> ids;
  for (uint32_t number = 0; number < block_count(); ++number) {
    ASSIGN_OR_RETURN(format::SpanBlock block, OpenBlock(number));
    ASSIGN_OR_RETURN(const std::string* trace_ids, block.TraceIds());
    for (size_t at = 0; at < trace_ids->size(); at += format::kTraceIdBytes) {
      const std::string id = trace_ids->substr(at, format::kTraceIdBytes);
      ASSIGN_OR_RETURN(const std::vector<uint32_t> blocks, FindTrace(id));
      if (std::find(blocks.begin(), blocks.end(), number) == blocks.end()) {
        return DataLossError("block " + std::to_string(number) + ": a trace without an entry");
      }
      ids.insert(id);
    }
    format::SpanFields span;
    for (uint32_t row = 0; row < block.row_count(); ++row) {
      RETURN_IF_ERROR(block.ReadRow(row, &span).WithContext("block " + std::to_string(number)));
    }
    spans += block.row_count();
  }
  const std::unique_ptr<kv::PartCursor> cursor = part_->NewCursor(kv::Family::kTraceIds);
  for (cursor->Seek({}); cursor->Valid(); cursor->Next()) {
    ++traces;
    if (!ids.contains(std::string(cursor->key()))) {
      return DataLossError("an entry of a trace that no block has");
    }
  }
  RETURN_IF_ERROR(cursor->status());
  if (spans != info().sample_count || traces != info().series_count) {
    return DataLossError(std::to_string(spans) + " spans of " + std::to_string(traces) +
                         " traces; the catalog says " + std::to_string(info().sample_count) +
                         " of " + std::to_string(info().series_count));
  }
  return OkStatus();
}

}  // namespace varve::compaction
