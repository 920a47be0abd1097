#include "storage/file_system.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace varve {
namespace {

class PosixFileSystemTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "varve-file-system-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  void Write(const std::string& name, std::string_view bytes) {
    auto file = file_system_->OpenWritable(Path(name), OpenMode::kTruncate);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    ASSERT_TRUE((*file)->Append(bytes).ok());
    ASSERT_TRUE((*file)->Close().ok());
  }
  std::string Contents(const std::string& name) {
    auto bytes = file_system_->ReadFile(Path(name));
    EXPECT_TRUE(bytes.ok()) << bytes.status().ToString();
    return bytes.ok() ? *bytes : std::string();
  }

  FileSystem* const file_system_ = FileSystem::Posix();
  std::string directory_;
};

TEST_F(PosixFileSystemTest, AppendIsReadableBeforeCloseAndAfter) {
  auto file = file_system_->OpenWritable(Path("a"), OpenMode::kTruncate);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE((*file)->Append("hello ").ok());
  EXPECT_EQ(Contents("a"), "hello ");  // no user-space buffer
  EXPECT_TRUE((*file)->Append("").ok());
  EXPECT_TRUE((*file)->Append("world").ok());
  EXPECT_EQ((*file)->size(), 11u);
  EXPECT_TRUE((*file)->Sync().ok());
  EXPECT_TRUE((*file)->Close().ok());
  EXPECT_TRUE((*file)->Close().ok());
  EXPECT_EQ((*file)->Append("x").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ((*file)->Sync().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Contents("a"), "hello world");
}

TEST_F(PosixFileSystemTest, AppendPartsConcatenatesAnyNumberOfParts) {
  std::vector<std::string> owned;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    owned.push_back(
        i % 7 == 0 ? "" : std::string(static_cast<size_t>(i), static_cast<char>('a' + i % 26)));
    expected += owned.back();
  }
  const std::vector<std::string_view> parts(owned.begin(), owned.end());
  auto file = file_system_->OpenWritable(Path("parts"), OpenMode::kTruncate);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->AppendParts(parts).ok());
  EXPECT_EQ((*file)->size(), expected.size());
  EXPECT_EQ(Contents("parts"), expected);
}

TEST_F(PosixFileSystemTest, OpenModes) {
  Write("a", "123");
  auto file = file_system_->OpenWritable(Path("a"), OpenMode::kAppend);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->size(), 3u);
  EXPECT_TRUE((*file)->Append("45").ok());
  EXPECT_EQ(Contents("a"), "12345");
  file = file_system_->OpenWritable(Path("a"), OpenMode::kTruncate);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->size(), 0u);
  EXPECT_EQ(Contents("a"), "");
}

TEST_F(PosixFileSystemTest, PreallocatedRoomIsInvisibleAndGivenBack) {
  auto file = file_system_->OpenWritable(Path("a"), OpenMode::kTruncate);
  ASSERT_TRUE(file.ok());
  (*file)->Preallocate(8 << 20);
  EXPECT_TRUE((*file)->Append("abc").ok());
  EXPECT_EQ((*file)->size(), 3u);
  EXPECT_EQ(Contents("a"), "abc");
  EXPECT_TRUE((*file)->Close().ok());
  struct stat info = {};
  ASSERT_EQ(::stat(Path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 3);
  EXPECT_LT(info.st_blocks * 512, 1 << 20);
}

TEST_F(PosixFileSystemTest, RandomAccessAndMappedReadExactRanges) {
  Write("a", "0123456789");
  for (auto open : {&FileSystem::OpenRandomAccess, &FileSystem::OpenMapped}) {
    auto file = (file_system_->*open)(Path("a"));
    ASSERT_TRUE(file.ok());
    EXPECT_EQ((*file)->size(), 10u);
    char scratch[16];
    auto read = (*file)->Read(3, 4, scratch);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, "3456");
    EXPECT_TRUE((*file)->Read(10, 0, scratch).ok());
    EXPECT_EQ((*file)->Read(7, 4, scratch).status().code(), StatusCode::kOutOfRange);
    EXPECT_EQ((*file)->Read(11, 1, scratch).status().code(), StatusCode::kOutOfRange);
    const auto wrapping = (*file)->Read(UINT64_MAX >> 1, 16, scratch);
    EXPECT_FALSE(wrapping.ok());
  }
}

TEST_F(PosixFileSystemTest, EmptyFilesCanBeMapped) {
  Write("empty", "");
  auto file = file_system_->OpenMapped(Path("empty"));
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_EQ((*file)->size(), 0u);
  EXPECT_TRUE((*file)->Read(0, 0, nullptr).ok());
  EXPECT_EQ((*file)->Read(0, 1, nullptr).status().code(), StatusCode::kOutOfRange);
}

