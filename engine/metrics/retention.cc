// Retention: what is out of it goes as whole parts; parts of stale retention classes are split.
#include <utility>

#include "base/status_macros.h"
#include "compaction/planner.h"
#include "compaction/retention_classes.h"
#include "engine/metrics/maintenance.h"
#include "engine/metrics/select.h"
#include "engine/verify/part_check.h"

namespace varve::engine {
namespace {

std::vector<format::PartInfo> InfosOf(const kv::CatalogVersion& version) {
  std::vector<format::PartInfo> infos;
  for (const auto& part : version.parts) infos.push_back(part->info());
  return infos;
}

std::string SignalName(const format::PartInfo& info) {
  if (info.tier == format::Tier::kRollup) return "rollups";
  switch (info.signal) {
    case format::Signal::kMetrics:
      return "metrics";
    case format::Signal::kTraces:
      return "traces";
    case format::Signal::kLogs:
      return "logs";
    case format::Signal::kExemplars:
      return "exemplars";
  }
  return "unknown";
}

}  // namespace

compaction::PlannerOptions Maintenance::Planner() const {
  compaction::PlannerOptions planner;
  planner.classes = context_.classes;
  planner.downsampling = context_.downsampling;
  planner.exemplar_retention_ms = context_.options->exemplar_retention_ms;
  planner.trace_retention_ms = context_.options->trace_retention_ms;
  planner.part_bytes_max = context_.options->part_bytes_max;
  return planner;
}

compaction::PlannerOptions Maintenance::MergePlanner() const {
  compaction::PlannerOptions planner = Planner();
  planner.unmergeable_parts = unmergeable_parts_;
  return planner;
}

compaction::PlannerOptions Maintenance::ExpiryPlanner(std::span<const format::PartInfo> parts) {
  const int64_t now_ms = context_.now_ms();
  compaction::PlannerOptions planner = Planner();
  MutexLock lock(&downsampling_mutex_);
  planner.unmergeable_parts = undownsampled_parts_;
  planner.held_parts = compaction::HeldForDownsampling(parts, planner, empty_days_, now_ms);
  return planner;
}

Result<compaction::HiddenSamples> Maintenance::Hidden(
    const std::shared_ptr<const kv::Part>& part) const {
  const std::shared_ptr<const TombstoneList> tombstones = context_.tombstones->current();
  if (tombstones->empty()) return compaction::HiddenSamples();
  ASSIGN_OR_RETURN(const auto index, index::PartIndexReader::Open(part));
  return HiddenIn(*tombstones, part->info(), *index);
}

Status Maintenance::SplitStale() {
  Status first_error;
  while (true) {
    const std::shared_ptr<const kv::CatalogVersion> version = context_.store->current();
    const auto part_id = compaction::PlanSplit(InfosOf(*version), MergePlanner());
    if (!part_id) return first_error;
    for (const std::shared_ptr<const kv::Part>& part : version->parts) {
      if (part->info().part_id != *part_id) continue;
      const std::shared_ptr<const TombstoneList> applied = context_.tombstones->current();
      auto hidden = Hidden(part);
      Result<std::vector<format::PartInfo>> parts =
          hidden.ok() ? compaction::SplitByClass(context_.store, part, &*hidden, *context_.classes)
                      : hidden.status();
      if (!parts.ok()) {
        unmergeable_parts_.insert(*part_id);
        if (first_error.ok()) first_error = parts.status().WithContext("splitting by retention");
        break;
      }
      RETURN_IF_ERROR(Replace({&part, 1}, {}, *parts, *applied));
    }
  }
}

std::string Maintenance::RuleOf(const format::PartInfo& info) const {
  if (info.tier == format::Tier::kRollup) {
    return context_.downsampling->Describe(info.retention_class);
  }
  return info.signal == format::Signal::kMetrics ? context_.classes->Describe(info.retention_class)
                                                 : std::string();
}

std::vector<PartDescription> Maintenance::Parts() const {
  std::vector<PartDescription> parts;
  const std::shared_ptr<const kv::CatalogVersion> version = context_.store->current();
  for (const std::shared_ptr<const kv::Part>& part : version->parts) {
    const format::PartInfo& info = part->info();
    PartDescription& out = parts.emplace_back();
    out.part_id = info.part_id;
    out.signal = SignalName(info);
    out.rule = RuleOf(info);
    out.resolution_ms = info.resolution_ms;
    out.level = info.level;
    out.range = {info.min_time_ms, info.max_time_ms};
    out.series_count = info.series_count;
    out.sample_count = info.sample_count;
    out.chunk_count = info.chunk_count;
    for (const format::PartFile& file : info.files) {
      const auto family = static_cast<kv::Family>(file.family);
      out.family_bytes.push_back({FamilyName(family), file.bytes});
    }
  }
  return parts;
}

std::vector<ExpiringPart> Maintenance::Expiring(int64_t at_ms) {
  const std::shared_ptr<const kv::CatalogVersion> version = context_.store->current();
  const std::vector<format::PartInfo> infos = InfosOf(*version);
  std::vector<ExpiringPart> expiring;
  // What waits for its rollups now will not by then.
  const bool later = at_ms > context_.now_ms();
  const compaction::PlannerOptions planner = later ? Planner() : ExpiryPlanner(infos);
  for (const compaction::ExpiredPart& expired : compaction::PlanExpiry(infos, planner, at_ms)) {
    for (const std::shared_ptr<const kv::Part>& part : version->parts) {
      const format::PartInfo& info = part->info();
      if (info.part_id != expired.part_id) continue;
      ExpiringPart& out = expiring.emplace_back();
      out.part_id = info.part_id;
      out.signal = SignalName(info);
      out.rule = RuleOf(info);
      out.reason = expired.reason == compaction::ExpiryReason::kAge ? "age" : "size";
      out.range = {info.min_time_ms, info.max_time_ms};
      out.series_count = info.series_count;
      out.sample_count = info.sample_count;
      out.bytes = info.bytes();
    }
  }
  return expiring;
}

Status Maintenance::DropExpired() {
  const std::shared_ptr<const kv::CatalogVersion> version =
      context_.store->current();  // keeps the parts
  kv::CatalogEdit edit;
  const std::vector<format::PartInfo> infos = InfosOf(*version);
  edit.remove = compaction::PlanRetention(infos, ExpiryPlanner(infos), context_.now_ms());
  if (edit.remove.empty()) return OkStatus();
  MutexLock lock(&mutex_);
  context_.head->write_history.Record(INT64_MIN);
  const Status committed = context_.store->Commit(edit);
  context_.head->write_history.Record(INT64_MIN);  // for views taken in between
  RETURN_IF_ERROR(committed);
  context_.readers->Prune(*context_.store->current());
  context_.span_cache->RetainParts(*context_.store->current());
  return OkStatus();
}

}  // namespace varve::engine
