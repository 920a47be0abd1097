// Downsampling: days of raw parts become rollups, by compaction::PlanDownsample.
#include "compaction/downsampling.h"

#include <utility>

#include "base/status_macros.h"
#include "engine/metrics/maintenance.h"

namespace varve::engine {
namespace {

std::vector<std::shared_ptr<const kv::Part>> PartsOf(const kv::CatalogVersion& version,
                                                     std::span<const uint64_t> ids) {
  std::vector<std::shared_ptr<const kv::Part>> parts;
  for (const uint64_t id : ids) {
    for (const auto& part : version.parts) {
      if (part->info().part_id == id) parts.push_back(part);
    }
  }
  return parts;
}

}  // namespace

Status Maintenance::DownsampleDue() {
  Status first_error;
  while (true) {
    const std::shared_ptr<const kv::CatalogVersion> version = context_.store->current();
    std::vector<format::PartInfo> infos;
    for (const auto& part : version->parts) infos.push_back(part->info());
    std::optional<compaction::DownsampleJob> job;
    {
      compaction::PlannerOptions planner = Planner();
      MutexLock lock(&downsampling_mutex_);
      planner.unmergeable_parts = undownsampled_parts_;
      job = compaction::PlanDownsample(infos, planner, empty_days_, context_.now_ms());
    }
    if (!job) return first_error;
    const Status status = RunDownsampling(*job);
    if (status.code() == StatusCode::kCancelled) return status;
    if (status.ok()) continue;
    if (first_error.ok()) first_error = status.WithContext("downsampling");
    if (status.code() != StatusCode::kDataLoss) return first_error;  // tried again later
    MutexLock lock(&downsampling_mutex_);
    undownsampled_parts_.insert(job->sources.begin(), job->sources.end());
    undownsampled_parts_.insert(job->older.begin(), job->older.end());
  }
}

Status Maintenance::RunDownsampling(const compaction::DownsampleJob& job) {
  const std::shared_ptr<const TombstoneList> applied = context_.tombstones->current();
  const std::shared_ptr<const kv::CatalogVersion> version = context_.store->current();
  const auto sources = PartsOf(*version, job.sources);
  const auto older = PartsOf(*version, job.older);
  auto inputs = sources;
  inputs.insert(inputs.end(), older.begin(), older.end());
  std::vector<compaction::HiddenSamples> hidden;
  for (const auto& part : inputs) {
    ASSIGN_OR_RETURN(auto of_part, Hidden(part));
    hidden.push_back(std::move(of_part));
  }
  ASSIGN_OR_RETURN(std::optional<format::PartInfo> made,
                   compaction::Downsample(context_.store, job, *context_.downsampling, sources,
                                          older, hidden, &cancelled_));
  if (!made) {
    MutexLock lock(&downsampling_mutex_);
    for (const format::PartPiece& piece : job.pieces) {
      empty_days_.insert({job.level, piece.begin_ms, piece.max_sequence});
    }
    return OkStatus();
  }
  RETURN_IF_ERROR(Replace({}, inputs, {&*made, 1}, *applied));
  merge_bytes_ += made->bytes();
  ++downsamples_;
  return OkStatus();
}

}  // namespace varve::engine
