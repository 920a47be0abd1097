// The journal's cost per append, without a sync (the processor's share) and with one (the disk's),
// and its replay.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "storage/journal/journal.h"

namespace varve::journal {
namespace {

constexpr uint64_t kDatabase = 1;
constexpr uint64_t kBytesKept = uint64_t{256} << 20;

class TemporaryDirectory {
 public:
  TemporaryDirectory()
      : path_((std::filesystem::temp_directory_path() / "varve-bench-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Appends records of `body_bytes` until the benchmark ends; old segments go, so that the disk does
// not fill.
void Append(benchmark::State& state, size_t body_bytes, size_t records_per_sync) {
  const TemporaryDirectory directory;
  Writer writer(FileSystem::Posix(), directory.path(), {.database_id = kDatabase}, 1);
  const std::string body(body_bytes, 'b');
  uint64_t sequence = 0;
  uint64_t removed_at = 0;
  for (auto _ : state) {
    const Record record{++sequence, RecordKind::kSamples, body};
    Status status = writer.Append({&record, 1});
    if (status.ok() && records_per_sync != 0 && sequence % records_per_sync == 0)
      status = writer.Sync();
    if (status.ok() && writer.bytes_appended() - removed_at > kBytesKept) {
      removed_at = writer.bytes_appended();
      const auto next = writer.StartSegment();
      status = next.ok() ? writer.RemoveSegmentsBefore(*next) : next.status();
    }
    if (!status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      break;
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(body_bytes));
}

void BM_JournalAppend(benchmark::State& state) {
  Append(state, static_cast<size_t>(state.range(0)), 0);
}
BENCHMARK(BM_JournalAppend)->ArgName("body_bytes")->Arg(100)->Arg(10'000)->Arg(200'000);

void BM_JournalAppendAndSync(benchmark::State& state) {
  Append(state, static_cast<size_t>(state.range(0)), 1);
}
BENCHMARK(BM_JournalAppendAndSync)->ArgName("body_bytes")->Arg(10'000)->UseRealTime();

void BM_JournalReplay(benchmark::State& state) {
  const TemporaryDirectory directory;
  constexpr uint64_t kRecords = 2000;
  const std::string body(static_cast<size_t>(state.range(0)), 'b');
  {
    Writer writer(FileSystem::Posix(), directory.path(), {.database_id = kDatabase}, 1);
    for (uint64_t sequence = 1; sequence <= kRecords; ++sequence) {
      const Record record{sequence, RecordKind::kSamples, body};
      if (!writer.Append({&record, 1}).ok()) std::abort();
    }
  }
  ReplayCallbacks callbacks;
  callbacks.on_record = [](const Record& record) {
    benchmark::DoNotOptimize(record.body.data());
    return OkStatus();
  };
  for (auto _ : state) {
    const auto report = Replay(FileSystem::Posix(), directory.path(), kDatabase, 1, 0, callbacks);
    if (!report.ok() || report->record_count != kRecords) {
      state.SkipWithError("the journal does not replay");
      break;
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kRecords * body.size()));
}
BENCHMARK(BM_JournalReplay)->ArgName("body_bytes")->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace varve::journal
