#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>

#include "storage/posix_error.h"
#include "storage/posix_files.h"

namespace varve {
namespace {

// flock belongs to the open file description, so it also excludes a second opener within one
// process; the kernel drops it when the process dies. The file stays: removing it would let two
// openers lock two files of one name.
class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(int fd) : fd_(fd) {}
  ~PosixFileLock() override { ::close(fd_); }

 private:
  const int fd_;
};

// The process id that the holder left in the file; empty when there is none to read.
std::string HolderOf(int fd) {
  char text[32];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  std::string digits;
  for (ssize_t i = 0; i < n && std::isdigit(static_cast<unsigned char>(text[i])) != 0; ++i) {
    digits.push_back(text[i]);
  }
  return digits;
}

}  // namespace

Result<std::unique_ptr<FileLock>> LockPosix(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return PosixError("open", path, errno);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const std::string holder = error == EWOULDBLOCK ? HolderOf(fd) : std::string();
    ::close(fd);
    if (error != EWOULDBLOCK) return PosixError("lock", path, error);
    return FailedPreconditionError("lock " + path + ": held by " +
                                   (holder.empty() ? "another process" : "process " + holder));
  }
  // The holder's id only serves the message above, so failing to leave it is no reason to refuse
  // the lock.
  const std::string self = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) == 0 && ::pwrite(fd, self.data(), self.size(), 0) < 0) {
    static_cast<void>(::ftruncate(fd, 0) == 0);
  }
  return std::unique_ptr<FileLock>(new PosixFileLock(fd));
}

}  // namespace varve
