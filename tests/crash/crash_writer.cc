// A process that appends until it is killed: crash_writer DIRECTORY REPORT_FD SEED DURABILITY
// FIRST... FIRST is each thread's first batch. Every acknowledgement is reported, after it was
// given.
#include "tests/crash/crash_writer.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/crash/script.h"
#include "varve/database.h"

namespace varve::crash {
namespace {

// Something that the test did not foresee: say so and end, which the parent sees.
[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "crash_writer: %s\n", what.c_str());
  std::_Exit(3);
}

void Send(int fd, const Report& report) {
  if (::write(fd, &report, sizeof report) != static_cast<ssize_t>(sizeof report)) {
    Fail("the parent does not listen");
  }
}

// How many batches of each thread were acknowledged; 0: none in this life.
std::array<std::atomic<uint64_t>, kThreadCount> acknowledged_counts = {};

void Write(Database* database, int fd, uint64_t seed, uint32_t thread, uint64_t first) {
  WriteBatch batch;
  for (uint64_t number = first;; ++number) {
    const Result<AppendResult> result = AppendNumber(database, seed, thread, number, &batch);
    if (!result.ok() && result.status().code() == StatusCode::kResourceExhausted) {
      --number;  // once more
      continue;
    }
    if (!result.ok()) Fail("append: " + result.status().ToString());
    if (result->samples_rejected + result->exemplars_rejected != 0) Fail("samples were refused");
    acknowledged_counts[thread].store(number + 1);
    Send(fd, {ReportKind::kAcknowledged, thread, number});
  }
}

Status DeleteAndReport(Database* database, int fd) {
  std::array<uint64_t, kThreadCount> before{};
  for (size_t i = 0; i < kThreadCount; ++i) before[i] = acknowledged_counts[i].load();
  if (Status status = DeleteDoomed(database); !status.ok()) return status;
  for (uint32_t i = 0; i < kThreadCount; ++i) {
    if (before[i] != 0) Send(fd, {ReportKind::kDeleted, i, before[i] - 1});
  }
  return OkStatus();
}

Status BackUp(Database* database, const std::string& directory) {
  const std::string backups = directory + kBackupsFolder;
  if (const auto report = database->Backup(backups); !report.ok()) {
    // Two within one millisecond have one name.
    return report.status().code() == StatusCode::kAlreadyExists ? OkStatus() : report.status();
  }
  return PruneBackups(backups, 2).status();
}

// Back to back, so that any moment is in the middle of one of them.
[[noreturn]] void Maintain(Database* database, const std::string& directory, int fd,
                           uint64_t seed) {
  std::mt19937_64 random(seed);
  while (true) {
    const uint64_t dice = random() % 13;
    const Status status = dice < 4    ? database->Checkpoint()
                          : dice < 7  ? database->Flush()
                          : dice < 9  ? DeleteAndReport(database, fd)
                          : dice < 10 ? database->Maintain()
                          : dice < 12 ? database->Compact().status()
                                      : BackUp(database, directory);
    if (!status.ok()) Fail("maintenance: " + status.ToString());
  }
}

int Run(char** arguments) {
  const std::string directory = arguments[1];
  const int fd = static_cast<int>(std::strtol(arguments[2], nullptr, 10));
  const uint64_t seed = std::strtoull(arguments[3], nullptr, 10);
  const auto durability = static_cast<Durability>(std::strtol(arguments[4], nullptr, 10));
  Options options = BusyOptions(durability);
  options.durability_interval_ms = 20;
  if ((seed ^ std::strtoull(arguments[5], nullptr, 10)) % 2 == 0) {
    // Other rules than in the life before, mostly: parts are split by them.
    options.retention_rules = {{{{MatchOp::kRegexMatch, "__name__", ".*[02468]"}}, 0}};
  }
  if ((seed ^ std::strtoull(arguments[5], nullptr, 10)) % 3 == 0) {
    options.downsampling_rules.front().selector = {{MatchOp::kRegexMatch, "__name__", ".*[13579]"}};
  }
  options.log = [](LogLevel level, std::string_view message) {
    if (level == LogLevel::kError) Fail("logged: " + std::string(message));
  };
  Send(fd, {ReportKind::kOpening, 0, 0});
  Result<std::unique_ptr<Database>> database = Database::Open(options, directory);
  if (!database.ok()) Fail("open: " + database.status().ToString());
  Send(fd, {ReportKind::kReady, 0, 0});
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreadCount; ++i) {
    const uint64_t first = std::strtoull(arguments[5 + i], nullptr, 10);
    threads.emplace_back([&, i, first] { Write(database->get(), fd, seed, i, first); });
  }
  Maintain(database->get(), directory, fd, seed ^ std::strtoull(arguments[5], nullptr, 10));
}

}  // namespace
}  // namespace varve::crash

int main(int argument_count, char** arguments) {
  if (argument_count != 5 + static_cast<int>(varve::crash::kThreadCount)) return 2;
  return varve::crash::Run(arguments);
}
