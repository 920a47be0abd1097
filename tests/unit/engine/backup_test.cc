// Snapshots, backups and what restores them.
#include "varve/backup.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "engine/backup/manifest.h"
#include "tests/unit/engine/database_fixture.h"

namespace varve::engine {
namespace {

namespace fs = std::filesystem;
const Labels kUp{{"__name__", "up"}};

class BackupTest : public DatabaseFixture {
 protected:
  BackupTest() { options_.durability = Durability::kSync; }

  std::string Path(const std::string& name) { return other_.path() + "/" + name; }

  // Values of `up` in the database at `path`.
  std::vector<double> ValuesIn(const std::string& path) {
    database_.reset();
    const auto opened = Database::Open(options_, path);
    EXPECT_TRUE(opened.ok()) << opened.status().ToString();
    if (!opened.ok()) return {};
    const Selector selector{{MatchOp::kEqual, "__name__", "up"}};
    const auto cursor = (*opened)->Read({&selector, 1}, {});
    EXPECT_TRUE(cursor.ok());
    SeriesSamples series;
    std::vector<double> values;
    while (*(*cursor)->Next(&series)) {
      for (const Sample& sample : series.samples) values.push_back(sample.value);
    }
    return values;
  }

  model::TestDirectory other_;
};

TEST_F(BackupTest, ASnapshotHoldsHeadCheckpointsAndParts) {
  Open();
  Append(kUp, kNowMs, 1);
  ASSERT_TRUE(database_->Flush().ok());
  Append(kUp, kNowMs + 1, 2);
  ASSERT_TRUE(database_->Checkpoint().ok());
  Append(kUp, kNowMs + 2, 3);
  const Status taken = database_->Snapshot(Path("snapshot"));
  ASSERT_TRUE(taken.ok()) << taken.ToString();
  Append(kUp, kNowMs + 3, 4);
  ASSERT_TRUE(database_->Compact().ok());
  EXPECT_THAT(ValuesIn(Path("snapshot")), testing::ElementsAre(1, 2, 3));
  EXPECT_THAT(ValuesIn(directory_.path()), testing::ElementsAre(1, 2, 3, 4));
}

TEST_F(BackupTest, ASnapshotOfAnEmptyDatabaseOpens) {
  Open();
  ASSERT_TRUE(database_->Snapshot(Path("snapshot")).ok());
  EXPECT_TRUE(ValuesIn(Path("snapshot")).empty());
}

TEST_F(BackupTest, ASnapshotGoesNowhereElse) {
  Open();
  fs::create_directories(Path("full"));
  std::ofstream(Path("full") + "/somebody's") << "x";
  const Status status = database_->Snapshot(Path("full"));
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists);
  EXPECT_NE(status.message().find("somebody's"), std::string::npos) << status.message();
}

TEST_F(BackupTest, BackupsShareWhatDidNotChange) {
  Open();
  Append(kUp, kNowMs, 1);
  ASSERT_TRUE(database_->Flush().ok());
  const auto first = database_->Backup(Path("backups"));
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(first->files_copied, first->file_count);
  Append(kUp, kNowMs + 1, 2);
  const auto second = database_->Backup(Path("backups"));
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_LT(second->files_copied, second->file_count);
  EXPECT_FALSE(fs::exists(directory_.path() + "/backup-snapshot"));

  const auto listed = ListBackups(Path("backups"));
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 2u);
  ASSERT_TRUE(RestoreBackup(Path("backups"), first->name, Path("one") + "/").ok());
  ASSERT_TRUE(RestoreBackup(Path("backups"), "", Path("two")).ok());
  EXPECT_THAT(ValuesIn(Path("one")), testing::ElementsAre(1));
  EXPECT_THAT(ValuesIn(Path("two")), testing::ElementsAre(1, 2));
  EXPECT_EQ(RestoreBackup(Path("backups"), "", Path("two")).status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(RestoreBackup(Path("backups"), "never", Path("three")).status().code(),
            StatusCode::kNotFound);

  Open();
  ASSERT_TRUE(database_->Compact().ok());
  ASSERT_TRUE(database_->Backup(Path("backups")).ok());
  const auto freed = PruneBackups(Path("backups"), 1);
  ASSERT_TRUE(freed.ok()) << freed.status().ToString();
  EXPECT_GT(*freed, 0u);
  ASSERT_TRUE(RestoreBackup(Path("backups"), "", Path("three")).ok());
  EXPECT_THAT(ValuesIn(Path("three")), testing::ElementsAre(1, 2));
}

TEST_F(BackupTest, ADamagedBackupIsNamedAndNothingAppears) {
  Open();
  Append(kUp, kNowMs, 1);
  ASSERT_TRUE(database_->Flush().ok());
  ASSERT_TRUE(database_->Backup(Path("backups")).ok());
  for (const auto& entry : fs::directory_iterator(Path("backups") + "/files")) {
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.put('\x55');
  }
  const auto restored = RestoreBackup(Path("backups"), "", Path("restored"));
  EXPECT_EQ(restored.status().code(), StatusCode::kDataLoss);
  EXPECT_NE(restored.status().message().find("fails its checksum"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(Path("restored")));
}

TEST_F(BackupTest, WhatAKilledBackupLeftIsNoBackup) {
  Open();
  Append(kUp, kNowMs, 1);
  ASSERT_TRUE(database_->Backup(Path("backups")).ok());
  std::ofstream(Path("backups") + "/backups/20990101T000000.000Z.manifest.tmp") << "half";
  std::ofstream(Path("backups") + "/files/0000-5.tmp") << "half";
  fs::create_directories(Path("restored.restoring") + "/store");
  std::ofstream(Path("restored.restoring") + "/store/000001.sst") << "half";
  ASSERT_TRUE(RestoreBackup(Path("backups"), "", Path("restored")).ok());
  EXPECT_THAT(ValuesIn(Path("restored")), testing::ElementsAre(1));
  EXPECT_EQ(ListBackups(Path("nothing")).status().code(), StatusCode::kNotFound);
}

TEST(BackupManifestTest, ComesBackAndRefusesTheRest) {
  BackupManifest manifest;
  manifest.files = {DescribeFile("checkpoint-00000001.vc", "abc"),
                    DescribeFile("store/CURRENT", "")};
  const std::string bytes = EncodeBackupManifest(manifest);
  const auto decoded = DecodeBackupManifest(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->files, manifest.files);
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_EQ(DecodeBackupManifest(damaged).status().code(), StatusCode::kDataLoss) << bit;
  }
  for (const char* path :
       {"../etc/passwd", "/etc/passwd", "store/../x", "", "a/b/c", ".hidden", "store/"}) {
    BackupManifest bad;
    bad.files = {DescribeFile(path, "x")};
    EXPECT_EQ(DecodeBackupManifest(EncodeBackupManifest(bad)).status().code(),
              StatusCode::kDataLoss)
        << path;
  }
}

}  // namespace
}  // namespace varve::engine
