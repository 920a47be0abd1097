// Golden files of retention classes and backup manifests. See storage_golden_test.cc.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "compaction/retention_classes.h"
#include "engine/backup/manifest.h"
#include "storage/file_system.h"

namespace varve {
namespace {

std::string Golden(const std::string& name, const std::string& encoded) {
  const std::string path = std::string(VARVE_GOLDEN_DIRECTORY) + "/" + name;
  if (!std::filesystem::exists(path) && std::getenv("VARVE_GOLDEN_WRITE") != nullptr) {
    std::ofstream(path, std::ios::binary) << encoded;
    ADD_FAILURE() << "wrote " << path;
  }
  const auto bytes = FileSystem::Posix()->ReadFile(path);
  EXPECT_TRUE(bytes.ok()) << bytes.status().ToString();
  return bytes.ok() ? *bytes : std::string();
}

TEST(Golden, RetentionClasses) {
  const compaction::RetentionNumbers numbers{3, 2, "{job=\"debug\"}\n"};
  const std::string golden =
      Golden("retention_classes_v1.bin", compaction::EncodeRetentionNumbers(numbers));
  EXPECT_EQ(compaction::EncodeRetentionNumbers(numbers), golden);
  const auto decoded = compaction::DecodeRetentionNumbers(golden);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(*decoded, numbers);
}

TEST(Golden, BackupManifest) {
  engine::BackupManifest manifest;
  manifest.files = {engine::DescribeFile("checkpoint-00000001.vc", "abc"),
                    engine::DescribeFile("store/CURRENT", "MANIFEST-000005\n")};
  EXPECT_EQ(manifest.files[0].StoredName(), "78af5f94892f39509e56564eceb9d130-3");
  const std::string golden =
      Golden("backup_manifest_v1.bin", engine::EncodeBackupManifest(manifest));
  EXPECT_EQ(engine::EncodeBackupManifest(manifest), golden);
  const auto decoded = engine::DecodeBackupManifest(golden);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->files, manifest.files);
}

}  // namespace
}  // namespace varve
