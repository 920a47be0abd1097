// Range kernels and whole queries over series in memory: what a query costs besides decoding.
//
// Counters: ns_per_sample is wall time per raw sample of the input.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "engine/reader.h"
#include "query/exec/query_engine.h"
#include "query/exec/range_kernels.h"

namespace varve::promql::exec {
namespace {

constexpr int64_t kScrapeMs = 5'000;
constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr size_t kSamplesPerSeries = 360;  // 30 minutes
constexpr size_t kSeriesCount = 7'000;

// Counters of 18 jobs scraped together, with a reset now and then.
struct GeneratedSeries {
  Labels labels;
  std::vector<double> values;
};

std::vector<GeneratedSeries> Generate(size_t series_count) {
  std::mt19937_64 random(42);
  std::vector<GeneratedSeries> out(series_count);
  for (size_t i = 0; i < series_count; ++i) {
    const std::string job = "job" + std::to_string(i % 18);
    const std::string instance = "10.0.0." + std::to_string(i % 250) + ":9100";
    const std::string path = "/api/v1/" + std::to_string(i);
    out[i].labels = Labels{{"__name__", "http_requests_total"},
                           {"instance", instance},
                           {"job", job},
                           {"method", "GET"},
                           {"path", path}};
    double value = static_cast<double>(random() % 1'000'000);
    for (size_t s = 0; s < kSamplesPerSeries; ++s) {
      value = random() % 500 == 0 ? 0 : value + static_cast<double>(random() % 100);
      out[i].values.push_back(value);
    }
  }
  return out;
}

const std::vector<GeneratedSeries>& AllSeries() {
  static const auto* const series = new std::vector<GeneratedSeries>(Generate(kSeriesCount));
  return *series;
}

const std::vector<int64_t>& Times() {
  static const auto* const times = [] {
    auto* out = new std::vector<int64_t>;
    for (size_t s = 0; s < kSamplesPerSeries; ++s) {
      out->push_back(kStartMs + static_cast<int64_t>(s) * kScrapeMs);
    }
    return out;
  }();
  return *times;
}

class GeneratedSelection final : public engine::SeriesSelection {
 public:
  size_t series_count() const override { return AllSeries().size(); }
  const Labels& labels(size_t i) const override { return AllSeries()[i].labels; }
  Status Read(size_t i, int64_t, int64_t, engine::SampleBuffer* out) const override {
    out->timestamps_ms = Times();
    out->values = AllSeries()[i].values;
    return OkStatus();
  }
};

class GeneratedReader final : public engine::Reader {
 public:
  Result<std::vector<std::shared_ptr<const engine::SeriesSelection>>> Select(
      std::span<const engine::SelectRequest> requests, const engine::SelectCheck&) override {
    return std::vector<std::shared_ptr<const engine::SeriesSelection>>(
        requests.size(), std::make_shared<GeneratedSelection>());
  }
  uint64_t version() override { return 0; }
  int64_t MinTimeSince(uint64_t) override { return INT64_MAX; }
};

void RunQuery(benchmark::State& state, const std::string& expression, size_t thread_count) {
  EngineOptions options;
  options.thread_count = thread_count;
  QueryEngine engine([] { return std::make_unique<GeneratedReader>(); }, options, Clock::System());
  const int64_t steps = state.range(0);
  const int64_t end = Times().back();
  const int64_t step_ms = static_cast<int64_t>(kSamplesPerSeries) * kScrapeMs / steps;
  AllSeries();
  for (auto _ : state) {
    auto result = engine.Range(expression, end - (steps - 1) * step_ms, end, step_ms, {});
    VARVE_CHECK(result.ok());
    benchmark::DoNotOptimize(result);
  }
  state.counters["ns_per_sample"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * kSeriesCount * kSamplesPerSeries * 1e-9,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_SumByRate(benchmark::State& state) {
  RunQuery(state, "sum by (job) (rate(http_requests_total[5m]))",
           static_cast<size_t>(state.range(1)));
}
BENCHMARK(BM_SumByRate)
    ->ArgsProduct({{60, 120}, {1, 2}})
    ->ArgNames({"steps", "threads"})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void BM_Rate(benchmark::State& state) {
  RunQuery(state, "rate(http_requests_total[5m])", static_cast<size_t>(state.range(1)));
}
BENCHMARK(BM_Rate)
    ->ArgsProduct({{60}, {1, 2}})
    ->ArgNames({"steps", "threads"})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void BM_Max(benchmark::State& state) {
  RunQuery(state, "max by (job) (max_over_time(http_requests_total[5m]))",
           static_cast<size_t>(state.range(1)));
}
BENCHMARK(BM_Max)
    ->ArgsProduct({{60}, {1, 2}})
    ->ArgNames({"steps", "threads"})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void BM_Selector(benchmark::State& state) {
  RunQuery(state, "sum(http_requests_total)", static_cast<size_t>(state.range(1)));
}
BENCHMARK(BM_Selector)
    ->ArgsProduct({{60}, {1, 2}})
    ->ArgNames({"steps", "threads"})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void BM_Kernel(benchmark::State& state, FunctionId function) {
  const TimeGrid grid{Times().back() - 59 * 30'000, 30'000, 60};
  RangeWindows windows(grid, {}, 300'000);
  KernelScratch scratch;
  ColumnBuffer row(grid.count);
  const RangeKernel* kernel = FindRangeKernel(function);
  size_t series = 0;
  for (auto _ : state) {
    windows.Bind(Times());
    RangeInput input;
    input.times_ms = Times();
    input.values = AllSeries()[series].values;
    input.windows = &windows;
    const Column column = row.Reset();
    kernel->run(input, {0, grid.count}, &scratch, column);
    benchmark::DoNotOptimize(column.values);
    series = (series + 1) % AllSeries().size();
  }
  state.counters["ns_per_sample"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kSamplesPerSeries * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK_CAPTURE(BM_Kernel, rate, FunctionId::kRate);
BENCHMARK_CAPTURE(BM_Kernel, increase, FunctionId::kIncrease);
BENCHMARK_CAPTURE(BM_Kernel, sum_over_time, FunctionId::kSumOverTime);
BENCHMARK_CAPTURE(BM_Kernel, avg_over_time, FunctionId::kAvgOverTime);
BENCHMARK_CAPTURE(BM_Kernel, max_over_time, FunctionId::kMaxOverTime);
BENCHMARK_CAPTURE(BM_Kernel, last_over_time, FunctionId::kLastOverTime);
BENCHMARK_CAPTURE(BM_Kernel, changes, FunctionId::kChanges);
BENCHMARK_CAPTURE(BM_Kernel, deriv, FunctionId::kDeriv);

}  // namespace
}  // namespace varve::promql::exec
