#include "storage/kv/status_translation.h"

#include <string>

namespace varve::kv {
namespace {

StatusCode IoErrorCode(const rocksdb::Status& status) {
  switch (status.subcode()) {
    case rocksdb::Status::kNoSpace:
    case rocksdb::Status::kSpaceLimit:
      return StatusCode::kResourceExhausted;
    case rocksdb::Status::kPathNotFound:
      return StatusCode::kDataLoss;
    default:
      return StatusCode::kIoError;
  }
}

StatusCode CodeFromRocks(const rocksdb::Status& status) {
  switch (status.code()) {
    case rocksdb::Status::kOk:
      return StatusCode::kOk;
    case rocksdb::Status::kNotFound:
      return StatusCode::kNotFound;
    case rocksdb::Status::kCorruption:
      return StatusCode::kDataLoss;
    case rocksdb::Status::kNotSupported:
      return StatusCode::kUnimplemented;
    case rocksdb::Status::kInvalidArgument:
      return StatusCode::kInvalidArgument;
    case rocksdb::Status::kIOError:
      return IoErrorCode(status);
    case rocksdb::Status::kBusy:
      return StatusCode::kFailedPrecondition;
    case rocksdb::Status::kTimedOut:
      return StatusCode::kDeadlineExceeded;
    case rocksdb::Status::kAborted:
      return StatusCode::kAborted;
    case rocksdb::Status::kTryAgain:
    case rocksdb::Status::kShutdownInProgress:
      return StatusCode::kUnavailable;
    default:
      return StatusCode::kInternal;
  }
}

}  // namespace

Status FromRocks(const rocksdb::Status& status, std::string_view context) {
  if (status.ok()) return OkStatus();
  return Status(CodeFromRocks(status), std::string(context) + ": " + status.ToString());
}

rocksdb::IOStatus ToRocks(const Status& status) {
  const std::string& message = status.message();
  switch (status.code()) {
    case StatusCode::kOk:
      return rocksdb::IOStatus::OK();
    case StatusCode::kNotFound:
      return rocksdb::IOStatus::PathNotFound(message);
    case StatusCode::kResourceExhausted:
      return rocksdb::IOStatus::NoSpace(message);
    case StatusCode::kDataLoss:
      return rocksdb::IOStatus::Corruption(message);
    case StatusCode::kFailedPrecondition:
      return rocksdb::IOStatus::Busy(message);
    case StatusCode::kInvalidArgument:
      return rocksdb::IOStatus::InvalidArgument(message);
    case StatusCode::kUnimplemented:
      return rocksdb::IOStatus::NotSupported(message);
    case StatusCode::kDeadlineExceeded:
      return rocksdb::IOStatus::TimedOut(message);
    case StatusCode::kAborted:
      return rocksdb::IOStatus::Aborted(message);
    default:
      return rocksdb::IOStatus::IOError(message);
  }
}

}  // namespace varve::kv
