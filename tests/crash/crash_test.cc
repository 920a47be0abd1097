// kill -9 at random moments: of appends, flushes, checkpoints, merges and recovery. Whatever was
// acknowledged is there with its exact bits, nothing is there that was never sent, no batch is half
// there, and no recovery finds damage. VARVE_CRASH_CYCLES says how often.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/crash/crash_writer.h"
#include "tests/crash/script.h"
#include "tests/model/test_directory.h"

namespace varve::crash {
namespace {

using Clock = std::chrono::steady_clock;
using BatchCounts = std::array<uint64_t, kThreadCount>;

// One life of the writing process.
class Writer {
 public:
  Writer(const std::string& directory, uint64_t seed, Durability durability,
         const BatchCounts& first)
      : acknowledged_(first) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return;
    std::vector<std::string> arguments{VARVE_CRASH_WRITER, directory, std::to_string(ends[1]),
                                       std::to_string(seed),
                                       std::to_string(static_cast<int>(durability))};
    for (const uint64_t number : first) arguments.push_back(std::to_string(number));
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    process_ = ::fork();
    if (process_ == 0) {
      ::close(ends[0]);
      ::execv(VARVE_CRASH_WRITER, pointers.data());
      ::_exit(4);
    }
    ::close(ends[1]);
    reports_ = ends[0];
  }
  ~Writer() {
    if (process_ > 0) Kill();
    ::close(reports_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Takes in the next report; false when none came before the deadline, or the writer ended.
  bool Next(Clock::time_point deadline, Report* report) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{reports_, POLLIN, 0};
    if (left < 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0) return false;
    return Take(report);
  }

  // Ends the process as kill -9 does, then takes in what it had reported. Returns its wait status.
  int Kill() {
    int status = 0;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, &status, 0);
    process_ = -1;
    for (Report report; Take(&report);) {
    }
    return status;
  }
  // How many batches of each thread were acknowledged.
  const BatchCounts& acknowledged() const { return acknowledged_; }
  // Of how many the doomed series was deleted.
  const BatchCounts& deleted() const { return deleted_; }

 private:
  bool Take(Report* report) {
    if (::read(reports_, report, sizeof *report) != static_cast<ssize_t>(sizeof *report))
      return false;
    if (report->kind == ReportKind::kAcknowledged)
      acknowledged_[report->thread] = report->batch + 1;
    if (report->kind == ReportKind::kDeleted) deleted_[report->thread] = report->batch + 1;
    return true;
  }

  pid_t process_ = -1;
  int reports_ = -1;
  BatchCounts acknowledged_;
  BatchCounts deleted_ = {};
};

class CrashCycles {
 public:
  explicit CrashCycles(uint64_t seed) : seed_(seed), random_(seed) { StartAfresh(); }

  void Run(uint64_t cycle_count) {
    for (uint64_t cycle = 0; cycle < cycle_count && !testing::Test::HasFailure(); ++cycle) {
      SCOPED_TRACE("seed " + std::to_string(seed_) + ", cycle " + std::to_string(cycle));
      if (cycle % kCyclesPerDatabase == kCyclesPerDatabase - 1) StartAfresh();
      Cycle();
    }
    EXPECT_GT(batches_verified_, 0u);
    testing::Test::RecordProperty("batches_verified", std::to_string(batches_verified_));
  }

 private:
  static constexpr uint64_t kCyclesPerDatabase = 25;  // verifying takes longer as it grows

  void StartAfresh() {
    directory_ = std::make_unique<model::TestDirectory>();
    ++database_seed_;
    batches_ = {};
    twins_.clear();
    for (size_t i = 0; i < kThreadCount; ++i) twins_.emplace_back(database_seed_, i);
  }

  void Cycle() {
    const auto durability = static_cast<Durability>(random_() % 3);
    Writer writer(directory_->path(), database_seed_, durability, batches_);
    if (random_() % 4 == 0) {
      LetOpen(&writer);
    } else {
      LetWrite(&writer);
    }
    const int status = writer.Kill();
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        << "the writer ended by itself: " << status;
    for (size_t i = 0; i < kThreadCount; ++i) twins_[i].ExpectDeletedBefore(writer.deleted()[i]);
    Verify(writer.acknowledged());
  }

