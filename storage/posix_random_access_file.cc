#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/status_macros.h"
#include "storage/posix_error.h"
#include "storage/posix_files.h"

namespace varve {
namespace {

Status ReadPastEnd(const std::string& path, uint64_t offset, size_t size, uint64_t file_size) {
  return OutOfRangeError("read " + path + ": " + std::to_string(size) + " bytes at offset " +
                         std::to_string(offset) + ", but the file has " +
                         std::to_string(file_size) + " bytes");
}

class PosixRandomAccessFile final : public RandomAccessFile {
 public:
  PosixRandomAccessFile(int fd, std::string path, uint64_t size)
      : fd_(fd), path_(std::move(path)), size_(size) {}
  ~PosixRandomAccessFile() override { ::close(fd_); }

  Result<std::string_view> Read(uint64_t offset, size_t size, char* scratch) const override {
    size_t done = 0;
    while (done < size) {
      const ssize_t n =
          ::pread(fd_, scratch + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0) {
        if (errno == EINTR) continue;
        return PosixError("read", path_, errno);
      }
      if (n == 0) return ReadPastEnd(path_, offset, size, offset + done);
      done += static_cast<size_t>(n);
    }
    return std::string_view(scratch, size);
  }
  uint64_t size() const override { return size_; }

 private:
  const int fd_;
  const std::string path_;
  const uint64_t size_;
};

class PosixMappedFile final : public RandomAccessFile {
 public:
  // `data` is null for an empty file, which cannot be mapped.
  PosixMappedFile(const char* data, std::string path, uint64_t size)
      : data_(data), path_(std::move(path)), size_(size) {}
  ~PosixMappedFile() override {
    if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
  }

  Result<std::string_view> Read(uint64_t offset, size_t size, char*) const override {
    if (offset > size_ || size > size_ - offset) return ReadPastEnd(path_, offset, size, size_);
    return std::string_view(data_ + offset, size);
  }
  uint64_t size() const override { return size_; }

 private:
  const char* const data_;
  const std::string path_;
  const uint64_t size_;
};

struct OpenedFile {
  int fd;
  uint64_t size;
};

Result<OpenedFile> OpenForRead(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return PosixError("open", path, errno);
  struct stat info = {};
  if (::fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
    const int error = S_ISDIR(info.st_mode) ? EISDIR : errno;
    ::close(fd);
    return PosixError("open", path, error);
  }
  return OpenedFile{fd, static_cast<uint64_t>(info.st_size)};
}

}  // namespace

Result<std::unique_ptr<RandomAccessFile>> OpenPosixRandomAccess(const std::string& path) {
  ASSIGN_OR_RETURN(const OpenedFile file, OpenForRead(path));
  return std::unique_ptr<RandomAccessFile>(new PosixRandomAccessFile(file.fd, path, file.size));
}

Result<std::unique_ptr<RandomAccessFile>> OpenPosixMapped(const std::string& path) {
  ASSIGN_OR_RETURN(const OpenedFile file, OpenForRead(path));
  void* data = nullptr;
  if (file.size > 0) {
    data = ::mmap(nullptr, file.size, PROT_READ, MAP_SHARED, file.fd, 0);
  }
  const int error = errno;
  ::close(file.fd);  // the mapping stays
  if (data == MAP_FAILED) return PosixError("mmap", path, error);
  return std::unique_ptr<RandomAccessFile>(
      new PosixMappedFile(static_cast<const char*>(data), path, file.size));
}

}  // namespace varve