TEST_F(PosixFileSystemTest, MissingFilesAreNotFoundWithOperationAndPath) {
  const std::string path = Path("missing");
  const std::string expected = path + ": No such file or directory";
  EXPECT_EQ(file_system_->OpenRandomAccess(path).status().message(), "open " + expected);
  EXPECT_EQ(file_system_->OpenMapped(path).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(file_system_->ReadFile(path).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(file_system_->FileSize(path).status().message(), "stat " + expected);
  EXPECT_EQ(file_system_->Remove(path).message(), "remove " + expected);
  EXPECT_EQ(file_system_->List(path).status().message(), "opendir " + expected);
  EXPECT_EQ(file_system_->SyncDirectory(path).code(), StatusCode::kNotFound);
  EXPECT_EQ(file_system_->Rename(path, Path("b")).code(), StatusCode::kNotFound);
  EXPECT_EQ(file_system_->OpenWritable(Path("no/file"), OpenMode::kAppend).status().code(),
            StatusCode::kNotFound);
  EXPECT_FALSE(file_system_->OpenRandomAccess(directory_).ok());
  auto exists = file_system_->Exists(path);
  ASSERT_TRUE(exists.ok());
  EXPECT_FALSE(*exists);
}

TEST_F(PosixFileSystemTest, DirectoriesAreMadeWithParentsAndListedSorted) {
  ASSERT_TRUE(file_system_->CreateDirectory(Path("x/y/z")).ok());
  EXPECT_TRUE(file_system_->CreateDirectory(Path("x/y/z")).ok());
  EXPECT_TRUE(file_system_->CreateDirectory(Path("x/y/z/")).ok());
  Write("x/b", "");
  Write("x/a", "");
  Write("x/.hidden", "");
  auto names = file_system_->List(Path("x"));
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(*names, (std::vector<std::string>{".hidden", "a", "b", "y"}));
  EXPECT_TRUE(file_system_->SyncDirectory(Path("x")).ok());
  EXPECT_EQ(file_system_->CreateDirectory(Path("x/a/below")).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(file_system_->Remove(Path("x/y")).code(), StatusCode::kAlreadyExists);  // not empty
  EXPECT_TRUE(file_system_->Remove(Path("x/y/z")).ok());
  EXPECT_TRUE(file_system_->Remove(Path("x/a")).ok());
  EXPECT_FALSE(*file_system_->Exists(Path("x/a")));
}

TEST_F(PosixFileSystemTest, RenameLinkAndTruncate) {
  Write("a", "12345");
  ASSERT_TRUE(file_system_->Link(Path("a"), Path("b")).ok());
  EXPECT_EQ(file_system_->Link(Path("a"), Path("b")).code(), StatusCode::kAlreadyExists);
  ASSERT_TRUE(file_system_->Rename(Path("a"), Path("c")).ok());
  EXPECT_EQ(Contents("b"), "12345");
  ASSERT_TRUE(file_system_->Truncate(Path("c"), 2).ok());
  EXPECT_EQ(*file_system_->FileSize(Path("b")), 2u);
  EXPECT_EQ(Contents("b"), "12");
}

TEST_F(PosixFileSystemTest, FreeBytesIsPlausible) {
  auto bytes = file_system_->FreeBytes(directory_);
  ASSERT_TRUE(bytes.ok());
  EXPECT_GT(*bytes, 0u);
  EXPECT_EQ(file_system_->FreeBytes(Path("missing")).status().code(), StatusCode::kNotFound);
}

TEST_F(PosixFileSystemTest, LockExcludesASecondOpenerAndNamesTheHolder) {
  auto lock = file_system_->Lock(Path("LOCK"));
  ASSERT_TRUE(lock.ok());
  const auto second = file_system_->Lock(Path("LOCK"));
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(second.status().message(),
            "lock " + Path("LOCK") + ": held by process " + std::to_string(::getpid()));
  lock->reset();
  EXPECT_TRUE(file_system_->Lock(Path("LOCK")).ok());
}

TEST_F(PosixFileSystemTest, SyncRunsBesideAppend) {
  auto file = file_system_->OpenWritable(Path("a"), OpenMode::kTruncate);
  ASSERT_TRUE(file.ok());
  std::thread syncer([&] {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE((*file)->Sync().ok());
  });
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE((*file)->Append("0123456789").ok());
  syncer.join();
  EXPECT_EQ((*file)->size(), 20000u);
}

}  // namespace
}  // namespace varve
