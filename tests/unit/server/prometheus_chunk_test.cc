// The chunk encoders, against the bytes that Prometheus 2.42 made of the same samples (read back
// through its own /api/v1/read).
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "server/remote_read/crc32c.h"
#include "server/remote_read/histogram_chunk.h"
#include "server/remote_read/read_messages.h"
#include "server/remote_read/series_chunks.h"
#include "server/remote_read/varbit.h"
#include "server/remote_read/xor_chunk.h"

namespace varve::server {
namespace {

constexpr int64_t kStart = 1'700'000'000'000;

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

const double kStale = std::bit_cast<double>(kStaleMarkerBits);

std::vector<Sample> Floats() {
  // The NaN is Python's, whose payload differs from a canonical one's.
  const auto nan = std::bit_cast<double>(uint64_t{0x7ff8000000000000});
  const std::pair<int64_t, double> points[] = {{0, 1.5},
                                               {15000, 1.5},
                                               {30001, 2.25},
                                               {44990, -1e10},
                                               {60000, 0.1},
                                               {75000, nan},
                                               {90000, std::numeric_limits<double>::infinity()},
                                               {400000, 3.0},
                                               {415000, 1e-300},
                                               {430000, 1e-300},
                                               {3000000, 7.0},
                                               {3000001, 8.0},
                                               {3000020, kStale}};
  std::vector<Sample> samples;
  for (const auto& [time, value] : points) samples.push_back({kStart + time, value});
  return samples;
}

HistogramSample At(int64_t time, double count, double sum, double zero_count,
                   std::vector<double> positive, std::vector<double> negative) {
  HistogramSample sample;
  sample.timestamp_ms = kStart + time;
  Histogram& histogram = sample.histogram;
  histogram.form = Histogram::Form::kInteger;
  histogram.schema = 1;
  histogram.zero_threshold = 0.001;
  histogram.count = count;
  histogram.sum = sum;
  histogram.zero_count = zero_count;
  histogram.positive_spans = {{-2, 2}, {1, 1}};
  histogram.positive_buckets = std::move(positive);
  histogram.negative_spans = {{0, 1}};
  histogram.negative_buckets = std::move(negative);
  return sample;
}

std::vector<HistogramSample> Integers() {
  return {At(0, 12, 18.5, 2, {1, 2, 4}, {3}), At(15000, 20, 30.25, 3, {2, 4, 6}, {5}),
          At(30000, 2000, 31, 3, {500, 490, 1000}, {7}),
          At(45010, 302000, 31, 3, {500, 490, 301000}, {7})};
}

HistogramSample StaleAt(int64_t time) {
  HistogramSample sample;
  sample.timestamp_ms = kStart + time;
  sample.histogram.form = Histogram::Form::kInteger;
  sample.histogram.sum = kStale;
  return sample;
}

std::vector<HistogramSample> FloatHistograms() {
  std::vector<HistogramSample> samples = Integers();
  for (HistogramSample& sample : samples) {
    Histogram& histogram = sample.histogram;
    histogram.form = Histogram::Form::kFloat;
    histogram.zero_threshold = std::ldexp(1, -128);
    histogram.count = histogram.count * 2 + 0.5;
    histogram.zero_count += 0.25;
    for (double& bucket : histogram.positive_buckets) bucket *= 1.5;
  }
  return samples;
}

std::vector<EncodedChunk> Chunks(const SeriesSamples& series) {
  std::vector<EncodedChunk> chunks;
  SeriesChunks cutter(&series);
  for (EncodedChunk chunk; cutter.Next(&chunk);) chunks.push_back(chunk);
  return chunks;
}

TEST(PrometheusChunkTest, Xor) {
  EXPECT_EQ(
      Hex(EncodeXorChunk(Floats())),
      "000d80a0abfef9623ff800000000000098754000e13bffdbff4c11c100502f98015c1ffedd9ce35ccccccdbf"
      "f69010666666666666a0008000000000001c900b11ffc000000000000eb7fa8c3fc1ad6e1fc2f8f3593c000"
      "00000009bf1e28372dc3f85f1e6b3fffffffffffb191e3003c00000000000080129fe80000000000010");
}

TEST(PrometheusChunkTest, IntegerHistogramsAndAStaleMarker) {
  std::vector<HistogramSample> samples = Integers();
  samples.push_back(StaleAt(60000));
  EXPECT_EQ(
      Hex(EncodeHistogramChunk(samples, ResetHeader::kUnknown)),
      "000500ff3f50624dd2f1a9fc8ca568c6317f0000c5e7f2b4006324806500000000000118ca7f07531888ec1b"
      "38c5279ed2f0be1f1d9f87f18afc048c243dc1d8cfc0491e4b6b0c5eff9e000000000004");
}

TEST(PrometheusChunkTest, FloatHistograms) {
  EXPECT_EQ(
      Hex(EncodeHistogramChunk(FloatHistograms(), ResetHeader::kUnknown)),
      "000400748ca568c6317f0000c5e7f2b400201c400000000000200100000000000020194000000000001ffc00"
      "00000000002004000000000000200c00000000000020040000000000007c1d4c6927e7b01ec1b3c25fffd60f"
      "50bdd61f6843ac050ba0c8f7d06cf7f4196af2c567671a5f8219d5c67f58");
}

TEST(PrometheusChunkTest, FramesCarryTheirChecksum) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);  // RFC 3720 names none so short; the usual check
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  SeriesSamples series;
  series.labels = Labels{{"__name__", "floats"}};
  series.samples = Floats();
  std::string frame;
  AppendFrame(series.labels, Chunks(series), 0, &frame);
  EXPECT_EQ(frame.size(), 174u + 2 + 4);
  EXPECT_EQ(Hex(frame.substr(2, 4)), "36fc8901");
}

