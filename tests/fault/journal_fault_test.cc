// The journal on a disk that fails, fills and loses its power.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "storage/journal/journal.h"
#include "storage/journal/segment_format.h"
#include "tests/fault/fault_file_system.h"

namespace varve::journal {
namespace {

using fault::FaultFileSystem;
using fault::Operation;
using fault::Persistence;
using fault::Unsynced;

constexpr uint64_t kDatabase = 99;

class JournalFaultTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "varve-journal-fault-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    std::filesystem::create_directory(root_ + "/keep");
    std::filesystem::create_directory(root_ + "/journal");
    disk_.emplace(FileSystem::Posix(), root_ + "/keep");
  }
  void TearDown() override {
    disk_.reset();
    std::filesystem::remove_all(root_);
  }
  std::unique_ptr<Writer> NewWriter(uint64_t first_segment, uint64_t segment_bytes_max = 64 << 20) {
    return std::make_unique<Writer>(&*disk_, root_ + "/journal",
                                    WriterOptions{segment_bytes_max, kDatabase}, first_segment);
  }
  static Status Put(Writer* writer, uint64_t sequence, std::string_view body) {
    const Record record{sequence, RecordKind::kSamples, body};
    return writer->Append({&record, 1});
  }
  Result<ReplayReport> ReplayInto(std::vector<std::pair<uint64_t, std::string>>* out) {
    ReplayCallbacks callbacks;
    callbacks.on_record = [&](const Record& record) {
      out->emplace_back(record.sequence, record.body);
      return OkStatus();
    };
    return Replay(&*disk_, root_ + "/journal", kDatabase, 1, 0, callbacks);
  }

  std::string root_;
  std::optional<FaultFileSystem> disk_;
};

// The body of a sequence, so that a replay can be checked against nothing but itself.
std::string BodyOf(uint64_t sequence) {
  std::mt19937_64 random(sequence);
  return std::string(random() % 300, static_cast<char>('a' + random() % 26));
}

TEST_F(JournalFaultTest, PowerLossKeepsWhatWasSyncedAndTearsNothing) {
  std::mt19937_64 random(1);
  uint64_t sequence = 0;
  uint64_t next_segment = 1;
  size_t cut_in_the_middle = 0;
  for (uint64_t round = 0; round < 60; ++round) {
    auto writer = NewWriter(next_segment, 4096);
    disk_->CutPowerAtNth(1 + random() % 60);
    uint64_t synced = sequence;
    uint64_t appended = sequence;
    for (;;) {
      const uint64_t next = appended + 1;
      if (!Put(writer.get(), next, BodyOf(next)).ok()) break;
      appended = next;
      if (random() % 3 == 0) {
        if (!writer->Sync().ok()) break;
        synced = appended;
      }
      if (random() % 20 == 0 && !writer->StartSegment().ok()) break;
    }
    ASSERT_TRUE(disk_->power_is_off());
    writer.reset();
    const auto unsynced = random() % 2 == 0 ? Unsynced::kLose : Unsynced::kKeepRandomPart;
    ASSERT_TRUE(disk_->DropUnsynced(unsynced, round).ok());

    std::vector<std::pair<uint64_t, std::string>> records;
    const auto report = ReplayInto(&records);
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    ASSERT_TRUE(report->damage.empty())
        << report->damage[0].file << " " << report->damage[0].reason;
    // Everything synced is there, nothing that was never sent, and no hole.
    ASSERT_GE(records.size(), synced) << "round " << round;
    ASSERT_LE(records.size(), appended + 1);
    for (uint64_t i = 0; i < records.size(); ++i) {
      ASSERT_EQ(records[i].first, i + 1);
      ASSERT_EQ(records[i].second, BodyOf(i + 1));
    }
    if (report->torn_tail) ++cut_in_the_middle;
    sequence = records.size();
    next_segment = report->next_segment;
  }
  EXPECT_GT(cut_in_the_middle, 0u);
}

TEST_F(JournalFaultTest, AFailedSyncSticks) {
  auto writer = NewWriter(1);
  ASSERT_TRUE(Put(writer.get(), 1, "x").ok());
  disk_->FailNth(Operation::kSync, 1, Persistence::kOnce);
  const Status failed = writer->Sync();
  EXPECT_EQ(failed.code(), StatusCode::kIoError);
  EXPECT_EQ(writer->Sync().message(), failed.message());
  EXPECT_EQ(Put(writer.get(), 2, "y").message(), failed.message());
  EXPECT_EQ(writer->StartSegment().status().message(), failed.message());
  EXPECT_EQ(writer->RemoveSegmentsBefore(1).message(), failed.message());
  EXPECT_EQ(writer->Close().message(), failed.message());
  EXPECT_EQ(disk_->count(Operation::kSync), 1u);  // never retried
}

