#include "varve/write_batch.h"

#include "base/varint.h"

namespace varve {

void WriteBatch::BeginSeries(std::span<const LabelView> labels) {
  Series series;
  series.label_offset = static_cast<uint32_t>(label_bytes_.size());
  PushSeries(series);
  for (const LabelView& label : labels) AddLabel(label.name, label.value);
}

void WriteBatch::BeginSeries(const Labels& labels) {
  BeginSeries();
  label_bytes_.append(labels.canonical_bytes());
  series_.back().label_size = static_cast<uint32_t>(labels.canonical_bytes().size());
}

void WriteBatch::BeginSeries(SeriesRef ref) {
  BeginSeries();
  series_.back().ref = ref;
}

void WriteBatch::AddLabel(std::string_view name, std::string_view value) {
  const size_t before = label_bytes_.size();
  const size_t room = name.size() + value.size() + 2 * kVarint64BytesMax;
  if (label_bytes_.capacity() < before + room) label_bytes_.reserve(2 * (before + room));
  AppendVarint(&label_bytes_, name.size());
  label_bytes_.append(name);
  AppendVarint(&label_bytes_, value.size());
  label_bytes_.append(value);
  series_.back().label_size += static_cast<uint32_t>(label_bytes_.size() - before);
}

void WriteBatch::Clear() {
  label_bytes_.clear();
  series_.clear();
  samples_.clear();
  start_times_ms_.clear();
  histograms_.clear();
  exemplars_.clear();
  metadata_.clear();
}

}  // namespace varve
