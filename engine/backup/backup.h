// Writing backups of a snapshot. See varve/backup.h.
#pragma once

#include <cstdint>
#include <string>

#include "storage/file_system.h"
#include "varve/backup.h"
#include "varve/status.h"

namespace varve::engine {

// Adds the database in `directory`, which nothing changes meanwhile, to the backup directory, under
// a name made of `now_ms`.
Result<BackupReport> BackUpDirectory(FileSystem* file_system, const std::string& directory,
                                     const std::string& backup_directory, int64_t now_ms);

// varve/backup.h through a file system of the caller's.
Result<std::vector<BackupInfo>> ListBackups(FileSystem* file_system,
                                            const std::string& backup_directory);
Result<BackupInfo> RestoreBackup(FileSystem* file_system, const std::string& backup_directory,
                                 const std::string& name, const std::string& directory);
Result<uint64_t> PruneBackups(FileSystem* file_system, const std::string& backup_directory,
                              size_t keep);

}  // namespace varve::engine
