#include "engine/metrics/flush.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "base/arena.h"
#include "base/status_macros.h"
#include "compaction/merge.h"
#include "compaction/metrics_part.h"
#include "compaction/planner.h"
#include "storage/format/label_bytes.h"

namespace varve::engine {
namespace {

// A frozen series with its labels, which order the part.
struct LabelledSeries {
  std::string_view labels;
  const FrozenSeries* frozen = nullptr;
};

// Fills `arena` with the labels of the frozen series that have chunks and returns them in label
// order. The arena grows without copies: for many series it is most of what a flush takes.
std::vector<LabelledSeries> InLabelOrder(std::span<const FrozenSeries> frozen, Head* head,
                                         Arena* arena) {
  std::vector<LabelledSeries> labelled;
  labelled.reserve(frozen.size());
  {
    std::string labels;
    ReaderLock lock(&head->index_mutex);
    for (const FrozenSeries& series : frozen) {
      if (!series.newest) continue;
      labels.clear();
      head->index.AppendLabels(series.id, &labels);
      labelled.push_back({arena->Copy(labels), &series});
    }
  }
  std::sort(labelled.begin(), labelled.end(), [](const LabelledSeries& a, const LabelledSeries& b) {
    return format::CompareLabelBytes(a.labels, b.labels) < 0;
  });
  return labelled;
}

// The chunks of one series, oldest first, without overlaps and cut at partition borders.
class SeriesChunks {
 public:
  Result<std::span<const format::ChunkView>> Collect(const FrozenSeries& frozen) {
    in_order_.clear();
    late_.clear();
    for (SealedChunk* chunk = frozen.newest.get(); chunk != nullptr; chunk = chunk->older) {
      (chunk->arrival == Arrival::kLate ? late_ : in_order_).push_back(chunk->View());
    }
    std::reverse(in_order_.begin(), in_order_.end());
    if (late_.empty()) return std::span<const format::ChunkView>(in_order_);
    std::reverse(late_.begin(), late_.end());
    samples_.Clear();
    const std::span<const format::ChunkView> sources[] = {in_order_, late_};
    RETURN_IF_ERROR(compaction::MergeChunks(sources, INT64_MIN, INT64_MAX, &samples_));
    encoded_.Clear();
    compaction::EncodeChunks(samples_, &encoded_);
    return std::span<const format::ChunkView>(encoded_.chunks);
  }

 private:
  std::vector<format::ChunkView> in_order_;
  std::vector<format::ChunkView> late_;
  format::SampleColumns samples_;
  compaction::EncodedChunks encoded_;
};

}  // namespace

Result<std::vector<format::PartInfo>> WriteParts(kv::Store* store, Head* head,
                                                 const FlushInput& input,
                                                 const compaction::RetentionClasses& classes) {
  Arena arena;
  const std::vector<LabelledSeries> all = InLabelOrder(input.frozen, head, &arena);
  const int64_t width = compaction::FlushPartitionWidth(input.min_time_ms, input.max_time_ms);
  // By class and begin of their partition.
  std::map<std::pair<uint16_t, int64_t>, std::unique_ptr<compaction::MetricsPartWriter>> writers;
  SeriesChunks collector;
  for (const LabelledSeries& series : all) {
    ASSIGN_OR_RETURN(std::span<const format::ChunkView> rest, collector.Collect(*series.frozen));
    const uint16_t retention_class = classes.ClassOf(series.labels);
    while (!rest.empty()) {
      const compaction::Partition partition =
          compaction::PartitionOf(rest.front().min_time_ms, width);
      size_t count = 1;
      while (count < rest.size() && rest[count].min_time_ms <= partition.end_ms) ++count;
      std::unique_ptr<compaction::MetricsPartWriter>& writer =
          writers[{retention_class, partition.begin_ms}];
      if (writer == nullptr) {
        ASSIGN_OR_RETURN(writer, compaction::MetricsPartWriter::Create(store));
      }
      RETURN_IF_ERROR(writer->Add(series.labels, rest.first(count)));
      rest = rest.subspan(count);
    }
  }
  std::vector<format::PartInfo> parts;
  for (auto& [key, writer] : writers) {
    format::PartInfo info;
    info.retention_class = key.first;
    info.min_sequence = input.min_sequence;
    info.max_sequence = input.max_sequence;
    ASSIGN_OR_RETURN(info, writer->Finish(info));
    parts.push_back(std::move(info));
  }
  return parts;
}

}  // namespace varve::engine