std::string Varbit(int64_t value) {
  std::string out;
  BitWriter bits(&out);
  WriteVarbitInt(value, &bits);
  return Hex(out);
}

TEST(PrometheusChunkTest, VarbitWidths) {
  EXPECT_EQ(Varbit(0), "00");
  EXPECT_EQ(Varbit(4), "a0");                       // 10 100
  EXPECT_EQ(Varbit(-3), "a8");                      // 10 101
  EXPECT_EQ(Varbit(-4), "de00");                    // 110 111100
  EXPECT_EQ(Varbit(32), "d000");                    // 110 100000
  EXPECT_EQ(Varbit(33), "e108");                    // 1110 000100001
  EXPECT_EQ(Varbit(131072), "fa0000");              // 111110 and 18 bits
  EXPECT_EQ(Varbit(131073), "fc020001");            // 1111110 and 25
  EXPECT_EQ(Varbit(16777217), "fe00000001000001");  // 11111110 and 56
  EXPECT_EQ(Varbit(INT64_MIN), "ff8000000000000000");
}

TEST(SeriesChunksTest, CutsAt120AndWhereTheKindChanges) {
  SeriesSamples series;
  for (int64_t i = 0; i < 250; ++i) series.samples.push_back({i * 10, static_cast<double>(i)});
  series.histograms = {Integers()[0]};
  series.histograms[0].timestamp_ms = 1205;
  const std::vector<EncodedChunk> chunks = Chunks(series);
  ASSERT_EQ(chunks.size(), 5u);
  const int64_t begins[] = {0, 1200, 1205, 1210, 2410};
  const int64_t ends[] = {1190, 1200, 1205, 2400, 2490};
  for (size_t i = 0; i < chunks.size(); ++i) {
    EXPECT_EQ(chunks[i].min_time_ms, begins[i]);
    EXPECT_EQ(chunks[i].max_time_ms, ends[i]);
    EXPECT_EQ(chunks[i].encoding, i == 2 ? ChunkEncoding::kHistogram : ChunkEncoding::kXor);
  }
}

// The third byte of a chunk is its reset header.
TEST(SeriesChunksTest, HistogramChunksEndWhereTheirHeaderWouldLie) {
  const auto header = [](const EncodedChunk& chunk) { return static_cast<uint8_t>(chunk.data[2]); };
  SeriesSamples series;
  series.histograms = Integers();
  EXPECT_EQ(Chunks(series).size(), 1u);
  series.histograms.push_back(At(60000, 12, 18.5, 2, {1, 2, 4}, {3}));  // a reset
  std::vector<EncodedChunk> chunks = Chunks(series);
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(header(chunks[0]), 0x00);
  EXPECT_EQ(header(chunks[1]), 0x80);
  for (HistogramSample& sample : series.histograms) {
    sample.histogram.reset_hint = CounterResetHint::kGauge;
  }
  chunks = Chunks(series);
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(header(chunks[0]), 0xC0);

  series.histograms = Integers();
  series.histograms[1].histogram.reset_hint = CounterResetHint::kReset;  // the writer knows better
  series.histograms[2].histogram.schema = 2;
  series.histograms[3] = StaleAt(45010);
  series.histograms.push_back(StaleAt(60000));
  series.histograms.push_back(At(75000, 302000, 31, 3, {500, 490, 301000}, {7}));
  chunks = Chunks(series);
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_EQ(header(chunks[1]), 0x80);
  EXPECT_EQ(header(chunks[2]), 0x00);
  EXPECT_EQ(chunks[2].max_time_ms, kStart + 60000);  // the markers stand behind their histogram
  EXPECT_EQ(header(chunks[3]), 0x00);
}

TEST(SeriesChunksTest, AChunkThatGoesOnSaysSo) {
  SeriesSamples series;
  for (int64_t i = 0; i < 121; ++i) {
    const auto n = static_cast<double>(i);
    series.histograms.push_back(At(i, 10 * n, n, n, {n, n, n}, {n}));
  }
  const std::vector<EncodedChunk> chunks = Chunks(series);
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(static_cast<uint8_t>(chunks[1].data[2]), 0x40);
}

TEST(HistogramChunkTest, CustomBounds) {
  HistogramSample sample;
  Histogram& histogram = sample.histogram;
  histogram.form = Histogram::Form::kInteger;
  histogram.schema = kCustomBucketsSchema;
  histogram.count = 1;
  histogram.positive_spans = {{0, 1}};
  histogram.positive_buckets = {1};
  histogram.custom_values = {0.005, 1e9};
  // By hand: header; threshold 0; schema 1110 111001011; one span 10001, its length 10001 and
  // offset 0; none 0; two bounds 10010: 10110 (5 + 1), 0 and a double; time 0; count 10001; zero
  // count 0; sum; bucket 10001.
  EXPECT_EQ(Hex(EncodeHistogramChunk({&sample, 1}, ResetHeader::kUnknown)),
            "00010000ee5c624ac41cdcd65000000004400000000000000011");
}

}  // namespace
}  // namespace varve::server
