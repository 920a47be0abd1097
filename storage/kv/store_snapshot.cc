#include "storage/kv/store_snapshot.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "base/status_macros.h"
#include "storage/kv/status_translation.h"

namespace varve::kv {
namespace {

constexpr uint64_t kWhole = std::numeric_limits<uint64_t>::max();

// Copies the first `size` bytes.
Status Copy(FileSystem* file_system, const std::string& from, const std::string& to,
            uint64_t size) {
  ASSIGN_OR_RETURN(const std::string bytes, file_system->ReadFile(from));
  ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                   file_system->OpenWritable(to, OpenMode::kTruncate));
  RETURN_IF_ERROR(file->Append(std::string_view(bytes).substr(0, size)));
  RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

// The WAL first: RocksDB may flush a family meanwhile, which writes the MANIFEST and then deletes
// the WAL files that nobody needs any more. A MANIFEST that is newer than the WAL files beside it
// passes over what it does not need of them; one that is older would miss what is gone, and the
// families would be of different times.
Status CopyLiveFiles(const RocksDbHandle& handle, const std::string& directory) {
  FileSystem* const files = handle.file_system();
  ASSIGN_OR_RETURN(const std::vector<std::string> all, files->List(handle.directory()));
  for (const std::string& name : all) {
    if (!name.ends_with(".log")) continue;  // the WAL
    RETURN_IF_ERROR(Copy(files, handle.directory() + "/" + name, directory + "/" + name, kWhole));
  }
  std::vector<std::string> names;  // "/000012.sst"
  uint64_t manifest_bytes = 0;
  RETURN_IF_ERROR(FromRocks(handle.db()->GetLiveFiles(names, &manifest_bytes, false), directory));
  for (const std::string& name : names) {
    const std::string from = handle.directory() + name;
    const std::string to = directory + name;
    if (name.ends_with(".sst") && files->Link(from, to).ok()) continue;
    const bool is_manifest = name.starts_with("/MANIFEST");
    const Status copied = Copy(files, from, to, is_manifest ? manifest_bytes : kWhole);
    // Options are not kept on disk, whatever RocksDB lists.
    if (copied.code() == StatusCode::kNotFound && name.starts_with("/OPTIONS")) continue;
    RETURN_IF_ERROR(copied);
  }
  return files->SyncDirectory(directory);
}

void RemoveFiles(FileSystem* file_system, const std::string& directory) {
  const auto names = file_system->List(directory);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    static_cast<void>(file_system->Remove(directory + "/" + name));
  }
}

}  // namespace

// RocksDB's own way would be to disable deletions meanwhile. Enabling them again makes it look for
// obsolete files, and after a failed write of the MANIFEST it takes the one that CURRENT names for
// obsolete. Instead: a part may be deleted between being listed and being linked; then once more.
Status CopyDatabase(const RocksDbHandle& handle, const std::string& directory) {
  constexpr int kAttempts = 5;
  RETURN_IF_ERROR(handle.file_system()->CreateDirectory(directory));
  Status copied;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    copied = CopyLiveFiles(handle, directory);
    if (copied.code() != StatusCode::kNotFound) return copied;
    RemoveFiles(handle.file_system(), directory);
  }
  return copied;
}

}  // namespace varve::kv
