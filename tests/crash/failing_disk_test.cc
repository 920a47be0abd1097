// A disk that fails now and then, for good, or fills up: nothing crashes, errors surface, what was
// acknowledged is there afterwards, and a full disk refuses appends without stopping queries.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/open.h"
#include "tests/crash/script.h"
#include "tests/fault/fault_file_system.h"
#include "tests/model/test_directory.h"

namespace varve::crash {
namespace {

constexpr uint64_t kSeed = 7;

// One run of a fixed sequence of operations, which goes on after errors as a server would.
class ScriptedRun {
 public:
  explicit ScriptedRun(const std::string& directory, FileSystem* file_system)
      : directory_(directory), file_system_(file_system) {}

  void Run() {
    Options options = BusyOptions(Durability::kSync);
    options.checkpoint_journal_bytes = uint64_t{1} << 30;  // only when the script says so
    options.log = [this](LogLevel level, std::string_view) {
      if (level >= LogLevel::kWarning) ++messages_;
    };
    Result<std::unique_ptr<Database>> opened =
        engine::OpenDatabase(options, directory_, file_system_);
    Note(opened.status());
    if (!opened.ok()) return;
    Database* const database = opened->get();
    AppendBatches(database, 3);
    Note(database->Checkpoint());
    AppendBatches(database, 2);
    for (int i = 0; i < 6; ++i) {
      Note(database->Flush());
      AppendBatches(database, 2);
    }
    Note(database->Maintain());
    Note(database->Checkpoint());
    AppendBatches(database, 2);
    Note(database->Snapshot(directory_ + "/snapshot"));
    Note(database->Backup(directory_ + "/backups").status());
    Note(database->Compact().status());
    AppendBatches(database, 2);
    ReadBack(database);
    Note(database->Close());
  }

  // Through another file system, on which nothing fails.
  void Verify() {
    Result<std::unique_ptr<Database>> database =
        Database::Open(BusyOptions(Durability::kNone), directory_);
    ASSERT_TRUE(database.ok()) << database.status().ToString();
    // A batch whose append failed may be there whole or not at all; it was sent again until it was
    // acknowledged or the script ended.
    ThreadTwin twin(kSeed, 0);
    const Result<uint64_t> count = twin.Verify(database->get(), acknowledged_, acknowledged_ + 1);
    EXPECT_TRUE(count.ok()) << count.status().ToString();
  }
  uint64_t reported() const { return errors_ + messages_.load(); }
  uint64_t acknowledged() const { return acknowledged_; }

 private:
  void Note(const Status& status) {
    if (!status.ok()) ++errors_;
  }

  void AppendBatches(Database* database, int count) {
    WriteBatch batch;
    for (int i = 0; i < count; ++i) {
      const Result<AppendResult> result = AppendNumber(database, kSeed, 0, acknowledged_, &batch);
      Note(result.status());
      if (result.ok()) ++acknowledged_;
    }
  }

  // What is read may be an error, but never something else than what was written.
  void ReadBack(Database* database) {
    ThreadTwin twin(kSeed, 0);
    const Result<model::AllSamples> read = model::ReadEverything(database);
    Note(read.status());
    if (!read.ok()) return;
    const Result<uint64_t> count = twin.Verify(database, acknowledged_, acknowledged_);
    if (count.status().code() == StatusCode::kIoError) return Note(count.status());
    EXPECT_TRUE(count.ok()) << count.status().ToString();
  }

  const std::string directory_;
  FileSystem* const file_system_;
  uint64_t acknowledged_ = 0;
  uint64_t errors_ = 0;
  std::atomic<uint64_t> messages_{0};
};

struct FailingOperation {
  fault::Operation operation;
  const char* name;
  // Whether a failure must be heard of, in an answer or in the log. Not so where there is another
  // way: copying for linking, leaving what a removal would have removed, doing without a file that
  // only informs.
  bool must_be_told = true;
};

class FailingOperationTest : public testing::TestWithParam<FailingOperation> {
 protected:
  // How often the script does the operation when nothing fails.
  uint64_t CountOperations() {
    model::TestDirectory directory;
    model::TestDirectory keep;
    fault::FaultFileSystem file_system(FileSystem::Posix(), keep.path());
    ScriptedRun run(directory.path(), &file_system);
    run.Run();
    EXPECT_EQ(run.acknowledged(), 21u);
    EXPECT_EQ(run.reported(), 0u);
    return file_system.count(GetParam().operation);
  }

