// A snapshot is of one moment, whatever RocksDB does in the background.
#include <string>
#include <thread>

#include "tests/unit/storage/kv/store_test_fixture.h"

namespace varve::kv {
namespace {

// An open that finds many WAL files has them flushed in the background, family by family, and
// removed: while that goes on, a copy must not mix a family of before with one of after.
TEST_F(StoreTest, SnapshotsDuringTheFlushThatFollowsAnOpenAreWhole) {
  for (uint64_t parts = 0; parts < 20; ++parts) {
    ASSERT_OK(Open());
    const std::string copy = root_ + "/copy";
    std::filesystem::remove_all(copy);
    // The flush, if there is one, ends between the list of files and their copies.
    const size_t logs = FilesEndingIn(".log").size();
    file_system_.BeforeNextLink([this, logs] {
      for (int i = 0; i < 1000 && FilesEndingIn(".log").size() >= logs; ++i) {
        std::this_thread::yield();
      }
    });
    ASSERT_OK(store_->Snapshot(copy));
    {
      const auto snapshot = OpenAt(copy);
      ASSERT_TRUE(snapshot.ok()) << "round " << parts << ": " << snapshot.status().ToString();
      ASSERT_EQ((*snapshot)->current()->parts.size(), parts);
    }
    ASSERT_TRUE(CommitPart(store_.get(), MakeSmallContents(parts), parts + 1).ok());
  }
}

}  // namespace
}  // namespace varve::kv
