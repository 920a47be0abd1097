// The nth operation on the disk fails, for every n: what was committed stays, what failed has no
// trace, and the store says so.
#include "tests/unit/storage/kv/store_test_fixture.h"

namespace varve::kv {
namespace {

using Failing = ScriptedFileSystem::Failing;

class StoreFaultTest : public StoreTest {
 protected:
  // Part 1 is there; part 2 comes, then part 1 goes. Returns how many commits were acknowledged.
  int Work(Store* store) {
    const uint64_t first = store->current()->parts.at(0)->info().part_id;
    auto second = CommitPart(store, MakeSmallContents(2), 2);
    if (!second.ok()) {
      EXPECT_EQ(second.status().code(), StatusCode::kResourceExhausted)
          << second.status().ToString();
      return 0;
    }
    const Status removed = RemovePart(store, first);
    return removed.ok() ? 2 : 1;
  }

  // Which commits the catalog shows; -1 for a state that no prefix of them makes.
  static int CommitsSeen(const CatalogVersion& version) {
    const size_t count = version.parts.size();
    const uint64_t oldest = count == 0 ? 0 : version.parts[0]->info().max_sequence;
    if (count == 1 && oldest == 1) return 0;
    if (count == 2 && oldest == 1) return 1;
    if (count == 1 && oldest == 2) return 2;
    return -1;
  }

  static void ExpectReadable(const CatalogVersion& version) {
    for (const auto& part : version.parts) {
      ExpectPart(*part, MakeSmallContents(part->info().max_sequence));
    }
  }

  // Runs Work with operation n failing, for every n that it reaches.
  void RunAll(Failing failing) {
    ASSERT_OK(Open());
    ASSERT_TRUE(CommitPart(store_.get(), MakeSmallContents(1), 1).ok());
    store_.reset();
    size_t failures = 0;
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE("operation " + std::to_string(n));
      const std::string copy = root_ + "/fault";
      CopyTo(copy);
      auto store = OpenAt(copy);
      ASSERT_TRUE(store.ok()) << store.status().ToString();
      file_system_.FailAt(n, failing, ResourceExhaustedError("the disk is full"));
      const int acknowledged = Work(store->get());
      const bool reached = file_system_.operation_count() >= n;
      EXPECT_EQ(CommitsSeen(*(*store)->current()), acknowledged);
      ExpectReadable(*(*store)->current());
      store->reset();
      file_system_.Heal();
      auto reopened = OpenAt(copy);
      ASSERT_TRUE(reopened.ok()) << reopened.status().ToString();
      const int seen = CommitsSeen(*(*reopened)->current());
      EXPECT_GE(seen, acknowledged);
      EXPECT_LE(seen, acknowledged + 1);  // one that failed may have reached the disk
      ExpectReadable(*(*reopened)->current());
      auto third = CommitPart(reopened->get(), MakeSmallContents(3), 3);
      EXPECT_TRUE(third.ok()) << third.status().ToString();
      if (acknowledged < 2) ++failures;
      if (!reached) break;
    }
    EXPECT_GT(failures, 5u);
  }
};

TEST_F(StoreFaultTest, OneOperationFails) { RunAll(Failing::kOnce); }

TEST_F(StoreFaultTest, TheDiskStaysFull) { RunAll(Failing::kFromThenOn); }

TEST_F(StoreFaultTest, CreationFailsAnywhere) {
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE("operation " + std::to_string(n));
    store_.reset();
    std::filesystem::remove_all(directory_);
    file_system_.FailAt(n, Failing::kFromThenOn, IoError("the disk is gone"));
    const Status status = Open();
    const bool reached = file_system_.operation_count() >= n;
    store_.reset();
    file_system_.Heal();
    ASSERT_OK(Open());
    auto info = CommitPart(store_.get(), MakeSmallContents(1), 1);
    ASSERT_TRUE(info.ok()) << info.status().ToString();
    ExpectPart(*store_->current()->parts.at(0), MakeSmallContents(1));
    if (!reached) {
      EXPECT_TRUE(status.ok());
      break;
    }
  }
}

TEST_F(StoreFaultTest, AFailedCommitIsFinalUntilReopened) {
  ASSERT_OK(Open());
  auto info = IngestPart(store_.get(), MakeSmallContents(1), 1);
  ASSERT_TRUE(info.ok());
  CatalogEdit edit;
  edit.add = {*info};
  file_system_.FailAt(2, Failing::kOnce,
                      IoError("sync failed"));  // 1 writes to the WAL, 2 syncs it
  EXPECT_EQ(store_->Commit(edit).code(), StatusCode::kIoError);
  EXPECT_TRUE(store_->current()->parts.empty());
  EXPECT_EQ(store_->Commit(edit).code(), StatusCode::kIoError);
  EXPECT_EQ(store_->PutMetadata({}).code(), StatusCode::kIoError);
  ASSERT_OK(Open());
  ASSERT_TRUE(CommitPart(store_.get(), MakeSmallContents(2), 2).ok());
}

}  // namespace
}  // namespace varve::kv
