// A store in a directory of its own, and words to fill and read it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "storage/kv/store.h"
#include "tests/unit/storage/kv/scripted_file_system.h"

namespace varve::kv {

using Contents = std::map<std::pair<Family, std::string>, std::string>;

#define ASSERT_OK(expression)                                          \
  do {                                                                 \
    const ::varve::Status assert_ok_status = (expression);             \
    ASSERT_TRUE(assert_ok_status.ok()) << assert_ok_status.ToString(); \
  } while (false)

// Each part of a test has a file in every one.
inline constexpr size_t kFamilies = std::size(kDataFamilies);

// Every family gets keys whose values name part, family and key; chunks get some of 100 KB.
inline Contents MakeContents(uint64_t seed) {
  Contents contents;
  for (const Family family : kDataFamilies) {
    for (int i = 0; i < 20; ++i) {
      const std::string key = "key" + std::to_string(100 + i);
      std::string value =
          std::to_string(seed) + "/" + std::to_string(static_cast<int>(family)) + "/" + key;
      if (family == Family::kChunks && i % 10 == 0) {
        uint64_t x = seed * 1000 + static_cast<uint64_t>(i) + 1;
        while (value.size() < 100'000) {
          x = x * 6364136223846793005u + 1442695040888963407u;
          value.append(reinterpret_cast<const char*>(&x), sizeof x);
        }
      }
      contents.emplace(std::pair(family, key), value);
    }
  }
  return contents;
}

inline Contents MakeSmallContents(uint64_t seed) {
  Contents contents;
  for (const Family family : kDataFamilies) {
    contents.emplace(std::pair(family, "k"), "value of " + std::to_string(seed));
  }
  return contents;
}

// Writes and ingests a part with `contents`; not committed.
inline Result<format::PartInfo> IngestPart(Store* store, const Contents& contents,
                                           uint64_t max_sequence) {
  auto writer = store->NewPart();
  if (!writer.ok()) return writer.status();
  for (const auto& [key, value] : contents) {
    if (Status status = (*writer)->Add(key.first, key.second, value); !status.ok()) return status;
  }
  format::PartInfo info;
  info.min_sequence = 1;
  info.max_sequence = max_sequence;
  info.sample_count = contents.size();
  return store->Ingest(std::move(writer).value(), std::move(info));
}

inline Result<format::PartInfo> CommitPart(Store* store, const Contents& contents,
                                           uint64_t max_sequence) {
  auto info = IngestPart(store, contents, max_sequence);
  if (!info.ok()) return info;
  CatalogEdit edit;
  edit.add = {*info};
  if (Status status = store->Commit(edit); !status.ok()) return status;
  return info;
}

inline Status RemovePart(Store* store, uint64_t part_id) {
  CatalogEdit edit;
  edit.remove = {part_id};
  return store->Commit(edit);
}

// Everything in `part`, by cursor.
inline Result<Contents> ReadByCursor(const Part& part) {
  Contents contents;
  for (const Family family : kDataFamilies) {
    const auto cursor = part.NewCursor(family);
    for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
      contents.emplace(std::pair(family, std::string(cursor->key())), std::string(cursor->value()));
    }
    if (!cursor->status().ok()) return cursor->status();
  }
  return contents;
}

// What `part` holds of the keys of `expected`, by Get.
inline Result<Contents> ReadByGet(const Part& part, const Contents& expected) {
  Contents contents;
  for (const auto& [key, value] : expected) {
    auto bytes = part.Get(key.first, key.second);
    if (!bytes.ok()) return bytes.status();
    contents.emplace(key, std::string(bytes->view()));
  }
  return contents;
}

inline void ExpectPart(const Part& part, const Contents& expected) {
  auto by_cursor = ReadByCursor(part);
  ASSERT_TRUE(by_cursor.ok()) << by_cursor.status().ToString();
  EXPECT_TRUE(*by_cursor == expected);
  auto by_get = ReadByGet(part, expected);
  ASSERT_TRUE(by_get.ok()) << by_get.status().ToString();
  EXPECT_TRUE(*by_get == expected);
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string name = testing::TempDir() + "varve-kv-XXXXXX";
    root_ = mkdtemp(name.data());
    directory_ = root_ + "/store";
  }
  ~StoreTest() override {
    store_.reset();
    std::filesystem::remove_all(root_);
  }

  Status Open() {
    store_.reset();
    auto store = OpenAt(directory_);
    if (!store.ok()) return store.status();
    store_ = std::move(store).value();
    return OkStatus();
  }
  Result<std::unique_ptr<Store>> OpenAt(const std::string& directory) {
    return Store::Open(&file_system_, directory, {});
  }

  // As a crash at this moment would leave it, while the store goes on: RocksDB removes obsolete
  // files in the background, and one that vanishes under the copy was removed before the crash.
  void CopyTo(const std::string& copy) const {
    std::filesystem::remove_all(copy);
    std::filesystem::create_directory(copy);
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      std::error_code error;
      std::filesystem::copy_file(entry.path(), copy + "/" + entry.path().filename().string(),
                                 error);
      EXPECT_TRUE(!error || error == std::errc::no_such_file_or_directory) << error.message();
    }
  }

  std::vector<std::string> FilesEndingIn(const std::string& suffix) const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      if (entry.path().string().ends_with(suffix)) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  static std::string ReadBytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
  }
  static void WriteBytes(const std::string& path, const std::string& bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << bytes;
  }

  ScriptedFileSystem file_system_;
  std::string root_;
  std::string directory_;
  std::unique_ptr<Store> store_;
};

}  // namespace varve::kv
