#include "engine/metrics/metadata_registry.h"

#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"

namespace varve::engine {
namespace {

constexpr uint8_t kVersion = 1;  // on disk

std::string Encode(const MetricMetadata& metadata) {
  std::string out;
  out.push_back(static_cast<char>(kVersion));
  out.push_back(static_cast<char>(metadata.type));
  AppendLengthPrefixed(&out, metadata.help);
  AppendLengthPrefixed(&out, metadata.unit);
  return out;
}

Result<MetricMetadata> Decode(const std::string& metric, std::string_view bytes) {
  ByteReader reader(bytes);
  const auto version = reader.Fixed<uint8_t>();
  const auto type = reader.Fixed<uint8_t>();
  MetricMetadata metadata;
  metadata.metric = metric;
  metadata.help = reader.LengthPrefixed();
  metadata.unit = reader.LengthPrefixed();
  if (!reader.ok() || !reader.done() || version != kVersion ||
      type > static_cast<uint8_t>(MetricType::kStateset)) {
    return DataLossError("metadata of metric \"" + metric + "\" is damaged");
  }
  metadata.type = static_cast<MetricType>(type);
  return metadata;
}

// As of families that came by federation, whose text format has neither type nor help.
bool SaysNothing(const MetricMetadata& metadata) {
  return metadata.type == MetricType::kUnknown && metadata.help.empty() && metadata.unit.empty();
}

}  // namespace

Status MetadataRegistry::Load() {
  ASSIGN_OR_RETURN(const auto entries, store_->AllMetadata());
  MutexLock lock(&mutex_);
  for (const auto& [metric, bytes] : entries) {
    ASSIGN_OR_RETURN(families_[metric], Decode(metric, bytes));
  }
  return OkStatus();
}

Status MetadataRegistry::Update(std::span<const MetricMetadata> metadata) {
  std::vector<std::pair<std::string, std::string>> changed;
  std::vector<MetricMetadata> accepted;
  MutexLock lock(&mutex_);
  for (MetricMetadata entry : metadata) {
    if (entry.metric.empty() || SaysNothing(entry)) continue;
    entry.help.resize(std::min(entry.help.size(), kTextBytesMax));
    entry.unit.resize(std::min(entry.unit.size(), kTextBytesMax));
    const auto found = families_.find(entry.metric);
    if (found == families_.end() && families_.size() + accepted.size() >= kFamiliesMax) continue;
    if (found != families_.end() && found->second == entry) continue;
    changed.emplace_back(entry.metric, Encode(entry));
    accepted.push_back(std::move(entry));
  }
  if (changed.empty()) return OkStatus();
  // In memory only what is on disk, or it would not be written again.
  RETURN_IF_ERROR(store_->PutMetadata(changed));
  for (MetricMetadata& entry : accepted) families_.insert_or_assign(entry.metric, std::move(entry));
  return OkStatus();
}

std::vector<MetricMetadata> MetadataRegistry::All() {
  MutexLock lock(&mutex_);
  std::vector<MetricMetadata> all;
  all.reserve(families_.size());
  for (const auto& [metric, metadata] : families_) all.push_back(metadata);
  return all;
}

}  // namespace varve::engine
