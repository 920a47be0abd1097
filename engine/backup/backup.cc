#include "engine/backup/backup.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/status_macros.h"
#include "engine/backup/manifest.h"
#include "engine/backup/snapshot_files.h"

namespace varve::engine {
namespace {

constexpr std::string_view kManifestSuffix = ".manifest";
constexpr std::string_view kTemporarySuffix = ".tmp";

std::string FilesFolder(const std::string& directory) { return directory + "/files"; }
std::string ManifestsFolder(const std::string& directory) { return directory + "/backups"; }

// "20261126T123456.789Z": names sort as their times do.
std::string NameOf(int64_t now_ms) {
  const auto seconds = static_cast<time_t>(now_ms / 1000);
  struct tm civil {};
  gmtime_r(&seconds, &civil);
  char text[40];
  const size_t size = std::strftime(text, sizeof text, "%Y%m%dT%H%M%S", &civil);
  std::string name(text, size);
  const std::string milliseconds = std::to_string(1000 + now_ms % 1000);
  return name + "." + milliseconds.substr(1) + "Z";
}

// Writes under another name first, so that a name always stands for whole contents.
Status WriteAtomically(FileSystem* file_system, const std::string& path,
                       std::string_view contents) {
  const std::string temporary = path + std::string(kTemporarySuffix);
  RETURN_IF_ERROR(WriteDurably(file_system, temporary, contents));
  return file_system->Rename(temporary, path);
}

// Names of the backups, oldest first.
Result<std::vector<std::string>> Names(FileSystem* file_system,
                                       const std::string& backup_directory) {
  ASSIGN_OR_RETURN(const bool exists, file_system->Exists(ManifestsFolder(backup_directory)));
  if (!exists) return NotFoundError(backup_directory + " is no backup directory");
  ASSIGN_OR_RETURN(std::vector<std::string> entries,
                   file_system->List(ManifestsFolder(backup_directory)));
  std::vector<std::string> names;
  for (const std::string& entry : entries) {
    if (!entry.ends_with(kManifestSuffix)) continue;
    names.push_back(entry.substr(0, entry.size() - kManifestSuffix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string ManifestPath(const std::string& backup_directory, const std::string& name) {
  return ManifestsFolder(backup_directory) + "/" + name + std::string(kManifestSuffix);
}

Result<BackupManifest> ReadManifest(FileSystem* file_system, const std::string& backup_directory,
                                    const std::string& name) {
  const std::string path = ManifestPath(backup_directory, name);
  ASSIGN_OR_RETURN(const std::string bytes, file_system->ReadFile(path));
  Result<BackupManifest> manifest = DecodeBackupManifest(bytes);
  if (!manifest.ok()) return manifest.status().WithContext(path);
  return manifest;
}

BackupInfo InfoOf(const std::string& name, const BackupManifest& manifest) {
  return {name, manifest.files.size(), manifest.bytes()};
}

// The file's contents, mapped.
class Contents {
 public:
  static Result<Contents> Of(FileSystem* file_system, const std::string& path) {
    Contents contents;
    ASSIGN_OR_RETURN(contents.file_, file_system->OpenMapped(path));
    ASSIGN_OR_RETURN(contents.bytes_, contents.file_->Read(0, contents.file_->size(), nullptr));
    return contents;
  }
  std::string_view bytes() const { return bytes_; }

 private:
  std::unique_ptr<RandomAccessFile> file_;
  std::string_view bytes_;
};

// Puts one file of the database into the store of contents unless it is there. A stored file of
// the right size is taken for whole: it got its name after its last byte was durable.
Status StoreFile(FileSystem* file_system, const BackupFile& file, std::string_view contents,
                 const std::string& backup_directory, BackupReport* report) {
  const std::string stored = FilesFolder(backup_directory) + "/" + file.StoredName();
  ASSIGN_OR_RETURN(const bool exists, file_system->Exists(stored));
  if (exists) {
    ASSIGN_OR_RETURN(const uint64_t size, file_system->FileSize(stored));
    if (size == file.bytes) return OkStatus();
  }
  RETURN_IF_ERROR(WriteAtomically(file_system, stored, contents));
  ++report->files_copied;
  report->bytes_copied += file.bytes;
  return OkStatus();
}

}  // namespace

Result<BackupReport> BackUpDirectory(FileSystem* file_system, const std::string& directory,
                                     const std::string& backup_directory, int64_t now_ms) {
  RETURN_IF_ERROR(file_system->CreateDirectory(FilesFolder(backup_directory)));
  RETURN_IF_ERROR(file_system->CreateDirectory(ManifestsFolder(backup_directory)));
  RETURN_IF_ERROR(file_system->SyncDirectory(backup_directory));
  ASSIGN_OR_RETURN(const auto lock, file_system->Lock(backup_directory + "/LOCK"));
  BackupReport report;
  report.name = NameOf(now_ms);
  ASSIGN_OR_RETURN(const bool taken,
                   file_system->Exists(ManifestPath(backup_directory, report.name)));
  if (taken) return AlreadyExistsError("there is a backup named " + report.name);
  BackupManifest manifest;
  ASSIGN_OR_RETURN(const std::vector<std::string> paths, DatabaseFiles(file_system, directory));
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const Contents contents, Contents::Of(file_system, directory + "/" + path));
    const BackupFile& file = manifest.files.emplace_back(DescribeFile(path, contents.bytes()));
    RETURN_IF_ERROR(StoreFile(file_system, file, contents.bytes(), backup_directory, &report));
  }
  report.file_count = manifest.files.size();
  report.bytes = manifest.bytes();
  RETURN_IF_ERROR(file_system->SyncDirectory(FilesFolder(backup_directory)));
  RETURN_IF_ERROR(WriteAtomically(file_system, ManifestPath(backup_directory, report.name),
                                  EncodeBackupManifest(manifest)));
  RETURN_IF_ERROR(file_system->SyncDirectory(ManifestsFolder(backup_directory)));
  return report;
}

Result<std::vector<BackupInfo>> ListBackups(FileSystem* file_system,
                                            const std::string& backup_directory) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, Names(file_system, backup_directory));
  std::vector<BackupInfo> infos;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const BackupManifest manifest,
                     ReadManifest(file_system, backup_directory, name));
    infos.push_back(InfoOf(name, manifest));
  }
  return infos;
}

