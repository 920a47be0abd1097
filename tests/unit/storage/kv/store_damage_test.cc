// Damaged bytes in every kind of file: an error or the right answer, never a wrong one, and never
// the loss of files that the damage did not touch.
#include <optional>

#include "tests/unit/storage/kv/store_test_fixture.h"

namespace varve::kv {
namespace {

class StoreDamageTest : public StoreTest {
 protected:
  // Two parts, a state value and metadata; closed.
  void Build() {
    ASSERT_OK(Open());
    for (const uint64_t i : {1, 2}) {
      auto info = IngestPart(store_.get(), MakeSmallContents(i), i);
      ASSERT_TRUE(info.ok()) << info.status().ToString();
      CatalogEdit edit;
      edit.add = {*info};
      edit.put_state = {{"commit", std::to_string(i)}};
      ASSERT_OK(store_->Commit(edit));
    }
    store_.reset();
  }

  static size_t CountDataFiles(const std::string& directory) {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      if (entry.path().extension() == ".sst") ++count;
    }
    return count;
  }

  // Flips a bit of each byte of `path`, one at a time, and expects a refusal that keeps every data
  // file, or a store that has everything. Returns the number of refusals.
  size_t ExpectNoSilentLoss(const std::string& path) {
    const std::string name = std::filesystem::path(path).filename();
    const std::string bytes = ReadBytes(path);
    const std::string copy = root_ + "/damaged";
    size_t refused = 0;
    for (size_t at = 0; at < bytes.size(); ++at) {
      SCOPED_TRACE(name + " byte " + std::to_string(at));
      CopyTo(copy);
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
      WriteBytes(copy + "/" + name, damaged);
      auto store = OpenAt(copy);
      if (store.ok()) {
        ExpectEverything(**store);
      } else {
        ++refused;
        EXPECT_FALSE(store.status().message().empty());
      }
      EXPECT_EQ(CountDataFiles(copy), 2 * kFamilies);
    }
    return refused;
  }

  static void ExpectEverything(const Store& store) {
    const auto version = store.current();
    ASSERT_EQ(version->parts.size(), 2u);
    for (const size_t i : {0, 1}) ExpectPart(*version->parts[i], MakeSmallContents(i + 1));
    auto state = store.GetState("commit");
    ASSERT_TRUE(state.ok());
    EXPECT_EQ(state->value_or(""), "2");
  }
};

TEST_F(StoreDamageTest, EveryByteOfTheWal) {
  Build();
  const auto paths = FilesEndingIn(".log");
  ASSERT_EQ(paths.size(), 1u);
  // All but the seal behind the last commit, which nobody misses.
  EXPECT_GT(ExpectNoSilentLoss(paths[0]), ReadBytes(paths[0]).size() * 8 / 10);
}

TEST_F(StoreDamageTest, EveryByteOfAnOlderWal) {
  Build();
  ASSERT_OK(Open());
  CatalogEdit edit;
  edit.put_state = {{"later", "x"}};
  ASSERT_OK(store_->Commit(edit));
  store_.reset();
  const auto paths = FilesEndingIn(".log");
  ASSERT_EQ(paths.size(), 2u);
  EXPECT_EQ(ExpectNoSilentLoss(paths[0]), ReadBytes(paths[0]).size());
}

TEST_F(StoreDamageTest, EveryByteOfTheManifest) {
  Build();
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("MANIFEST-")) {
      EXPECT_GT(ExpectNoSilentLoss(entry.path()), 0u);
    }
  }
}

TEST_F(StoreDamageTest, EveryByteOfCurrent) {
  Build();
  EXPECT_EQ(ExpectNoSilentLoss(directory_ + "/CURRENT"), ReadBytes(directory_ + "/CURRENT").size());
}

