#include "storage/format/time_column_block.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"

namespace varve::format {
namespace {

std::string Encode(const std::vector<EncodedTimeColumn>& columns) {
  std::string bytes;
  EncodeTimeColumnBlock(columns, &bytes);
  return bytes;
}

TEST(TimeColumnBlock, KeepsItsColumns) {
  std::vector<EncodedTimeColumn> columns(kTimeColumnsPerBlock, {300, "bytes"});
  columns[3] = {1, ""};
  columns[31] = {65535, "end"};
  const std::string bytes = Encode(columns);
  const auto parsed = ParseTimeColumnBlock(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  ASSERT_EQ(parsed->size(), columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    EXPECT_EQ((*parsed)[i].sample_count, columns[i].sample_count);
    EXPECT_EQ((*parsed)[i].bytes, columns[i].bytes);
  }
}

TEST(TimeColumnBlock, EveryFlippedBitAndEveryCutIsDamage) {
  const std::string bytes = Encode({{2, "ab"}, {3, "cde"}});
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_EQ(ParseTimeColumnBlock(damaged).status().code(), StatusCode::kDataLoss) << bit;
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ParseTimeColumnBlock(bytes.substr(0, size)).status().code(), StatusCode::kDataLoss);
  }
}

TEST(TimeColumnBlock, NonsenseUnderAFittingChecksumIsDamage) {
  using namespace std::string_literals;
  const auto message = [](std::string body) {
    AppendFixed(&body, Hash64(body));
    const auto parsed = ParseTimeColumnBlock(body);
    EXPECT_EQ(parsed.status().code(), StatusCode::kDataLoss);
    return parsed.status().message();
  };
  EXPECT_EQ(message("\2\1"s), "time column block: unknown version 2");
  EXPECT_EQ(message("\1\0"s), "time column block: of 0 columns");
  EXPECT_EQ(message("\1\41"s), "time column block: of 33 columns");
  EXPECT_EQ(message("\1\1\0\0"s), "time column block: a column of 0 samples");
  EXPECT_EQ(message("\1\1\1\5ab"s), "time column block: its sizes do not add up");
  EXPECT_EQ(message("\1\1\1\1ab"s), "time column block: its sizes do not add up");
}

}  // namespace
}  // namespace varve::format
