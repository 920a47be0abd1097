// Series by series in label order: the union of what the parts have.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/arena.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "compaction/exemplar_part.h"
#include "storage/format/label_bytes.h"

namespace varve::compaction {
namespace {

constexpr size_t kArenaBytesMax = size_t{1} << 20;

// The series of one part in label order; labels are read so many at a time.
class ExemplarStream {
 public:
  static Result<std::unique_ptr<ExemplarStream>> Open(std::shared_ptr<const kv::Part> part,
                                                      const HiddenSamples* hidden) {
    ASSIGN_OR_RETURN(std::unique_ptr<ExemplarPartReader> reader,
                     ExemplarPartReader::Open(std::move(part)));
    std::unique_ptr<ExemplarStream> stream(new ExemplarStream(std::move(reader), hidden));
    RETURN_IF_ERROR(stream->LoadLabels());
    return stream;
  }

  bool done() const { return ordinal_ == reader_->index().series_count(); }
  const std::string& labels() const { return labels_[ordinal_ % kLabelsPerLoad]; }
  const format::PartInfo& info() const { return reader_->info(); }

  // Appends the current series' visible exemplars; their labels are copied into `arena`. Moves on.
  Status Take(Arena* arena, std::vector<format::ExemplarView>* exemplars) {
    const index::Ordinal ordinal = ordinal_;
    bool any = false;
    RETURN_IF_ERROR(reader_->VisitExemplars(
        {&ordinal, 1}, INT64_MIN, INT64_MAX, [&](size_t, const format::ExemplarView& exemplar) {
          any = true;
          if (hidden_ != nullptr && hidden_->Hides(ordinal, exemplar.timestamp_ms)) return;
          exemplars->push_back({exemplar.timestamp_ms, exemplar.value, {}});
          if (exemplar.labels.empty()) return;
          exemplars->back().labels = arena->Copy(exemplar.labels);
        }));
    if (!any) {
      return DataLossError("part " + std::to_string(info().part_id) + ", ordinal " +
                           std::to_string(ordinal) + ": its exemplars are missing");
    }
    ++ordinal_;
    return ordinal_ % kLabelsPerLoad == 0 ? LoadLabels() : OkStatus();
  }

 private:
  static constexpr uint32_t kLabelsPerLoad = 256;

  ExemplarStream(std::unique_ptr<ExemplarPartReader> reader, const HiddenSamples* hidden)
      : reader_(std::move(reader)), hidden_(hidden) {}

  Status LoadLabels() {
    const uint64_t end =
        std::min<uint64_t>(reader_->index().series_count(), uint64_t{ordinal_} + kLabelsPerLoad);
    std::vector<index::Ordinal> ordinals;
    for (uint64_t i = ordinal_; i < end; ++i) ordinals.push_back(static_cast<index::Ordinal>(i));
    labels_.resize(ordinals.size());
    return reader_->index().VisitLabels(
        ordinals, [this](size_t i, std::string_view labels) { labels_[i].assign(labels); });
  }

  const std::unique_ptr<ExemplarPartReader> reader_;
  const HiddenSamples* const hidden_;  // may be null
  index::Ordinal ordinal_ = 0;
  std::vector<std::string> labels_;
};

using Streams = std::vector<std::unique_ptr<ExemplarStream>>;

// The smallest labels that a stream stands on; null when all are done.
const std::string* SmallestLabels(const Streams& streams) {
  const std::string* smallest = nullptr;
  for (const auto& stream : streams) {
    if (stream->done()) continue;
    if (smallest == nullptr || format::CompareLabelBytes(stream->labels(), *smallest) < 0) {
      smallest = &stream->labels();
    }
  }
  return smallest;
}

Result<format::PartInfo> MergedInfo(std::span<const std::shared_ptr<const kv::Part>> parts) {
  if (parts.empty()) return InvalidArgumentError("a merge needs at least one part");
  format::PartInfo merged;
  merged.min_sequence = parts.front()->info().min_sequence;
  for (const auto& part : parts) {
    const format::PartInfo& info = part->info();
    if (info.signal != format::Signal::kExemplars) {
      return InvalidArgumentError("part " + std::to_string(info.part_id) +
                                  " is not one of exemplars");
    }
    merged.level = std::max(merged.level, info.level);
    merged.min_sequence = std::min(merged.min_sequence, info.min_sequence);
    merged.max_sequence = std::max(merged.max_sequence, info.max_sequence);
  }
  if (merged.level < std::numeric_limits<uint8_t>::max()) ++merged.level;
  return merged;
}

}  // namespace

Result<std::optional<format::PartInfo>> MergeExemplarParts(
    kv::Store* store, std::span<const std::shared_ptr<const kv::Part>> parts,
    std::span<const HiddenSamples> hidden) {
  VARVE_CHECK(hidden.empty() || hidden.size() == parts.size());
  ASSIGN_OR_RETURN(format::PartInfo info, MergedInfo(parts));
  Streams streams;
  for (size_t i = 0; i < parts.size(); ++i) {
    ASSIGN_OR_RETURN(std::unique_ptr<ExemplarStream> stream,
                     ExemplarStream::Open(parts[i], hidden.empty() ? nullptr : &hidden[i]));
    streams.push_back(std::move(stream));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<ExemplarPartWriter> writer, ExemplarPartWriter::Create(store));
  Arena arena;  // of exemplars' labels
  std::vector<format::ExemplarView> exemplars;
  bool any_series = false;
  for (const std::string* next = SmallestLabels(streams); next != nullptr;
       next = SmallestLabels(streams)) {
    const std::string labels = *next;
    exemplars.clear();
    if (arena.memory_bytes() > kArenaBytesMax) arena = Arena();
    for (const auto& stream : streams) {
      if (stream->done() || stream->labels() != labels) continue;
      RETURN_IF_ERROR(stream->Take(&arena, &exemplars));
    }
    format::SortUnique(&exemplars);
    if (exemplars.empty()) continue;
    RETURN_IF_ERROR(writer->Add(labels, exemplars));
    any_series = true;
  }
  if (!any_series) return std::optional<format::PartInfo>();
  ASSIGN_OR_RETURN(info, writer->Finish(std::move(info)));
  return std::optional<format::PartInfo>(std::move(info));
}

}  // namespace varve::compaction
