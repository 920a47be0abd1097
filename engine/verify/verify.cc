// Database::Verify: parts, checkpoints, journal.
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "engine/metrics/maintenance.h"
#include "engine/verify/part_check.h"

namespace varve::engine {
namespace {

void CheckCheckpoints(const MaintenanceContext& context, const HeadManifest& manifest,
                      VerifyReport* report) {
  const auto head = std::make_unique<Head>(*context.options);  // what they restore is thrown away
  MappedFiles files;
  for (const std::string& name : manifest.files) {
    ++report->checkpoint_count;
    LoadedCheckpoint loaded;
    const Status status = LoadCheckpoint(context.file_system, context.directory + "/" + name,
                                         context.store->database_id(), head.get(), &loaded);
    if (loaded.file != nullptr) files.push_back(loaded.file);
    if (!status.ok()) report->faults.push_back({name, status.message()});
    if (loaded.damaged_chunks > 0) {
      report->faults.push_back(
          {name, std::to_string(loaded.damaged_chunks) + " chunks fail their checksum"});
    }
  }
  const MutexLock lock(&head->visibility_mutex);
  head->mapped_files = std::make_shared<const MappedFiles>(std::move(files));
}

Status CheckJournal(const MaintenanceContext& context, const HeadManifest& manifest,
                    VerifyReport* report) {
  const journal::ReplayCallbacks callbacks{[](const journal::Record&) { return OkStatus(); }, {}};
  ASSIGN_OR_RETURN(const journal::ReplayReport replayed,
                   journal::Replay(context.file_system, context.directory + "/journal",
                                   context.store->database_id(), manifest.first_segment,
                                   manifest.sequence, callbacks));
  report->journal_record_count = replayed.record_count;
  for (const journal::Damage& damage : replayed.damage) {
    report->faults.push_back({damage.file, std::to_string(damage.bytes) + " bytes at offset " +
                                               std::to_string(damage.offset) + ": " +
                                               damage.reason});
  }
  return OkStatus();
}

}  // namespace

Result<VerifyReport> Maintenance::Verify() {
  VerifyReport report;
  const std::shared_ptr<const kv::CatalogVersion> version = context_.store->current();
  for (const auto& part : version->parts) CheckPart(*context_.store, part, &report);
  MutexLock lock(&mutex_);
  CheckCheckpoints(context_, manifest_, &report);
  // What is appended meanwhile must not look like damage.
  Result<uint64_t> segment = uint64_t{0};
  context_.commits->RunAlone([&] { segment = context_.journal->StartSegment(); });
  RETURN_IF_ERROR(segment.status());
  RETURN_IF_ERROR(CheckJournal(context_, manifest_, &report));
  return report;
}

}  // namespace varve::engine
