// A snapshot is of one moment, whatever RocksDB does in the background.
#include <string>

#include "tests/unit/storage/kv/store_test_fixture.h"

namespace varve::kv {
namespace {

// An open that finds many WAL files has them flushed in the background, family by family, and
// removed: while that goes on, a copy must not mix a family of before with one of after.
TEST_F(StoreTest, SnapshotsDuringTheFlushThatFollowsAnOpenAreWhole) {
  uint64_t parts = 0;
  for (int round = 0; round < 20; ++round) {
    ASSERT_OK(Open());
    ASSERT_TRUE(CommitPart(store_.get(), MakeSmallContents(parts), parts + 1).ok());
    ++parts;
    const std::string copy = root_ + "/copy";
    std::filesystem::remove_all(copy);
    // Long enough for the flush to end between the list of files and their copies.
    file_system_.DelayNextLink(std::chrono::milliseconds(50));
    ASSERT_OK(store_->Snapshot(copy));
    const auto snapshot = OpenAt(copy);
    ASSERT_TRUE(snapshot.ok()) << "round " << round << ": " << snapshot.status().ToString();
    ASSERT_EQ((*snapshot)->current()->parts.size(), parts) << round;
  }
}

}  // namespace
}  // namespace varve::kv