TEST_F(StoreDamageTest, AManifestThatLostItsEndCostsNoFiles) {
  Build();
  std::string path;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    if (entry.path().filename().string().starts_with("MANIFEST-")) path = entry.path();
  }
  const std::string name = std::filesystem::path(path).filename();
  const size_t size = ReadBytes(path).size();
  size_t refused = 0;
  for (size_t length = 0; length < size; length += 5) {
    SCOPED_TRACE(length);
    const std::string copy = root_ + "/cut";
    CopyTo(copy);
    std::filesystem::resize_file(copy + "/" + name, length);
    auto store = OpenAt(copy);
    if (store.ok()) {
      ExpectEverything(**store);
    } else {
      ++refused;
    }
    EXPECT_EQ(CountDataFiles(copy), 2 * kFamilies);
  }
  EXPECT_GT(refused, 0u);
}

TEST_F(StoreDamageTest, ADamagedDataFileCostsItsPartOnly) {
  Build();
  const auto paths = FilesEndingIn(".sst");
  ASSERT_EQ(paths.size(), 2 * kFamilies);
  size_t reported = 0;
  for (const std::string& path : paths) {
    const std::string name = std::filesystem::path(path).filename();
    const std::string bytes = ReadBytes(path);
    for (size_t at = 0; at < bytes.size(); at += 17) {
      SCOPED_TRACE(name + " byte " + std::to_string(at));
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
      WriteBytes(path, damaged);
      ASSERT_OK(Open());
      const auto version = store_->current();
      ASSERT_EQ(version->parts.size(), 2u);
      size_t failed = 0;
      for (const size_t i : {0, 1}) {
        const Contents expected = MakeSmallContents(i + 1);
        auto by_cursor = ReadByCursor(*version->parts[i]);
        auto by_get = ReadByGet(*version->parts[i], expected);
        EXPECT_TRUE(!by_cursor.ok() || *by_cursor == expected);
        EXPECT_TRUE(!by_get.ok() || *by_get == expected);
        if (by_cursor.ok() && by_get.ok()) continue;
        ++failed;
        const Status status = by_cursor.ok() ? by_get.status() : by_cursor.status();
        EXPECT_EQ(status.code(), StatusCode::kDataLoss) << status.ToString();
        EXPECT_NE(status.message().find("part "), std::string::npos) << status.ToString();
      }
      EXPECT_LE(failed, 1u);
      reported += failed;
    }
    WriteBytes(path, bytes);
  }
  EXPECT_GT(reported, 0u);
}

TEST_F(StoreDamageTest, AMissingOrEmptyDataFileStopsNothingElse) {
  Build();
  const auto paths = FilesEndingIn(".sst");
  for (const std::string& path : paths) {
    SCOPED_TRACE(path);
    const std::string bytes = ReadBytes(path);
    for (const bool missing : {true, false}) {
      if (missing) {
        std::filesystem::remove(path);
      } else {
        WriteBytes(path, "");
      }
      ASSERT_OK(Open());
      const auto version = store_->current();
      ASSERT_EQ(version->parts.size(), 2u);
      size_t failed = 0;
      for (const auto& part : version->parts) {
        const Status status = ReadByCursor(*part).status();
        if (status.ok()) continue;
        ++failed;
        EXPECT_EQ(status.code(), StatusCode::kDataLoss) << status.ToString();
      }
      EXPECT_EQ(failed, 1u);
      // Writes go on, and the part can be removed.
      auto extra = CommitPart(store_.get(), MakeSmallContents(3), 3);
      ASSERT_TRUE(extra.ok()) << extra.status().ToString();
      ASSERT_OK(RemovePart(store_.get(), extra->part_id));
      WriteBytes(path, bytes);
    }
  }
  ASSERT_OK(Open());
  ExpectEverything(*store_);
}

TEST_F(StoreDamageTest, ADamagedPartCanBeRemoved) {
  Build();
  for (const std::string& path : FilesEndingIn(".sst")) WriteBytes(path, "not an SST file at all");
  ASSERT_OK(Open());
  ASSERT_OK(RemovePart(store_.get(), store_->current()->parts[0]->info().part_id));
  store_.reset();
  EXPECT_EQ(FilesEndingIn(".sst").size(), kFamilies);
}

}  // namespace
}  // namespace varve::kv
