// Repair keeps what can be read, sets the rest aside and says what is lost.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/engine/database_fixture.h"

namespace varve::engine {
namespace {

namespace fs = std::filesystem;

constexpr int kSeries = 300;
constexpr int kSamples = 40;

class RepairTest : public DatabaseFixture {
 protected:
  static Labels SeriesOf(int i) { return Labels{{"__name__", "m"}, {"i", std::to_string(i)}}; }

  void Fill() {
    Open();
    WriteBatch batch;
    std::mt19937_64 random(1);
    for (int i = 0; i < kSeries; ++i) {
      batch.BeginSeries(SeriesOf(i));
      for (int k = 0; k < kSamples; ++k) {
        batch.AddSample(kNowMs + k * 1000, static_cast<double>(random() % 1'000'000) / 3);
      }
      batch.AddExemplar({Labels{{"trace_id", "a"}}, 1.5, kNowMs});
    }
    Append(&batch);
  }

  // Of one family of the parts, by the names that RocksDB's files do not show: the largest files
  // hold chunks.
  std::string LargestSst() {
    std::string largest;
    uintmax_t size = 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
      if (entry.path().extension() != ".sst" || entry.file_size() <= size) continue;
      size = entry.file_size();
      largest = entry.path();
    }
    return largest;
  }

  static void Flip(const std::string& path, uint64_t byte) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(byte));
    const char old = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(byte));
    file.put(static_cast<char>(old ^ 0x10));
  }

  // Samples by series, of those that can be read.
  std::map<std::string, size_t> Counts() {
    std::map<std::string, size_t> counts;
    auto cursor = database_->Read({}, {});
    EXPECT_TRUE(cursor.ok()) << cursor.status().ToString();
    if (!cursor.ok()) return counts;
    SeriesSamples samples;
    while (true) {
      const auto next = (*cursor)->Next(&samples);
      EXPECT_TRUE(next.ok()) << next.status().ToString();
      if (!next.ok() || !*next) return counts;
      counts[samples.labels.ToString()] = samples.samples.size();
    }
  }

  RepairReport Repair() {
    const auto report = database_->Repair();
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? *report : RepairReport();
  }
};

TEST_F(RepairTest, ASoundDatabaseStaysAsItIs) {
  Fill();
  ASSERT_TRUE(database_->Compact().ok());
  const uint64_t parts = database_->Statistics().part_count;
  const RepairReport report = Repair();
  EXPECT_TRUE(report.found.faults.empty());
  EXPECT_EQ(report.parts_replaced + report.files_replaced, 0u);
  EXPECT_EQ(report.quarantine, "");
  EXPECT_EQ(database_->Statistics().part_count, parts);
  EXPECT_FALSE(fs::exists(directory_.path() + "/quarantine"));
}

TEST_F(RepairTest, WhatCanBeReadStaysAndWhatIsLostIsNamed) {
  Fill();
  ASSERT_TRUE(database_->Compact().ok());
  database_.reset();
  const std::string path = LargestSst();
  Flip(path, fs::file_size(path) / 3);
  Open();
  const RepairReport report = Repair();
  EXPECT_FALSE(report.found.faults.empty());
  EXPECT_TRUE(report.left.faults.empty()) << report.left.faults.front().what;
  EXPECT_EQ(report.parts_replaced, 1u);
  ASSERT_FALSE(report.lost.empty());
  EXPECT_LT(report.lost.size(), static_cast<size_t>(kSeries));
  const auto counts = Counts();
  size_t lost = 0;
  for (const LostSamples& stretch : report.lost) {
    EXPECT_FALSE(stretch.reason.empty());
    EXPECT_GE(stretch.range.max_ms, stretch.range.min_ms);
    if (stretch.labels.size() == 0) continue;
    EXPECT_FALSE(counts.contains(stretch.labels.ToString())) << stretch.labels.ToString();
    ++lost;
  }
  EXPECT_EQ(counts.size() + lost, static_cast<size_t>(kSeries));
  for (const auto& [labels, count] : counts) EXPECT_EQ(count, static_cast<size_t>(kSamples));
  EXPECT_TRUE(fs::exists(report.quarantine));
  EXPECT_FALSE(fs::is_empty(report.quarantine));
  // Once is enough, and merges go on.
  EXPECT_EQ(Repair().parts_replaced, 0u);
  ASSERT_TRUE(database_->Compact().ok());
  Open();
  EXPECT_EQ(Counts(), counts);
}

