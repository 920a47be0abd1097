// Snapshots and backups from the command line.
#pragma once

#include <cstddef>
#include <string>

namespace varve::tools {

struct BackupCommand {
  std::string data_dir;
  std::string server;  // that has `data_dir` open; may be empty
  std::string to;
  size_t keep = 0;  // 0: all
};
struct RestoreCommand {
  std::string from;
  std::string name;  // empty: the newest
  std::string to;
};

// Each prints what came of it and returns the process's exit status.
int RunSnapshot(const std::string& server);
int RunBackup(const BackupCommand& command);
int RunBackups(const std::string& backup_directory);
int RunRestore(const RestoreCommand& command);

}  // namespace varve::tools
