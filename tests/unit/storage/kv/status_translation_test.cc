#include "storage/kv/status_translation.h"

#include <gtest/gtest.h>

namespace varve::kv {
namespace {

TEST(StatusTranslation, CodesSurviveTheWayThroughRocksDb) {
  for (const StatusCode code :
       {StatusCode::kOk, StatusCode::kResourceExhausted, StatusCode::kDataLoss,
        StatusCode::kFailedPrecondition, StatusCode::kInvalidArgument, StatusCode::kUnimplemented,
        StatusCode::kDeadlineExceeded, StatusCode::kAborted, StatusCode::kIoError}) {
    const Status back = FromRocks(ToRocks(Status(code, "pwrite /x: reason")), "commit");
    EXPECT_EQ(back.code(), code) << StatusCodeName(code);
    if (code == StatusCode::kOk) continue;
    EXPECT_EQ(back.message().substr(0, 8), "commit: ");
    EXPECT_NE(back.message().find("pwrite /x: reason"), std::string::npos) << back.message();
  }
}

TEST(StatusTranslation, AMissingFileIsDataLossButAMissingKeyIsNot) {
  EXPECT_EQ(FromRocks(ToRocks(NotFoundError("/x")), "read").code(), StatusCode::kDataLoss);
  EXPECT_EQ(FromRocks(rocksdb::Status::NotFound(), "read").code(), StatusCode::kNotFound);
}

TEST(StatusTranslation, RocksDbSeesItsOwnKinds) {
  EXPECT_TRUE(ToRocks(ResourceExhaustedError("")).IsNoSpace());
  EXPECT_TRUE(ToRocks(NotFoundError("")).IsPathNotFound());
  EXPECT_TRUE(ToRocks(DataLossError("")).IsCorruption());
  EXPECT_TRUE(ToRocks(Status(StatusCode::kPermissionDenied, "")).IsIOError());
}

}  // namespace
}  // namespace varve::kv
