// Churn: many series, few of them alive at a time.
// bench_churn [series] [alive] [directory] [minutes]
// appends `series` (10 million) series over a day of sample time, one sample a minute each, `alive`
// (200,000) at a time, and prints what they take in memory, how fast it went, and how long the
// directory takes to open afterwards, as after kill -9. With `minutes` it does so much of the day
// at the pace of the clock, as servers meet it.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "varve/database.h"

namespace varve {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kStepMs = 60'000;
constexpr uint64_t kBatchSeries = 2000;
constexpr int64_t kBeginMs = 1'700'006'400'000;  // midnight

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Like a container's: what changes from series to series is its name and a hash.
Labels LabelsOf(uint64_t i) {
  return Labels{
      {"__name__", "container_cpu_usage_seconds_total"},
      {"container", "app" + std::to_string(i % 50)},
      {"namespace", "team-" + std::to_string(i % 20)},
      {"node", "node-" + std::to_string(i % 300)},
      {"pod", "app" + std::to_string(i % 50) + "-" + std::to_string(i * 0x9e3779b97f4a7c15 >> 32)}};
}

// One sample of each series in [first, last), with a pause before each batch. False after an error,
// which it has told.
bool AppendStep(Database* database, uint64_t first, uint64_t last, int64_t step,
                std::chrono::nanoseconds pause, WriteBatch* batch) {
  for (uint64_t at = first; at < last;) {
    std::this_thread::sleep_for(pause);
    batch->Clear();
    for (const uint64_t end = std::min(last, at + kBatchSeries); at < end; ++at) {
      batch->BeginSeries(LabelsOf(at));
      batch->AddSample(kBeginMs + step * kStepMs, static_cast<double>(step));
    }
    auto result = database->Append(batch);
    while (!result.ok() && result.status().code() == StatusCode::kResourceExhausted) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      result = database->Append(batch);
    }
    if (result.ok() && result->samples_rejected == 0) continue;
    std::fprintf(stderr, "bench_churn: %s\n",
                 result.ok() ? result->rejections.front().example.c_str()
                             : result.status().ToString().c_str());
    return false;
  }
  return true;
}

int Run(uint64_t series_count, uint64_t alive, const std::string& directory, uint64_t minutes) {
  Options options;
  options.durability = Durability::kNone;
  options.retention_ms = 0;
  options.future_limit_ms = 0;
  options.now_ms = [] { return kBeginMs + kDayMs; };
  auto opened = Database::Open(options, directory);
  if (!opened.ok()) {
    std::fprintf(stderr, "bench_churn: %s\n", opened.status().ToString().c_str());
    return 1;
  }
  std::unique_ptr<Database> database = *std::move(opened);
  const uint64_t idle_bytes = ResidentBytes();
  const auto started = std::chrono::steady_clock::now();
  constexpr int64_t kDaySteps = kDayMs / kStepMs;
  const int64_t steps = minutes == 0 ? kDaySteps : static_cast<int64_t>(minutes);
  std::chrono::nanoseconds pause{0};
  if (minutes > 0) {
    pause = std::chrono::nanoseconds(std::chrono::minutes(1)) /
            static_cast<int64_t>(alive / kBatchSeries + 1);
  }
  uint64_t samples = 0;
  uint64_t most_resident = 0;
  uint64_t most_series = 0;
  WriteBatch batch;
  for (int64_t step = 0; step < steps; ++step) {
    const uint64_t first =
        series_count * static_cast<uint64_t>(step) / static_cast<uint64_t>(kDaySteps);
    const uint64_t last = std::min(series_count, first + alive);
    if (!AppendStep(database.get(), first, last, step, pause, &batch)) return 1;
    samples += last - first;
    if (step % (minutes == 0 ? 30 : 1) != (minutes == 0 ? 29 : 0)) continue;
    const DatabaseStatistics now = database->Statistics();
    most_resident = std::max(most_resident, ResidentBytes());
    most_series = std::max(most_series, now.head_series_count);
    std::fprintf(stderr, "%5.1f h: %llu series in memory, head %.1f + %.1f MB, resident %.1f MB\n",
                 static_cast<double>(step + 1) / 60,
                 static_cast<unsigned long long>(now.head_series_count),
                 static_cast<double>(now.head_index_bytes) / 1e6,
                 static_cast<double>(now.head_sample_bytes) / 1e6,
                 static_cast<double>(ResidentBytes()) / 1e6);
  }
  const double seconds = Seconds(started);
  const DatabaseStatistics statistics = database->Statistics();
  std::printf("%llu series made, %llu samples in %.1f s: %.2f M samples/s\n",
              static_cast<unsigned long long>(statistics.series_created),
              static_cast<unsigned long long>(samples), seconds,
              static_cast<double>(samples) / seconds / 1e6);
  std::printf(
      "at most %llu series in memory, %.0f MB over the empty database: %.0f B per series alive\n",
      static_cast<unsigned long long>(most_series),
      static_cast<double>(most_resident - idle_bytes) / 1e6,
      static_cast<double>(most_resident - idle_bytes) / static_cast<double>(alive));
  std::printf("%llu flushes, %llu merges, %llu parts, %.1f MB\n",
              static_cast<unsigned long long>(statistics.flush_count),
              static_cast<unsigned long long>(statistics.merge_count),
              static_cast<unsigned long long>(statistics.part_count),
              static_cast<double>(statistics.part_bytes) / 1e6);
  database.reset();  // without a checkpoint: what follows is recovery
  const auto reopening = std::chrono::steady_clock::now();
  opened = Database::Open(options, directory);
  if (!opened.ok()) return 1;
  std::printf("opened again in %.2f s, %llu series in memory\n", Seconds(reopening),
              static_cast<unsigned long long>((*opened)->Statistics().head_series_count));
  return 0;
}

}  // namespace
}  // namespace varve

int main(int argument_count, char** arguments) {
  const auto number = [&](int i, uint64_t otherwise) {
    return argument_count > i ? std::strtoull(arguments[i], nullptr, 10) : otherwise;
  };
  const std::string directory =
      argument_count > 3 ? arguments[3] : std::filesystem::temp_directory_path() / "varve-churn";
  std::filesystem::remove_all(directory);
  const int status = varve::Run(number(1, 10'000'000), number(2, 200'000), directory, number(4, 0));
  std::filesystem::remove_all(directory);
  return status;
}
