// The storage formats' golden files: today's encoders give exactly these bytes, and the decoders
// what was encoded. A file is never changed; a new version of a format gets a new one. With
// VARVE_GOLDEN_WRITE set, missing files are written, and the test fails to say so.
#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <string>
#include <vector>

#include "storage/codec/gorilla.h"
#include "storage/codec/histogram.h"
#include "storage/codec/start_times.h"
#include "storage/format/chunk.h"
#include "storage/format/chunk_group.h"
#include "storage/format/exemplar_block.h"
#include "storage/format/label_bytes.h"
#include "storage/format/part_info.h"
#include "storage/format/rollup.h"
#include "storage/journal/journal.h"
#include "storage/journal/segment_format.h"
#include "tests/golden/golden_file.h"

namespace varve {
namespace {

constexpr uint64_t kStale = 0x7ff0000000000002;

struct Column {
  std::vector<int64_t> timestamps;
  std::vector<uint64_t> value_bits;
};

// Every control prefix, both kinds of XOR block, and a stale marker on and off time.
Column Samples() {
  Column column;
  const auto add = [&](int64_t timestamp, uint64_t bits) {
    column.timestamps.push_back(timestamp);
    column.value_bits.push_back(bits);
  };
  const auto bits = [](double value) { return std::bit_cast<uint64_t>(value); };
  add(1'700'000'000'000, bits(42));
  add(1'700'000'005'000, bits(42));
  add(1'700'000'010'000, bits(42));
  add(1'700'000'015'007, bits(43));
  add(1'700'000'020'000, bits(43.5));
  add(1'700'000'025'090, kStale);
  add(1'700'000'030'000, kStale);
  add(1'700'000'035'000, bits(43.5));
  add(1'700'000'100'000, bits(-0.0));
  add(1'700'000'105'000, 0x7ff8000000000001);
  add(1'800'000'000'000, bits(0.1));
  add(INT64_MAX, bits(0.2));
  return column;
}

std::string EncodeGorilla(const Column& column) {
  codec::GorillaState state;
  std::string payload((column.timestamps.size() + 1) * codec::kGorillaAppendBytesMax, '\0');
  for (size_t i = 0; i < column.timestamps.size(); ++i) {
    codec::GorillaAppend(&state, reinterpret_cast<uint8_t*>(payload.data()), column.timestamps[i],
                         std::bit_cast<double>(column.value_bits[i]));
  }
  payload.resize(codec::GorillaBytes(state));
  return payload;
}

// A layout, a change by prediction, a standstill, a bucket that appears, a hint, a stale marker,
// then floats.
std::vector<HistogramSample> HistogramSamples() {
  Histogram whole;
  whole.form = Histogram::Form::kInteger;
  whole.schema = 3;
  whole.zero_count = 1;
  whole.count = 6;
  whole.sum = 2.5;
  whole.positive_spans = {{-2, 1}, {1, 1}};
  whole.positive_buckets = {2, 3};
  Histogram more = whole;
  more.count = 7;
  more.positive_buckets = {2, 4};
  Histogram grown = more;
  grown.count = 9;
  grown.positive_spans = {{-2, 1}, {1, 2}};
  grown.positive_buckets = {2, 5, 1};
  Histogram hinted = grown;
  hinted.reset_hint = CounterResetHint::kNoReset;
  Histogram marker;
  marker.form = Histogram::Form::kInteger;
  marker.sum = std::bit_cast<double>(kStale);
  Histogram custom;
  custom.schema = kCustomBucketsSchema;
  custom.count = 1.5;
  custom.sum = -0.0;
  custom.positive_spans = {{0, 1}};
  custom.positive_buckets = {1.5};
  custom.custom_values = {0.5};
  constexpr int64_t kStart = 1'700'000'000'000;
  return {{kStart, kStart - 1000, whole},
          {kStart + 5000, kStart - 1000, more},
          {kStart + 10'000, kStart + 5000, grown},
          {kStart + 15'000, kStart + 10'000, hinted},
          {kStart + 20'000, kStart + 15'000, marker},
          {kStart + 25'000, 0, custom},
          {kStart + 30'000, 0, custom}};
}

TEST(Golden, HistogramChunk) {
  const std::vector<HistogramSample> expected = HistogramSamples();
  codec::HistogramEncoder encoder;
  for (const HistogramSample& sample : expected) {
    encoder.Append(sample.timestamp_ms, sample.start_ms, sample.histogram);
  }
  const std::string payload(encoder.payload());
  const std::string golden = Golden("histogram_chunk_v1.bin", payload);
  EXPECT_EQ(payload, golden);
  format::SampleColumns decoded;
  const format::ChunkView chunk{format::ChunkCodec::kHistogram, 7, expected.front().timestamp_ms,
                                expected.back().timestamp_ms, golden};
  const Status status = format::DecodeChunk(chunk, &decoded);
  ASSERT_TRUE(status.ok()) << status.ToString();
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(decoded.histogram_timestamps_ms[i], expected[i].timestamp_ms);
    EXPECT_EQ(decoded.histogram_start_times_ms[i], expected[i].start_ms);
    EXPECT_TRUE(SameBits(*decoded.histograms[i], expected[i].histogram)) << i;
  }
}

TEST(Golden, ChunkWithStartTimes) {
  constexpr int64_t kStart = 1'700'000'000'000;
  const Column floats{{kStart, kStart + 5000, kStart + 10'000, kStart + 15'000},
                      {0, 0x3ff0000000000000, 0x4000000000000000, 0x4008000000000000}};
  const std::vector<int64_t> starts = {0, kStart - 1000, kStart - 1000, kStart + 10'000};
  codec::StartTimeColumn column;
  for (size_t i = 0; i < starts.size(); ++i) {
    column.Append(starts[i], i == 0 ? 0 : floats.timestamps[i - 1]);
  }
  const std::string payload = format::JoinStartTimes(column.payload(), EncodeGorilla(floats));
  const std::string golden = Golden("gorilla_start_chunk_v1.bin", payload);
  EXPECT_EQ(payload, golden);
  format::SampleColumns decoded;
  const format::ChunkView chunk{format::ChunkCodec::kGorillaStart, 4, kStart, kStart + 15'000,
                                golden};
  const Status status = format::DecodeChunk(chunk, &decoded);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(decoded.timestamps_ms, floats.timestamps);
  EXPECT_EQ(decoded.values, (std::vector<double>{0, 1, 2, 3}));
  EXPECT_EQ(decoded.start_times_ms, starts);
}

TEST(Golden, GorillaChunk) {
  const Column expected = Samples();
  const std::string payload = EncodeGorilla(expected);
  const std::string golden = Golden("gorilla_chunk_v1.bin", payload);
  EXPECT_EQ(payload, golden);
  Column decoded;
  std::vector<double> values;
  ASSERT_TRUE(codec::GorillaDecode(golden, static_cast<uint32_t>(expected.timestamps.size()),
                                   &decoded.timestamps, &values)
                  .ok());
  for (const double value : values) decoded.value_bits.push_back(std::bit_cast<uint64_t>(value));
  EXPECT_EQ(decoded.timestamps, expected.timestamps);
  EXPECT_EQ(decoded.value_bits, expected.value_bits);
}

TEST(Golden, ChunkGroup) {
  using format::ChunkCodec;
  using format::ChunkView;
  const std::vector<std::vector<ChunkView>> series = {
      {{ChunkCodec::kGorilla, 3, 1'700'000'000'000, 1'700'000'010'000, "abc"},
       {ChunkCodec::kGorilla, 1, 1'700'000'015'000, 1'700'000'015'000, "d"}},
      {},
      {{ChunkCodec::kGorilla, 3, 1'700'000'000'000, 1'700'000'010'000, "efg"}}};
  std::string bytes;
  format::EncodeChunkGroup(series, &bytes);
  const std::string golden = Golden("chunk_group_v1.bin", bytes);
  EXPECT_EQ(bytes, golden);
  const auto group = format::ChunkGroup::Parse(golden);
  ASSERT_TRUE(group.ok()) << group.status().ToString();
  ASSERT_EQ(group->series_count(), 3u);
  for (uint32_t i = 0; i < 3; ++i) {
    ASSERT_EQ(group->chunks(i).size(), series[i].size());
    for (size_t k = 0; k < series[i].size(); ++k) {
      const ChunkView& actual = group->chunks(i)[k];
      EXPECT_EQ(actual.codec, series[i][k].codec);
      EXPECT_EQ(actual.sample_count, series[i][k].sample_count);
      EXPECT_EQ(actual.min_time_ms, series[i][k].min_time_ms);
      EXPECT_EQ(actual.max_time_ms, series[i][k].max_time_ms);
      EXPECT_EQ(actual.payload, series[i][k].payload);
    }
  }
}

TEST(Golden, PartInfo) {
  format::PartInfo info;
  info.part_id = 7;
  info.level = 1;
  info.retention_class = 258;
  info.min_time_ms = 1'700'000'000'000;
  info.max_time_ms = 1'700'007'200'000;
  info.min_sequence = 1;
  info.max_sequence = 300;
  info.series_count = 8000;
  info.sample_count = 11'520'000;
  info.chunk_count = 24'000;
  info.files = {{1, 70'000, 0x1122334455667788}, {3, 9'000'000, 0x99aabbccddeeff00}};
  std::string bytes;
  format::EncodePartInfo(info, &bytes);
  const std::string golden = Golden("part_info_v1.bin", bytes);
  EXPECT_EQ(bytes, golden);
  const auto decoded = format::DecodePartInfo(golden);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(*decoded, info);
}

TEST(Golden, PartInfoOfRollups) {
  format::PartInfo info;
  info.part_id = 9;
  info.tier = format::Tier::kRollup;
  info.level = 1;
  info.retention_class = 1;
  info.resolution_ms = 300'000;
  info.min_time_ms = 1'700'006'400'001;
  info.max_time_ms = 1'700'092'800'000;
  info.max_sequence = 300;
  info.series_count = 2;
  info.sample_count = 576;
  info.chunk_count = 2;
  info.pieces = {{1'700'006'400'001, 1'700'092'800'000, 300},
                 {1'700'092'800'001, 1'700'179'200'000, 299, true}};
  info.files = {{1, 500, 0x1122334455667788}};
  std::string bytes;
  format::EncodePartInfo(info, &bytes);
  const std::string golden = Golden("part_info_v3.bin", bytes);
  EXPECT_EQ(bytes, golden);
  const auto decoded = format::DecodePartInfo(golden);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(*decoded, info);
}

// Two rows of floats, the second of a stale marker alone, and one of histograms.
TEST(Golden, RollupChunk) {
  format::SeriesRollups rows;
  rows.floats.end_ms = {1'700'000'100'000, 1'700'000'400'000};
  rows.floats.count = {20, 0};
  rows.floats.first_ms = {1'699'999'803'000, 1'700'000'400'000};
  rows.floats.last_ms = {1'700'000'088'000, 1'700'000'400'000};
  rows.floats.first = rows.floats.min = {3, 0};
  rows.floats.last = rows.floats.max = {9.5, 0};
  rows.floats.sum = {120.25, 0};
  rows.floats.sum_low = rows.floats.correction = {0, 0};
  rows.floats.flags = {format::kRollupSumRounded, format::kRollupEndsStale};
  const std::vector<HistogramSample> samples = HistogramSamples();
  format::HistogramRollups& histograms = rows.histograms;
  histograms.end_ms = {1'700'000'100'000};
  histograms.count = {3};
  histograms.flags = {0};
  for (const size_t i : {0, 2}) {
    histograms.kept_ms.push_back(samples[i].timestamp_ms);
    histograms.kept.push_back(std::make_shared<Histogram>(samples[i].histogram));
  }
  histograms.kept_begin = {0, 2};
  histograms.sum = {histograms.kept[1]};
  std::string bytes;
  format::EncodeRollups(rows, &bytes);
  const std::string golden = Golden("rollup_chunk_v1.bin", bytes);
  EXPECT_EQ(bytes, golden);
  format::SeriesRollups decoded;
  const Status status = format::DecodeRollups(golden, 3, &decoded);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(decoded.floats.end_ms, rows.floats.end_ms);
  EXPECT_EQ(decoded.floats.count, rows.floats.count);
  EXPECT_EQ(decoded.floats.first_ms, rows.floats.first_ms);
  EXPECT_EQ(decoded.floats.last_ms, rows.floats.last_ms);
  EXPECT_EQ(decoded.floats.first, rows.floats.first);
  EXPECT_EQ(decoded.floats.last, rows.floats.last);
  EXPECT_EQ(decoded.floats.sum, rows.floats.sum);
  EXPECT_EQ(decoded.floats.flags, rows.floats.flags);
  EXPECT_EQ(decoded.histograms.kept_ms, histograms.kept_ms);
  ASSERT_EQ(decoded.histograms.kept.size(), 2u);
  EXPECT_EQ(decoded.histograms.kept[1]->positive_buckets, histograms.kept[1]->positive_buckets);
  EXPECT_EQ(decoded.histograms.sum[0]->count, 9);
}

TEST(Golden, LabelBytes) {
  std::string bytes;
  format::AppendLabel("__name__", "up", &bytes);
  format::AppendLabel("job", "api", &bytes);
  const std::string golden = Golden("label_bytes_v1.bin", bytes);
  EXPECT_EQ(bytes, golden);
  EXPECT_TRUE(format::CheckCanonical(golden).ok());
  EXPECT_EQ(format::FindLabel(golden, "job"), "api");
}

class JournalGolden : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "varve-golden-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(JournalGolden, Segment) {
  constexpr uint64_t kDatabase = 0x0123456789abcdef;
  const journal::Record records[] = {{5, journal::RecordKind::kSamples, "twelve bytes"},
                                     {6, journal::RecordKind::kMetadata, ""}};
  const std::string path = directory_ + "/" + journal::SegmentName(3);
  {
    journal::Writer writer(FileSystem::Posix(), directory_, {64 << 20, kDatabase}, 3);
    ASSERT_TRUE(writer.Append(records).ok());
  }
  const auto written = FileSystem::Posix()->ReadFile(path);
  ASSERT_TRUE(written.ok());
  const std::string golden = Golden("journal_segment_v1.bin", *written);
  EXPECT_EQ(*written, golden);

  std::ofstream(path, std::ios::binary) << golden;
  size_t seen = 0;
  journal::ReplayCallbacks callbacks;
  callbacks.on_record = [&](const journal::Record& record) {
    EXPECT_EQ(record.sequence, records[seen].sequence);
    EXPECT_EQ(record.kind, records[seen].kind);
    EXPECT_EQ(record.body, records[seen].body);
    ++seen;
    return OkStatus();
  };
  const auto report = journal::Replay(FileSystem::Posix(), directory_, kDatabase, 3, 0, callbacks);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(seen, 2u);
  EXPECT_TRUE(report->damage.empty());
  EXPECT_FALSE(report->torn_tail);
}

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    hex.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return hex;
}

// The worked examples of the page are these very files.
TEST(Golden, TheFormatsPageShowsTheFiles) {
  auto page = FileSystem::Posix()->ReadFile(VARVE_GOLDEN_DIRECTORY "/../../../docs/FORMATS.md");
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  std::erase_if(*page, [](char c) { return c == ' ' || c == '|' || c == '\n'; });
  for (const char* name : {"gorilla_chunk_v1.bin", "chunk_group_v1.bin", "part_info_v1.bin",
                           "part_info_v3.bin", "rollup_chunk_v1.bin", "label_bytes_v1.bin"}) {
    EXPECT_NE(page->find(Hex(Golden(name, ""))), std::string::npos) << name;
  }
  // The journal's example is commented line by line.
  const std::string segment = Golden("journal_segment_v1.bin", "");
  for (size_t at = 0; at < segment.size(); at += 16) {
    EXPECT_NE(page->find(Hex(segment.substr(at, 16))), std::string::npos) << at;
  }
}

TEST(Golden, ExemplarBlock) {
  std::string labels;
  format::AppendLabel("trace_id", "a1", &labels);
  const std::vector<format::ExemplarView> exemplars = {{1'700'000'000'000, 1.5, labels},
                                                       {1'700'000'015'000, -0.0, {}}};
  std::string encoded;
  format::EncodeExemplarBlock(exemplars, &encoded);
  const std::string golden = Golden("exemplar_block_v1.bin", encoded);
  EXPECT_EQ(encoded, golden);
  std::vector<format::ExemplarView> decoded;
  const Status status = format::DecodeExemplarBlock(golden, &decoded);
  ASSERT_TRUE(status.ok()) << status.ToString();
  ASSERT_EQ(decoded.size(), exemplars.size());
  for (size_t i = 0; i < decoded.size(); ++i) {
    EXPECT_TRUE(format::CompareExemplars(decoded[i], exemplars[i]) == 0) << i;
  }
}

}  // namespace
}  // namespace varve
