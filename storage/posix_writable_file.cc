#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "base/status_macros.h"
#include "storage/posix_error.h"
#include "storage/posix_files.h"

namespace varve {
namespace {

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(int fd, std::string path, uint64_t size)
      : fd_(fd), path_(std::move(path)), size_(size), reserved_end_(size) {}
  ~PosixWritableFile() override {
    // Whoever needs to know whether closing failed calls Close.
    static_cast<void>(Close());
  }

  Status Append(std::string_view bytes) override { return AppendParts({&bytes, 1}); }

  Status AppendParts(std::span<const std::string_view> parts) override {
    if (fd_ < 0) return Closed("write");
    iovec pending[kPartsPerWrite];
    for (size_t begin = 0; begin < parts.size(); begin += kPartsPerWrite) {
      const size_t count = std::min(kPartsPerWrite, parts.size() - begin);
      for (size_t i = 0; i < count; ++i) {
        const std::string_view part = parts[begin + i];
        pending[i] = {const_cast<char*>(part.data()), part.size()};  // writev only reads
      }
      RETURN_IF_ERROR(WriteAll(pending, count));
    }
    return OkStatus();
  }

  Status Sync() override {
    if (fd_ < 0) return Closed("fdatasync");
    if (::fdatasync(fd_) != 0) return PosixError("fdatasync", path_, errno);
    return OkStatus();
  }

  void Preallocate(uint64_t bytes) override {
    if (fd_ < 0 || bytes == 0) return;
    const uint64_t begin = size();
    // Best effort by contract: a file system without fallocate only fragments more.
    if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(begin),
                    static_cast<off_t>(bytes)) == 0) {
      reserved_end_ = std::max(reserved_end_, begin + bytes);
    }
  }

  Status Close() override {
    if (fd_ < 0) return OkStatus();
    const int fd = std::exchange(fd_, -1);
    if (reserved_end_ > size()) ReleaseReserved(fd);
    if (::close(fd) != 0) return PosixError("close", path_, errno);
    return OkStatus();
  }

  uint64_t size() const override { return size_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kPartsPerWrite = 64;
  static_assert(kPartsPerWrite <= IOV_MAX);

  Status Closed(std::string_view operation) const {
    return FailedPreconditionError(std::string(operation) + " " + path_ + ": the file is closed");
  }

  Status WriteAll(iovec* pending, size_t count) {
    for (;;) {
      while (count > 0 && pending->iov_len == 0) {
        ++pending;
        --count;
      }
      if (count == 0) return OkStatus();
      const ssize_t written = ::writev(fd_, pending, static_cast<int>(count));
      if (written < 0) {
        if (errno == EINTR) continue;
        return PosixError("write", path_, errno);
      }
      size_.fetch_add(static_cast<uint64_t>(written), std::memory_order_relaxed);
      size_t rest = static_cast<size_t>(written);
      while (rest > 0) {
        const size_t step = std::min(rest, pending->iov_len);
        pending->iov_base = static_cast<char*>(pending->iov_base) + step;
        pending->iov_len -= step;
        rest -= step;
        if (pending->iov_len == 0 && rest > 0) {
          ++pending;
          --count;
        }
      }
    }
  }

  // Blocks kept beyond the end go back in two steps, because not every file system frees them when
  // a file is truncated to the size that it has. Failing costs disk space until the file is
  // removed, nothing else.
  void ReleaseReserved(int fd) const {
    const uint64_t end = size();
    if (::ftruncate(fd, static_cast<off_t>(end)) != 0) return;
    struct stat info = {};
    if (::fstat(fd, &info) != 0) return;
    const auto allocated = static_cast<uint64_t>(info.st_blocks) * 512;
    if (allocated < end + static_cast<uint64_t>(info.st_blksize)) return;
    static_cast<void>(::fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
                                  static_cast<off_t>(end),
                                  static_cast<off_t>(reserved_end_ - end)));
  }

  int fd_;
  const std::string path_;
  std::atomic<uint64_t> size_;
  uint64_t reserved_end_;
};

}  // namespace

Result<std::unique_ptr<WritableFile>> OpenPosixWritable(const std::string& path, OpenMode mode) {
  const int flags =
      O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND | (mode == OpenMode::kTruncate ? O_TRUNC : 0);
  const int fd = ::open(path.c_str(), flags, 0644);
  if (fd < 0) return PosixError("open", path, errno);
  struct stat info = {};
  if (::fstat(fd, &info) != 0) {
    const int error = errno;
    ::close(fd);
    return PosixError("stat", path, error);
  }
  return std::unique_ptr<WritableFile>(
      new PosixWritableFile(fd, path, static_cast<uint64_t>(info.st_size)));
}

}  // namespace varve