// Whatever is hit, a repaired database is sound, and the series that are not named are whole.
TEST_F(RepairTest, AnyDamagedByteOfAnyPartIsRepaired) {
  Fill();
  ASSERT_TRUE(database_->Compact().ok());
  database_.reset();
  const std::string sound = directory_.path() + "-sound";
  fs::remove_all(sound);
  fs::copy(directory_.path(), sound, fs::copy_options::recursive);
  std::mt19937_64 random(4);
  int opened = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
      if (entry.path().extension() == ".sst") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    const std::string& path = files[random() % files.size()];
    Flip(path, random() % fs::file_size(path));
    auto database = Database::Open(options_, directory_.path());
    if (database.ok()) {
      ++opened;
      database_ = *std::move(database);
      const RepairReport report = Repair();
      EXPECT_TRUE(report.left.faults.empty()) << path << ": " << report.left.faults.front().what;
      size_t named = 0;
      for (const LostSamples& stretch : report.lost) named += stretch.series_count;
      EXPECT_GE(Counts().size() + named, static_cast<size_t>(kSeries)) << path;
      database_.reset();
    }
    for (const auto& entry : fs::directory_iterator(directory_.path())) fs::remove_all(entry);
    fs::copy(sound, directory_.path(), fs::copy_options::recursive);
  }
  fs::remove_all(sound);
  EXPECT_GE(opened, 55);
}

TEST_F(RepairTest, DeletedSamplesStayDeleted) {
  Fill();
  ASSERT_TRUE(database_->Compact().ok());
  const std::vector<Selector> selectors = {{{MatchOp::kRegexMatch, "i", "2.."}}};
  ASSERT_TRUE(database_->Delete(selectors, {}).ok());
  database_.reset();
  const std::string path = LargestSst();
  Flip(path, fs::file_size(path) / 3);
  Open();
  EXPECT_EQ(Repair().parts_replaced, 1u);
  for (const auto& [labels, count] : Counts()) {
    EXPECT_THAT(labels, testing::Not(testing::ContainsRegex("i=\"2..\"")));
  }
}

TEST_F(RepairTest, DamagedCheckpointsAreSetAside) {
  Fill();
  ASSERT_TRUE(database_->Checkpoint().ok());
  database_.reset();
  for (const auto& entry : fs::directory_iterator(directory_.path())) {
    if (entry.path().extension() == ".vc") Flip(entry.path(), entry.file_size() - 100);
  }
  Open();
  const RepairReport report = Repair();
  EXPECT_FALSE(report.found.faults.empty());
  EXPECT_EQ(report.files_replaced, 1u);
  for (const VerifyFault& fault : report.left.faults) ADD_FAILURE() << fault.where << fault.what;
  EXPECT_FALSE(fs::is_empty(report.quarantine));
}

class KeepRulesTest : public RepairTest {};

TEST_F(KeepRulesTest, AToolLeavesClassesAsTheyAre) {
  options_.retention_rules = {{{{MatchOp::kRegexMatch, "i", "1.*"}}, 0}};
  options_.downsampling_rules = {{{}, {{60'000, 0, 0}}}};
  Fill();
  clock_.AdvanceMs(3 * 86'400'000);
  ASSERT_TRUE(database_->Compact().ok());
  const auto rules = [this] {
    std::vector<std::string> out;
    for (const PartDescription& part : database_->Parts()) {
      out.push_back(part.signal + " " + part.rule);
    }
    std::sort(out.begin(), out.end());
    return out;
  };
  const std::vector<std::string> before = rules();
  EXPECT_THAT(before, testing::ElementsAre("exemplars ", "metrics default", "metrics {i=~\"1.*\"}",
                                           "rollups {} 1m"));
  const uint64_t rolled = database_->Statistics().downsample_count;
  EXPECT_GT(rolled, 0u);
  const Options with_rules = options_;
  options_.retention_rules.clear();
  options_.downsampling_rules.clear();
  options_.keep_rules = true;
  Open();
  Append(SeriesOf(7), kNowMs + 500, 1);
  ASSERT_TRUE(database_->Compact().ok());
  EXPECT_EQ(database_->Statistics().part_count, 5u);  // what is new waits for its rule
  options_ = with_rules;
  Open();
  ASSERT_TRUE(database_->Maintain().ok());
  ASSERT_TRUE(database_->Compact().ok());
  EXPECT_EQ(rules(), before);
  EXPECT_EQ(Read(SeriesOf(7)).size(), static_cast<size_t>(kSamples + 1));
}

TEST_F(KeepRulesTest, RulesAndKeepingThemExclude) {
  options_.keep_rules = true;
  options_.retention_rules = {{{{MatchOp::kEqual, "i", "1"}}, 0}};
  EXPECT_EQ(Database::Open(options_, directory_.path()).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(KeepRulesTest, CardinalityCountsEachSeriesOnce) {
  Fill();
  ASSERT_TRUE(database_->Flush().ok());
  Append(SeriesOf(7), kNowMs + 60'000, 1);
  Append(Labels{{"__name__", "other"}}, kNowMs + 60'000, 1);
  const auto report = database_->Cardinality(2, TimeRange());
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->series_count, static_cast<uint64_t>(kSeries + 1));
  ASSERT_EQ(report->series_by_metric_name.size(), 2u);
  EXPECT_EQ(report->series_by_metric_name[0].name, "m");
  EXPECT_EQ(report->series_by_metric_name[0].value, static_cast<uint64_t>(kSeries));
  EXPECT_EQ(report->values_by_label_name[0].name, "i");
  EXPECT_EQ(report->label_pair_count, static_cast<uint64_t>(kSeries + 2));
}

}  // namespace
}  // namespace varve::engine
