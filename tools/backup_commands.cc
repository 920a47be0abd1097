#include "tools/backup_commands.h"

#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/status_macros.h"
#include "tools/http_client.h"
#include "tools/open_database.h"
#include "varve/backup.h"

namespace varve::tools {
namespace {

int Fail(const char* command, const Status& status) {
  std::fprintf(stderr, "varve %s: %s\n", command, status.message().c_str());
  return 1;
}

Result<std::string> TakeSnapshot(const std::string& server) {
  ASSIGN_OR_RETURN(const HttpAnswer answer, HttpPost(server, "/api/v1/admin/tsdb/snapshot"));
  constexpr std::string_view kKey = "\"name\":\"";
  const size_t begin = answer.body.find(kKey);
  const size_t end =
      begin == std::string::npos ? begin : answer.body.find('"', begin + kKey.size());
  if (answer.status != 200 || end == std::string::npos) {
    return UnavailableError(server + " took no snapshot: " + answer.body);
  }
  return answer.body.substr(begin + kKey.size(), end - begin - kKey.size());
}

// The server has the directory open, so its snapshot is what is copied.
Result<BackupReport> BackUpServer(const BackupCommand& command) {
  ASSIGN_OR_RETURN(const std::string name, TakeSnapshot(command.server));
  const std::string snapshot = command.data_dir + "/snapshots/" + name;
  Result<BackupReport> report = BackUpSnapshot(snapshot, command.to);
  std::error_code error;
  std::filesystem::remove_all(snapshot, error);
  if (error) {
    std::fprintf(stderr, "varve backup: could not remove %s: %s\n", snapshot.c_str(),
                 error.message().c_str());
  }
  return report;
}

Result<BackupReport> BackUpDirectory(const BackupCommand& command) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, OpenExisting(command.data_dir));
  ASSIGN_OR_RETURN(const BackupReport report, database->Backup(command.to));
  RETURN_IF_ERROR(database->Close());
  return report;
}

}  // namespace

int RunSnapshot(const std::string& server) {
  const Result<std::string> name = TakeSnapshot(server);
  if (!name.ok()) return Fail("snapshot", name.status());
  std::printf("%s\n", name->c_str());
  return 0;
}

int RunBackup(const BackupCommand& command) {
  const Result<BackupReport> report =
      command.server.empty() ? BackUpDirectory(command) : BackUpServer(command);
  if (!report.ok()) return Fail("backup", report.status());
  std::printf("backup %s: %" PRIu64 " files, %" PRIu64 " bytes; copied %" PRIu64 " files, %" PRIu64
              " bytes\n",
              report->name.c_str(), report->file_count, report->bytes, report->files_copied,
              report->bytes_copied);
  if (command.keep == 0) return 0;
  const Result<uint64_t> freed = PruneBackups(command.to, command.keep);
  if (!freed.ok()) return Fail("backup", freed.status());
  std::printf("older backups: %" PRIu64 " bytes freed\n", *freed);
  return 0;
}

int RunBackups(const std::string& backup_directory) {
  const Result<std::vector<BackupInfo>> backups = ListBackups(backup_directory);
  if (!backups.ok()) return Fail("backups", backups.status());
  for (const BackupInfo& backup : *backups) {
    std::printf("%s  %" PRIu64 " files  %" PRIu64 " bytes\n", backup.name.c_str(),
                backup.file_count, backup.bytes);
  }
  return 0;
}

int RunRestore(const RestoreCommand& command) {
  const Result<BackupInfo> restored = RestoreBackup(command.from, command.name, command.to);
  if (!restored.ok()) return Fail("restore", restored.status());
  std::printf("restored backup %s into %s: %" PRIu64 " files, %" PRIu64 " bytes\n",
              restored->name.c_str(), command.to.c_str(), restored->file_count, restored->bytes);
  return 0;
}

}  // namespace varve::tools
