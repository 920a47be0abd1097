#include "engine/backup/snapshot_files.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/status_macros.h"

namespace varve::engine {
namespace {

constexpr std::string_view kLockName = "LOCK";

}  // namespace

Result<std::vector<std::string>> DatabaseFiles(FileSystem* file_system,
                                               const std::string& directory) {
  std::vector<std::string> files;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system->List(directory));
  for (const std::string& name : names) {
    const bool is_file = name.ends_with(".vc");
    if (is_file) files.push_back(name);
  }
  for (const std::string folder : {kStoreFolder, kJournalFolder}) {
    ASSIGN_OR_RETURN(const bool exists, file_system->Exists(directory + "/" + folder));
    if (!exists) continue;
    ASSIGN_OR_RETURN(const std::vector<std::string> inner,
                     file_system->List(directory + "/" + folder));
    for (const std::string& name : inner) {
      if (name != kLockName) files.push_back(folder + "/" + name);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

Status RequireEmpty(FileSystem* file_system, const std::string& directory) {
  ASSIGN_OR_RETURN(const bool exists, file_system->Exists(directory));
  if (exists) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system->List(directory));
    if (!names.empty()) {
      return AlreadyExistsError(directory + " is not empty: it holds " + names.front());
    }
  }
  return file_system->CreateDirectory(directory);
}

Status WriteDurably(FileSystem* file_system, const std::string& path, std::string_view contents) {
  ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                   file_system->OpenWritable(path, OpenMode::kTruncate));
  RETURN_IF_ERROR(file->Append(contents));
  RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

Status LinkOrCopy(FileSystem* file_system, const std::string& from, const std::string& to) {
  if (file_system->Link(from, to).ok()) return OkStatus();
  ASSIGN_OR_RETURN(const std::unique_ptr<RandomAccessFile> file, file_system->OpenMapped(from));
  ASSIGN_OR_RETURN(const std::string_view bytes, file->Read(0, file->size(), nullptr));
  return WriteDurably(file_system, to, bytes);
}

void RemoveTree(FileSystem* file_system, const std::string& directory) {
  const auto names = file_system->List(directory);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const std::string path = directory + "/" + name;
    if (file_system->Remove(path).ok()) continue;  // a file, or an empty folder
    const auto inner = file_system->List(path);
    if (!inner.ok()) continue;
    for (const std::string& file : *inner) {
      static_cast<void>(file_system->Remove(path + "/" + file));
    }
    static_cast<void>(file_system->Remove(path));
  }
  static_cast<void>(file_system->Remove(directory));
}

}  // namespace varve::engine
