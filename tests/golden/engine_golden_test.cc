// The engine's golden files, as the storage's (storage_golden_test.cc).
#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <string>
#include <vector>

#include "engine/metrics/checkpoint.h"
#include "engine/metrics/exemplar_record.h"
#include "engine/metrics/sample_record.h"
#include "engine/metrics/tombstones.h"
#include "tests/golden/golden_file.h"
#include "varve/labels.h"

namespace varve::engine {
namespace {

constexpr uint64_t kDatabaseId = 0x1122334455667788;
constexpr int64_t kStartMs = 1'700'000'000'000;

Labels Up(std::string_view job) { return Labels{{"__name__", "up"}, {"job", job}}; }

TEST(EngineGoldenTest, SampleRecordVersion1) {
  const Labels db = Up("db");
  PreparedBatch batch;
  const std::vector<Sample> samples = {{kStartMs, 1},
                                       {kStartMs + 15'000, -0.0},
                                       {kStartMs, std::bit_cast<double>(kStaleMarkerBits)}};
  batch.samples = samples;
  batch.created.push_back({7, db.canonical_bytes()});
  batch.runs.push_back({7, 0, 2, 0});
  batch.runs.push_back({3, 2, 1, 1});
  EncodeSampleRecord(&batch);
  const std::string golden = Golden("sample_record_v1.bin", std::string(batch.journal_body));
  EXPECT_EQ(golden, batch.journal_body);
  SampleRecord record;
  const Status status = DecodeSampleRecord(golden, &record);
  ASSERT_TRUE(status.ok()) << status.ToString();
  ASSERT_EQ(record.created.size(), 1u);
  EXPECT_EQ(record.created[0].id, 7u);
  EXPECT_EQ(record.created[0].labels, db.canonical_bytes());
  ASSERT_EQ(record.runs.size(), 2u);
  EXPECT_EQ(record.runs[0].id, 7u);
  EXPECT_EQ(record.runs[1].id, 3u);
  EXPECT_EQ(record.runs[1].sample_begin, 2u);
  ASSERT_EQ(record.samples.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(record.samples[i].timestamp_ms, samples[i].timestamp_ms);
    EXPECT_EQ(std::bit_cast<uint64_t>(record.samples[i].value),
              std::bit_cast<uint64_t>(samples[i].value));
  }
}

HistogramSample OneHistogram(int64_t timestamp_ms) {
  HistogramSample sample;
  sample.timestamp_ms = timestamp_ms;
  sample.start_ms = kStartMs - 1000;
  sample.histogram.form = Histogram::Form::kInteger;
  sample.histogram.count = 3;
  sample.histogram.sum = 4.5;
  sample.histogram.positive_spans = {{1, 2}};
  sample.histogram.positive_buckets = {1, 2};
  return sample;
}

// Start times and histograms: the first run has two floats, the second a histogram.
TEST(EngineGoldenTest, SampleRecordVersion2) {
  PreparedBatch batch;
  const std::vector<Sample> samples = {{kStartMs, 1}, {kStartMs + 15'000, 2}};
  const std::vector<int64_t> starts = {kStartMs - 1000, kStartMs - 1000};
  const HistogramSample histogram = OneHistogram(kStartMs);
  batch.samples = samples;
  batch.start_times_ms = starts;
  batch.histograms = {&histogram};
  batch.runs.push_back({7, 0, 2, 0});
  batch.runs.push_back({3, 2, 0, 1, 0, 1});
  EncodeSampleRecord(&batch);
  const std::string golden = Golden("sample_record_v2.bin", std::string(batch.journal_body));
  EXPECT_EQ(golden, batch.journal_body);
  SampleRecord record;
  const Status status = DecodeSampleRecord(golden, &record);
  ASSERT_TRUE(status.ok()) << status.ToString();
  ASSERT_EQ(record.runs.size(), 2u);
  EXPECT_EQ(record.runs[0].histogram_count, 0u);
  EXPECT_EQ(record.runs[1].sample_count, 0u);
  EXPECT_EQ(record.runs[1].histogram_count, 1u);
  EXPECT_EQ(record.start_times_ms, starts);
  ASSERT_EQ(record.samples.size(), 2u);
  EXPECT_EQ(record.samples[1].value, 2);
  ASSERT_EQ(record.histograms.size(), 1u);
  EXPECT_EQ(record.histograms[0].timestamp_ms, kStartMs);
  EXPECT_EQ(record.histograms[0].start_ms, kStartMs - 1000);
  EXPECT_TRUE(SameBits(record.histograms[0].histogram, histogram.histogram));
}

TEST(EngineGoldenTest, ExemplarRecordVersion1) {
  const Labels db = Up("db");
  const Labels trace{{"trace_id", "a1"}};
  const std::vector<SeriesExemplarViews> series = {
      {db.canonical_bytes(),
       {{kStartMs, 1.5, trace.canonical_bytes()}, {kStartMs + 15'000, -0.0, {}}}}};
  std::string encoded;
  EncodeExemplarRecord(series, &encoded);
  const std::string golden = Golden("exemplar_record_v1.bin", encoded);
  EXPECT_EQ(golden, encoded);
  std::vector<SeriesExemplarViews> decoded;
  const Status status = DecodeExemplarRecord(golden, &decoded);
  ASSERT_TRUE(status.ok()) << status.ToString();
  ASSERT_EQ(decoded.size(), 1u);
  EXPECT_EQ(decoded[0].labels, db.canonical_bytes());
  ASSERT_EQ(decoded[0].exemplars.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(format::CompareExemplars(decoded[0].exemplars[i], series[0].exemplars[i]) == 0);
  }
}

TEST(EngineGoldenTest, TombstonesVersion1) {
  auto tombstone = std::make_shared<Tombstone>();
  tombstone->selectors = {{{MatchOp::kEqual, "job", "a"}}};
  tombstone->range = {-1, kStartMs};
  tombstone->part_ids = {3, 5};
  const std::string encoded = EncodeTombstones({tombstone});
  const std::string golden = Golden("tombstones_v1.bin", encoded);
  EXPECT_EQ(golden, encoded);
  const Result<TombstoneList> decoded = DecodeTombstones(golden);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  ASSERT_EQ(decoded->size(), 1u);
  EXPECT_EQ(decoded->front()->selectors.front().front().value, "a");
  EXPECT_EQ(decoded->front()->range.min_ms, -1);
  EXPECT_EQ(decoded->front()->range.max_ms, kStartMs);
  EXPECT_EQ(decoded->front()->part_ids, tombstone->part_ids);
}

TEST(EngineGoldenTest, HeadManifestVersion1) {
  HeadManifest manifest;
  manifest.sequence = 300;
  manifest.flushed_sequence = 200;
  manifest.first_segment = 5;
  manifest.next_series_id = 9;
  manifest.next_file = 8;
  manifest.files = {"checkpoint-00000007.vc"};
  const std::string encoded = EncodeHeadManifest(manifest);
  const std::string golden = Golden("head_manifest_v1.bin", encoded);
  EXPECT_EQ(golden, encoded);
  const Result<HeadManifest> decoded = DecodeHeadManifest(golden);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->sequence, 300u);
  EXPECT_EQ(decoded->flushed_sequence, 200u);
  EXPECT_EQ(decoded->first_segment, 5u);
  EXPECT_EQ(decoded->next_series_id, 9u);
  EXPECT_EQ(decoded->next_file, 8u);
  EXPECT_EQ(decoded->files, manifest.files);
}

// Two series; the first has a chunk in order and one that came late; with histograms, the second
// has one of these too, and a start time.
enum class Contents { kFloats, kAll };
std::string EncodeCheckpoint(Contents contents) {
  const Options options;
  Head head(options);
  EXPECT_TRUE(head.RestoreSeries(3, Up("db").canonical_bytes()).ok());
  EXPECT_TRUE(head.RestoreSeries(7, Up("web").canonical_bytes()).ok());
  {
    MutexLock lock(&head.visibility_mutex);
    for (const Sample& sample :
         {Sample{kStartMs, 1}, {kStartMs + 15'000, 2}, {kStartMs + 5'000, 3}}) {
      AppendToSeries(head.series(3), sample.timestamp_ms, sample.value, 0, 3'600'000,
                     &head.mutable_counters);
    }
    AppendToSeries(head.series(7), kStartMs, -1, contents == Contents::kAll ? kStartMs - 1 : 0,
                   3'600'000, &head.mutable_counters);
    if (contents == Contents::kAll) {
      AppendToSeries(head.series(7), OneHistogram(kStartMs + 1), 3'600'000, &head.mutable_counters);
    }
  }
  const index::SeriesId ids[] = {3, 7};
  const std::vector<FrozenSeries> frozen = head.Freeze(Head::FreezeScope::kSeriesWithChunks);
  std::vector<uint64_t> offsets;
  const std::string path = testing::TempDir() + "varve_golden_checkpoint";
  const Status status =
      WriteCheckpoint(FileSystem::Posix(), path, kDatabaseId, &head, ids, frozen, &offsets);
  EXPECT_TRUE(status.ok()) << status.ToString();
  std::string bytes = *FileSystem::Posix()->ReadFile(path);
  std::filesystem::remove(path);
  return bytes;
}

TEST(EngineGoldenTest, CheckpointVersion1) {
  const std::string encoded = EncodeCheckpoint(Contents::kFloats);
  const std::string golden = Golden("checkpoint_v1.bin", encoded);
  EXPECT_EQ(golden, encoded);
  const Options options;
  uint64_t damaged_chunks = 0;
  Head head(options);
  const Status status = RestoreCheckpoint("golden", golden, kDatabaseId, &head, &damaged_chunks);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(damaged_chunks, 0u);
  const HeadSelect everything{{}, INT64_MIN, INT64_MAX};
  const std::vector<HeadSnapshot> snapshots = head.Snapshot({&everything, 1});
  ASSERT_EQ(snapshots[0].series.size(), 2u);
  ASSERT_EQ(snapshots[0].chunks.size(), 3u);
  EXPECT_EQ(snapshots[0].series[0].id, 3u);
  EXPECT_EQ(snapshots[0].series[0].late_count, 1u);
  EXPECT_EQ(snapshots[0].labels.substr(0, snapshots[0].label_begin[1]), Up("db").canonical_bytes());
  std::vector<int64_t> timestamps;
  std::vector<double> values;
  for (const format::ChunkView& chunk : snapshots[0].chunks) {
    ASSERT_TRUE(codec::GorillaDecode(chunk.payload, chunk.sample_count, &timestamps, &values).ok());
  }
  EXPECT_EQ(timestamps,
            (std::vector<int64_t>{kStartMs, kStartMs + 15'000, kStartMs + 5'000, kStartMs}));
  EXPECT_EQ(values, (std::vector<double>{1, 2, 3, -1}));
}

TEST(EngineGoldenTest, CheckpointVersion2) {
  const std::string encoded = EncodeCheckpoint(Contents::kAll);
  const std::string golden = Golden("checkpoint_v2.bin", encoded);
  EXPECT_EQ(golden, encoded);
  const Options options;
  uint64_t damaged_chunks = 0;
  Head head(options);
  const Status status = RestoreCheckpoint("golden", golden, kDatabaseId, &head, &damaged_chunks);
  ASSERT_TRUE(status.ok()) << status.ToString();
  const HeadSelect everything{{}, INT64_MIN, INT64_MAX};
  const std::vector<HeadSnapshot> snapshots = head.Snapshot({&everything, 1});
  ASSERT_EQ(snapshots[0].chunks.size(), 4u);
  format::SampleColumns decoded;
  for (const format::ChunkView& chunk : std::span(snapshots[0].chunks).subspan(2)) {
    ASSERT_TRUE(format::DecodeChunk(chunk, &decoded).ok());
  }
  EXPECT_EQ(decoded.start_times_ms, std::vector<int64_t>{kStartMs - 1});
  EXPECT_EQ(decoded.histogram_timestamps_ms, std::vector<int64_t>{kStartMs + 1});
  EXPECT_TRUE(SameBits(*decoded.histograms[0], OneHistogram(0).histogram));
}

}  // namespace
}  // namespace varve::engine
