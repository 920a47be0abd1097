// Appending through the library, by reference and by labels, and recovering what was appended.
// Durability none, one sample of every series per round, batches of about 2,000 samples.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "varve/database.h"

namespace varve {
namespace {

constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr size_t kBatchSamples = 2'000;

double ProcessCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Labels as a scraped exporter has them.
Labels SeriesLabels(size_t i) {
  return Labels{{"__name__", "node_cpu_seconds_total_" + std::to_string(i % 300)},
                {"cpu", std::to_string(i % 8)},
                {"instance", "host-" + std::to_string(i / 300) + ".example.org:9100"},
                {"job", "node-exporter"},
                {"mode", i % 2 == 0 ? "user" : "system"}};
}

// Counters that grow by something, gauges that stand still, times that jitter.
double Value(size_t series, int64_t round) {
  return series % 3 == 0 ? static_cast<double>(round * static_cast<int64_t>(series % 17))
                         : static_cast<double>(series % 100);
}

class AppendRun {
 public:
  AppendRun(size_t series_count, const char* name)
      : series_count_(series_count),
        path_(std::filesystem::temp_directory_path() /
              ("varve-bench-" + std::string(name) + "-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    labels_.reserve(series_count);
    for (size_t i = 0; i < series_count; ++i) labels_.push_back(SeriesLabels(i));
    refs_.resize(series_count);
  }
  ~AppendRun() {
    database_.reset();
    std::filesystem::remove_all(path_);
  }

  // A refusal or an error would make every figure meaningless.
  static void Require(const Status& status) {
    if (status.ok()) return;
    std::fprintf(stderr, "append_bench: %s\n", status.ToString().c_str());
    std::abort();
  }

  void Open() {
    Options options;
    options.durability = Durability::kNone;
    options.retention_ms = 0;
    options.future_limit_ms = 0;
    options.head_bytes_max = size_t{2} << 30;
    options.checkpoint_journal_bytes = uint64_t{8} << 30;
    options.head_span_ms_max = INT64_MAX;
    auto opened = Database::Open(options, path_);
    Require(opened.status());
    database_ = *std::move(opened);
  }
  void Drop() { database_.reset(); }

  enum class Address { kLabels, kReferences };
  // One sample of every series.
  void AppendRound(Address address) {
    for (size_t begin = 0; begin < series_count_; begin += kBatchSamples) {
      batch_.Clear();
      const size_t end = std::min(begin + kBatchSamples, series_count_);
      for (size_t i = begin; i < end; ++i) {
        if (address == Address::kReferences && refs_[i] != kNoSeries) {
          batch_.BeginSeries(refs_[i]);
        } else {
          batch_.BeginSeries(labels_[i]);
        }
        batch_.AddSample(kStartMs + round_ * 15'000 + static_cast<int64_t>(i % 7),
                         Value(i, round_));
      }
      Require(database_->Append(&batch_).status());
      for (size_t i = begin; i < end; ++i) refs_[i] = batch_.series_ref(i - begin);
    }
    ++round_;
  }
  Database* database() { return database_.get(); }
  size_t series_count() const { return series_count_; }

 private:
  const size_t series_count_;
  const std::string path_;
  std::vector<Labels> labels_;
  std::vector<SeriesRef> refs_;
  WriteBatch batch_;
  int64_t round_ = 0;
  std::unique_ptr<Database> database_;
};

void Append(benchmark::State& state, AppendRun::Address address) {
  AppendRun run(static_cast<size_t>(state.range(0)), "append");
  run.Open();
  run.AppendRound(address);  // the series are created here
  uint64_t samples = 0;
  const double cpu_before = ProcessCpuSeconds();
  for (auto _ : state) {
    run.AppendRound(address);
    samples += run.series_count();
  }
  const double cpu_seconds = ProcessCpuSeconds() - cpu_before;
  state.counters["samples_per_core_second"] = static_cast<double>(samples) / cpu_seconds;
  const DatabaseStatistics statistics = run.database()->Statistics();
  state.counters["journal_bytes_per_sample"] =
      static_cast<double>(statistics.journal_bytes_written) /
      static_cast<double>(statistics.samples_appended);
  state.counters["index_bytes_per_series"] = static_cast<double>(statistics.head_index_bytes) /
                                             static_cast<double>(statistics.head_series_count);
}

void BM_AppendByReference(benchmark::State& state) {
  Append(state, AppendRun::Address::kReferences);
}
void BM_AppendByLabels(benchmark::State& state) { Append(state, AppendRun::Address::kLabels); }

// Rounds are few, because the head must hold them.
BENCHMARK(BM_AppendByReference)->Arg(8'000)->Iterations(1'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_AppendByReference)->Arg(150'000)->Iterations(60)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_AppendByLabels)->Arg(8'000)->Iterations(1'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_AppendByLabels)->Arg(150'000)->Iterations(60)->Unit(benchmark::kMillisecond);

void BM_CreateSeries(benchmark::State& state) {
  uint64_t series = 0;
  double cpu_seconds = 0;
  for (auto _ : state) {
    state.PauseTiming();
    AppendRun run(static_cast<size_t>(state.range(0)), "create");
    run.Open();
    const double cpu_before = ProcessCpuSeconds();
    state.ResumeTiming();
    run.AppendRound(AppendRun::Address::kLabels);
    state.PauseTiming();
    cpu_seconds += ProcessCpuSeconds() - cpu_before;
    series += run.series_count();
    run.Drop();
    state.ResumeTiming();
  }
  state.counters["series_per_core_second"] = static_cast<double>(series) / cpu_seconds;
}
BENCHMARK(BM_CreateSeries)->Arg(150'000)->Iterations(3)->Unit(benchmark::kMillisecond);

enum class Ending { kKilled, kClosed };

// Open, after 16 million samples of 150,000 series: from the journal alone, or from the checkpoint
// that Close wrote.
void Recover(benchmark::State& state, Ending ending) {
  constexpr uint64_t kSamples = 16'000'000;
  AppendRun run(static_cast<size_t>(state.range(0)), "recover");
  run.Open();
  for (uint64_t samples = 0; samples < kSamples; samples += run.series_count()) {
    run.AppendRound(AppendRun::Address::kReferences);
  }
  if (ending == Ending::kClosed) AppendRun::Require(run.database()->Close());
  for (auto _ : state) {
    state.PauseTiming();
    run.Drop();
    state.ResumeTiming();
    run.Open();
  }
  state.counters["recovery_ms"] = static_cast<double>(run.database()->Statistics().recovery_ms);
}
void BM_RecoverJournal(benchmark::State& state) { Recover(state, Ending::kKilled); }
void BM_RecoverCheckpoint(benchmark::State& state) { Recover(state, Ending::kClosed); }
BENCHMARK(BM_RecoverJournal)->Arg(150'000)->Iterations(3)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_RecoverCheckpoint)->Arg(150'000)->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace varve
