#include "storage/kv/log_check.h"

#include <gtest/gtest.h>

#include "tests/unit/storage/kv/store_test_fixture.h"

namespace varve::kv {
namespace {

// The WAL of a store with a few commits and one of more than a block.
class LogCheckTest : public StoreTest {
 protected:
  std::string MakeWal() {
    EXPECT_TRUE(Open().ok());
    for (const size_t size : {10u, 100'000u, 20u}) {
      CatalogEdit edit;
      edit.put_state = {{"k", std::string(size, 'v')}};
      EXPECT_TRUE(store_->Commit(edit).ok());
    }
    store_.reset();
    return ReadBytes(FilesEndingIn(".log").at(0));
  }
};

TEST_F(LogCheckTest, WhatRocksDbWritesIsValid) {
  const std::string wal = MakeWal();
  ASSERT_GT(wal.size(), 100'000u);
  const LogScan scan = ScanLog(wal);
  EXPECT_EQ(scan.valid_bytes, wal.size());
  EXPECT_FALSE(scan.torn);
  EXPECT_FALSE(scan.damaged);
  EXPECT_EQ(scan.first_sequence, 1u);
  // The format record, three commits of two entries, a seal behind each.
  EXPECT_EQ(scan.next_sequence, 11u);
  EXPECT_FALSE(ScanLog("").torn);
}

TEST_F(LogCheckTest, EveryCutIsTornAndNotDamaged) {
  const std::string wal = MakeWal();
  for (size_t length = 0; length < wal.size(); length += 997) {
    const LogScan scan = ScanLog(std::string_view(wal).substr(0, length));
    EXPECT_FALSE(scan.damaged) << length;
    EXPECT_LE(scan.valid_bytes, length);
    EXPECT_EQ(scan.torn, scan.valid_bytes < length);
  }
}

TEST_F(LogCheckTest, EveryFlipBeforeTheLastRecordIsDamage) {
  const std::string wal = MakeWal();
  for (size_t at = 0; at + 60 < wal.size(); at += 101) {
    std::string damaged = wal;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    const LogScan scan = ScanLog(damaged);
    EXPECT_TRUE(scan.damaged) << at;
    EXPECT_LE(scan.valid_bytes, at);
  }
}

TEST_F(LogCheckTest, AHoleOfZerosIsAPowerCut) {
  std::string wal = MakeWal();
  std::fill(wal.begin() + 4096, wal.begin() + 8192, '\0');
  const LogScan scan = ScanLog(wal);
  EXPECT_TRUE(scan.torn);
  EXPECT_FALSE(scan.damaged);
  EXPECT_LT(scan.valid_bytes, 4096u);
}

}  // namespace
}  // namespace varve::kv
