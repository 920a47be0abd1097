// Merging one series' chunks, as every query does, and whole parts.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "compaction/merge.h"
#include "compaction/metrics_part.h"
#include "compaction/planner.h"
#include "storage/file_system.h"
#include "storage/format/label_bytes.h"
#include "storage/kv/store.h"

namespace varve::compaction {
namespace {

constexpr int64_t kStepMs = 15'000;
// A week of one series: 40,320 samples in 168 chunks.
constexpr int64_t kSamples = 7 * 24 * 240;

// A counter that stands still half of the time, from `begin_ms` on.
EncodedChunks Series(int64_t begin_ms, int64_t step_ms, int64_t count) {
  format::SampleColumns samples;
  for (int64_t i = 0; i < count; ++i) {
    samples.timestamps_ms.push_back(begin_ms + i * step_ms);
    samples.values.push_back(std::floor(static_cast<double>(i) / 2) * 3);
  }
  EncodedChunks chunks;
  EncodeChunks(samples, &chunks);
  return chunks;
}

void MergeSources(benchmark::State& state, const std::vector<EncodedChunks>& sources,
                  int64_t samples) {
  std::vector<std::span<const format::ChunkView>> spans;
  for (const EncodedChunks& source : sources) spans.push_back(source.chunks);
  format::SampleColumns merged;
  for (auto _ : state) {
    merged.Clear();
    const Status status = MergeChunks(spans, INT64_MIN, INT64_MAX, &merged);
    VARVE_CHECK(status.ok() && static_cast<int64_t>(merged.values.size()) == samples);
    benchmark::DoNotOptimize(merged.values.data());
  }
  state.SetItemsProcessed(state.iterations() * samples);
}

void BM_MergeChunksInOrder(benchmark::State& state) {
  std::vector<EncodedChunks> sources;
  sources.push_back(Series(0, kStepMs, kSamples));
  MergeSources(state, sources, kSamples);
}
BENCHMARK(BM_MergeChunksInOrder);

// One late sample in every partition.
void BM_MergeChunksStraySamples(benchmark::State& state) {
  std::vector<EncodedChunks> sources;
  sources.push_back(Series(0, kStepMs, kSamples));
  const int64_t strays = kSamples * kStepMs / kPartitionMs;
  sources.push_back(Series(kPartitionMs / 2 + 1, kPartitionMs, strays));
  MergeSources(state, sources, kSamples + strays);
}
BENCHMARK(BM_MergeChunksStraySamples);

// The worst: two sources, every sample of one between two of the other.
void BM_MergeChunksInterleaved(benchmark::State& state) {
  std::vector<EncodedChunks> sources;
  sources.push_back(Series(0, 2 * kStepMs, kSamples / 2));
  sources.push_back(Series(kStepMs, 2 * kStepMs, kSamples / 2));
  MergeSources(state, sources, kSamples);
}
BENCHMARK(BM_MergeChunksInterleaved);

void BM_EncodeChunks(benchmark::State& state) {
  format::SampleColumns samples;
  for (int64_t i = 0; i < kSamples; ++i) {
    samples.timestamps_ms.push_back(i * kStepMs);
    samples.values.push_back(std::floor(static_cast<double>(i) / 2) * 3);
  }
  EncodedChunks chunks;
  for (auto _ : state) {
    chunks.Clear();
    EncodeChunks(samples, &chunks);
    benchmark::DoNotOptimize(chunks.chunks.data());
  }
  state.SetItemsProcessed(state.iterations() * kSamples);
}
BENCHMARK(BM_EncodeChunks);

// A store in a directory of its own, and parts in it.
class StoredParts {
 public:
  StoredParts() {
    std::string pattern = (std::filesystem::temp_directory_path() / "varve_bench_XXXXXX").string();
    VARVE_CHECK(mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    auto store = kv::Store::Open(FileSystem::Posix(), directory_ + "/store", {});
    VARVE_CHECK(store.ok());
    store_ = std::move(*store);
  }
  ~StoredParts() {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  kv::Store* store() { return store_.get(); }

  // `series_count` series, each with the chunks of `series`.
  void Write(int series_count, const EncodedChunks& series, uint64_t sequence) {
    auto writer = MetricsPartWriter::Create(store_.get());
    VARVE_CHECK(writer.ok());
    for (int i = 0; i < series_count; ++i) {
      std::string labels;
      format::AppendLabel("__name__", "http_requests_total", &labels);
      format::AppendLabel("instance", "10.0.0." + std::to_string(100'000 + i), &labels);
      format::AppendLabel("job", "api", &labels);
      VARVE_CHECK((*writer)->Add(labels, series.chunks).ok());
    }
    format::PartInfo info;
    info.min_sequence = info.max_sequence = sequence;
    auto written = (*writer)->Finish(info);
    VARVE_CHECK(written.ok());
    kv::CatalogEdit edit;
    edit.add.push_back(*written);
    VARVE_CHECK(store_->Commit(edit).ok());
  }

 private:
  std::string directory_;
  std::unique_ptr<kv::Store> store_;
};

// Four flushes of 20 minutes of 20,000 series, whose small chunks are joined.
void BM_MergeParts(benchmark::State& state) {
  constexpr int kSeries = 20'000;
  constexpr int64_t kSamplesPerFlush = 80;
  StoredParts stored;
  for (uint64_t flush = 0; flush < 4; ++flush) {
    const auto begin_ms = static_cast<int64_t>(flush) * kSamplesPerFlush * kStepMs;
    stored.Write(kSeries, Series(begin_ms, kStepMs, kSamplesPerFlush), flush + 1);
  }
  const auto version = stored.store()->current();
  for (auto _ : state) {
    const auto merged = MergeParts(stored.store(), version->parts);
    VARVE_CHECK(merged.ok() && merged->series_count == kSeries);
  }
  state.SetItemsProcessed(state.iterations() * 4 * kSeries * kSamplesPerFlush);
}
BENCHMARK(BM_MergeParts)->Unit(benchmark::kMillisecond)->Iterations(3);

// A series in each of 100 chunk groups, as a dashboard's selector touches them.
void BM_VisitChunksSparse(benchmark::State& state) {
  StoredParts stored;
  stored.Write(6400, Series(0, kStepMs, 480), 1);
  auto reader = MetricsPartReader::Open(stored.store()->current()->parts[0]);
  VARVE_CHECK(reader.ok());
  std::vector<index::Ordinal> ordinals;
  for (index::Ordinal i = 0; i < 100; ++i) ordinals.push_back(i * 64 + 7);
  for (auto _ : state) {
    size_t chunks = 0;
    const Status status = (*reader)->VisitChunks(
        ordinals, INT64_MIN, INT64_MAX, [&](size_t, auto found) { chunks += found.size(); },
        nullptr);
    VARVE_CHECK(status.ok() && chunks == 200);
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(BM_VisitChunksSparse);

}  // namespace
}  // namespace varve::compaction
