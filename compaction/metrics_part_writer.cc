#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "compaction/metrics_part.h"
#include "storage/format/chunk_group.h"

namespace varve::compaction {

// Invariants:
//   1. group_payloads_ holds the payloads of group_'s chunks back to back, in order; the views in
//   group_ have the right
//      sizes, but their addresses are set only when the group is written, for the string moves
//      while it grows.
//   2. The series at ordinal o lies in group o / layout_.series_per_group.
class MetricsPartWriter::Impl {
 public:
  Impl(kv::Store* store, std::unique_ptr<kv::PartWriter> writer, const MetricsPartLayout& layout)
      : store_(store), layout_(layout), writer_(std::move(writer)), index_(writer_.get()) {
    group_.reserve(layout_.series_per_group);
  }

  Status Add(std::string_view labels, std::span<const format::ChunkView> chunks) {
    RETURN_IF_ERROR(CheckChunks(chunks));
    if (series_count_ == std::numeric_limits<index::Ordinal>::max()) {
      return ResourceExhaustedError("a part holds at most " + std::to_string(series_count_) +
                                    " series");
    }
    RETURN_IF_ERROR(index_.Add(labels));
    Count(chunks);
    group_.emplace_back(chunks.begin(), chunks.end());
    for (format::ChunkView& chunk : group_.back()) {
      group_payloads_.append(chunk.payload);
      if (chunk.codec != format::ChunkCodec::kColumns) continue;
      ASSIGN_OR_RETURN(chunk.time_column,
                       time_columns_.Add({chunk.timestamps_ms, chunk.sample_count}));
    }
    if (group_.size() == layout_.series_per_group) return WriteGroup();
    return OkStatus();
  }

  Result<format::PartInfo> Finish(format::PartInfo info) {
    if (series_count_ == 0) return FailedPreconditionError("a part without series is not written");
    if (!group_.empty()) RETURN_IF_ERROR(WriteGroup());
    RETURN_IF_ERROR(index_.Finish());
    RETURN_IF_ERROR(time_columns_.Finish(writer_.get()));
    info.min_time_ms = min_time_ms_;
    info.max_time_ms = max_time_ms_;
    info.series_count = series_count_;
    info.sample_count = sample_count_;
    info.chunk_count = chunk_count_;
    info.series_per_group = layout_.series_per_group;
    return store_->Ingest(std::move(writer_), std::move(info));
  }

 private:
  static Status CheckChunks(std::span<const format::ChunkView> chunks) {
    if (chunks.empty()) return InvalidArgumentError("a series of a part needs at least one chunk");
    const format::ChunkView* previous = nullptr;
    for (const format::ChunkView& chunk : chunks) {
      if (chunk.sample_count == 0 || chunk.min_time_ms > chunk.max_time_ms) {
        return InvalidArgumentError(Describe(chunk) + " is empty or ends before it begins");
      }
      if (chunk.codec == format::ChunkCodec::kColumns && chunk.timestamps_ms == nullptr) {
        return InvalidArgumentError(Describe(chunk) + " has no timestamps");
      }
      if (previous != nullptr && chunk.min_time_ms <= previous->max_time_ms) {
        return InvalidArgumentError(Describe(chunk) + " does not begin after " +
                                    Describe(*previous));
      }
      previous = &chunk;
    }
    return OkStatus();
  }

  static std::string Describe(const format::ChunkView& chunk) {
    return "chunk [" + std::to_string(chunk.min_time_ms) + ", " +
           std::to_string(chunk.max_time_ms) + "] of " + std::to_string(chunk.sample_count) +
           " samples";
  }

  void Count(std::span<const format::ChunkView> chunks) {
    ++series_count_;
    chunk_count_ += chunks.size();
    for (const format::ChunkView& chunk : chunks) sample_count_ += chunk.sample_count;
    min_time_ms_ = std::min(min_time_ms_, chunks.front().min_time_ms);
    max_time_ms_ = std::max(max_time_ms_, chunks.back().max_time_ms);
  }

  Status WriteGroup() {
    const char* at = group_payloads_.data();
    for (std::vector<format::ChunkView>& chunks : group_) {
      for (format::ChunkView& chunk : chunks) {
        chunk.payload = std::string_view(at, chunk.payload.size());
        at += chunk.payload.size();
      }
    }
    key_.clear();
    AppendBigEndian32(&key_, group_number_++);
    value_.clear();
    format::EncodeChunkGroup(group_, &value_);
    group_.clear();
    group_payloads_.clear();
    return writer_->Add(kv::Family::kChunks, key_, value_);
  }

  kv::Store* const store_;
  const MetricsPartLayout layout_;
  std::unique_ptr<kv::PartWriter> writer_;
  index::PartIndexWriter index_;
  TimeColumnWriter time_columns_;
  std::vector<std::vector<format::ChunkView>> group_;
  std::string group_payloads_;
  uint32_t group_number_ = 0;
  std::string key_;
  std::string value_;
  uint64_t series_count_ = 0;
  uint64_t sample_count_ = 0;
  uint64_t chunk_count_ = 0;
  int64_t min_time_ms_ = std::numeric_limits<int64_t>::max();
  int64_t max_time_ms_ = std::numeric_limits<int64_t>::min();
};

MetricsPartWriter::MetricsPartWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsPartWriter::~MetricsPartWriter() = default;

Result<std::unique_ptr<MetricsPartWriter>> MetricsPartWriter::Create(
    kv::Store* store, const MetricsPartLayout& layout) {
  ASSIGN_OR_RETURN(std::unique_ptr<kv::PartWriter> writer, store->NewPart(layout.compression));
  return std::unique_ptr<MetricsPartWriter>(
      new MetricsPartWriter(std::make_unique<Impl>(store, std::move(writer), layout)));
}

Status MetricsPartWriter::Add(std::string_view labels, std::span<const format::ChunkView> chunks) {
  return impl_->Add(labels, chunks);
}

Result<format::PartInfo> MetricsPartWriter::Finish(format::PartInfo info) {
  return impl_->Finish(std::move(info));
}

}  // namespace varve::compaction
