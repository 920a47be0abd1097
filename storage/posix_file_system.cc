#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "base/status_macros.h"
#include "storage/file_system.h"
#include "storage/posix_error.h"
#include "storage/posix_files.h"

namespace varve {
namespace {

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                     OpenMode mode) override {
    return OpenPosixWritable(path, mode);
  }
  Result<std::unique_ptr<RandomAccessFile>> OpenRandomAccess(const std::string& path) override {
    return OpenPosixRandomAccess(path);
  }
  Result<std::unique_ptr<RandomAccessFile>> OpenMapped(const std::string& path) override {
    return OpenPosixMapped(path);
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return LockPosix(path);
  }

  Result<std::string> ReadFile(const std::string& path) override {
    ASSIGN_OR_RETURN(const auto file, OpenPosixRandomAccess(path));
    std::string bytes(file->size(), '\0');
    ASSIGN_OR_RETURN(const std::string_view read, file->Read(0, bytes.size(), bytes.data()));
    static_cast<void>(read);  // it is all of `bytes`
    return bytes;
  }

  Status CreateDirectory(const std::string& path) override {
    for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
      const std::string prefix = path.substr(0, slash);
      if (::mkdir(prefix.c_str(), 0755) != 0) {
        const int error = errno;
        struct stat info = {};
        if (::stat(prefix.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
          return PosixError("mkdir", prefix, error);
        }
      }
      if (slash == std::string::npos) return OkStatus();
    }
  }

  Status SyncDirectory(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return PosixError("open", path, errno);
    const int error = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    return error == 0 ? OkStatus() : PosixError("fsync", path, error);
  }

  Result<std::vector<std::string>> List(const std::string& path) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
    if (directory == nullptr) return PosixError("opendir", path, errno);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(directory.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return PosixError("readdir", path, errno);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<bool> Exists(const std::string& path) override {
    struct stat info = {};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return PosixError("stat", path, errno);
  }

  Result<uint64_t> FileSize(const std::string& path) override {
    struct stat info = {};
    if (::stat(path.c_str(), &info) != 0) return PosixError("stat", path, errno);
    return static_cast<uint64_t>(info.st_size);
  }

  Status Remove(const std::string& path) override {
    return Check(std::remove(path.c_str()), "remove", path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return Check(std::rename(from.c_str(), to.c_str()), "rename", from + " to " + to);
  }
  Status Link(const std::string& from, const std::string& to) override {
    return Check(::link(from.c_str(), to.c_str()), "link", from + " to " + to);
  }
  Status Truncate(const std::string& path, uint64_t size) override {
    return Check(::truncate(path.c_str(), static_cast<off_t>(size)), "truncate", path);
  }

  Result<uint64_t> FreeBytes(const std::string& path) override {
    struct statvfs info = {};
    if (::statvfs(path.c_str(), &info) != 0) return PosixError("statvfs", path, errno);
    return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  }

 private:
  static Status Check(int result, std::string_view operation, const std::string& path) {
    return result == 0 ? OkStatus() : PosixError(operation, path, errno);
  }
};

}  // namespace

FileSystem* FileSystem::Posix() {
  static PosixFileSystem* const file_system =
      new PosixFileSystem;  // never destroyed: others may outlive main
  return file_system;
}

}  // namespace varve
