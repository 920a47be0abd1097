#include "storage/posix_error.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace varve {
namespace {

StatusCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
      return StatusCode::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
      return StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return StatusCode::kResourceExhausted;
    default:
      return StatusCode::kIoError;
  }
}

}  // namespace

Status PosixError(std::string_view operation, std::string_view path, int error_number) {
  std::string message(operation);
  message.append(" ").append(path).append(": ");
  message += std::generic_category().message(error_number);  // strerror, and thread-safe
  return Status(CodeOf(error_number), std::move(message));
}

}  // namespace varve