TEST_F(JournalFaultTest, AFailedDirectorySyncSticks) {
  auto writer = NewWriter(1);
  ASSERT_TRUE(Put(writer.get(), 1, "x").ok());
  disk_->FailNth(Operation::kSyncDirectory, 1, Persistence::kOnce);
  EXPECT_FALSE(writer->Sync().ok());
  EXPECT_FALSE(Put(writer.get(), 2, "y").ok());
}

TEST_F(JournalFaultTest, AFullDiskSticksAndLeavesATornTail) {
  auto writer = NewWriter(1);
  ASSERT_TRUE(Put(writer.get(), 1, "fits").ok());
  disk_->SetSpaceLeft(20);
  EXPECT_EQ(Put(writer.get(), 2, "does not fit").code(), StatusCode::kResourceExhausted);
  disk_->ClearFaults();
  EXPECT_EQ(Put(writer.get(), 2, "again").code(), StatusCode::kResourceExhausted);
  writer.reset();
  std::vector<std::pair<uint64_t, std::string>> records;
  const auto report = ReplayInto(&records);
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->torn_tail);
  EXPECT_EQ(records.size(), 1u);
}

TEST_F(JournalFaultTest, FailingToCreateASegmentIsTriedAgain) {
  auto writer = NewWriter(1);
  disk_->FailNth(Operation::kOpenWritable, 1, Persistence::kOnce);
  EXPECT_EQ(Put(writer.get(), 1, "x").code(), StatusCode::kIoError);
  EXPECT_TRUE(Put(writer.get(), 1, "x").ok());
  EXPECT_TRUE(writer->Sync().ok());
  std::vector<std::pair<uint64_t, std::string>> records;
  ASSERT_TRUE(ReplayInto(&records).ok());
  EXPECT_EQ(records.size(), 1u);
}

TEST_F(JournalFaultTest, TheFirstSyncOfASegmentMakesItsNameDurable) {
  auto writer = NewWriter(1);
  ASSERT_TRUE(Put(writer.get(), 1, "x").ok());
  EXPECT_EQ(disk_->count(Operation::kSyncDirectory), 0u);
  ASSERT_TRUE(writer->Sync().ok());
  EXPECT_EQ(disk_->count(Operation::kSyncDirectory), 1u);
  ASSERT_TRUE(Put(writer.get(), 2, "y").ok());
  ASSERT_TRUE(writer->Sync().ok());
  EXPECT_EQ(disk_->count(Operation::kSyncDirectory), 1u);
  ASSERT_TRUE(writer->StartSegment().ok());
  ASSERT_TRUE(Put(writer.get(), 3, "z").ok());
  ASSERT_TRUE(writer->Sync().ok());
  EXPECT_EQ(disk_->count(Operation::kSyncDirectory), 2u);
  EXPECT_EQ(disk_->count(Operation::kAppend), 3u);  // header and records in one write
}

TEST_F(JournalFaultTest, AnUnreadableSegmentFailsTheReplay) {
  ASSERT_TRUE(Put(NewWriter(1).get(), 1, "x").ok());
  disk_->FailNth(Operation::kRead, 1, Persistence::kOnce);
  std::vector<std::pair<uint64_t, std::string>> records;
  EXPECT_EQ(ReplayInto(&records).status().code(), StatusCode::kIoError);
}

TEST_F(JournalFaultTest, ConcurrentSyncsAllLearnOfAFailure) {
  auto writer = NewWriter(1);
  disk_->FailNth(Operation::kSync, 20, Persistence::kForever);
  std::atomic<uint64_t> appended{0};
  std::vector<std::thread> threads;
  std::array<uint64_t, 3> acknowledged = {};
  for (uint64_t& mine : acknowledged) {
    threads.emplace_back([&] {
      for (;;) {
        const uint64_t seen = appended;
        if (!writer->Sync().ok()) return;
        mine = seen;
      }
    });
  }
  for (uint64_t sequence = 1; Put(writer.get(), sequence, BodyOf(sequence)).ok(); ++sequence)
    appended = sequence;
  for (std::thread& thread : threads) thread.join();
  writer.reset();
  ASSERT_TRUE(disk_->DropUnsynced(Unsynced::kLose, 0).ok());
  std::vector<std::pair<uint64_t, std::string>> records;
  ASSERT_TRUE(ReplayInto(&records).ok());
  for (const uint64_t mine : acknowledged) EXPECT_LE(mine, records.size());
}

}  // namespace
}  // namespace varve::journal
