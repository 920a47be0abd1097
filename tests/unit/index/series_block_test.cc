#include "index/series_block.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/varint.h"
#include "index/checked_bytes.h"
#include "index/pair_chunk.h"
#include "index/part_summary.h"
#include "tests/unit/index/label_set_model.h"

namespace varve::index {
namespace {

TEST(SeriesBlockTest, ReturnsWhatItWasGiven) {
  std::mt19937 random(1);
  SeriesBlockEncoder encoder;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<uint32_t>> series(1 + random() % kSeriesPerBlock);
    std::vector<uint32_t> pairs;
    for (auto& one : series) {
      pairs.resize(random() % (pairs.size() + 1));
      for (auto n = random() % 5; n > 0; --n)
        pairs.push_back(random() % 3 == 0 ? random() : random() % 200);
      one = pairs;
      encoder.Add(one);
    }
    const std::string bytes = encoder.Finish();
    auto decoder = SeriesBlockDecoder::Parse(bytes);
    ASSERT_TRUE(decoder.ok());
    ASSERT_EQ(decoder->series_count(), series.size());
    std::vector<uint32_t> previous;
    for (const auto& one : series) {
      ASSERT_TRUE(decoder->Next(uint64_t{1} << 32).ok());
      ASSERT_EQ(std::vector<uint32_t>(decoder->pairs().begin(), decoder->pairs().end()), one);
      ASSERT_LE(decoder->shared(), previous.size());
      ASSERT_TRUE(std::equal(one.begin(),
                             one.begin() + static_cast<std::ptrdiff_t>(decoder->shared()),
                             previous.begin()));
      previous = one;
    }
    ASSERT_FALSE(decoder->Next(uint64_t{1} << 32).ok());
  }
}

Status DecodeBlock(std::string_view body, uint64_t pair_limit) {
  const std::string bytes = FrameBytes(body);
  auto decoder = SeriesBlockDecoder::Parse(bytes);
  if (!decoder.ok()) return decoder.status();
  for (uint32_t i = 0; i < decoder->series_count(); ++i) {
    if (Status status = decoder->Next(pair_limit); !status.ok()) return status;
  }
  return OkStatus();
}

TEST(SeriesBlockTest, RefusesNonsenseWithARightChecksum) {
  using std::string_literals::operator""s;
  EXPECT_TRUE(DecodeBlock("\1\0\1\5"s, 6).ok());
  for (const std::string& body :
       {""s, "\0"s, "\x41"s, "\1"s, "\1\0\1"s, "\1\1\0"s, "\1\0\1\5\0"s, "\1\0\1\6"s,
        "\1\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"s, "\2\0\1\5\2\0"s}) {
    EXPECT_EQ(DecodeBlock(body, 6).code(), StatusCode::kDataLoss);
  }
}

TEST(PairChunkTest, ReturnsWhatItWasGiven) {
  RandomLabels random(6);
  std::vector<std::string> pairs;
  while (pairs.size() < kPairsPerChunk) {
    for (const auto& [name, value] : random.NextSet()) {
      if (pairs.size() < kPairsPerChunk) pairs.push_back(ToBytes({{name, value}}));
    }
  }
  for (const size_t count : {size_t{1}, size_t{2}, size_t{kPairsPerChunk}}) {
    const std::vector<std::string_view> views(pairs.begin(),
                                              pairs.begin() + static_cast<std::ptrdiff_t>(count));
    const auto chunk = PairChunk::Decode(EncodePairChunk(views));
    ASSERT_TRUE(chunk.ok()) << chunk.status().ToString();
    ASSERT_EQ(chunk->size(), count);
    for (uint32_t i = 0; i < count; ++i) EXPECT_EQ(chunk->pair(i), pairs[i]);
  }
}

TEST(PairChunkTest, RefusesNonsenseWithARightChecksum) {
  using std::string_literals::operator""s;
  EXPECT_TRUE(PairChunk::Decode(FrameBytes("\2\0\1a\1x\1\1y"s)).ok());
  for (const std::string& body :
       {""s, "\0"s, "\1"s, "\1\0\1a\0"s, "\1\0\0\1x"s, "\1\1\1x"s, "\1\0\1a\5x"s,
        "\2\0\1a\1x\2\1y"s, "\1\0\1a\1xz"s, "\x81\1\0\1a\1x"s,
        "\1\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"s}) {
    EXPECT_EQ(PairChunk::Decode(FrameBytes(body)).status().code(), StatusCode::kDataLoss);
  }
}

// Each value refers to one long name: what it decodes to must stay bounded.
TEST(PairChunkTest, RefusesChunksThatSwell) {
  std::string body;
  AppendVarint(&body, kPairsPerChunk);
  AppendVarint(&body, 0);
  AppendLengthPrefixed(&body, std::string(size_t{1} << 20, 'n'));
  AppendLengthPrefixed(&body, "v");
  for (uint32_t i = 1; i < kPairsPerChunk; ++i) {
    AppendVarint(&body, 1);
    AppendLengthPrefixed(&body, "v");
  }
  EXPECT_EQ(PairChunk::Decode(FrameBytes(body)).status().code(), StatusCode::kDataLoss);
}

TEST(PartSummaryTest, ReturnsWhatItWasGivenAndRefusesDamage) {
  const std::string bytes = EncodePartSummary({12345, 678});
  const auto summary = DecodePartSummary(bytes);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->series_count, 12345u);
  EXPECT_EQ(summary->pair_count, 678u);
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      EXPECT_FALSE(DecodePartSummary(damaged).ok());
    }
  }
  std::string newer(1, 2);
  AppendFixed(&newer, static_cast<uint32_t>(Hash64(newer)));
  EXPECT_EQ(DecodePartSummary(newer).status().code(), StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace varve::index
