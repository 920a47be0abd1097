// Backups: incremental copies of databases in a directory of their own, and what brings them back.
//
//   database->Backup("/backups/varve");                        // any number of times
//   varve::RestoreBackup("/backups/varve", "", "/var/lib/new");  // the newest
//
// A backup directory holds each distinct file once (`files/`, named by contents and size) and a
// manifest for each backup (`backups/`), written last: what was killed on its way leaves the
// backups before it whole. Thread safety: one writer to a backup directory at a time (checked).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "varve/status.h"

namespace varve {

struct BackupReport {
  std::string name;           // as RestoreBackup takes it
  uint64_t file_count = 0;    // of the backup
  uint64_t bytes = 0;         // of the backup
  uint64_t files_copied = 0;  // that no backup before had
  uint64_t bytes_copied = 0;
};

struct BackupInfo {
  std::string name;
  uint64_t file_count = 0;
  uint64_t bytes = 0;
};

// Adds a snapshot (Database::Snapshot), which nobody may change meanwhile, to a backup directory,
// creating that where it is not. Database::Backup does both. Errors: kAlreadyExists,
// kFailedPrecondition (another backup is being written), kIoError, kResourceExhausted.
Result<BackupReport> BackUpSnapshot(const std::string& snapshot_directory,
                                    const std::string& backup_directory);

// Oldest first. Errors: kNotFound, kDataLoss (names the manifest), kIoError.
Result<std::vector<BackupInfo>> ListBackups(const std::string& backup_directory);

// Copies the backup `name` (empty: the newest) into `directory`, which must be empty or not exist,
// and checks every byte against the manifest. `directory` appears when it is whole. Errors:
// kNotFound, kAlreadyExists, kDataLoss (names the file), kIoError, kResourceExhausted.
Result<BackupInfo> RestoreBackup(const std::string& backup_directory, const std::string& name,
                                 const std::string& directory);

// Removes all but the newest `keep` backups (at least 1) and the files that only they had. Returns
// the bytes freed.
Result<uint64_t> PruneBackups(const std::string& backup_directory, size_t keep);

}  // namespace varve
