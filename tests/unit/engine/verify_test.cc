// Verify finds nothing in a sound database, and names what was damaged.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/engine/database_fixture.h"

namespace varve::engine {
namespace {

namespace fs = std::filesystem;

class VerifyTest : public DatabaseFixture {
 protected:
  Labels Series(int i) {
    return Labels{
        {"__name__", "m"}, {"i", std::to_string(i)}, {"parity", i % 2 == 0 ? "even" : "odd"}};
  }

  // Parts as flushed and as merged, exemplars, a checkpoint and a journal.
  void Fill() {
    Open();
    for (int round = 0; round < 4; ++round) {
      WriteBatch batch;
      for (int i = 0; i < 100; ++i) {
        batch.BeginSeries(Series(i));
        for (int k = 0; k < 20; ++k) batch.AddSample(kNowMs + round * 20'000 + k * 1000, i * k);
        batch.AddExemplar({Labels{{"trace_id", "a"}}, 1.5, kNowMs + round});
      }
      Append(&batch);
      const Status status = round == 0   ? database_->Compact().status()
                            : round == 1 ? database_->Flush()
                            : round == 2 ? database_->Checkpoint()
                                         : OkStatus();
      ASSERT_TRUE(status.ok()) << status.ToString();
    }
  }

  VerifyReport Verify() {
    const auto report = database_->Verify();
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? *report : VerifyReport();
  }

  std::vector<std::string> FilesOf(const std::string& extension) {
    std::vector<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
      if (entry.path().extension() == extension) paths.push_back(entry.path());
    }
    return paths;
  }

  static void FlipBit(const std::string& path, uint64_t bit) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(bit / 8));
    const char byte = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(bit / 8));
    file.put(static_cast<char>(byte ^ 1 << bit % 8));
  }
};

TEST_F(VerifyTest, ASoundDatabaseHasNoFaults) {
  Fill();
  const VerifyReport report = Verify();
  for (const VerifyFault& fault : report.faults) ADD_FAILURE() << fault.where << ": " << fault.what;
  EXPECT_EQ(report.sample_count, 4000u);
  EXPECT_EQ(report.exemplar_count, 300u);  // the rest is in the journal
  EXPECT_EQ(report.checkpoint_count, 2u);
  EXPECT_EQ(report.journal_record_count, 1u);
  EXPECT_GE(report.part_count, 4u);
}

TEST_F(VerifyTest, AnyFlippedBitOfAPartIsFound) {
  Fill();
  database_.reset();
  std::mt19937_64 random(1);
  const std::vector<std::string> files = FilesOf(".sst");
  ASSERT_GE(files.size(), 8u);
  for (const std::string& path : files) {
    const uint64_t bit = random() % (8 * fs::file_size(path));
    FlipBit(path, bit);
    Open();
    const VerifyReport report = Verify();
    ASSERT_FALSE(report.faults.empty()) << path << ", bit " << bit;
    bool named = false;
    for (const VerifyFault& fault : report.faults) {
      named = named || fault.what.find(fs::path(path).filename()) != std::string::npos;
    }
    EXPECT_TRUE(named) << path << ": " << report.faults.front().what;
    database_.reset();
    FlipBit(path, bit);
  }
  Open();
  EXPECT_TRUE(Verify().faults.empty());
}

TEST_F(VerifyTest, DamageInCheckpointsAndJournalIsFoundWhileTheDatabaseIsOpen) {
  Fill();
  const std::vector<std::string> checkpoints = FilesOf(".vc");
  ASSERT_FALSE(checkpoints.empty());
  FlipBit(checkpoints.back(), 8 * (fs::file_size(checkpoints.back()) / 2));
  EXPECT_FALSE(Verify().faults.empty());
  FlipBit(checkpoints.back(), 8 * (fs::file_size(checkpoints.back()) / 2));
  EXPECT_TRUE(Verify().faults.empty());
  WriteBatch batch;
  batch.BeginSeries(Series(1));
  batch.AddSample(kNowMs + 1'000'000, 1);
  Append(&batch);
  const std::vector<std::string> segments = FilesOf(".vj");
  ASSERT_FALSE(segments.empty());
  const std::string newest = *std::max_element(segments.begin(), segments.end());
  FlipBit(newest, 8 * 100);  // in the first record, with another behind it
  batch.Clear();
  batch.BeginSeries(Series(1));
  batch.AddSample(kNowMs + 2'000'000, 1);
  Append(&batch);
  EXPECT_FALSE(Verify().faults.empty());
}

}  // namespace
}  // namespace varve::engine
