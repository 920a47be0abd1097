// The index under series that look like a scrape: a few thousand series of some exporters,
// replicated by `instance`.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "index/head_index.h"
#include "index/matcher.h"
#include "index/part_index.h"
#include "storage/file_system.h"
#include "storage/format/label_bytes.h"
#include "storage/kv/store.h"

namespace varve::index {
namespace {

constexpr size_t kSeriesPerReplica = 7500;

std::string Bytes(std::vector<std::pair<std::string, std::string>> labels) {
  std::sort(labels.begin(), labels.end());
  std::string bytes;
  for (const auto& [name, value] : labels) format::AppendLabel(name, value, &bytes);
  return bytes;
}

// Replica after replica, as a scrape loop brings them.
std::vector<std::string> ScrapeLikeSeries(size_t count) {
  std::vector<std::string> series;
  for (size_t i = 0; i < count; ++i) {
    const size_t in_replica = i % kSeriesPerReplica;
    const std::string instance = "10.0.0." + std::to_string(i / kSeriesPerReplica) + ":9100";
    const std::string metric =
        "exporter_subsystem_metric_" + std::to_string(in_replica / 30) + "_total";
    const std::string job = "exporter-" + std::to_string(in_replica / 1000);
    std::vector<std::pair<std::string, std::string>> labels = {
        {"__name__", metric},
        {"instance", instance},
        {"job", job},
        {"device", "dev" + std::to_string(in_replica % 30)}};
    if (in_replica % 3 == 0) labels.emplace_back("mode", "mode-" + std::to_string(in_replica % 8));
    if (in_replica % 4 == 0) labels.emplace_back("le", std::to_string(in_replica % 12) + ".5");
    series.push_back(Bytes(std::move(labels)));
  }
  return series;
}

void Fill(const std::vector<std::string>& series, HeadIndex* index) {
  std::vector<std::string_view> views(series.begin(), series.end());
  std::vector<SeriesId> ids(series.size());
  std::vector<uint64_t> hashes(series.size());
  index->Lookup(views, ids, hashes);
  for (size_t i = 0; i < series.size(); ++i)
    index->Insert(static_cast<SeriesId>(i), series[i], hashes[i]);
}

void BM_HeadLookup(benchmark::State& state) {
  const std::vector<std::string> series = ScrapeLikeSeries(static_cast<size_t>(state.range(0)));
  HeadIndex index;
  Fill(series, &index);
  std::vector<std::string_view> views(series.begin(), series.end());
  std::vector<SeriesId> ids(series.size());
  std::vector<uint64_t> hashes(series.size());
  for (auto _ : state) {
    index.Lookup(views, ids, hashes);
    benchmark::DoNotOptimize(ids.data());
  }
  VARVE_CHECK(std::find(ids.begin(), ids.end(), kNoSeriesId) == ids.end());
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["index_bytes_per_series"] =
      static_cast<double>(index.memory_bytes()) / static_cast<double>(series.size());
}
BENCHMARK(BM_HeadLookup)->Arg(8'000)->Arg(150'000)->Unit(benchmark::kMillisecond);

void BM_HeadInsert(benchmark::State& state) {
  const std::vector<std::string> series = ScrapeLikeSeries(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    HeadIndex index;
    Fill(series, &index);
    benchmark::DoNotOptimize(index.series_count());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_HeadInsert)->Arg(150'000)->Unit(benchmark::kMillisecond);

void BM_HeadRemoveHalf(benchmark::State& state) {
  const std::vector<std::string> series = ScrapeLikeSeries(static_cast<size_t>(state.range(0)));
  std::vector<SeriesId> half;
  for (SeriesId id = 0; id < series.size(); id += 2) half.push_back(id);
  for (auto _ : state) {
    state.PauseTiming();
    auto index = std::make_unique<HeadIndex>();
    Fill(series, index.get());
    state.ResumeTiming();
    index->Remove(half);
    benchmark::DoNotOptimize(index->series_count());
    state.PauseTiming();
    index.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(half.size()));
}
BENCHMARK(BM_HeadRemoveHalf)->Arg(150'000)->Unit(benchmark::kMillisecond);

std::vector<LabelMatcher> Matchers(int64_t kind) {
  const auto compile = [](MatchOp op, std::string name, std::string value) {
    auto matcher = LabelMatcher::Compile(op, std::move(name), std::move(value));
    VARVE_CHECK(matcher.ok());
    return std::move(matcher).value();
  };
  std::vector<LabelMatcher> matchers;
  switch (kind) {
    case 0:  // one metric
      matchers.push_back(
          compile(MatchOp::kEqual, "__name__", "exporter_subsystem_metric_17_total"));
      break;
    case 1:  // one series
      matchers.push_back(
          compile(MatchOp::kEqual, "__name__", "exporter_subsystem_metric_17_total"));
      matchers.push_back(compile(MatchOp::kEqual, "device", "dev7"));
      matchers.push_back(compile(MatchOp::kEqual, "instance", "10.0.0.3:9100"));
      break;
    case 2:  // an expression that needs its automaton, and a negation
      matchers.push_back(compile(MatchOp::kRegexMatch, "__name__", "exporter_.*_metric_[12].*"));
      matchers.push_back(compile(MatchOp::kNotEqual, "job", "exporter-2"));
      break;
    default:  // a job, less the series with some modes
      matchers.push_back(compile(MatchOp::kEqual, "job", "exporter-1"));
      matchers.push_back(compile(MatchOp::kRegexNotMatch, "mode", "mode-[0-3]"));
  }
  return matchers;
}

void BM_HeadMatch(benchmark::State& state) {
  HeadIndex index;
  Fill(ScrapeLikeSeries(150'000), &index);
  const std::vector<LabelMatcher> matchers = Matchers(state.range(0));
  size_t matched = 0;
  for (auto _ : state) {
    const std::vector<SeriesId> ids = index.Match(matchers);
    matched = ids.size();
    benchmark::DoNotOptimize(ids.data());
  }
  state.counters["matched"] = static_cast<double>(matched);
}
BENCHMARK(BM_HeadMatch)->DenseRange(0, 3)->Unit(benchmark::kMicrosecond);

// A part of 150,000 series in a store of its own.
class PartFixture : public benchmark::Fixture {
 public:
  void SetUp(const benchmark::State&) override {
    std::string pattern =
        std::filesystem::temp_directory_path().string() + "/varve_index_bench_XXXXXX";
    VARVE_CHECK(mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    auto store = kv::Store::Open(FileSystem::Posix(), directory_ + "/store", {});
    VARVE_CHECK(store.ok());
    store_ = std::move(store).value();
    series_ = ScrapeLikeSeries(150'000);
    std::sort(series_.begin(), series_.end(), [](const std::string& a, const std::string& b) {
      return format::CompareLabelBytes(a, b) < 0;
    });
    auto writer = store_->NewPart();
    VARVE_CHECK(writer.ok());
    PartIndexWriter index(writer->get());
    for (const std::string& labels : series_) VARVE_CHECK(index.Add(labels).ok());
    VARVE_CHECK(index.Finish().ok());
    auto info = store_->Ingest(std::move(writer).value(), {});
    VARVE_CHECK(info.ok());
    file_bytes_ = 0;
    for (const format::PartFile& file : info->files) file_bytes_ += file.bytes;
    kv::CatalogEdit edit;
    edit.add.push_back(*info);
    VARVE_CHECK(store_->Commit(edit).ok());
    auto reader = PartIndexReader::Open(store_->current()->parts.at(0));
    VARVE_CHECK(reader.ok());
    reader_ = std::move(reader).value();
  }
  void TearDown(const benchmark::State&) override {
    reader_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

 protected:
  std::string directory_;
  std::unique_ptr<kv::Store> store_;
  std::vector<std::string> series_;
  std::unique_ptr<PartIndexReader> reader_;
  uint64_t file_bytes_ = 0;
};

BENCHMARK_DEFINE_F(PartFixture, BM_PartVisitLabels)(benchmark::State& state) {
  std::vector<Ordinal> ordinals;
  for (size_t i = 0; i < series_.size(); i += static_cast<size_t>(state.range(0))) {
    ordinals.push_back(static_cast<Ordinal>(i));
  }
  for (auto _ : state) {
    size_t bytes = 0;
    VARVE_CHECK(reader_
                    ->VisitLabels(ordinals,
                                  [&](size_t, std::string_view labels) { bytes += labels.size(); })
                    .ok());
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(ordinals.size()));
  state.counters["file_bytes_per_series"] =
      static_cast<double>(file_bytes_) / static_cast<double>(series_.size());
}
BENCHMARK_REGISTER_F(PartFixture, BM_PartVisitLabels)
    ->Arg(1)
    ->Arg(10)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond);

BENCHMARK_DEFINE_F(PartFixture, BM_PartMatch)(benchmark::State& state) {
  const std::vector<LabelMatcher> matchers = Matchers(state.range(0));
  size_t matched = 0;
  for (auto _ : state) {
    const auto ordinals = reader_->Match(matchers);
    VARVE_CHECK(ordinals.ok());
    matched = ordinals->size();
  }
  state.counters["matched"] = static_cast<double>(matched);
}
BENCHMARK_REGISTER_F(PartFixture, BM_PartMatch)->DenseRange(0, 3)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace varve::index
