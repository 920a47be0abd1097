#include "engine/metrics/sample_record.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "base/varint.h"
#include "tests/model/random_histogram.h"

namespace varve::engine {
namespace {

// A batch with `counts[i]` samples for series 10, 9, 8, ...
PreparedBatch MakeBatch(const std::vector<uint32_t>& counts, std::vector<Sample>* samples) {
  PreparedBatch batch;
  for (uint32_t i = 0; i < counts.size(); ++i) {
    batch.runs.push_back({10 - i, static_cast<uint32_t>(samples->size()), counts[i], i});
    for (uint32_t k = 0; k < counts[i]; ++k) {
      samples->push_back({1'700'000'000'000 - 1000 * int64_t{i} + k, -0.5 * k});
    }
  }
  batch.samples = *samples;
  return batch;
}

void ExpectRoundTrip(const std::vector<uint32_t>& counts) {
  std::vector<Sample> samples;
  PreparedBatch batch = MakeBatch(counts, &samples);
  EncodeSampleRecord(&batch);
  SampleRecord decoded;
  const Status status = DecodeSampleRecord(batch.journal_body, &decoded);
  ASSERT_TRUE(status.ok()) << status.ToString();
  ASSERT_EQ(decoded.runs.size(), counts.size());
  for (size_t i = 0; i < counts.size(); ++i) {
    EXPECT_EQ(decoded.runs[i].id, batch.runs[i].id);
    EXPECT_EQ(decoded.runs[i].sample_begin, batch.runs[i].sample_begin);
    EXPECT_EQ(decoded.runs[i].sample_count, counts[i]);
  }
  ASSERT_EQ(decoded.samples.size(), samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(decoded.samples[i].timestamp_ms, samples[i].timestamp_ms);
    EXPECT_EQ(std::bit_cast<uint64_t>(decoded.samples[i].value),
              std::bit_cast<uint64_t>(samples[i].value));
  }
}

TEST(SampleRecordTest, OneSampleEachRoundTrips) { ExpectRoundTrip({1, 1, 1}); }
TEST(SampleRecordTest, ManySamplesRoundTrip) { ExpectRoundTrip({3, 1, 250}); }
TEST(SampleRecordTest, AnEmptyBatchRoundTrips) { ExpectRoundTrip({}); }

TEST(SampleRecordTest, ExtremeTimesAndEveryValueBitSurvive) {
  std::vector<Sample> samples{{INT64_MIN, std::bit_cast<double>(kStaleMarkerBits)},
                              {INT64_MAX, std::bit_cast<double>(uint64_t{0xffffffffffffffff})},
                              {0, -0.0}};
  PreparedBatch batch;
  batch.runs.push_back({index::kNoSeriesId - 1, 0, 3, 0});
  batch.samples = samples;
  EncodeSampleRecord(&batch);
  SampleRecord decoded;
  ASSERT_TRUE(DecodeSampleRecord(batch.journal_body, &decoded).ok());
  ASSERT_EQ(decoded.samples.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(decoded.samples[i].timestamp_ms, samples[i].timestamp_ms);
    EXPECT_EQ(std::bit_cast<uint64_t>(decoded.samples[i].value),
              std::bit_cast<uint64_t>(samples[i].value));
  }
}

TEST(SampleRecordTest, CreatedSeriesTravelWithTheirLabels) {
  PreparedBatch batch;
  batch.created = {{3, "first"}, {70'000, std::string_view("\0second", 7)}};
  EncodeSampleRecord(&batch);
  SampleRecord decoded;
  ASSERT_TRUE(DecodeSampleRecord(batch.journal_body, &decoded).ok());
  ASSERT_EQ(decoded.created.size(), 2u);
  EXPECT_EQ(decoded.created[0].id, 3u);
  EXPECT_EQ(decoded.created[1].id, 70'000u);
  EXPECT_EQ(decoded.created[1].labels, std::string_view("\0second", 7));
}

TEST(SampleRecordTest, EveryTruncationAndEveryExtensionIsRefused) {
  std::vector<Sample> samples;
  PreparedBatch batch = MakeBatch({2, 1}, &samples);
  batch.created = {{10, "labels"}};
  EncodeSampleRecord(&batch);
  SampleRecord decoded;
  for (size_t size = 0; size < batch.journal_body.size(); ++size) {
    EXPECT_EQ(DecodeSampleRecord(batch.journal_body.substr(0, size), &decoded).code(),
              StatusCode::kDataLoss)
        << size;
  }
  EXPECT_EQ(DecodeSampleRecord(std::string(batch.journal_body) + "x", &decoded).code(),
            StatusCode::kDataLoss);
}

TEST(SampleRecordTest, CountsBeyondTheBytesAllocateNothing) {
  for (const uint64_t count : {uint64_t{1} << 20, uint64_t{1} << 40, UINT64_MAX}) {
    std::string series(1, '\1');
    AppendVarint(&series, count);
    std::string runs("\1\0", 2);
    AppendVarint(&runs, count);
    runs.push_back('\0');
    std::string samples("\1\0\1\1\0", 5);  // one run with a count
    AppendVarint(&samples, count);
    SampleRecord decoded;
    for (const std::string& body : {series, runs, samples}) {
      EXPECT_EQ(DecodeSampleRecord(body, &decoded).code(), StatusCode::kDataLoss);
    }
    EXPECT_LT(decoded.samples.capacity(), size_t{1} << 16);
    EXPECT_LT(decoded.runs.capacity(), size_t{1} << 16);
  }
}

TEST(SampleRecordTest, AnotherVersionIsRefused) {
  SampleRecord decoded;
  EXPECT_EQ(DecodeSampleRecord(std::string("\2\0\0\0", 4), &decoded).code(), StatusCode::kDataLoss);
}

// Two runs with floats that have start times, and histograms in the second.
std::string RecordWithExtras(uint32_t histogram_count) {
  std::vector<Sample> samples;
  PreparedBatch batch = MakeBatch({2, 1}, &samples);
  const std::vector<int64_t> starts = {5, INT64_MIN};  // the rest is not known
  batch.start_times_ms = starts;
  model::HistogramSource source(1);
  std::vector<HistogramSample> histograms;
  for (uint32_t i = 0; i < histogram_count; ++i) histograms.push_back({i, i, source.Next()});
  for (const HistogramSample& sample : histograms) batch.histograms.push_back(&sample);
  batch.runs[1].histogram_count = histogram_count;
  EncodeSampleRecord(&batch);
  return std::string(batch.journal_body);
}

TEST(SampleRecordTest, StartTimesAndHistogramsRoundTrip) {
  const std::string record = RecordWithExtras(1000);  // more than one chunk holds
  SampleRecord decoded;
  const Status status = DecodeSampleRecord(record, &decoded);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(decoded.start_times_ms, (std::vector<int64_t>{5, INT64_MIN, 0}));
  EXPECT_EQ(decoded.runs[0].histogram_count, 0u);
  EXPECT_EQ(decoded.runs[1].histogram_begin, 0u);
  EXPECT_EQ(decoded.runs[1].histogram_count, 1000u);
  ASSERT_EQ(decoded.histograms.size(), 1000u);
  model::HistogramSource source(1);
  for (int64_t i = 0; i < 1000; ++i) {
    const HistogramSample& sample = decoded.histograms[static_cast<size_t>(i)];
    EXPECT_EQ(sample.timestamp_ms, i);
    EXPECT_EQ(sample.start_ms, i);
    EXPECT_TRUE(SameBits(sample.histogram, source.Next())) << i;
  }
}

TEST(SampleRecordTest, EveryCutOffRecordWithExtrasIsDamage) {
  const std::string record = RecordWithExtras(3);
  for (size_t size = 0; size < record.size(); ++size) {
    SampleRecord decoded;
    EXPECT_EQ(DecodeSampleRecord(record.substr(0, size), &decoded).code(), StatusCode::kDataLoss);
  }
  SampleRecord decoded;
  EXPECT_EQ(DecodeSampleRecord(record + "x", &decoded).code(), StatusCode::kDataLoss);
}

TEST(SampleRecordTest, TheShapeBelongsToTheVersion) {
  std::string record = RecordWithExtras(1);
  record[0] = 1;
  SampleRecord decoded;
  EXPECT_EQ(DecodeSampleRecord(record, &decoded).code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace varve::engine
