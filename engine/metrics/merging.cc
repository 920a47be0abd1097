// What is done to parts that are there already: merges, splits, retention, purging what was
// deleted. The work on immutable parts runs under merge_mutex_ alone, so that flushes, checkpoints,
// deletes and snapshots need not wait for it; what it comes to is committed under mutex_ as well.
#include <algorithm>
#include <set>
#include <utility>

#include "base/heap_trim.h"
#include "base/status_macros.h"
#include "compaction/exemplar_part.h"
#include "compaction/merge.h"
#include "compaction/planner.h"
#include "compaction/span_part.h"
#include "engine/metrics/maintenance.h"
#include "engine/metrics/select.h"

namespace varve::engine {
namespace {

constexpr int64_t kMaintainIntervalNs = int64_t{60} * 1'000'000'000;
constexpr int64_t kRetryIntervalNs = int64_t{5} * 1'000'000'000;

bool Names(const Tombstone& tombstone, uint64_t part_id) {
  return std::binary_search(tombstone.part_ids.begin(), tombstone.part_ids.end(), part_id);
}

}  // namespace

Status Maintenance::Maintain() {
  MutexLock merging(&merge_mutex_);
  RETURN_IF_ERROR(MaintainParts());
  RETURN_IF_ERROR(PurgeDeleted());
  return DownsampleDue();
}

Status Maintenance::Compact() {
  MutexLock merging(&merge_mutex_);
  {
    MutexLock lock(&mutex_);
    RETURN_IF_ERROR(FlushLocked(nullptr));
    RETURN_IF_ERROR(ForgetIdleSeries());
  }
  RETURN_IF_ERROR(SplitStale());
  const Status merged = MergeAll(compaction::PlanFullMerge);
  RETURN_IF_ERROR(MaintainParts());
  RETURN_IF_ERROR(PurgeDeleted());
  RETURN_IF_ERROR(DownsampleDue());
  return merged;
}

Status Maintenance::MaintainParts() {
  last_maintain_ns_ = Clock::System()->SteadyNs();
  flushes_at_maintain_ = flushes_.load();
  const Status split = SplitStale();
  Status merged = MergeAll(compaction::PlanMerge);
  const Status downsampled = DownsampleDue();
  if (merged.ok()) merged = MergeAll(compaction::PlanMerge);
  RETURN_IF_ERROR(DropExpired());
  RETURN_IF_ERROR(PruneTombstones());
  if (!split.ok()) return split;
  return merged.ok() ? downsampled : merged;
}

void Maintenance::RunMergesDue() {
  MutexLock merging(&merge_mutex_);
  const int64_t now_ns = Clock::System()->SteadyNs();
  if (now_ns < retry_merges_after_ns_) return;
  if (flushes_.load() == flushes_at_maintain_ &&
      now_ns - last_maintain_ns_ <= kMaintainIntervalNs) {
    return;
  }
  const uint64_t merges_before = merges_.load();
  const Status status = MaintainParts();
  if (merges_.load() != merges_before) TrimHeap();
  if (status.ok() || status.code() == StatusCode::kCancelled) return;
  context_.log(LogLevel::kError, status.WithContext("maintenance").ToString());
  retry_merges_after_ns_ = Clock::System()->SteadyNs() + kRetryIntervalNs;
}

Result<std::optional<format::PartInfo>> Maintenance::Merge(
    std::span<const std::shared_ptr<const kv::Part>> inputs) {
  if (inputs.front()->info().signal == format::Signal::kTraces) {
    ASSIGN_OR_RETURN(format::PartInfo merged,
                     compaction::MergeSpanParts(context_.store, inputs, &cancelled_));
    return std::optional<format::PartInfo>(std::move(merged));
  }
  std::vector<compaction::HiddenSamples> hidden;
  for (const auto& part : inputs) {
    ASSIGN_OR_RETURN(auto of_part, Hidden(part));
    hidden.push_back(std::move(of_part));
  }
  if (inputs.front()->info().signal == format::Signal::kExemplars) {
    return compaction::MergeExemplarParts(context_.store, inputs, hidden);
  }
  if (inputs.front()->info().tier == format::Tier::kRollup) {
    return compaction::MergeRollupParts(context_.store, inputs, hidden, &cancelled_);
  }
  return compaction::MergeVisible(context_.store, inputs, hidden, &cancelled_);
}

Status Maintenance::ReplaceByMerge(std::span<const std::shared_ptr<const kv::Part>> inputs) {
  const std::shared_ptr<const TombstoneList> applied = context_.tombstones->current();
  Result<std::optional<format::PartInfo>> merged = Merge(inputs);
  if (!merged.ok()) {
    if (merged.status().code() == StatusCode::kCancelled) return merged.status();
    for (const auto& part : inputs) unmergeable_parts_.insert(part->info().part_id);
    return merged.status().WithContext("merging parts");
  }
  std::vector<format::PartInfo> outputs;
  if (merged->has_value()) outputs.push_back(**merged);
  RETURN_IF_ERROR(Replace(inputs, {}, outputs, *applied));
  for (const auto& part : inputs) merge_bytes_replaced_ += part->info().bytes();
  if (merged->has_value()) merge_bytes_ += (*merged)->bytes();
  ++merges_;
  return OkStatus();
}

Status Maintenance::Replace(std::span<const std::shared_ptr<const kv::Part>> inputs,
                            std::span<const std::shared_ptr<const kv::Part>> kept_inputs,
                            std::span<const format::PartInfo> outputs,
                            const TombstoneList& applied) {
  MutexLock lock(&mutex_);
  kv::CatalogEdit edit;
  for (const auto& part : inputs) edit.remove.push_back(part->info().part_id);
  edit.add.assign(outputs.begin(), outputs.end());
  // A delete that came while the outputs were written counts for them as for the inputs.
  TombstoneList tombstones = *context_.tombstones->current();
  bool changed = false;
  for (auto& tombstone : tombstones) {
    const bool is_applied = std::find(applied.begin(), applied.end(), tombstone) != applied.end();
    const auto names = [&](const auto& part) { return Names(*tombstone, part->info().part_id); };
    const bool names_input = std::any_of(inputs.begin(), inputs.end(), names) ||
                             std::any_of(kept_inputs.begin(), kept_inputs.end(), names);
    if (is_applied || !names_input || outputs.empty()) continue;
    auto widened = std::make_shared<Tombstone>();
    widened->selectors = tombstone->selectors;
    widened->range = tombstone->range;
    widened->part_ids = tombstone->part_ids;
    ASSIGN_OR_RETURN(widened->compiled, CompileSelectors(widened->selectors));
    for (const format::PartInfo& part : outputs) widened->part_ids.push_back(part.part_id);
    std::sort(widened->part_ids.begin(), widened->part_ids.end());
    tombstone = std::move(widened);
    changed = true;
  }
  if (changed) {
    edit.put_state.emplace_back(kTombstonesKey, EncodeTombstones(tombstones));
    // Before the parts that it names are there, so that nobody sees these without it.
    context_.tombstones->Publish(std::move(tombstones));
  }
  RETURN_IF_ERROR(context_.store->Commit(edit));
  context_.readers->Prune(*context_.store->current());
  context_.span_cache->RetainParts(*context_.store->current());
  return OkStatus();
}

// A part alone may be written anew at any time: what it is newer and older than stays.
Status Maintenance::PurgeDeleted() {
  std::set<uint64_t> named;
  for (const auto& tombstone : *context_.tombstones->current()) {
    named.insert(tombstone->part_ids.begin(), tombstone->part_ids.end());
  }
  const std::shared_ptr<const kv::CatalogVersion> version = context_.store->current();
  for (const std::shared_ptr<const kv::Part>& part : version->parts) {
    const uint64_t id = part->info().part_id;
    if (!named.contains(id) || unmergeable_parts_.contains(id)) continue;
    RETURN_IF_ERROR(ReplaceByMerge({&part, 1}));
  }
  return PruneTombstones();
}

Status Maintenance::MergeAll(MergePlan plan) {
  while (true) {
    const std::shared_ptr<const kv::CatalogVersion> version = context_.store->current();
    std::vector<format::PartInfo> infos;
    for (const auto& part : version->parts) infos.push_back(part->info());
    const compaction::PlannerOptions planner = MergePlanner();
    // What cannot be split is in the way.
    if (compaction::AnyStale(infos, planner)) return OkStatus();
    const auto job = plan(infos, planner);
    if (!job) return OkStatus();
    std::vector<std::shared_ptr<const kv::Part>> inputs;
    for (const uint64_t id : job->part_ids) {
      for (const auto& part : version->parts) {
        if (part->info().part_id == id) inputs.push_back(part);
      }
    }
    RETURN_IF_ERROR(ReplaceByMerge(inputs));
  }
}

Status Maintenance::PruneTombstones() {
  MutexLock lock(&mutex_);
  const std::shared_ptr<const TombstoneList> before = context_.tombstones->current();
  if (before->empty()) return OkStatus();
  std::set<uint64_t> live;
  for (const auto& part : context_.store->current()->parts) live.insert(part->info().part_id);
  TombstoneList left;
  for (const auto& tombstone : *before) {
    if (std::any_of(tombstone->part_ids.begin(), tombstone->part_ids.end(),
                    [&live](uint64_t id) { return live.contains(id); })) {
      left.push_back(tombstone);
    }
  }
  if (left.size() == before->size()) return OkStatus();
  kv::CatalogEdit edit;
  edit.put_state.emplace_back(kTombstonesKey, EncodeTombstones(left));
  RETURN_IF_ERROR(context_.store->Commit(edit));
  context_.tombstones->Publish(std::move(left));
  return OkStatus();
}

}  // namespace varve::engine
