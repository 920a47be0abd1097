// Flipped bytes and cut-off files in every file of a closed database: opening and reading
// everything gives an error, a report of what is lost, or exactly the right data; never a crash,
// and never a value that was not written.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/crash/script.h"
#include "tests/model/random_histogram.h"
#include "tests/model/test_directory.h"
#include "tests/model/twin.h"
#include "varve/database.h"

namespace varve::crash {
namespace {

constexpr int64_t kStartMs = 1'700'000'000'000;

// A database whose data lie in parts, in checkpoints and in the journal, with every sample written
// once, so that no value has an older version to fall back to.
class DamageTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<Database>> database = Database::Open(MakeOptions(), sound_.path());
    ASSERT_TRUE(database.ok()) << database.status().ToString();
    WriteMetadata(database->get());
    for (int i = 0; i < 4; ++i) Append(database->get(), 20);
    ASSERT_TRUE((*database)->Flush().ok());
    Append(database->get(), 60);
    ASSERT_TRUE((*database)->Flush().ok());
    Append(database->get(), 40);
    ASSERT_TRUE((*database)->Checkpoint().ok());
    Append(database->get(), 40);
    ASSERT_TRUE((*database)->Checkpoint().ok());
    Append(database->get(), 40);
    ASSERT_GT((*database)->Statistics().part_count, 1u);
  }

  Options MakeOptions() {
    Options options = BusyOptions(Durability::kNone);
    options.checkpoint_journal_bytes = uint64_t{1} << 30;
    options.log = [this](LogLevel level, std::string_view) {
      if (level >= LogLevel::kWarning) ++messages_;
    };
    return options;
  }

  static void WriteMetadata(Database* database) {
    WriteBatch batch;
    batch.AddMetadata({"series", MetricType::kGauge, "help", "bytes"});
    ASSERT_TRUE(database->Append(&batch).ok());
  }

  void Append(Database* database, int batch_count) {
    WriteBatch batch;
    for (int i = 0; i < batch_count; ++i, ++batches_) {
      batch.Clear();
      for (int series = 0; series < 12; ++series) {
        const Labels labels{{"__name__", "series"}, {"number", std::to_string(series)}};
        const int64_t time = kStartMs + batches_ * 60'000;
        batch.BeginSeries(labels);
        if (series < 3) {
          const HistogramSample sample{time, 0, histograms_.Next()};
          batch.AddHistogram(sample.timestamp_ms, sample.histogram, sample.start_ms);
          twin_.Append(labels, sample);
          continue;
        }
        const double value = static_cast<double>(random_() % 1'000'000) / 100;
        const int64_t start = series == 3 ? kStartMs : 0;
        batch.AddSample(time, value, start);
        twin_.Append(labels, time, value, start);
      }
      const Result<AppendResult> result = database->Append(&batch);
      ASSERT_TRUE(result.ok()) << result.status().ToString();
    }
  }

