// A snapshot: hard links to everything that the database consists of at one instant.
#include "base/status_macros.h"
#include "engine/backup/snapshot_files.h"
#include "engine/metrics/maintenance.h"
#include "storage/journal/segment_format.h"

namespace varve::engine {

// Under the lock no flush, checkpoint or merge changes what belongs together: the store's state
// names the checkpoint files and the first segment of the journal. Appends go on in a new segment.
Status Maintenance::Snapshot(const std::string& directory) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(RequireEmpty(context_.file_system, directory));
  Result<uint64_t> segment = uint64_t{0};
  context_.commits->RunAlone([&] { segment = context_.journal->StartSegment(); });
  RETURN_IF_ERROR(segment.status());
  Status status = LinkSnapshot(directory, *segment);
  if (!status.ok()) RemoveTree(context_.file_system, directory);
  return status;
}

Status Maintenance::LinkSnapshot(const std::string& directory, uint64_t end_segment) {
  FileSystem* const files = context_.file_system;
  RETURN_IF_ERROR(context_.store->Snapshot(directory + "/" + kStoreFolder));
  for (const std::string& name : manifest_.files) {
    RETURN_IF_ERROR(LinkOrCopy(files, context_.directory + "/" + name, directory + "/" + name));
  }
  const std::string journal = context_.directory + "/" + kJournalFolder;
  const std::string linked = directory + "/" + kJournalFolder;
  RETURN_IF_ERROR(files->CreateDirectory(linked));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files->List(journal));
  for (const std::string& name : names) {
    const auto number = journal::ParseSegmentName(name);
    if (!number || *number < manifest_.first_segment || *number >= end_segment) continue;
    RETURN_IF_ERROR(LinkOrCopy(files, journal + "/" + name, linked + "/" + name));
  }
  RETURN_IF_ERROR(files->SyncDirectory(linked));
  return files->SyncDirectory(directory);
}

}  // namespace varve::engine
