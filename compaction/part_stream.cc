#include "compaction/part_stream.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "storage/format/label_bytes.h"

namespace varve::compaction {

PartStream::PartStream(std::shared_ptr<const kv::Part> part,
                       std::unique_ptr<MetricsPartReader> reader, const HiddenSamples* hidden)
    : part_(std::move(part)),
      reader_(std::move(reader)),
      cursor_(part_->NewCursor(kv::Family::kChunks)),
      hidden_(hidden),
      series_count_(reader_->index().series_count()) {}

Result<std::unique_ptr<PartStream>> PartStream::Open(std::shared_ptr<const kv::Part> part,
                                                     const HiddenSamples* hidden) {
  ASSIGN_OR_RETURN(std::unique_ptr<MetricsPartReader> reader, MetricsPartReader::Open(part));
  std::unique_ptr<PartStream> stream(new PartStream(std::move(part), std::move(reader), hidden));
  stream->cursor_->Seek({});
  if (!stream->done()) RETURN_IF_ERROR(stream->LoadGroup());
  return stream;
}

Result<std::span<const format::ChunkView>> PartStream::VisibleChunksOfSeries() {
  if (hidden_ == nullptr) return chunks();
  auto visible = visible_.Filter(chunks(), hidden_->Of(static_cast<index::Ordinal>(ordinal_)));
  if (!visible.ok()) return Damaged(visible.status().message());
  return visible;
}

Status PartStream::Advance() {
  VARVE_CHECK(!done());
  ++ordinal_;
  if (done() || ordinal_ % series_per_group() != 0) return OkStatus();
  cursor_->Next();
  last_labels_ = std::move(labels_.back());
  return LoadGroup();
}

Status PartStream::LoadGroup() {
  const auto number = static_cast<uint32_t>(ordinal_ / series_per_group());
  const uint64_t count = std::min<uint64_t>(series_count_ - ordinal_, series_per_group());
  std::string key;
  AppendBigEndian32(&key, number);
  RETURN_IF_ERROR(cursor_->status());
  if (!cursor_->Valid() || cursor_->key() != key) {
    return Damaged("chunk group " + std::to_string(number) + " is missing");
  }
  Result<format::ChunkGroup> group = format::ChunkGroup::Parse(cursor_->value());
  if (!group.ok()) {
    return Damaged("chunk group " + std::to_string(number) + ": " + group.status().message());
  }
  if (group->series_count() != count) {
    return Damaged("chunk group " + std::to_string(number) + " has " +
                   std::to_string(group->series_count()) + " series instead of " +
                   std::to_string(count));
  }
  group_ = std::move(*group);
  pins_.Clear();
  for (uint32_t i = 0; i < group_.series_count(); ++i) {
    if (const Status found = reader_->FindTimes(group_.mutable_chunks(i), &pins_); !found.ok()) {
      return Damaged("chunk group " + std::to_string(number) + ": " + found.message());
    }
  }

  std::vector<index::Ordinal> ordinals;
  for (uint64_t i = 0; i < count; ++i) {
    ordinals.push_back(static_cast<index::Ordinal>(ordinal_ + i));
  }
  labels_.resize(count);
  RETURN_IF_ERROR(reader_->index().VisitLabels(
      ordinals, [this](size_t i, std::string_view labels) { labels_[i].assign(labels); }));
  const std::string* previous = ordinal_ == 0 ? nullptr : &last_labels_;
  for (const std::string& labels : labels_) {
    if (previous != nullptr && format::CompareLabelBytes(*previous, labels) >= 0) {
      return Damaged("the labels of its series do not ascend in chunk group " +
                     std::to_string(number));
    }
    previous = &labels;
  }
  return OkStatus();
}

Status PartStream::Damaged(const std::string& what) const {
  return DataLossError("part " + std::to_string(info().part_id) + ": " + what);
}

void FindFirst(std::span<const std::unique_ptr<PartStream>> streams,
               std::vector<PartStream*>* first) {
  first->clear();
  for (const std::unique_ptr<PartStream>& stream : streams) {
    if (stream->done()) continue;
    if (!first->empty()) {
      const auto order = format::CompareLabelBytes(stream->labels(), first->front()->labels());
      if (order > 0) continue;
      if (order < 0) first->clear();
    }
    first->push_back(stream.get());
  }
}

}  // namespace varve::compaction