  // A copy of the sound database to be damaged.
  std::string Copy() {
    std::filesystem::remove_all(copy_.path());
    std::filesystem::copy(sound_.path(), copy_.path(), std::filesystem::copy_options::recursive);
    messages_.store(0);
    return copy_.path();
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(sound_.path())) {
      if (entry.is_regular_file()) {
        files.push_back(std::filesystem::relative(entry.path(), sound_.path()));
      }
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  // Whether the end of `file` may be missing without a word, as after a crash: only the newest
  // samples of the journal's last segment, and RocksDB's own logs.
  static bool MayEndTorn(const std::string& file) {
    return file.find(".vj") != std::string::npos || file.ends_with(".log");
  }

  // Opens and reads the damaged copy.
  void Judge(const std::string& file) {
    Result<std::unique_ptr<Database>> database = Database::Open(MakeOptions(), copy_.path());
    if (!database.ok()) {
      ++refused_;
      EXPECT_FALSE(database.status().message().empty());
      return;
    }
    const Result<model::AllSamples> read = model::ReadEverything(database->get());
    const bool told = !read.ok() || messages_.load() > 0 ||
                      (*database)->Statistics().recovery_damaged_records > 0;
    if (told) ++told_;
    if (!read.ok()) return;
    ExpectNothingInvented(*read);
    const std::string difference = model::Difference(twin_.samples(), *read);
    if (difference.empty() || told) return;
    EXPECT_TRUE(MayEndTorn(file) && IsPrefix(*read)) << "silently: " << difference;
  }

  void ExpectNothingInvented(const model::AllSamples& read) {
    for (const auto& [labels, samples] : read) {
      const auto written = twin_.samples().find(labels);
      ASSERT_NE(written, twin_.samples().end()) << labels.ToString() << " was never written";
      for (const auto& [time, bits] : samples) {
        const auto sample = written->second.find(time);
        ASSERT_NE(sample, written->second.end()) << "never written: a sample at " << time;
        ASSERT_EQ(sample->second, bits) << "another value at " << time;
      }
    }
  }

  // Every series has all samples up to one and the same time: whole batches, the newest missing.
  bool IsPrefix(const model::AllSamples& read) const {
    if (read.size() != twin_.samples().size()) return false;
    const size_t count = read.begin()->second.size();
    return std::all_of(read.begin(), read.end(), [&](const auto& series) {
      const auto& written = twin_.samples().at(series.first);
      return series.second.size() == count &&
             std::equal(series.second.begin(), series.second.end(), written.begin());
    });
  }

  // Offsets worth damaging: both ends, and some in between.
  std::vector<uint64_t> Offsets(uint64_t size) {
    std::vector<uint64_t> offsets;
    const uint64_t count = model::EnvironmentNumber("VARVE_DAMAGE_OFFSETS", 6);
    for (const uint64_t offset : {uint64_t{0}, size / 2, size - 1}) offsets.push_back(offset);
    for (uint64_t i = 3; i < count; ++i) offsets.push_back(random_() % size);
    return offsets;
  }

  std::mt19937_64 random_{20'231'121};
  model::TestDirectory sound_;
  model::TestDirectory copy_;
  model::Twin twin_;
  model::HistogramSource histograms_{9};
  int64_t batches_ = 0;
  std::atomic<uint64_t> messages_{0};
  uint64_t refused_ = 0;
  uint64_t told_ = 0;
};

TEST_F(DamageTest, TheUndamagedCopyIsRightAndSilent) {
  Copy();
  Judge("");
  EXPECT_EQ(refused_ + told_, 0u);
}

TEST_F(DamageTest, FlippedBytesAreNeverSilentlyWrong) {
  for (const std::string& file : Files()) {
    const uint64_t size = std::filesystem::file_size(sound_.path() + "/" + file);
    if (size == 0) continue;
    for (const uint64_t offset : Offsets(size)) {
      SCOPED_TRACE(file + ": byte " + std::to_string(offset) + " of " + std::to_string(size));
      std::fstream damaged(Copy() + "/" + file, std::ios::in | std::ios::out | std::ios::binary);
      damaged.seekg(static_cast<std::streamoff>(offset));
      const int byte = damaged.get();
      damaged.seekp(static_cast<std::streamoff>(offset));
      damaged.put(static_cast<char>(byte ^ (1 << (random_() % 8))));
      damaged.close();
      ASSERT_TRUE(damaged.good());
      Judge(file);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(refused_, 0u);
  EXPECT_GT(told_, 0u);
}

TEST_F(DamageTest, CutOffFilesAreNeverSilentlyWrong) {
  for (const std::string& file : Files()) {
    const uint64_t size = std::filesystem::file_size(sound_.path() + "/" + file);
    if (size == 0) continue;
    for (const uint64_t offset : Offsets(size)) {
      SCOPED_TRACE(file + ": cut to " + std::to_string(offset) + " of " + std::to_string(size));
      std::filesystem::resize_file(Copy() + "/" + file, offset);
      Judge(file);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(refused_, 0u);
}

TEST_F(DamageTest, MissingFilesAreNeverSilentlyWrong) {
  for (const std::string& file : Files()) {
    SCOPED_TRACE(file + " removed");
    std::filesystem::remove(Copy() + "/" + file);
    Judge(file);
    if (HasFailure()) return;
  }
  EXPECT_GT(refused_, 0u);
}

}  // namespace
}  // namespace varve::crash