  // To a random moment of Open, most of which is recovery.
  void LetOpen(Writer* writer) {
    Report report;
    ASSERT_TRUE(writer->Next(Clock::now() + kPatience, &report)) << "the writer does not start";
    const auto moment = Clock::now() + std::chrono::microseconds(random_() % 30'000);
    while (Clock::now() < moment) {
    }
  }

  // To a random moment after it has opened, chosen by time or by acknowledgements.
  void LetWrite(Writer* writer) {
    Report report;
    do {
      ASSERT_TRUE(writer->Next(Clock::now() + kPatience, &report)) << "the writer does not open";
    } while (report.kind != ReportKind::kReady);
    const uint64_t reports_max = random_() % 2 == 0 ? 1 + random_() % 300 : UINT64_MAX;
    const auto deadline =
        Clock::now() + (reports_max == UINT64_MAX ? std::chrono::milliseconds(random_() % 200)
                                                  : std::chrono::milliseconds(kPatience));
    for (uint64_t i = 0; i < reports_max; ++i) {
      if (!writer->Next(deadline, &report)) break;
    }
  }

  void Verify(const BatchCounts& acknowledged) {
    std::atomic<uint64_t> errors{0};
    Options options = BusyOptions(Durability::kNone);
    options.log = [&errors](LogLevel level, std::string_view message) {
      if (level != LogLevel::kError) return;
      ++errors;
      ADD_FAILURE() << "recovery logged: " << message;
    };
    Result<std::unique_ptr<Database>> database = Database::Open(options, directory_->path());
    ASSERT_TRUE(database.ok()) << database.status().ToString();
    EXPECT_EQ((*database)->Statistics().recovery_damaged_records, 0u);
    for (size_t i = 0; i < kThreadCount; ++i) {
      // The batch under way at the kill may be there or not.
      const Result<uint64_t> count =
          twins_[i].Verify(database->get(), acknowledged[i], acknowledged[i] + 1);
      ASSERT_TRUE(count.ok()) << count.status().ToString();
      batches_verified_ += *count - batches_[i];
      batches_[i] = *count;
    }
    ExpectSound(database->get());
    VerifyBackups();
    if (random_() % 3 == 0) {
      EXPECT_TRUE((*database)->Close().ok());
    }
    EXPECT_EQ(errors.load(), 0u);
  }

  static void ExpectSound(Database* database) {
    const Result<VerifyReport> report = database->Verify();
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    for (const VerifyFault& fault : report->faults) {
      ADD_FAILURE() << fault.where << ": " << fault.what;
    }
  }

  // Every backup that is listed can be restored, and is sound.
  void VerifyBackups() {
    const std::string backups = directory_->path() + kBackupsFolder;
    const auto listed = ListBackups(backups);
    if (!listed.ok() || listed->empty()) return;  // none was finished yet
    model::TestDirectory restored;
    const auto info = RestoreBackup(backups, listed->back().name, restored.path());
    ASSERT_TRUE(info.ok()) << info.status().ToString();
    const auto database = Database::Open(BusyOptions(Durability::kNone), restored.path());
    ASSERT_TRUE(database.ok()) << database.status().ToString();
    EXPECT_EQ((*database)->Statistics().recovery_damaged_records, 0u);
    ExpectSound(database->get());
  }

  static constexpr std::chrono::seconds kPatience{120};
  const uint64_t seed_;
  std::mt19937_64 random_;
  uint64_t database_seed_ = 0;
  std::unique_ptr<model::TestDirectory> directory_;
  BatchCounts batches_ = {};
  std::vector<ThreadTwin> twins_;
  uint64_t batches_verified_ = 0;
};

TEST(CrashTest, WhatWasAcknowledgedSurvivesKill9) {
  const uint64_t seed = model::EnvironmentNumber("VARVE_CRASH_SEED", std::random_device()());
  CrashCycles cycles(seed);
  cycles.Run(model::EnvironmentNumber("VARVE_CRASH_CYCLES", 10));
}

}  // namespace
}  // namespace varve::crash
