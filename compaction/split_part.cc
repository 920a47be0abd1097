#include <map>
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "compaction/metrics_part.h"
#include "compaction/part_stream.h"
#include "compaction/retention_classes.h"

namespace varve::compaction {

Result<std::vector<format::PartInfo>> SplitByClass(kv::Store* store,
                                                   std::shared_ptr<const kv::Part> part,
                                                   const HiddenSamples* hidden,
                                                   const RetentionClasses& classes) {
  ASSIGN_OR_RETURN(const std::unique_ptr<PartStream> stream, PartStream::Open(part, hidden));
  MetricsPartLayout layout;
  layout.series_per_group = part->info().series_per_group;
  if (part->info().level > 0) layout.compression = kv::Compression::kSmall;
  std::map<uint16_t, std::unique_ptr<MetricsPartWriter>> writers;
  while (!stream->done()) {
    ASSIGN_OR_RETURN(const auto chunks, stream->VisibleChunksOfSeries());
    if (!chunks.empty()) {
      std::unique_ptr<MetricsPartWriter>& writer = writers[classes.ClassOf(stream->labels())];
      if (writer == nullptr) {
        ASSIGN_OR_RETURN(writer, MetricsPartWriter::Create(store, layout));
      }
      RETURN_IF_ERROR(writer->Add(stream->labels(), chunks));
    }
    RETURN_IF_ERROR(stream->Advance());
  }
  std::vector<format::PartInfo> parts;
  for (auto& [retention_class, writer] : writers) {
    format::PartInfo info;
    info.tier = part->info().tier;
    info.level = part->info().level;
    info.min_sequence = part->info().min_sequence;
    info.max_sequence = part->info().max_sequence;
    info.retention_class = retention_class;
    info.pieces = part->info().pieces;
    ASSIGN_OR_RETURN(info, writer->Finish(std::move(info)));
    parts.push_back(std::move(info));
  }
  return parts;
}

}  // namespace varve::compaction
