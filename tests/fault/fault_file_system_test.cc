#include "tests/fault/fault_file_system.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace varve::fault {
namespace {

class FaultFileSystemTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "varve-fault-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    std::filesystem::create_directory(root_ + "/keep");
    std::filesystem::create_directory(root_ + "/disk");
    disk_.emplace(FileSystem::Posix(), root_ + "/keep");
  }
  void TearDown() override {
    disk_.reset();
    std::filesystem::remove_all(root_);
  }

  std::string Path(const std::string& name) const { return root_ + "/disk/" + name; }
  std::unique_ptr<WritableFile> Open(const std::string& name, OpenMode mode = OpenMode::kTruncate) {
    auto file = disk_->OpenWritable(Path(name), mode);
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    return file.ok() ? std::move(*file) : nullptr;
  }
  // A file whose bytes and name are durable.
  void MakeDurable(const std::string& name, std::string_view bytes) {
    const auto file = Open(name);
    ASSERT_TRUE(file->Append(bytes).ok());
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(disk_->SyncDirectory(root_ + "/disk").ok());
  }
  std::string Contents(const std::string& name) {
    const auto bytes = FileSystem::Posix()->ReadFile(Path(name));
    return bytes.ok() ? *bytes : bytes.status().ToString();
  }
  std::vector<std::string> Names() { return *disk_->List(root_ + "/disk"); }
  void LosePower() { ASSERT_TRUE(disk_->DropUnsynced(Unsynced::kLose, 0).ok()); }

  std::string root_;
  std::optional<FaultFileSystem> disk_;
};