  void FailAt(uint64_t nth, fault::Persistence persistence) {
    model::TestDirectory directory;
    model::TestDirectory keep;
    fault::FaultFileSystem file_system(FileSystem::Posix(), keep.path());
    file_system.FailNth(GetParam().operation, nth, persistence);
    ScriptedRun run(directory.path(), &file_system);
    run.Run();
    if (GetParam().must_be_told && file_system.count(GetParam().operation) >= nth) {
      EXPECT_GT(run.reported(), 0u) << "nobody heard of the failure";
    }
    file_system.ClearFaults();
    run.Verify();
  }
};

// VARVE_FAULT_STRIDE=1 fails every single operation; by default a sample of them.
TEST_P(FailingOperationTest, LosesNothingAcknowledged) {
  const uint64_t count = CountOperations();
  ASSERT_FALSE(HasFailure());
  const uint64_t stride =
      model::EnvironmentNumber("VARVE_FAULT_STRIDE", std::max<uint64_t>(1, count / 5));
  for (uint64_t nth = 1; nth <= count && !HasFailure(); nth += stride) {
    SCOPED_TRACE(std::string(GetParam().name) + " " + std::to_string(nth) + " of " +
                 std::to_string(count));
    FailAt(nth, fault::Persistence::kOnce);
    FailAt(nth, fault::Persistence::kForever);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Operations, FailingOperationTest,
    testing::Values(FailingOperation{fault::Operation::kOpenWritable, "OpenWritable"},
                    FailingOperation{fault::Operation::kAppend, "Append"},
                    FailingOperation{fault::Operation::kSync, "Sync"},
                    FailingOperation{fault::Operation::kSyncDirectory, "SyncDirectory"},
                    FailingOperation{fault::Operation::kCreateDirectory, "CreateDirectory"},
                    FailingOperation{fault::Operation::kRename, "Rename"},
                    FailingOperation{fault::Operation::kRemove, "Remove", false},
                    FailingOperation{fault::Operation::kLink, "Link", false},
                    FailingOperation{fault::Operation::kOpenRead, "OpenRead", false},
                    FailingOperation{fault::Operation::kRead, "Read", false}),
    [](const auto& operation) { return operation.param.name; });

class FullDiskTest : public testing::Test {
 protected:
  void Open(uint64_t floor_bytes) {
    Options options = BusyOptions(Durability::kSync);
    options.free_disk_bytes_min = floor_bytes;
    Result<std::unique_ptr<Database>> opened =
        engine::OpenDatabase(options, directory_.path(), &file_system_);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    database_ = *std::move(opened);
  }
  Status Append() {
    const Result<AppendResult> result =
        AppendNumber(database_.get(), kSeed, 0, acknowledged_, &batch_);
    if (result.ok()) ++acknowledged_;
    return result.status();
  }
  // Exactly what was acknowledged is readable.
  void ExpectReadable(uint64_t sent_max) {
    ThreadTwin twin(kSeed, 0);
    const Result<uint64_t> count = twin.Verify(database_.get(), acknowledged_, sent_max);
    EXPECT_TRUE(count.ok()) << count.status().ToString();
  }

  model::TestDirectory directory_;
  model::TestDirectory keep_directory_;
  fault::FaultFileSystem file_system_{FileSystem::Posix(), keep_directory_.path()};
  std::unique_ptr<Database> database_;
  WriteBatch batch_;
  uint64_t acknowledged_ = 0;
};

TEST_F(FullDiskTest, BelowTheFloorAppendsAreRefusedAndQueriesGoOn) {
  Open(1'000'000);
  ASSERT_TRUE(Append().ok());
  file_system_.SetFreeBytes(999'999);
  const Status refused = Append();
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(refused.message().find("999999"), std::string::npos) << refused.ToString();
  EXPECT_NE(refused.message().find("1000000"), std::string::npos) << refused.ToString();
  EXPECT_EQ(database_->Statistics().appends_refused_pressure, 1u);
  ExpectReadable(acknowledged_);
  file_system_.SetFreeBytes(1'000'000);
  EXPECT_TRUE(Append().ok());
  ExpectReadable(acknowledged_);
}

TEST_F(FullDiskTest, TheFloorIsMetBeforeTheDiskIsFull) {
  Open(20'000);
  file_system_.SetSpaceLeft(100'000);
  Status status;
  while (status.ok()) status = Append();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status.ToString();
  EXPECT_NE(status.message().find("free disk"), std::string::npos) << status.ToString();
  EXPECT_GT(acknowledged_, 10u);
  ExpectReadable(acknowledged_);
  file_system_.SetSpaceLeft(std::nullopt);
  EXPECT_TRUE(Append().ok());
  ExpectReadable(acknowledged_);
}

TEST_F(FullDiskTest, WithoutAFloorAFullDiskStopsAppendsUntilReopened) {
  Open(0);
  ASSERT_TRUE(Append().ok());
  file_system_.SetSpaceLeft(500);
  Status status;
  while (status.ok()) status = Append();
  EXPECT_FALSE(Append().ok());
  ExpectReadable(acknowledged_);
  file_system_.SetSpaceLeft(std::nullopt);
  // What the journal's file ends in is unknown now.
  EXPECT_FALSE(Append().ok());
  database_.reset();
  Open(0);
  ThreadTwin twin(kSeed, 0);
  const Result<uint64_t> found = twin.Verify(database_.get(), acknowledged_, acknowledged_ + 1);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  acknowledged_ = *found;
  EXPECT_TRUE(Append().ok());
  ExpectReadable(acknowledged_);
}

TEST_F(FullDiskTest, AFailedSyncStopsAcknowledgingForGood) {
  Open(0);
  ASSERT_TRUE(Append().ok());
  file_system_.FailNth(fault::Operation::kSync, 1, fault::Persistence::kOnce);
  EXPECT_EQ(Append().code(), StatusCode::kIoError);
  EXPECT_EQ(Append().code(), StatusCode::kIoError) << "a sync after a failed one promises nothing";
  ExpectReadable(acknowledged_);
  EXPECT_FALSE(database_->Close().ok());
  database_.reset();
  Open(0);
  ExpectReadable(acknowledged_ + 1);
}

// A segment that cannot be created fails the append that wanted it, and no later one; the series
// that it would have defined are defined by the next.
TEST_F(FullDiskTest, SeriesOfAFailedAppendAreDefinedByTheNext) {
  Open(0);
  ASSERT_TRUE(Append().ok());
  ASSERT_TRUE(database_->Checkpoint().ok());  // the next append begins a segment
  file_system_.FailNth(fault::Operation::kOpenWritable, 1, fault::Persistence::kOnce);
  const Labels fresh{{"__name__", "fresh"}};
  WriteBatch batch;
  batch.BeginSeries(fresh);
  batch.AddSample(1'700'000'000'000, 1.5);
  EXPECT_FALSE(database_->Append(&batch).ok());
  EXPECT_TRUE(database_->Series({}, {}, 0)->size() > 0);
  ASSERT_TRUE(database_->Append(&batch).ok());
  database_.reset();
  Open(0);
  const Result<model::AllSamples> read =
      model::ReadSelected(database_.get(), {{MatchOp::kEqual, "__name__", "fresh"}}, {});
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->size(), 1u);
  EXPECT_EQ(database_->Statistics().recovery_damaged_records, 0u);
}

}  // namespace
}  // namespace varve::crash
