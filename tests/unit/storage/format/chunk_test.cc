#include "storage/format/chunk.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/codec/gorilla.h"
#include "storage/codec/histogram.h"
#include "storage/codec/start_times.h"

namespace varve::format {
namespace {

class ChunkTest : public testing::Test {
 protected:
  // A chunk of these times, with values 0, 1, ...; its payload lives in the fixture.
  ChunkView MakeChunk(const std::vector<int64_t>& timestamps) {
    codec::GorillaState state;
    payload_.assign(
        timestamps.size() * codec::kGorillaAppendBytesMax + codec::kGorillaAppendBytesMax, '\0');
    for (size_t i = 0; i < timestamps.size(); ++i) {
      codec::GorillaAppend(&state, reinterpret_cast<uint8_t*>(payload_.data()), timestamps[i],
                           static_cast<double>(i));
    }
    payload_.resize(codec::GorillaBytes(state));
    return {ChunkCodec::kGorilla, static_cast<uint32_t>(timestamps.size()), timestamps.front(),
            timestamps.back(), payload_};
  }
  void ExpectDamage(const ChunkView& chunk, StatusCode code, const std::string& message) {
    SampleColumns samples;
    samples.timestamps_ms = {7};
    samples.values = {7};
    const Status status = DecodeChunk(chunk, &samples);
    EXPECT_EQ(status.code(), code);
    EXPECT_EQ(status.message(), message);
    EXPECT_EQ(samples.timestamps_ms, std::vector<int64_t>{7});
    EXPECT_EQ(samples.values, std::vector<double>{7});
  }
  std::string payload_;
};

TEST_F(ChunkTest, AppendsItsSamples) {
  SampleColumns samples;
  samples.timestamps_ms = {1};
  samples.values = {-1};
  ASSERT_TRUE(DecodeChunk(MakeChunk({10, 20, 35}), &samples).ok());
  EXPECT_EQ(samples.timestamps_ms, (std::vector<int64_t>{1, 10, 20, 35}));
  EXPECT_EQ(samples.values, (std::vector<double>{-1, 0, 1, 2}));
}

TEST_F(ChunkTest, RefusesWhatContradictsTheHeader) {
  ChunkView chunk = MakeChunk({10, 20, 35});
  chunk.min_time_ms = 11;
  ExpectDamage(chunk, StatusCode::kDataLoss,
               "chunk times 10 to 35 contradict its header, 11 to 35");
  chunk.min_time_ms = 10;
  chunk.sample_count = 2;
  ExpectDamage(chunk, StatusCode::kDataLoss,
               "chunk times 10 to 20 contradict its header, 10 to 35");
  chunk.sample_count = 0;
  ExpectDamage(chunk, StatusCode::kDataLoss, "chunk without samples");
  chunk.sample_count = 1000;
  ExpectDamage(
      chunk, StatusCode::kDataLoss,
      "gorilla chunk: " + std::to_string(payload_.size()) + " bytes cannot hold 1000 samples");
}

TEST_F(ChunkTest, RefusesTimesOutOfOrder) {
  ExpectDamage(MakeChunk({10, 20, 15, 40}), StatusCode::kDataLoss,
               "chunk times do not ascend strictly");
  ExpectDamage(MakeChunk({10, 20, 20, 40}), StatusCode::kDataLoss,
               "chunk times do not ascend strictly");
}

TEST_F(ChunkTest, StartTimesStandBesideTheFloats) {
  ChunkView chunk = MakeChunk({10, 20, 35});
  codec::StartTimeColumn starts;
  starts.Append(0, 0);
  starts.Append(10, 10);
  starts.Append(10, 20);
  const std::string payload = JoinStartTimes(starts.payload(), chunk.payload);
  chunk.codec = ChunkCodec::kGorillaStart;
  chunk.payload = payload;
  SampleColumns samples;
  samples.timestamps_ms = {1};  // of a chunk without
  samples.values = {-1};
  ASSERT_TRUE(DecodeChunk(chunk, &samples).ok());
  EXPECT_EQ(samples.timestamps_ms, (std::vector<int64_t>{1, 10, 20, 35}));
  EXPECT_EQ(samples.start_times_ms, (std::vector<int64_t>{0, 0, 10, 10}));
  for (const size_t size : {size_t{0}, size_t{1}, payload.size() - 1}) {
    chunk.payload = std::string_view(payload).substr(0, size);
    SampleColumns before;
    EXPECT_EQ(DecodeChunk(chunk, &before).code(), StatusCode::kDataLoss) << size;
    EXPECT_EQ(before.size(), 0u);
    EXPECT_TRUE(before.start_times_ms.empty());
  }
}

TEST_F(ChunkTest, HistogramsGoToTheirOwnColumns) {
  codec::HistogramEncoder encoder;
  Histogram histogram;
  histogram.sum = 3;
  encoder.Append(10, 5, histogram);
  encoder.Append(20, 5, histogram);
  ChunkView chunk{ChunkCodec::kHistogram, 2, 10, 20, encoder.payload()};
  SampleColumns samples;
  ASSERT_TRUE(DecodeChunk(chunk, &samples).ok());
  EXPECT_TRUE(samples.timestamps_ms.empty());
  EXPECT_EQ(samples.histogram_timestamps_ms, (std::vector<int64_t>{10, 20}));
  EXPECT_EQ(samples.histogram_start_times_ms, (std::vector<int64_t>{5, 5}));
  ASSERT_EQ(samples.histograms.size(), 2u);
  EXPECT_EQ(samples.histograms[1]->sum, 3);
  chunk.max_time_ms = 21;
  SampleColumns before;
  EXPECT_EQ(DecodeChunk(chunk, &before).code(), StatusCode::kDataLoss);
  EXPECT_EQ(before.size(), 0u);
  EXPECT_TRUE(before.histogram_start_times_ms.empty());
}

TEST_F(ChunkTest, RefusesANewerCodecByNumber) {
  ChunkView chunk = MakeChunk({10});
  chunk.codec = static_cast<ChunkCodec>(77);
  ExpectDamage(chunk, StatusCode::kUnimplemented, "chunk codec 77 is not known to this version");
}

}  // namespace
}  // namespace varve::format
