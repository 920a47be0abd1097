#include "storage/format/exemplar_block.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "base/hash.h"
#include "storage/format/label_bytes.h"

namespace varve::format {
namespace {

std::string LabelOf(std::string_view value) {
  std::string labels;
  AppendLabel("trace_id", value, &labels);
  return labels;
}

TEST(ExemplarBlockTest, ExtremesComeBack) {
  const std::string labels = LabelOf("x");
  const std::vector<ExemplarView> exemplars = {
      {INT64_MIN, -0.0, labels},
      {INT64_MAX, std::numeric_limits<double>::quiet_NaN(), {}},
      {0, std::numeric_limits<double>::infinity(), labels}};
  std::string bytes;
  EncodeExemplarBlock(exemplars, &bytes);
  std::vector<ExemplarView> decoded;
  ASSERT_TRUE(DecodeExemplarBlock(bytes, &decoded).ok());
  ASSERT_EQ(decoded.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(CompareExemplars(decoded[i], exemplars[i]) == 0);
}

TEST(ExemplarBlockTest, EveryTruncationAndEveryFlippedBitIsRefused) {
  const std::string labels = LabelOf("x");
  const std::vector<ExemplarView> exemplars = {{1, 2, labels}, {3, 4, labels}};
  std::string bytes;
  EncodeExemplarBlock(exemplars, &bytes);
  std::vector<ExemplarView> decoded;
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodeExemplarBlock(bytes.substr(0, size), &decoded).code(), StatusCode::kDataLoss);
  }
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_EQ(DecodeExemplarBlock(flipped, &decoded).code(), StatusCode::kDataLoss) << bit;
  }
}

TEST(ExemplarBlockTest, LabelsThatAreNotCanonicalAreRefusedThoughTheChecksumFits) {
  std::string labels = LabelOf("b");
  AppendLabel("a", "unsorted", &labels);
  const std::vector<ExemplarView> exemplars = {{1, 2, labels}};
  std::string bytes;
  EncodeExemplarBlock(exemplars, &bytes);
  std::vector<ExemplarView> decoded;
  EXPECT_EQ(DecodeExemplarBlock(bytes, &decoded).code(), StatusCode::kDataLoss);
}

TEST(ExemplarBlockTest, ACountBeyondTheBytesAllocatesNothing) {
  std::string bytes = {1};
  AppendVarint(&bytes, uint64_t{1} << 60);
  AppendFixed(&bytes, Hash64(bytes));
  std::vector<ExemplarView> decoded;
  EXPECT_EQ(DecodeExemplarBlock(bytes, &decoded).code(), StatusCode::kDataLoss);
  EXPECT_EQ(decoded.capacity(), 0u);
}

TEST(ExemplarBlockTest, SortUniqueOrdersByTimeAndDropsDuplicates) {
  const std::string a = LabelOf("a");
  const std::string b = LabelOf("b");
  std::vector<ExemplarView> exemplars = {{2, 1, a}, {1, 1, b}, {1, 1, a},
                                         {2, 1, a}, {2, 3, a}, {1, 1, b}};
  SortUnique(&exemplars);
  ASSERT_EQ(exemplars.size(), 4u);
  EXPECT_EQ(exemplars[0].labels, a);
  EXPECT_EQ(exemplars[1].labels, b);
  EXPECT_EQ(exemplars[2].value, 1);
  EXPECT_EQ(exemplars[3].value, 3);
}

}  // namespace
}  // namespace varve::format
