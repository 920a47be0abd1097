// Database::Repair: what is damaged is set aside, what can be read of it stays.
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "compaction/salvage.h"
#include "engine/backup/snapshot_files.h"
#include "engine/metrics/maintenance.h"

namespace varve::engine {

Status Maintenance::SetAside(const kv::Part& part, const std::string& directory) {
  FileSystem* const files = context_.file_system;
  const std::string target = directory + "/part-" + std::to_string(part.info().part_id);
  RETURN_IF_ERROR(files->CreateDirectory(target));
  RETURN_IF_ERROR(context_.store->LinkFiles(part, target));
  std::string entry;
  format::EncodePartInfo(part.info(), &entry);
  ASSIGN_OR_RETURN(auto file, files->OpenWritable(target + "/catalog-entry", OpenMode::kTruncate));
  RETURN_IF_ERROR(file->Append(entry));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(file->Close());
  RETURN_IF_ERROR(files->SyncDirectory(target));
  return files->SyncDirectory(directory);
}

Status Maintenance::RepairPart(const std::shared_ptr<const kv::Part>& part, RepairReport* report) {
  RETURN_IF_ERROR(SetAside(*part, report->quarantine));
  const format::PartInfo& info = part->info();
  std::vector<compaction::LostStretch> lost;
  std::vector<format::PartInfo> outputs;
  if (info.signal == format::Signal::kMetrics) {
    ASSIGN_OR_RETURN(auto salvaged, compaction::Salvage(context_.store, part, &lost));
    if (salvaged) outputs.push_back(*std::move(salvaged));
  } else if (info.signal == format::Signal::kTraces) {
    ASSIGN_OR_RETURN(auto salvaged, compaction::SalvageSpans(context_.store, part, &lost));
    if (salvaged) outputs.push_back(*std::move(salvaged));
  } else {
    lost.push_back({"", info.min_time_ms, info.max_time_ms, info.series_count, info.sample_count,
                    "parts of exemplars are set aside whole"});
  }
  // The new part holds what the old one did, deleted samples included.
  RETURN_IF_ERROR(Replace({&part, 1}, {}, outputs, {}));
  ++report->parts_replaced;
  for (compaction::LostStretch& stretch : lost) {
    LostSamples& out = report->lost.emplace_back();
    out.part_id = info.part_id;
    if (!stretch.labels.empty()) out.labels = Labels::FromCanonicalBytes(std::move(stretch.labels));
    out.range = {stretch.min_ms, stretch.max_ms};
    out.series_count = stretch.series_count;
    out.sample_count = stretch.sample_count;
    out.reason = std::move(stretch.reason);
  }
  return OkStatus();
}

Status Maintenance::SetAsideHead(const VerifyReport& found, RepairReport* report) {
  FileSystem* const files = context_.file_system;
  bool any = false;
  for (const VerifyFault& fault : found.faults) {
    if (fault.where.starts_with("part ")) continue;
    const size_t slash = fault.where.rfind('/');
    const std::string name =
        slash == std::string::npos ? fault.where : fault.where.substr(slash + 1);
    for (const std::string& folder : {std::string(), "/" + std::string(kJournalFolder)}) {
      const std::string path = context_.directory + folder + "/" + name;
      ASSIGN_OR_RETURN(const bool exists, files->Exists(path));
      const std::string target = report->quarantine + "/" + name;
      ASSIGN_OR_RETURN(const bool is_there, files->Exists(target));
      if (!exists || is_there) continue;
      RETURN_IF_ERROR(files->CreateDirectory(report->quarantine));
      RETURN_IF_ERROR(LinkOrCopy(files, path, target));
      RETURN_IF_ERROR(files->SyncDirectory(report->quarantine));
    }
    any = true;
    ++report->files_replaced;
  }
  if (!any) return OkStatus();
  // What could be read of them is in memory; a flush puts it into parts, and a new checkpoint lets
  // go of the files.
  RETURN_IF_ERROR(FlushLocked(nullptr));
  return ForgetIdleSeries();
}

Result<RepairReport> Maintenance::Repair() {
  MutexLock merging(&merge_mutex_);
  RepairReport report;
  ASSIGN_OR_RETURN(report.found, Verify());
  report.quarantine = context_.directory + "/quarantine";
  const std::shared_ptr<const kv::CatalogVersion> version = context_.store->current();
  std::set<std::string> damaged;
  for (const VerifyFault& fault : report.found.faults) damaged.insert(fault.where);
  for (const auto& part : version->parts) {
    if (!damaged.contains("part " + std::to_string(part->info().part_id))) continue;
    const Status repaired = RepairPart(part, &report);
    if (!repaired.ok()) {
      return repaired.WithContext("repairing part " + std::to_string(part->info().part_id));
    }
    unmergeable_parts_.erase(part->info().part_id);
  }
  {
    MutexLock lock(&mutex_);
    RETURN_IF_ERROR(SetAsideHead(report.found, &report));
  }
  {
    MutexLock lock(&downsampling_mutex_);
    undownsampled_parts_.clear();
  }
  ASSIGN_OR_RETURN(report.left, Verify());
  if (report.parts_replaced + report.files_replaced == 0) report.quarantine.clear();
  return report;
}

}  // namespace varve::engine
