// Golden files of what merged parts are made of: value columns, time columns, chunk groups of
// columns. See storage_golden_test.cc.
#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "storage/codec/columns.h"
#include "storage/file_system.h"
#include "storage/format/chunk_group.h"
#include "storage/format/part_info.h"
#include "storage/format/time_column_block.h"
#include "tests/golden/golden_file.h"

namespace varve {
namespace {

const double kStale = std::bit_cast<double>(uint64_t{0x7ff0000000000002});

void ExpectValues(const std::string& name, codec::ValueCodec codec,
                  const std::vector<double>& values) {
  std::string encoded;
  EXPECT_EQ(codec::EncodeValues(values, &encoded), codec) << name;
  const std::string golden = Golden(name, encoded);
  EXPECT_EQ(encoded, golden) << name;
  std::vector<double> decoded(values.size());
  ASSERT_TRUE(codec::DecodeValues(codec, golden, values.size(), decoded.data()).ok()) << name;
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(std::bit_cast<uint64_t>(decoded[i]), std::bit_cast<uint64_t>(values[i])) << i;
  }
}

TEST(Golden, ValueColumns) {
  using codec::ValueCodec;
  ExpectValues("value_constant_v1.bin", ValueCodec::kConstant, {0.25, 0.25, 0.25});
  ExpectValues("value_runs_v1.bin", ValueCodec::kRuns, {-0.0, -0.0, kStale, -0.0});
  // Deltas, an exception, no fraction.
  ExpectValues("value_decimal_v1.bin", ValueCodec::kDecimal, {100, 103, 107, kStale, 112});
  // Two digits, and what a multiplication left of them: 57 * 0.01 is the double after 0.57.
  ExpectValues("value_decimal_corrected_v1.bin", ValueCodec::kDecimal,
               {0.56, 57 * 0.01, 0.58, 0.6, 57 * 0.01, 0.62});
  // Changes twice in eighty samples.
  std::vector<double> seldom(80, 7);
  seldom[30] = 9;
  ExpectValues("value_decimal_sparse_v1.bin", ValueCodec::kDecimal, seldom);
  // Residues of two bytes each.
  std::vector<double> wide;
  for (int i = 0; i < 8; ++i) wide.push_back(i % 2 == 0 ? 20000 + i : i);
  ExpectValues("value_decimal_planes_v1.bin", ValueCodec::kDecimal, wide);
  ExpectValues("value_xor_planes_v1.bin", ValueCodec::kXorPlanes,
               {std::bit_cast<double>(uint64_t{0x0123456789abcdef}),
                std::bit_cast<double>(uint64_t{0x1122334455667788})});
}

TEST(Golden, TimeColumnBlock) {
  std::vector<int64_t> grid;
  for (int i = 0; i < 20; ++i) grid.push_back(1'700'000'000'000 + i * 15'000);
  const std::vector<int64_t> late = {1'700'000'000'000, 1'700'000'005'007, 1'700'000'010'000};
  std::string encoded_grid;
  codec::EncodeTimes(grid, &encoded_grid);
  std::string encoded_late;
  codec::EncodeTimes(late, &encoded_late);
  const std::vector<format::EncodedTimeColumn> columns = {{20, encoded_grid}, {3, encoded_late}};
  std::string bytes;
  format::EncodeTimeColumnBlock(columns, &bytes);
  const std::string golden = Golden("time_column_block_v1.bin", bytes);
  EXPECT_EQ(bytes, golden);
  const auto parsed = format::ParseTimeColumnBlock(golden);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  ASSERT_EQ(parsed->size(), 2u);
  std::vector<int64_t> decoded(grid.size());
  ASSERT_TRUE(codec::DecodeTimes((*parsed)[0].bytes, grid.size(), decoded.data()).ok());
  EXPECT_EQ(decoded, grid);
  decoded.resize(late.size());
  ASSERT_TRUE(codec::DecodeTimes((*parsed)[1].bytes, late.size(), decoded.data()).ok());
  EXPECT_EQ(decoded, late);
}

TEST(Golden, ChunkGroupOfColumns) {
  const auto column = [](uint32_t number, uint32_t count, int64_t min_ms, int64_t max_ms,
                         std::string_view payload) {
    format::ChunkView chunk{format::ChunkCodec::kColumns, count, min_ms, max_ms, payload};
    chunk.time_column = number;
    return chunk;
  };
  const std::vector<std::vector<format::ChunkView>> series = {
      {column(5, 3, 1'700'000'000'000, 1'700'000'010'000, "abc")},
      {column(5, 3, 1'700'000'000'000, 1'700'000'010'000, "d"),
       {format::ChunkCodec::kGorillaStart, 1, 1'700'000'015'000, 1'700'000'015'000, "ef"}}};
  std::string bytes;
  format::EncodeChunkGroup(series, &bytes);
  const std::string golden = Golden("chunk_group_v2.bin", bytes);
  EXPECT_EQ(bytes, golden);
  const auto group = format::ChunkGroup::Parse(golden);
  ASSERT_TRUE(group.ok()) << group.status().ToString();
  ASSERT_EQ(group->series_count(), 2u);
  for (uint32_t i = 0; i < 2; ++i) {
    ASSERT_EQ(group->chunks(i).size(), series[i].size());
    for (size_t k = 0; k < series[i].size(); ++k) {
      const format::ChunkView& actual = group->chunks(i)[k];
      EXPECT_EQ(actual.codec, series[i][k].codec);
      EXPECT_EQ(actual.time_column, series[i][k].time_column);
      EXPECT_EQ(actual.sample_count, series[i][k].sample_count);
      EXPECT_EQ(actual.min_time_ms, series[i][k].min_time_ms);
      EXPECT_EQ(actual.max_time_ms, series[i][k].max_time_ms);
      EXPECT_EQ(actual.payload, series[i][k].payload);
    }
  }
}

TEST(Golden, PartInfoWithGroups) {
  format::PartInfo info;
  info.part_id = 9;
  info.level = 2;
  info.min_time_ms = 1'700'000'000'000;
  info.max_time_ms = 1'700'086'400'000;
  info.min_sequence = 1;
  info.max_sequence = 300;
  info.series_count = 8000;
  info.sample_count = 46'080'000;
  info.chunk_count = 24'000;
  info.series_per_group = 32;
  info.files = {{1, 70'000, 0x1122334455667788}, {5, 9'000, 0x99aabbccddeeff00}};
  std::string bytes;
  format::EncodePartInfo(info, &bytes);
  const std::string golden = Golden("part_info_v2.bin", bytes);
  EXPECT_EQ(bytes, golden);
  const auto decoded = format::DecodePartInfo(golden);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(*decoded, info);
}

}  // namespace
}  // namespace varve
