// Golden files of retention classes and backup manifests. See storage_golden_test.cc.
#include <gtest/gtest.h>

#include <string>

#include "compaction/retention_classes.h"
#include "engine/backup/manifest.h"
#include "storage/file_system.h"
#include "tests/golden/golden_file.h"

namespace varve {
namespace {

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
