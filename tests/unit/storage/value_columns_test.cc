#include "storage/codec/value_columns.h"

#include <gtest/gtest.h>

#include <random>

namespace varve::codec {
namespace {

void ExpectRoundTrip(const std::vector<uint64_t>& values) {
  std::string bytes;
  EncodeValues(values, &bytes);
  std::vector<uint64_t> back;
  ASSERT_TRUE(DecodeValues(bytes, values.size(), &back));
  EXPECT_EQ(back, values);
  EXPECT_FALSE(DecodeValues(bytes + "x", values.size(), &back));
  if (values.empty()) return;
  bytes.pop_back();
  EXPECT_FALSE(DecodeValues(bytes, values.size(), &back));
}

TEST(ValueColumnsTest, ValuesOfEveryForm) {
  ExpectRoundTrip({});
  ExpectRoundTrip({7});
  ExpectRoundTrip({UINT64_MAX});
  ExpectRoundTrip(std::vector<uint64_t>(1000, 5));
  ExpectRoundTrip({0, UINT64_MAX});
  std::mt19937_64 random(1);
  for (int bits = 1; bits <= 64; ++bits) {
    std::vector<uint64_t> values;
    for (int i = 0; i < 500; ++i) values.push_back(random() >> (64 - bits));
    ExpectRoundTrip(values);
    for (uint64_t& value : values) value = values[value % 7];  // few distinct ones
    ExpectRoundTrip(values);
  }
}

TEST(ValueColumnsTest, StringsOfBothForms) {
  std::mt19937_64 random(1);
  for (const uint32_t distinct : {1u, 2u, 255u, 256u, 257u, 70'000u}) {
    std::vector<std::string> texts;
    for (uint32_t i = 0; i < distinct; ++i)
      texts.push_back(i == 0 ? "" : "value " + std::to_string(i));
    StringNumbering numbering;
    std::vector<uint32_t> indices;
    for (uint32_t i = 0; i < 2 * distinct; ++i)
      indices.push_back(numbering.Number(texts[random() % distinct]));
    for (const bool repeats : {true, false}) {
      std::vector<uint32_t> used = indices;
      if (!repeats) {
        used.clear();
        for (uint32_t i = 0; i < numbering.strings().size(); ++i) used.push_back(i);
      }
      std::string bytes;
      EncodeStrings(numbering.strings(), used, &bytes);
      StringColumn column;
      ASSERT_TRUE(DecodeStrings(bytes, used.size(), &column));
      ASSERT_EQ(column.size(), used.size());
      for (size_t i = 0; i < used.size(); ++i)
        ASSERT_EQ(column.at(i), numbering.strings()[used[i]]);
      // One string stands for any number of rows.
      EXPECT_EQ(DecodeStrings(bytes, used.size() + 1, &column), distinct == 1 && repeats);
      EXPECT_FALSE(DecodeStrings(bytes + "x", used.size(), &column));
    }
  }
}

}  // namespace
}  // namespace varve::codec
