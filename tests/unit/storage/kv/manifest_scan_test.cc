#include "storage/kv/manifest_scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/unit/storage/kv/store_test_fixture.h"

namespace varve::kv {
namespace {

class ManifestScanTest : public StoreTest {
 protected:
  std::string Manifest() {
    std::string current = ReadBytes(FilesEndingIn("CURRENT").at(0));
    current.pop_back();
    return ReadBytes(FilesEndingIn(current).at(0));
  }
  uint64_t NewestWalNumber() {
    uint64_t newest = 0;
    for (const std::string& name : FilesEndingIn(".log")) {
      const std::string number = std::filesystem::path(name).filename().string();
      newest = std::max<uint64_t>(newest, std::strtoull(number.c_str(), nullptr, 10));
    }
    return newest;
  }
};

TEST_F(ManifestScanTest, NamesTheOldestWalThatIsRead) {
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(MinWalNumber(Manifest()), 0u);
  // A reopened store reads its WAL, writes an SST file of it and starts another.
  for (int i = 0; i < 3; ++i) {
    CatalogEdit edit;
    edit.put_state = {{"k", std::to_string(i)}};
    ASSERT_TRUE(store_->Commit(edit).ok());
    store_.reset();
    ASSERT_TRUE(Open().ok());
    EXPECT_GT(MinWalNumber(Manifest()), 0u);
    EXPECT_LE(MinWalNumber(Manifest()), NewestWalNumber());
  }
}

TEST_F(ManifestScanTest, KnowsNothingOfOtherBytes) {
  EXPECT_EQ(MinWalNumber(""), 0u);
  EXPECT_EQ(MinWalNumber("no log"), 0u);
}

TEST_F(ManifestScanTest, AnyPrefixGivesNoMoreThanTheWhole) {
  ASSERT_TRUE(Open().ok());
  store_.reset();
  const std::string manifest = Manifest();
  const uint64_t whole = MinWalNumber(manifest);
  for (size_t size = 0; size < manifest.size(); ++size) {
    EXPECT_LE(MinWalNumber(std::string_view(manifest).substr(0, size)), whole) << size;
  }
}

}  // namespace
}  // namespace varve::kv
