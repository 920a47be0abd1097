#include "compaction/salvage.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "compaction/metrics_part.h"
#include "storage/format/chunk_group.h"
#include "storage/format/label_bytes.h"
#include "storage/format/rollup.h"

namespace varve::compaction {
namespace {

using format::ChunkView;

class Salvager {
 public:
  Salvager(std::shared_ptr<const kv::Part> part, std::unique_ptr<MetricsPartReader> reader,
           std::vector<LostStretch>* lost)
      : part_(std::move(part)), reader_(std::move(reader)), lost_(lost) {}

  // False when nothing was left to add.
  Result<bool> CopyTo(MetricsPartWriter* writer) {
    const uint64_t series_count = reader_->index().series_count();
    const uint32_t per_group = part_->info().series_per_group;
    bool any = false;
    for (uint64_t first = 0; first < series_count; first += per_group) {
      const uint64_t count = std::min<uint64_t>(per_group, series_count - first);
      const std::vector<std::string> labels = LabelsFrom(first, count);
      Result<kv::PinnedBytes> bytes = GroupBytes(static_cast<uint32_t>(first / per_group));
      Result<format::ChunkGroup> group = bytes.ok() ? format::ChunkGroup::Parse(bytes->view())
                                                    : Result<format::ChunkGroup>(bytes.status());
      for (uint64_t i = 0; i < count; ++i) {
        if (!group.ok() || i >= group->series_count()) {
          Lose(labels[i], group.ok() ? "its chunk group ends early" : group.status().message());
          continue;
        }
        const auto chunks = Readable(labels[i], group->mutable_chunks(static_cast<uint32_t>(i)));
        if (labels[i].empty() || chunks.empty()) continue;
        // Out of order or twice: the index is damaged in a way that checksums do not show.
        if (!last_labels_.empty() && format::CompareLabelBytes(last_labels_, labels[i]) >= 0) {
          Lose(labels[i], "its labels do not ascend");
          continue;
        }
        RETURN_IF_ERROR(writer->Add(labels[i], chunks));
        last_labels_ = labels[i];
        any = true;
      }
    }
    return any;
  }

 private:
  Result<kv::PinnedBytes> GroupBytes(uint32_t number) const {
    std::string key;
    AppendBigEndian32(&key, number);
    return part_->Get(kv::Family::kChunks, key);
  }

  // Labels of each series; empty where they cannot be read.
  std::vector<std::string> LabelsFrom(uint64_t first, uint64_t count) const {
    std::vector<std::string> labels(count);
    for (uint64_t i = 0; i < count; ++i) {
      const auto ordinal = static_cast<index::Ordinal>(first + i);
      std::string* const out = &labels[i];
      const Status read = reader_->index().VisitLabels(
          {&ordinal, 1}, [out](size_t, std::string_view bytes) { out->assign(bytes); });
      if (!read.ok() || !format::CheckCanonical(*out).ok()) out->clear();
    }
    return labels;
  }

  // The chunks that decode. What does not is lost, and so are all when the labels are.
  std::vector<ChunkView> Readable(const std::string& labels, std::span<ChunkView> chunks) {
    std::vector<ChunkView> readable;
    pins_.Clear();
    for (ChunkView& chunk : chunks) {
      Status status = labels.empty() ? DataLossError("its labels cannot be read") : OkStatus();
      if (status.ok()) status = reader_->FindTimes({&chunk, 1}, &pins_);
      if (status.ok()) {
        samples_.Clear();
        rollups_.Clear();
        status = chunk.codec == format::ChunkCodec::kRollup
                     ? format::DecodeRollupChunk(chunk, &rollups_)
                     : format::DecodeChunk(chunk, &samples_);
      }
      if (status.ok()) {
        readable.push_back(chunk);
        continue;
      }
      lost_->push_back({labels, chunk.min_time_ms, chunk.max_time_ms, 1, chunk.sample_count,
                        std::string(status.message())});
    }
    return readable;
  }

  void Lose(const std::string& labels, std::string reason) {
    const format::PartInfo& info = part_->info();
    if (labels.empty() && !lost_->empty() && lost_->back().labels.empty() &&
        lost_->back().reason == reason) {
      ++lost_->back().series_count;
      return;
    }
    lost_->push_back({labels, info.min_time_ms, info.max_time_ms, 1, 0, std::move(reason)});
  }

  const std::shared_ptr<const kv::Part> part_;
  const std::unique_ptr<MetricsPartReader> reader_;
  std::vector<LostStretch>* const lost_;
  ChunkPins pins_;
  format::SampleColumns samples_;
  format::SeriesRollups rollups_;
  std::string last_labels_;
};

}  // namespace

Result<std::optional<format::PartInfo>> Salvage(kv::Store* store,
                                                const std::shared_ptr<const kv::Part>& part,
                                                std::vector<LostStretch>* lost) {
  format::PartInfo info = part->info();
  Result<std::unique_ptr<MetricsPartReader>> reader = MetricsPartReader::Open(part);
  if (!reader.ok()) {
    lost->push_back({"", info.min_time_ms, info.max_time_ms, info.series_count, info.sample_count,
                     std::string(reader.status().message())});
    return std::optional<format::PartInfo>();
  }
  MetricsPartLayout layout;
  layout.series_per_group = info.series_per_group;
  if (info.level > 0) layout.compression = kv::Compression::kSmall;
  ASSIGN_OR_RETURN(auto writer, MetricsPartWriter::Create(store, layout));
  Salvager salvager(part, *std::move(reader), lost);
  ASSIGN_OR_RETURN(const bool any, salvager.CopyTo(writer.get()));
  if (!any) return std::optional<format::PartInfo>();
  info.part_id = 0;
  info.files.clear();
  ASSIGN_OR_RETURN(info, writer->Finish(std::move(info)));
  return std::optional<format::PartInfo>(std::move(info));
}

}  // namespace varve::compaction
