// What an open makes of the directory as a crash left it: a copy taken at each step.
#include "tests/unit/storage/kv/store_test_fixture.h"

namespace varve::kv {
namespace {

class StoreCrashTest : public StoreTest {
 protected:
  // Opens the directory as it is on disk at this moment, while the first store goes on.
  Result<std::unique_ptr<Store>> OpenCopy() {
    copy_ = root_ + "/copy" + std::to_string(++copies_);
    CopyTo(copy_);
    return OpenAt(copy_);
  }
  size_t DataFilesOfCopy() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(copy_)) {
      if (entry.path().extension() == ".sst") ++count;
    }
    return count;
  }

  std::string copy_;
  int copies_ = 0;
};

TEST_F(StoreCrashTest, WhileAPartIsWritten) {
  ASSERT_OK(Open());
  auto writer = store_->NewPart();
  ASSERT_TRUE(writer.ok());
  ASSERT_OK((*writer)->Add(Family::kChunks, "k", std::string(1000, 'x')));
  auto copy = OpenCopy();
  ASSERT_TRUE(copy.ok()) << copy.status().ToString();
  EXPECT_TRUE((*copy)->current()->parts.empty());
  EXPECT_EQ(DataFilesOfCopy(), 0u);
}

TEST_F(StoreCrashTest, BetweenIngestAndCommit) {
  ASSERT_OK(Open());
  ASSERT_TRUE(CommitPart(store_.get(), MakeContents(1), 1).ok());
  auto info = IngestPart(store_.get(), MakeContents(2), 2);
  ASSERT_TRUE(info.ok());
  auto copy = OpenCopy();
  ASSERT_TRUE(copy.ok()) << copy.status().ToString();
  ASSERT_EQ((*copy)->current()->parts.size(), 1u);
  ExpectPart(*(*copy)->current()->parts[0], MakeContents(1));
  auto next = (*copy)->NewPart();
  ASSERT_TRUE(next.ok());
  EXPECT_GT((*next)->part_id(), info->part_id);
  next->reset();
  copy->reset();
  EXPECT_EQ(DataFilesOfCopy(), kFamilies);
}

TEST_F(StoreCrashTest, AfterCommit) {
  ASSERT_OK(Open());
  ASSERT_TRUE(CommitPart(store_.get(), MakeContents(1), 1).ok());
  auto copy = OpenCopy();
  ASSERT_TRUE(copy.ok()) << copy.status().ToString();
  ASSERT_EQ((*copy)->current()->parts.size(), 1u);
  ExpectPart(*(*copy)->current()->parts[0], MakeContents(1));
}

TEST_F(StoreCrashTest, BetweenRemovalAndTheLastHandle) {
  ASSERT_OK(Open());
  auto info = CommitPart(store_.get(), MakeContents(1), 1);
  ASSERT_TRUE(info.ok());
  const auto version = store_->current();
  ASSERT_OK(RemovePart(store_.get(), info->part_id));
  auto copy = OpenCopy();
  ASSERT_TRUE(copy.ok()) << copy.status().ToString();
  EXPECT_TRUE((*copy)->current()->parts.empty());
  copy->reset();
  EXPECT_EQ(DataFilesOfCopy(), 0u);
  ExpectPart(*version->parts[0], MakeContents(1));
}

TEST_F(StoreCrashTest, EveryLengthOfTheWal) {
  // A crash may cut the WAL anywhere: what was committed before the cut is there, whole commits
  // only.
  ASSERT_OK(Open());
  for (uint64_t i = 1; i <= 3; ++i) {
    auto info = IngestPart(store_.get(), MakeSmallContents(i), i);
    ASSERT_TRUE(info.ok());
    CatalogEdit edit;
    edit.add = {*info};
    edit.put_state = {{"commit", std::to_string(i)}};
    ASSERT_OK(store_->Commit(edit));
  }
  const std::vector<std::string> wals = FilesEndingIn(".log");
  ASSERT_EQ(wals.size(), 1u);
  const std::string name = std::filesystem::path(wals[0]).filename();
  const std::string wal = ReadBytes(wals[0]);
  ASSERT_GT(wal.size(), 300u);
  size_t parts_before = 0;
  for (size_t length = 0; length <= wal.size(); length += 3) {
    const std::string copy = root_ + "/cut";
    CopyTo(copy);
    std::filesystem::resize_file(copy + "/" + name, length);
    auto store = OpenAt(copy);
    if (!store.ok()) {
      // Parts without even the format record: refused, nothing is removed.
      EXPECT_EQ(store.status().code(), StatusCode::kDataLoss) << store.status().ToString();
      EXPECT_EQ(parts_before, 0u);
      continue;
    }
    const size_t parts = (*store)->current()->parts.size();
    EXPECT_GE(parts, parts_before) << length;
    parts_before = parts;
    auto state = (*store)->GetState("commit");
    ASSERT_TRUE(state.ok());
    EXPECT_EQ(state->value_or("0"), std::to_string(parts));
    for (size_t i = 0; i < parts; ++i) {
      ExpectPart(*(*store)->current()->parts[i], MakeSmallContents(i + 1));
    }
  }
  EXPECT_EQ(parts_before, 3u);
}

TEST_F(StoreCrashTest, ATornWalDoesNotHideTheNextOne) {
  ASSERT_OK(Open());
  ASSERT_TRUE(CommitPart(store_.get(), MakeSmallContents(1), 1).ok());
  store_.reset();
  const std::string wal = FilesEndingIn(".log").back();
  WriteBytes(wal, ReadBytes(wal) + std::string("\x12\x34\x56\x78\x60\x00\x01half a reco", 18));
  ASSERT_OK(Open());
  ASSERT_TRUE(CommitPart(store_.get(), MakeSmallContents(2), 2).ok());
  ASSERT_OK(Open());
  ASSERT_EQ(store_->current()->parts.size(), 2u);
  ExpectPart(*store_->current()->parts[1], MakeSmallContents(2));
}

}  // namespace
}  // namespace varve::kv
