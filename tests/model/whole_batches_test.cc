// Concurrent writers and readers: a query sees all of a batch or none of it, and every batch that
// was acknowledged before it, while flushes, checkpoints and merges go on.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <bit>
#include <string>
#include <thread>
#include <vector>

#include "engine/reader.h"
#include "tests/model/test_directory.h"
#include "tests/model/twin.h"
#include "varve/database.h"

namespace varve::model {
namespace {

constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr size_t kWriterCount = 3;
constexpr size_t kSeriesPerWriter = 40;
constexpr int64_t kBatchesPerGeneration = 25;  // then other series take over

class WholeBatches {
 public:
  explicit WholeBatches(int64_t batch_count) : batch_count_(batch_count) {
    Options options;
    options.durability = Durability::kNone;
    options.retention_ms = 0;
    options.future_limit_ms = 0;
    options.checkpoint_journal_bytes = 100'000;
    options.head_bytes_max = size_t{64} << 20;
    options.free_disk_bytes_min = 0;
    Result<std::unique_ptr<Database>> opened = Database::Open(options, directory_.path());
    if (opened.ok()) database_ = *std::move(opened);
  }

  void Run() {
    ASSERT_NE(database_, nullptr);
    std::vector<std::thread> writers;
    std::vector<std::thread> others;
    for (size_t i = 0; i < kWriterCount; ++i) writers.emplace_back([this, i] { Write(i); });
    others.emplace_back([this] { Read(0); });
    others.emplace_back([this] { Read(1); });
    others.emplace_back([this] { Maintain(); });
    for (std::thread& thread : writers) thread.join();
    writing_.store(false);
    for (std::thread& thread : others) thread.join();
    for (size_t i = 0; i < kWriterCount; ++i) CheckWriter(i);
    EXPECT_GT(checks_.load(), 0u);
    EXPECT_TRUE(HasMaintained());
  }

 private:
  static std::string Name(size_t writer) { return "writer-" + std::to_string(writer); }

  // Batch k: value k at time k in each of the writer's series, those of k's generation.
  void Write(size_t writer) {
    WriteBatch batch;
    for (int64_t k = 0; k < batch_count_ || maintaining_.load(); ++k) {
      batch.Clear();
      const std::string generation = std::to_string(k / kBatchesPerGeneration);
      for (size_t i = 0; i < kSeriesPerWriter; ++i) {
        batch.BeginSeries(Labels{
            {"writer", Name(writer)}, {"generation", generation}, {"number", std::to_string(i)}});
        batch.AddSample(kStartMs + k * 1000, static_cast<double>(k));
      }
      const Result<AppendResult> result = database_->Append(&batch);
      ASSERT_TRUE(result.ok()) << result.status().ToString();
      acknowledged_[writer].store(k + 1);
    }
  }

  // Every batch must have its value in all series of its generation. The first ones may be deleted.
  void CheckWriter(size_t writer) {
    const int64_t deleted = deleted_.load();
    const int64_t acknowledged = acknowledged_[writer].load();
    const Result<AllSamples> read =
        ReadSelected(database_.get(), {{MatchOp::kEqual, "writer", Name(writer)}}, {});
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    std::map<int64_t, size_t> series_with;  // by timestamp
    for (const auto& [labels, samples] : *read) {
      for (const auto& [time, sample] : samples) {
        ASSERT_EQ(std::bit_cast<double>(sample.bits),
                  static_cast<double>((time - kStartMs) / 1000));
        ++series_with[time];
      }
    }
    for (const auto& [time, count] : series_with) {
      ASSERT_EQ(count, kSeriesPerWriter) << "half of the batch at " << time;
    }
    ASSERT_GE(static_cast<int64_t>(series_with.size()) + deleting_.load(), acknowledged)
        << "an answered batch is not seen";
    if (!series_with.empty()) {
      ASSERT_GE(series_with.begin()->first, kStartMs + deleted * 1000) << "a deleted batch is seen";
      ASSERT_EQ(series_with.rbegin()->first - series_with.begin()->first,
                static_cast<int64_t>(series_with.size() - 1) * 1000)
          << "a batch is seen and one before it is not";
    }
    ++checks_;
  }

  void Read(size_t first_writer) {
    for (size_t writer = first_writer; writing_.load() && !testing::Test::HasFailure(); ++writer) {
      CheckWriter(writer % kWriterCount);
    }
  }

  // The first third of what every writer has been answered.
  Status Delete() {
    int64_t count = INT64_MAX;
    for (const auto& acknowledged : acknowledged_) {
      count = std::min(count, acknowledged.load() / 3);
    }
    if (count <= deleted_.load()) return OkStatus();
    deleting_.store(count);
    const Selector everything{{MatchOp::kRegexMatch, "writer", ".+"}};
    const TimeRange range{INT64_MIN, kStartMs + (count - 1) * 1000};
    if (const auto report = database_->Delete({&everything, 1}, range); !report.ok()) {
      return report.status();
    }
    deleted_.store(count);
    return OkStatus();
  }

  void Maintain() {
    // Until everything has happened at least once beside the writers.
    constexpr int kRoundsMax = 20'000;  // most find nothing to do while the writers wait for a core
    for (int round = 0; round < kRoundsMax && !HasMaintained(); ++round) {
      const Status status = round % 4 == 0   ? database_->Checkpoint()
                            : round % 4 == 3 ? database_->Maintain()
                            : round % 8 == 5 ? Delete()
                                             : database_->Flush();
      EXPECT_TRUE(status.ok()) << status.ToString();
    }
    maintaining_.store(false);
  }

  bool HasMaintained() {
    const DatabaseStatistics statistics = database_->Statistics();
    return statistics.flush_count > 0 && statistics.checkpoint_count > 0 &&
           statistics.merge_count > 0;
  }

  const int64_t batch_count_;
  TestDirectory directory_;
  std::unique_ptr<Database> database_;
  std::atomic<bool> writing_{true};
  std::atomic<bool> maintaining_{true};
  std::array<std::atomic<int64_t>, kWriterCount> acknowledged_ = {};
  // How many batches of each writer are, or are being, deleted.
  std::atomic<int64_t> deleting_{0};
  std::atomic<int64_t> deleted_{0};
  std::atomic<uint64_t> checks_{0};
};

TEST(WholeBatchesTest, QueriesSeeBatchesWholeAndInOrder) {
  WholeBatches run(static_cast<int64_t>(EnvironmentNumber("VARVE_MODEL_BATCHES", 400)));
  run.Run();
}

}  // namespace
}  // namespace varve::model