Result<BackupInfo> RestoreBackup(FileSystem* file_system, const std::string& backup_directory,
                                 const std::string& name, const std::string& target) {
  // "dir/" is "dir": what is unfinished lies beside it, not in it.
  const std::string directory = target.substr(0, target.find_last_not_of('/') + 1);
  if (directory.empty())
    return InvalidArgumentError("\"" + target + "\" is no place for a database");
  ASSIGN_OR_RETURN(const std::vector<std::string> names, Names(file_system, backup_directory));
  if (names.empty()) return NotFoundError(backup_directory + " holds no backup");
  const std::string& chosen = name.empty() ? names.back() : name;
  if (std::find(names.begin(), names.end(), chosen) == names.end()) {
    return NotFoundError(backup_directory + " holds no backup named " + chosen);
  }
  ASSIGN_OR_RETURN(const BackupManifest manifest,
                   ReadManifest(file_system, backup_directory, chosen));
  RETURN_IF_ERROR(RequireEmpty(file_system, directory));
  // An earlier attempt that was killed may have left something.
  const std::string unfinished = directory + ".restoring";
  RemoveTree(file_system, unfinished);
  for (const char* folder : {kStoreFolder, kJournalFolder}) {
    RETURN_IF_ERROR(file_system->CreateDirectory(unfinished + "/" + folder));
  }
  for (const BackupFile& file : manifest.files) {
    const std::string stored = FilesFolder(backup_directory) + "/" + file.StoredName();
    Result<Contents> contents = Contents::Of(file_system, stored);
    if (contents.status().code() == StatusCode::kNotFound) {
      return DataLossError(stored + ", which is " + file.path + " of backup " + chosen +
                           ", is missing");
    }
    RETURN_IF_ERROR(contents.status());
    if (DescribeFile(file.path, contents->bytes()) != file) {
      return DataLossError(stored + ", which is " + file.path + " of backup " + chosen +
                           ", fails its checksum");
    }
    RETURN_IF_ERROR(WriteDurably(file_system, unfinished + "/" + file.path, contents->bytes()));
  }
  for (const char* folder : {"/store", "/journal", ""}) {
    RETURN_IF_ERROR(file_system->SyncDirectory(unfinished + folder));
  }
  RETURN_IF_ERROR(file_system->Remove(directory));
  RETURN_IF_ERROR(file_system->Rename(unfinished, directory));
  const size_t slash = directory.find_last_of('/');
  RETURN_IF_ERROR(file_system->SyncDirectory(slash == std::string::npos ? "."
                                             : slash == 0               ? "/"
                                                          : directory.substr(0, slash)));
  return InfoOf(chosen, manifest);
}

Result<uint64_t> PruneBackups(FileSystem* file_system, const std::string& backup_directory,
                              size_t keep) {
  if (keep == 0) return InvalidArgumentError("at least one backup must be kept");
  ASSIGN_OR_RETURN(const std::vector<std::string> names, Names(file_system, backup_directory));
  ASSIGN_OR_RETURN(const auto lock, file_system->Lock(backup_directory + "/LOCK"));
  const size_t drop = names.size() > keep ? names.size() - keep : 0;
  std::set<std::string> needed;
  for (size_t i = drop; i < names.size(); ++i) {
    ASSIGN_OR_RETURN(const BackupManifest manifest,
                     ReadManifest(file_system, backup_directory, names[i]));
    for (const BackupFile& file : manifest.files) needed.insert(file.StoredName());
  }
  for (size_t i = 0; i < drop; ++i) {
    RETURN_IF_ERROR(file_system->Remove(ManifestPath(backup_directory, names[i])));
  }
  RETURN_IF_ERROR(file_system->SyncDirectory(ManifestsFolder(backup_directory)));
  uint64_t freed = 0;
  ASSIGN_OR_RETURN(const std::vector<std::string> stored,
                   file_system->List(FilesFolder(backup_directory)));
  for (const std::string& file : stored) {
    if (needed.contains(file)) continue;
    const std::string path = FilesFolder(backup_directory) + "/" + file;
    ASSIGN_OR_RETURN(const uint64_t bytes, file_system->FileSize(path));
    RETURN_IF_ERROR(file_system->Remove(path));
    freed += bytes;
  }
  return freed;
}

}  // namespace varve::engine

namespace varve {

Result<BackupReport> BackUpSnapshot(const std::string& snapshot_directory,
                                    const std::string& backup_directory) {
  return engine::BackUpDirectory(FileSystem::Posix(), snapshot_directory, backup_directory,
                                 Clock::System()->NowMs());
}

Result<std::vector<BackupInfo>> ListBackups(const std::string& backup_directory) {
  return engine::ListBackups(FileSystem::Posix(), backup_directory);
}

Result<BackupInfo> RestoreBackup(const std::string& backup_directory, const std::string& name,
                                 const std::string& directory) {
  return engine::RestoreBackup(FileSystem::Posix(), backup_directory, name, directory);
}

Result<uint64_t> PruneBackups(const std::string& backup_directory, size_t keep) {
  return engine::PruneBackups(FileSystem::Posix(), backup_directory, keep);
}

}  // namespace varve
