// A full scan of a database that is there already: VARVE_BENCH_DATABASE names its directory, which
// no server may have open. Everything is read as a merge reads it: blocks decompressed each time,
// groups checked, chunks decoded.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "compaction/metrics_part.h"
#include "storage/codec/columns.h"
#include "storage/file_system.h"
#include "storage/format/chunk_group.h"
#include "storage/kv/store.h"

namespace varve::compaction {
namespace {

bool IsConstant(const format::ChunkView& chunk) {
  return chunk.codec == format::ChunkCodec::kColumns && !chunk.payload.empty() &&
         static_cast<codec::ValueCodec>(chunk.payload.front()) == codec::ValueCodec::kConstant;
}

// Returns how many samples were decoded, or -1 after an error.
int64_t Scan(const std::shared_ptr<const kv::Part>& part, bool constants, bool decode) {
  const auto reader = MetricsPartReader::Open(part);
  if (!reader.ok()) return -1;
  const std::unique_ptr<kv::PartCursor> cursor = part->NewCursor(kv::Family::kChunks);
  format::SampleColumns samples;
  int64_t count = 0;
  for (cursor->Seek({}); cursor->Valid(); cursor->Next()) {
    auto group = format::ChunkGroup::Parse(cursor->value());
    if (!group.ok()) return -1;
    ChunkPins pins;
    for (uint32_t i = 0; i < group->series_count(); ++i) {
      if (!(*reader)->FindTimes(group->mutable_chunks(i), &pins).ok()) return -1;
      samples.Clear();
      for (const format::ChunkView& chunk : group->chunks(i)) {
        if (!constants && IsConstant(chunk)) continue;
        if (decode && !format::DecodeChunk(chunk, &samples).ok()) return -1;
        count += chunk.sample_count;
      }
      benchmark::DoNotOptimize(samples.values.data());
    }
  }
  return cursor->status().ok() ? count : -1;
}

enum Mode : int64_t { kAll, kChangingOnly, kReadOnly };

void BM_ScanDatabase(benchmark::State& state) {
  const char* directory = std::getenv("VARVE_BENCH_DATABASE");
  if (directory == nullptr) {
    state.SkipWithError("VARVE_BENCH_DATABASE is not set");
    return;
  }
  const auto store =
      kv::Store::Open(FileSystem::Posix(), std::string(directory) + "/store", kv::StoreOptions());
  if (!store.ok()) {
    state.SkipWithError(store.status().ToString().c_str());
    return;
  }
  int64_t samples = 0;
  for (auto _ : state) {
    for (const auto& part : (*store)->current()->parts) {
      if (part->info().signal != format::Signal::kMetrics) continue;
      const int64_t scanned =
          Scan(part, state.range(0) != kChangingOnly, state.range(0) != kReadOnly);
      if (scanned < 0) state.SkipWithError("the database is damaged");
      samples += scanned;
    }
  }
  state.SetItemsProcessed(samples);
}
BENCHMARK(BM_ScanDatabase)
    ->ArgName("0 all, 1 changing, 2 read only")
    ->Arg(kAll)
    ->Arg(kChangingOnly)
    ->Arg(kReadOnly);

}  // namespace
}  // namespace varve::compaction
