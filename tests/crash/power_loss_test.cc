// Power loss at a random operation of a busy database: what was not synced is gone, in whole or in
// part. `sync` loses nothing acknowledged; `interval` nothing acknowledged before the last sync but
// one; `none` anything unsynced; and in every mode each writer's batches are there as a prefix,
// whole, and recovery finds no damage, for a torn end is none.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/open.h"
#include "tests/crash/script.h"
#include "tests/fault/fault_file_system.h"
#include "tests/model/test_directory.h"

namespace varve::crash {
namespace {

constexpr size_t kThreadCount = 2;

class PowerLoss {
 public:
  PowerLoss(Durability durability, uint64_t seed)
      : durability_(durability),
        seed_(seed),
        random_(seed),
        file_system_(FileSystem::Posix(), keep_directory_.path()) {
    for (size_t i = 0; i < kThreadCount; ++i) twins_.emplace_back(seed, i);
  }

  void Run(int loss_count) {
    for (int loss = 0; loss < loss_count && !testing::Test::HasFailure(); ++loss) {
      SCOPED_TRACE("seed " + std::to_string(seed_) + ", loss " + std::to_string(loss));
      floors_ = batches_;
      for (size_t i = 0; i < kThreadCount; ++i) acknowledged_[i].store(batches_[i]);
      // Most of the time in the middle of writing, sometimes while opening.
      const uint64_t span = random_() % 5 == 0 ? 60 : 3'000;
      file_system_.CutPowerAtNth(1 + random_() % span);
      WriteUntilDark();
      const auto unsynced =
          random_() % 2 == 0 ? fault::Unsynced::kLose : fault::Unsynced::kKeepRandomPart;
      const Status rewound = file_system_.DropUnsynced(unsynced, random_());
      ASSERT_TRUE(rewound.ok()) << rewound.ToString();
      Verify();
    }
  }
  uint64_t batch_count() const { return batches_[0] + batches_[1]; }

 private:
  Options MakeOptions() {
    Options options = BusyOptions(durability_);
    options.durability_interval_ms = 2;
    return options;
  }

  void WriteUntilDark() {
    Result<std::unique_ptr<Database>> opened =
        engine::OpenDatabase(MakeOptions(), directory_.path(), &file_system_);
    if (!opened.ok()) {
      ASSERT_TRUE(file_system_.power_is_off()) << opened.status().ToString();
      return;
    }
    Database* const database = opened->get();
    std::vector<std::thread> threads;
    for (size_t i = 0; i < kThreadCount; ++i) {
      threads.emplace_back([this, database, i] { Write(database, i); });
    }
    threads.emplace_back([this, database] { Maintain(database); });
    if (durability_ == Durability::kInterval) FollowSyncs(database);
    for (std::thread& thread : threads) thread.join();
  }

  void Write(Database* database, size_t thread) {
    WriteBatch batch;
    for (uint64_t number = batches_[thread];; ++number) {
      const Result<AppendResult> result = AppendNumber(database, seed_, thread, number, &batch);
      if (!result.ok()) break;
      acknowledged_[thread].store(number + 1);
    }
    EXPECT_TRUE(file_system_.power_is_off()) << "an append failed by itself";
  }

  // Errors are what the dark brings; what matters is what stands afterwards.
  void Maintain(Database* database) {
    std::mt19937_64 random(seed_);
    while (!file_system_.power_is_off()) {
      const uint64_t dice = random() % 10;
      const Status status = dice < 4   ? database->Checkpoint()
                            : dice < 7 ? database->Flush()
                            : dice < 8 ? DeleteDoomed(database)
                            : dice < 9 ? database->Compact().status()
                                       : database->Maintain();
      EXPECT_TRUE(status.ok() || file_system_.power_is_off()) << status.ToString();
    }
  }

  // What was acknowledged before a sync began is durable once it ends; the second sync from now on
  // began after now.
  void FollowSyncs(Database* database) {
    while (!file_system_.power_is_off()) {
      std::array<uint64_t, kThreadCount> acknowledged{};
      for (size_t i = 0; i < kThreadCount; ++i) acknowledged[i] = acknowledged_[i].load();
      const uint64_t awaited = database->Statistics().journal_sync_count + 2;
      while (database->Statistics().journal_sync_count < awaited) {
        if (file_system_.power_is_off()) return;
        std::this_thread::yield();
      }
      floors_ = acknowledged;
    }
  }

  uint64_t Floor(size_t thread) const {
    return durability_ == Durability::kSync       ? acknowledged_[thread].load()
           : durability_ == Durability::kInterval ? floors_[thread]
                                                  : 0;
  }

  void Verify() {
    std::atomic<uint64_t> errors{0};
    Options options = MakeOptions();
    options.log = [&errors](LogLevel level, std::string_view message) {
      if (level != LogLevel::kError) return;
      ++errors;
      ADD_FAILURE() << "recovery logged: " << message;
    };
    Result<std::unique_ptr<Database>> database =
        engine::OpenDatabase(options, directory_.path(), &file_system_);
    ASSERT_TRUE(database.ok()) << database.status().ToString();
    EXPECT_EQ((*database)->Statistics().recovery_damaged_records, 0u);
    for (size_t i = 0; i < kThreadCount; ++i) {
      const Result<uint64_t> count =
          twins_[i].Verify(database->get(), Floor(i), acknowledged_[i].load() + 1);
      ASSERT_TRUE(count.ok()) << count.status().ToString();
      batches_[i] = *count;
    }
    if (random_() % 2 == 0) return;  // goes without Close
    const Status closed = (*database)->Close();
    EXPECT_TRUE(closed.ok()) << closed.ToString();
  }

  const Durability durability_;
  const uint64_t seed_;
  std::mt19937_64 random_;
  model::TestDirectory directory_;
  model::TestDirectory keep_directory_;
  fault::FaultFileSystem file_system_;
  std::vector<ThreadTwin> twins_;
  std::array<uint64_t, kThreadCount> batches_ = {};
  std::array<uint64_t, kThreadCount> floors_ = {};  // surely durable, for kInterval
  std::array<std::atomic<uint64_t>, kThreadCount> acknowledged_ = {};
};

class PowerLossTest : public testing::TestWithParam<Durability> {};

TEST_P(PowerLossTest, LosesNoMoreThanTheModeSays) {
  const uint64_t first_seed = model::EnvironmentNumber("VARVE_CRASH_SEED", std::random_device()());
  const uint64_t seed_count = model::EnvironmentNumber("VARVE_POWER_LOSS_SEEDS", 4);
  uint64_t batch_count = 0;
  for (uint64_t i = 0; i < seed_count && !HasFailure(); ++i) {
    PowerLoss test(GetParam(), first_seed + i);
    test.Run(3);
    batch_count += test.batch_count();
  }
  EXPECT_GT(batch_count, 0u);
}

INSTANTIATE_TEST_SUITE_P(Modes, PowerLossTest,
                         testing::Values(Durability::kSync, Durability::kInterval,
                                         Durability::kNone),
                         [](const auto& mode) {
                           return mode.param == Durability::kSync       ? "Sync"
                                  : mode.param == Durability::kInterval ? "Interval"
                                                                        : "None";
                         });

}  // namespace
}  // namespace varve::crash
