#include "storage/format/chunk_group.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"

namespace varve::format {
namespace {

using Group = std::vector<std::vector<ChunkView>>;

void ExpectEqual(const ChunkGroup& group, const Group& expected) {
  ASSERT_EQ(group.series_count(), expected.size());
  for (uint32_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(group.chunks(i).size(), expected[i].size()) << i;
    for (size_t k = 0; k < expected[i].size(); ++k) {
      const ChunkView& actual = group.chunks(i)[k];
      EXPECT_EQ(actual.codec, expected[i][k].codec);
      EXPECT_EQ(actual.sample_count, expected[i][k].sample_count);
      EXPECT_EQ(actual.min_time_ms, expected[i][k].min_time_ms);
      EXPECT_EQ(actual.max_time_ms, expected[i][k].max_time_ms);
      EXPECT_EQ(actual.payload, expected[i][k].payload);
    }
  }
}

void ExpectRoundTrip(const Group& group) {
  std::string bytes = "before";
  EncodeChunkGroup(group, &bytes);
  ASSERT_EQ(bytes.substr(0, 6), "before");
  const auto parsed = ChunkGroup::Parse(std::string_view(bytes).substr(6));
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  ExpectEqual(*parsed, group);
}

// The bytes with a checksum that fits them.
std::string Sealed(std::string body) {
  AppendFixed(&body, Hash64(body));
  return body;
}

std::string MessageOf(const std::string& bytes) {
  const auto parsed = ChunkGroup::Parse(bytes);
  EXPECT_EQ(parsed.status().code(), StatusCode::kDataLoss);
  return parsed.status().message();
}

TEST(ChunkGroup, SeriesWithoutChunks) {
  ExpectRoundTrip(Group(1));
  ExpectRoundTrip(Group(kSeriesPerChunkGroup));
}

TEST(ChunkGroup, KeepsHeadersAndPayloads) {
  ExpectRoundTrip(
      {{{ChunkCodec::kGorilla, 3, 1000, 3000, "abc"}, {ChunkCodec::kGorilla, 1, 4000, 4000, "d"}},
       {},
       {{ChunkCodec::kGorilla, 4'000'000'000, INT64_MIN, -1, ""},
        {ChunkCodec::kGorilla, 1, 0, INT64_MAX - 1, "payload"},
        {static_cast<ChunkCodec>(200), 7, INT64_MAX, INT64_MAX, "x"}},
       {{ChunkCodec::kGorilla, 2, INT64_MIN, INT64_MAX, "y"}}});
}

ChunkView ColumnChunk(uint32_t time_column, uint32_t count, int64_t min_ms, int64_t max_ms,
                      std::string_view payload) {
  ChunkView chunk{ChunkCodec::kColumns, count, min_ms, max_ms, payload};
  chunk.time_column = time_column;
  return chunk;
}

TEST(ChunkGroup, ColumnsKeepTheirNumbers) {
  const Group group = {{ColumnChunk(7, 3, 1000, 3000, "abc"), ColumnChunk(9, 2, 5000, 6000, "d")},
                       {ColumnChunk(7, 3, 1000, 3000, "e"), ColumnChunk(9, 2, 5000, 6000, "f")},
                       {ColumnChunk(UINT32_MAX, 1, INT64_MIN, INT64_MIN, ""),
                        {ChunkCodec::kGorilla, 2, 0, 10, "g"},
                        ColumnChunk(0, 5, 20, 30, "h")},
                       {ColumnChunk(3, 1, 5, 5, "i")}};
  std::string bytes;
  EncodeChunkGroup(group, &bytes);
  EXPECT_EQ(bytes[0], 2);
  const auto parsed = ChunkGroup::Parse(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  ExpectEqual(*parsed, group);
  for (uint32_t i = 0; i < group.size(); ++i) {
    for (size_t k = 0; k < group[i].size(); ++k) {
      EXPECT_EQ(parsed->chunks(i)[k].time_column, group[i][k].time_column);
      EXPECT_EQ(parsed->chunks(i)[k].timestamps_ms, nullptr);
    }
  }
}

TEST(ChunkGroup, AColumnLikeItsNeighboursTakesThreeBytes) {
  const auto size_of = [](size_t series_count) {
    const Group group(series_count,
                      {ColumnChunk(12, 480, 1'700'000'000'000, 1'700'002'395'000, "")});
    std::string bytes;
    EncodeChunkGroup(group, &bytes);
    return bytes.size();
  };
  EXPECT_EQ(size_of(64) - size_of(63), 4u);  // with the number of chunks
}

TEST(ChunkGroup, AlikeChunksTakeSixBytesEach) {
  const std::string payload(150, 'p');
  const auto size_of = [&](size_t series_count) {
    const std::vector<ChunkView> chunks = {
        {ChunkCodec::kGorilla, 120, 1'700'000'000'000, 1'700'000'595'000, payload},
        {ChunkCodec::kGorilla, 120, 1'700'000'600'000, 1'700'001'195'000, payload}};
    std::string bytes;
    EncodeChunkGroup(Group(series_count, chunks), &bytes);
    return bytes.size();
  };
  EXPECT_EQ(size_of(21) - size_of(20), 1 + 2 * (6 + payload.size()));
}

TEST(ChunkGroup, RandomGroupsRoundTrip) {
  std::mt19937_64 random(1);
  const std::string pool(1000, 'z');
  for (int round = 0; round < 500; ++round) {
    Group group(1 + random() % kSeriesPerChunkGroup);
    for (auto& chunks : group) {
      int64_t time = static_cast<int64_t>(random() % 1'000'000'000'000);
      for (size_t k = random() % 5; k > 0; --k) {
        const auto span = static_cast<int64_t>(random() % 1'000'000);
        chunks.push_back({ChunkCodec::kGorilla, static_cast<uint32_t>(1 + random() % 500), time,
                          time + span, std::string_view(pool).substr(0, random() % pool.size())});
        time += span + 1 + static_cast<int64_t>(random() % 100'000);
      }
    }
    ExpectRoundTrip(group);
  }
}

TEST(ChunkGroup, EveryFlippedBitAndTruncationIsDamage) {
  std::string bytes;
  EncodeChunkGroup(Group{{{ChunkCodec::kGorilla, 3, 1000, 3000, "abcdefg"}}, {}}, &bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_EQ(ChunkGroup::Parse(damaged).status().code(), StatusCode::kDataLoss) << bit;
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ChunkGroup::Parse(bytes.substr(0, size)).status().code(), StatusCode::kDataLoss)
        << size;
  }
}

TEST(ChunkGroup, NonsenseUnderAFittingChecksumIsDamage) {
  using namespace std::string_literals;
  EXPECT_EQ(MessageOf("\1"), "chunk group: cut off after 1 bytes");
  EXPECT_EQ(MessageOf(Sealed("\3\1\0"s)), "chunk group: unknown version 3");
  EXPECT_EQ(MessageOf(Sealed("\1\0"s)), "chunk group: of 0 series");
  EXPECT_EQ(MessageOf(Sealed("\1\101"s)), "chunk group: of 65 series");
  EXPECT_EQ(MessageOf(Sealed("\1\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"s)),
            "chunk group: a chunk header is cut off");
  EXPECT_EQ(MessageOf(Sealed("\1\1\1\1\0\0\0\0"s)), "chunk group: a chunk of 0 samples");
  EXPECT_EQ(MessageOf(Sealed("\1\1\1\1\0\1\2\0"s)),
            "chunk group: chunk times run from 0 back to -1");
  EXPECT_EQ(MessageOf(Sealed("\1\1\2\1\0\0\2\0\1\0\0\0\0"s)),
            "chunk group: chunks of a series overlap at 0");
  EXPECT_EQ(MessageOf(Sealed("\1\1\1\1\0\0\2\5"s)), "chunk group: payload sizes do not add up");
  EXPECT_EQ(MessageOf(Sealed("\1\1\1\1\0\0\2\1xy"s)), "chunk group: payload sizes do not add up");
}

}  // namespace
}  // namespace varve::format
