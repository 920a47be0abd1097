// Long histories: how long a database takes to open by how much it has, and to answer for a year,
// from raw samples and from rollups.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "varve/database.h"
#include "varve/promql.h"

namespace varve {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kBeginMs = 1'600'041'600'000;  // midnight
constexpr int kSeries = 1000;

Options OpenOptions() {
  Options options;
  options.durability = Durability::kNone;
  options.retention_ms = 0;
  options.future_limit_ms = 0;
  options.free_disk_bytes_min = 0;
  return options;
}

// `days` of 1,000 series, a sample every ten minutes each, compacted and closed.
bool Fill(const Options& options, const std::string& directory, int64_t days) {
  auto opened = Database::Open(options, directory);
  if (!opened.ok()) return false;
  Database& database = **opened;
  WriteBatch batch;
  for (int64_t day = 0; day < days; ++day) {
    batch.Clear();
    for (int i = 0; i < kSeries; ++i) {
      batch.BeginSeries(Labels{{"__name__", "m"}, {"i", std::to_string(i)}});
      for (int64_t at = 0; at < kDayMs; at += 600'000) {
        batch.AddSample(kBeginMs + day * kDayMs + at, static_cast<double>(at / 600'000 + i));
      }
    }
    if (!database.Append(&batch).ok()) return false;
    if (day % 8 == 7 && !database.Flush().ok()) return false;
  }
  return database.Compact().ok() && database.Close().ok();
}

void BM_OpenHistory(benchmark::State& state) {
  const std::string directory = std::filesystem::temp_directory_path() / "varve-open-bench";
  std::filesystem::remove_all(directory);
  if (!Fill(OpenOptions(), directory, state.range(0))) return state.SkipWithError("filling failed");
  uint64_t parts = 0;
  for (auto _ : state) {
    auto database = Database::Open(OpenOptions(), directory);
    if (!database.ok()) return state.SkipWithError("opening failed");
    parts = (*database)->Statistics().part_count;
    state.PauseTiming();
    database->reset();
    state.ResumeTiming();
  }
  state.counters["parts"] = static_cast<double>(parts);
  std::filesystem::remove_all(directory);
}
BENCHMARK(BM_OpenHistory)->Arg(1)->Arg(30)->Arg(365)->Unit(benchmark::kMillisecond);

// A counter's rate per day over a year, summed. Argument: 1 with rollups of an hour.
void BM_QueryYear(benchmark::State& state) {
  const std::string directory = std::filesystem::temp_directory_path() / "varve-year-bench";
  std::filesystem::remove_all(directory);
  Options options = OpenOptions();
  if (state.range(0) == 1) options.downsampling_rules = {{{}, {{3'600'000, kDayMs, 0}}}};
  if (!Fill(options, directory, 365)) return state.SkipWithError("filling failed");
  auto database = Database::Open(options, directory);
  if (!database.ok()) return state.SkipWithError("opening failed");
  promql::EngineOptions engine_options;
  engine_options.cache_bytes = 0;
  promql::Engine engine(database->get(), engine_options);
  promql::QueryOptions query;
  query.explain = true;
  uint64_t rows = 0;
  for (auto _ : state) {
    const auto result =
        engine.Range("sum(rate(m[1d]))", kBeginMs + kDayMs, kBeginMs + 365 * kDayMs, kDayMs, query);
    if (!result.ok()) return state.SkipWithError("the query failed");
    rows = 0;
    for (const promql::ExplainNode& node : result->explain) rows += node.rollup_rows;
  }
  const DatabaseStatistics statistics = (*database)->Statistics();
  state.counters["rollup_rows_read"] = static_cast<double>(rows);
  state.counters["raw_bytes"] =
      static_cast<double>(statistics.part_bytes - statistics.rollup_bytes);
  state.counters["rollup_bytes"] = static_cast<double>(statistics.rollup_bytes);
  state.counters["rollup_rows"] = static_cast<double>(statistics.rollup_row_count);
  database->reset();
  std::filesystem::remove_all(directory);
}
BENCHMARK(BM_QueryYear)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace varve
