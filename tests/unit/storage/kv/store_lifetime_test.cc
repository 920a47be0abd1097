// When the files of a part go: after the last handle, not before, and not never.
#include "tests/unit/storage/kv/store_test_fixture.h"

namespace varve::kv {
namespace {

class StoreLifetimeTest : public StoreTest {
 protected:
  // Waits for the reclaimer by closing the store, then counts the data files.
  size_t DataFilesAfterClose() {
    store_.reset();
    return FilesEndingIn(".sst").size();
  }
};

TEST_F(StoreLifetimeTest, FilesOfARemovedPartGo) {
  ASSERT_OK(Open());
  auto first = CommitPart(store_.get(), MakeContents(1), 1);
  auto second = CommitPart(store_.get(), MakeContents(2), 2);
  auto third = CommitPart(store_.get(), MakeContents(3), 3);
  ASSERT_TRUE(first.ok() && second.ok() && third.ok());
  EXPECT_EQ(FilesEndingIn(".sst").size(), 3 * kFamilies);
  CatalogEdit edit;
  edit.remove = {first->part_id, third->part_id};
  ASSERT_OK(store_->Commit(edit));
  EXPECT_EQ(DataFilesAfterClose(), kFamilies);
  ASSERT_OK(Open());
  ASSERT_EQ(store_->current()->parts.size(), 1u);
  ExpectPart(*store_->current()->parts[0], MakeContents(2));
}

TEST_F(StoreLifetimeTest, FilesOfALivePartStayWithoutHandles) {
  ASSERT_OK(Open());
  ASSERT_TRUE(CommitPart(store_.get(), MakeContents(1), 1).ok());
  EXPECT_EQ(DataFilesAfterClose(), kFamilies);
}

TEST_F(StoreLifetimeTest, AnOldVersionKeepsItsParts) {
  ASSERT_OK(Open());
  auto info = CommitPart(store_.get(), MakeContents(1), 1);
  ASSERT_TRUE(info.ok());
  auto version = store_->current();
  ASSERT_OK(RemovePart(store_.get(), info->part_id));
  // A second removal drains the reclaimer's queue behind whatever it may wrongly have been given.
  auto other = CommitPart(store_.get(), MakeContents(2), 2);
  ASSERT_TRUE(other.ok());
  ASSERT_OK(RemovePart(store_.get(), other->part_id));
  ExpectPart(*version->parts.at(0), MakeContents(1));
  version.reset();
  EXPECT_EQ(DataFilesAfterClose(), 0u);
}

TEST_F(StoreLifetimeTest, PinnedBytesAndCursorsKeepTheirPart) {
  ASSERT_OK(Open());
  const Contents contents = MakeContents(1);
  auto info = CommitPart(store_.get(), contents, 1);
  ASSERT_TRUE(info.ok());
  std::weak_ptr<const Part> part = store_->current()->parts[0];
  auto bytes = part.lock()->Get(Family::kChunks, "key110");
  ASSERT_TRUE(bytes.ok());
  auto cursor = part.lock()->NewCursor(Family::kChunks);
  ASSERT_OK(RemovePart(store_.get(), info->part_id));
  EXPECT_FALSE(part.expired());
  EXPECT_EQ(bytes->view(), contents.at({Family::kChunks, "key110"}));
  PinnedBytes moved = std::move(*bytes);
  *bytes = PinnedBytes();
  EXPECT_EQ(moved.view(), contents.at({Family::kChunks, "key110"}));
  moved = PinnedBytes();
  EXPECT_TRUE(moved.view().empty());
  EXPECT_FALSE(part.expired());
  size_t count = 0;
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) ++count;
  ASSERT_OK(cursor->status());
  EXPECT_EQ(count, 20u);
  cursor.reset();
  EXPECT_TRUE(part.expired());
  EXPECT_EQ(DataFilesAfterClose(), 0u);
}

TEST_F(StoreLifetimeTest, PartsThatTouchAreRemovedAlone) {
  // Part n + 1 begins where part n's range ends, with the empty key.
  ASSERT_OK(Open());
  Contents contents;
  contents.emplace(std::pair(Family::kSeries, ""), "only");
  auto first = CommitPart(store_.get(), contents, 1);
  auto second = CommitPart(store_.get(), contents, 2);
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_EQ(first->part_id + 1, second->part_id);
  ASSERT_OK(RemovePart(store_.get(), first->part_id));
  EXPECT_EQ(DataFilesAfterClose(), 1u);
  ASSERT_OK(Open());
  ExpectPart(*store_->current()->parts.at(0), contents);
}

}  // namespace
}  // namespace varve::kv