TEST_F(FaultFileSystemTest, BytesAfterTheLastSyncAreLost) {
  MakeDurable("a", "durable");
  const auto file = Open("a", OpenMode::kAppend);
  ASSERT_TRUE(file->Append(", synced").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(file->Append(", not").ok());
  EXPECT_EQ(Contents("a"), "durable, synced, not");
  LosePower();
  EXPECT_EQ(Contents("a"), "durable, synced");
  EXPECT_EQ(file->Append("x").code(), StatusCode::kIoError);  // open when the power failed
  EXPECT_EQ(file->Sync().code(), StatusCode::kIoError);
  EXPECT_EQ(Contents("a"), "durable, synced");
}

TEST_F(FaultFileSystemTest, ASyncedFileWithoutADurableNameIsLost) {
  const auto file = Open("a");
  ASSERT_TRUE(file->Append("synced").ok());
  ASSERT_TRUE(file->Sync().ok());
  LosePower();
  EXPECT_TRUE(Names().empty());
}

TEST_F(FaultFileSystemTest, ADurableNameKeepsOnlySyncedBytes) {
  const auto file = Open("a");
  ASSERT_TRUE(file->Append("bytes").ok());
  ASSERT_TRUE(
      disk_->SyncDirectory(root_ + "/disk/").ok());  // with a slash, as RocksDB may write it
  LosePower();
  EXPECT_EQ(Contents("a"), "");
}

TEST_F(FaultFileSystemTest, UnsyncedRemovalsAndRenamesAreUndone) {
  MakeDurable("gone", "1");
  MakeDurable("from", "2");
  MakeDurable("to", "3");
  ASSERT_TRUE(disk_->Remove(Path("gone")).ok());
  ASSERT_TRUE(disk_->Rename(Path("from"), Path("to")).ok());
  EXPECT_EQ(Names(), std::vector<std::string>{"to"});
  LosePower();
  EXPECT_EQ(Contents("gone"), "1");
  EXPECT_EQ(Contents("from"), "2");
  EXPECT_EQ(Contents("to"), "3");
}

TEST_F(FaultFileSystemTest, SyncedRemovalsRenamesAndLinksStay) {
  MakeDurable("gone", "1");
  MakeDurable("from", "2");
  MakeDurable("to", "3");
  ASSERT_TRUE(disk_->Remove(Path("gone")).ok());
  ASSERT_TRUE(disk_->Rename(Path("from"), Path("to")).ok());
  ASSERT_TRUE(disk_->Link(Path("to"), Path("second")).ok());
  ASSERT_TRUE(disk_->SyncDirectory(root_ + "/disk").ok());
  LosePower();
  EXPECT_EQ(Names(), (std::vector<std::string>{"second", "to"}));
  EXPECT_EQ(Contents("to"), "2");
  EXPECT_EQ(Contents("second"), "2");
}

TEST_F(FaultFileSystemTest, FilesThatWereThereBeforeAreDurable) {
  FileSystem::Posix()
      ->OpenWritable(Path("old"), OpenMode::kTruncate)
      .value()
      ->Append("old bytes")
      .ok();
  ASSERT_TRUE(disk_->Remove(Path("old")).ok());
  LosePower();
  EXPECT_EQ(Contents("old"), "old bytes");
  const auto file = Open("old", OpenMode::kAppend);
  ASSERT_TRUE(file->Append(" and new").ok());
  LosePower();
  EXPECT_EQ(Contents("old"), "old bytes");
}

TEST_F(FaultFileSystemTest, EmptyingAFileIsDurableWithItsNextSync) {
  MakeDurable("a", "before");
  auto file = Open("a");
  file = Open("a");  // twice
  ASSERT_TRUE(file->Append("after").ok());
  LosePower();
  EXPECT_EQ(Contents("a"), "before");
  file = Open("a");
  file = Open("a");
  ASSERT_TRUE(file->Append("after").ok());
  ASSERT_TRUE(file->Sync().ok());
  LosePower();
  EXPECT_EQ(Contents("a"), "after");
}

TEST_F(FaultFileSystemTest, DirectoriesNeedTheirParentsSync) {
  ASSERT_TRUE(disk_->CreateDirectory(Path("x/y")).ok());
  const auto file = Open("x/y/f");
  ASSERT_TRUE(file->Append("1").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(disk_->SyncDirectory(Path("x/y")).ok());
  ASSERT_TRUE(disk_->SyncDirectory(root_ + "/disk").ok());
  LosePower();
  EXPECT_EQ(Names(), std::vector<std::string>{"x"});
  EXPECT_TRUE(std::filesystem::is_empty(Path("x")));  // x/y was not durable in x

  ASSERT_TRUE(disk_->CreateDirectory(Path("x/y")).ok());
  ASSERT_TRUE(disk_->SyncDirectory(Path("x")).ok());
  ASSERT_TRUE(disk_->Remove(Path("x/y")).ok());
  LosePower();
  EXPECT_TRUE(std::filesystem::is_directory(Path("x/y")));
}

TEST_F(FaultFileSystemTest, RandomPartsStayWithinWhatWasWritten) {
  const std::string synced(100, 's');
  const std::string unsynced(1000, 'u');
  bool kept_some = false;
  bool kept_zeros = false;
  bool lost_name = false;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    MakeDurable("a", synced);
    const auto file = Open("a", OpenMode::kAppend);
    ASSERT_TRUE(file->Append(unsynced).ok());
    static_cast<void>(Open("new"));
    ASSERT_TRUE(disk_->DropUnsynced(Unsynced::kKeepRandomPart, seed).ok());
    const std::string bytes = Contents("a");
    ASSERT_EQ(bytes.substr(0, 100), synced);
    ASSERT_LE(bytes.size(), 1100u);
    const size_t zeros = bytes.find('\0');
    ASSERT_EQ(bytes.substr(100, zeros - 100).find_first_not_of('u'), std::string::npos);
    kept_some |= bytes.size() > 100;
    kept_zeros |= zeros != std::string::npos;
    if (*disk_->Exists(Path("new"))) {
      ASSERT_TRUE(disk_->Remove(Path("new")).ok());
    } else {
      lost_name = true;
    }
  }
  EXPECT_TRUE(kept_some && kept_zeros && lost_name);
}

TEST_F(FaultFileSystemTest, NothingChangesWhileThePowerIsOff) {
  MakeDurable("a", "1");
  const auto file = Open("a", OpenMode::kAppend);
  disk_->CutPowerAtNth(2);
  EXPECT_TRUE(file->Append("2").ok());
  EXPECT_EQ(file->Sync().message(), "sync " + Path("a") + ": the power is off");
  EXPECT_TRUE(disk_->power_is_off());
  EXPECT_EQ(file->Append("3").code(), StatusCode::kIoError);
  EXPECT_EQ(disk_->Remove(Path("a")).code(), StatusCode::kIoError);
  EXPECT_EQ(disk_->OpenWritable(Path("b"), OpenMode::kTruncate).status().code(),
            StatusCode::kIoError);
  EXPECT_EQ(disk_->SyncDirectory(root_ + "/disk").code(), StatusCode::kIoError);
  EXPECT_TRUE(disk_->ReadFile(Path("a")).ok());
  LosePower();
  EXPECT_FALSE(disk_->power_is_off());
  EXPECT_EQ(Contents("a"), "1");
  EXPECT_TRUE(Open("b")->Append("x").ok());
}

TEST_F(FaultFileSystemTest, NthFailuresHitOnceOrForever) {
  const auto file = Open("a");
  disk_->FailNth(Operation::kAppend, 2, Persistence::kOnce);
  EXPECT_TRUE(file->Append("1").ok());
  EXPECT_EQ(file->Append("2").code(), StatusCode::kIoError);
  EXPECT_TRUE(file->Append("3").ok());
  EXPECT_EQ(Contents("a"), "13");
  disk_->FailNth(Operation::kSync, 1, Persistence::kForever);
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_FALSE(file->Sync().ok());
  disk_->ClearFaults();
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(disk_->count(Operation::kAppend), 3u);
  EXPECT_EQ(disk_->count(Operation::kSync), 3u);
  EXPECT_EQ(disk_->changing_count(), 7u);

  const auto reader = disk_->OpenRandomAccess(Path("a"));
  ASSERT_TRUE(reader.ok());
  disk_->FailNth(Operation::kRead, 1, Persistence::kOnce);
  char scratch[1];
  EXPECT_EQ((*reader)->Read(0, 1, scratch).status().code(), StatusCode::kIoError);
  EXPECT_EQ(*(*reader)->Read(0, 1, scratch), "1");
  disk_->FailNth(Operation::kRename, 1, Persistence::kOnce);
  EXPECT_FALSE(disk_->Rename(Path("a"), Path("b")).ok());
  EXPECT_TRUE(disk_->Rename(Path("a"), Path("b")).ok());
}

TEST_F(FaultFileSystemTest, TheDiskFills) {
  const auto file = Open("a");
  disk_->SetSpaceLeft(5);
  EXPECT_EQ(*disk_->FreeBytes(root_), 5u);
  EXPECT_TRUE(file->Append("123").ok());
  EXPECT_EQ(file->Append("456").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Contents("a"), "12345");
  disk_->SetFreeBytes(77);
  EXPECT_EQ(*disk_->FreeBytes(root_), 77u);
  disk_->ClearFaults();
  EXPECT_GT(*disk_->FreeBytes(root_), 77u);
}

}  // namespace
}  // namespace varve::fault
