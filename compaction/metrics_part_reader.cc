#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "compaction/metrics_part.h"
#include "storage/format/chunk_group.h"

namespace varve::compaction {
namespace {

using ChunkVisitor = std::function<void(size_t i, std::span<const format::ChunkView>)>;

// The arguments of one VisitChunks.
struct Visit {
  std::span<const index::Ordinal> ordinals;
  int64_t min_ms;
  int64_t max_ms;
  const ChunkVisitor& visitor;
  ChunkPins* keep;
};

// Chunks of one series ascend without overlap (the writer checked it, the checksum vouches for it),
// so those that touch a range are neighbours.
std::span<const format::ChunkView> Touching(std::span<const format::ChunkView> chunks,
                                            int64_t min_ms, int64_t max_ms) {
  const auto first = std::partition_point(
      chunks.begin(), chunks.end(),
      [min_ms](const format::ChunkView& chunk) { return chunk.max_time_ms < min_ms; });
  const auto last = std::partition_point(
      first, chunks.end(),
      [max_ms](const format::ChunkView& chunk) { return chunk.min_time_ms <= max_ms; });
  return {first, last};
}

}  // namespace

class MetricsPartReader::Impl {
 public:
  Impl(std::shared_ptr<const kv::Part> part, std::unique_ptr<index::PartIndexReader> index)
      : part_(std::move(part)), index_(std::move(index)), time_columns_(part_.get()) {}

  const kv::Part& part() const { return *part_; }
  const index::PartIndexReader& index() const { return *index_; }

  Status FindTimes(std::span<format::ChunkView> chunks, ChunkPins* pins) const {
    uint32_t number = 0;
    const TimeColumn* column = nullptr;
    for (format::ChunkView& chunk : chunks) {
      if (chunk.codec != format::ChunkCodec::kColumns) continue;
      if (column == nullptr || number != chunk.time_column) {
        number = chunk.time_column;
        ASSIGN_OR_RETURN(auto found, time_columns_.Get(number));
        column = found.get();
        const bool pinned = !pins->time_columns.empty() && pins->time_columns.back() == found;
        if (!pinned) pins->time_columns.push_back(std::move(found));
      }
      if (column->size() != chunk.sample_count) {
        return DataLossError("time column " + std::to_string(number) + " has " +
                             std::to_string(column->size()) + " timestamps for a chunk of " +
                             std::to_string(chunk.sample_count) + " samples");
      }
      chunk.timestamps_ms = column->data();
    }
    return OkStatus();
  }

  Status VisitChunks(const Visit& visit) const {
    const bool disjoint =
        part_->info().max_time_ms < visit.min_ms || part_->info().min_time_ms > visit.max_ms;
    if (disjoint) {
      for (size_t i = 0; i < visit.ordinals.size(); ++i) visit.visitor(i, {});
      return OkStatus();
    }
    for (size_t begin = 0; begin < visit.ordinals.size();) {
      const uint32_t group = GroupOf(visit.ordinals[begin]);
      size_t end = begin + 1;
      while (end < visit.ordinals.size() && GroupOf(visit.ordinals[end]) == group) ++end;
      if (Status status = VisitGroup(visit, begin, end); !status.ok()) {
        return status.WithContext("part " + std::to_string(part_->info().part_id) +
                                  ", chunk group " + std::to_string(group));
      }
      begin = end;
    }
    return OkStatus();
  }

 private:
  uint32_t series_per_group() const { return part_->info().series_per_group; }
  uint32_t GroupOf(index::Ordinal ordinal) const { return ordinal / series_per_group(); }

  // Visits ordinals[begin, end), which all lie in one group.
  Status VisitGroup(const Visit& visit, size_t begin, size_t end) const {
    std::string key;
    AppendBigEndian32(&key, GroupOf(visit.ordinals[begin]));
    Result<kv::PinnedBytes> bytes = part_->Get(kv::Family::kChunks, key);
    if (bytes.status().code() == StatusCode::kNotFound) return DataLossError("is missing");
    RETURN_IF_ERROR(bytes.status());
    ASSIGN_OR_RETURN(format::ChunkGroup group, format::ChunkGroup::Parse(bytes->view()));
    bool pinned = false;
    ChunkPins unkept;
    ChunkPins* const pins = visit.keep == nullptr ? &unkept : visit.keep;
    for (size_t i = begin; i < end; ++i) {
      const uint32_t slot = visit.ordinals[i] % series_per_group();
      if (slot >= group.series_count()) {
        return DataLossError("has " + std::to_string(group.series_count()) +
                             " series, too few for ordinal " + std::to_string(visit.ordinals[i]));
      }
      const std::span<const format::ChunkView> found =
          Touching(group.chunks(slot), visit.min_ms, visit.max_ms);
      const auto first = static_cast<size_t>(found.data() - group.chunks(slot).data());
      RETURN_IF_ERROR(FindTimes(group.mutable_chunks(slot).subspan(first, found.size()), pins));
      pinned = pinned || !found.empty();
      visit.visitor(i, found);
    }
    if (visit.keep != nullptr && pinned) visit.keep->bytes.push_back(std::move(*bytes));
    return OkStatus();
  }

  const std::shared_ptr<const kv::Part> part_;
  const std::unique_ptr<index::PartIndexReader> index_;
  const TimeColumnReader time_columns_;
};

MetricsPartReader::MetricsPartReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsPartReader::~MetricsPartReader() = default;

Result<std::unique_ptr<MetricsPartReader>> MetricsPartReader::Open(
    std::shared_ptr<const kv::Part> part) {
  ASSIGN_OR_RETURN(std::unique_ptr<index::PartIndexReader> index,
                   index::PartIndexReader::Open(part));
  if (index->series_count() != part->info().series_count) {
    return DataLossError("part " + std::to_string(part->info().part_id) + ": its index has " +
                         std::to_string(index->series_count()) + " series, its catalog entry " +
                         std::to_string(part->info().series_count));
  }
  return std::unique_ptr<MetricsPartReader>(
      new MetricsPartReader(std::make_unique<Impl>(std::move(part), std::move(index))));
}

const format::PartInfo& MetricsPartReader::info() const { return impl_->part().info(); }
const index::PartIndexReader& MetricsPartReader::index() const { return impl_->index(); }

Status MetricsPartReader::VisitChunks(std::span<const index::Ordinal> ordinals, int64_t min_ms,
                                      int64_t max_ms, const ChunkVisitor& visit,
                                      ChunkPins* keep) const {
  VARVE_DCHECK(std::is_sorted(ordinals.begin(), ordinals.end()));
  return impl_->VisitChunks({ordinals, min_ms, max_ms, visit, keep});
}

Status MetricsPartReader::FindTimes(std::span<format::ChunkView> chunks, ChunkPins* pins) const {
  return impl_->FindTimes(chunks, pins);
}

}  // namespace varve::compaction
