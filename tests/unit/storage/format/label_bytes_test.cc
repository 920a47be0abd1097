#include "storage/format/label_bytes.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace varve::format {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string Encode(const Pairs& pairs) {
  std::string bytes;
  for (const auto& [name, value] : pairs) AppendLabel(name, value, &bytes);
  return bytes;
}

Pairs Walk(std::string_view bytes) {
  Pairs pairs;
  LabelCursor cursor(bytes);
  while (cursor.Next()) pairs.emplace_back(cursor.name(), cursor.value());
  EXPECT_TRUE(cursor.ok());
  return pairs;
}

TEST(LabelBytes, CursorShowsNamesValuesAndPairs) {
  const std::string bytes("\1a\1b\3job\2x\0", 11);
  LabelCursor cursor(bytes);
  ASSERT_TRUE(cursor.Next());
  EXPECT_EQ(cursor.name(), "a");
  EXPECT_EQ(cursor.value(), "b");
  EXPECT_EQ(cursor.pair(), std::string_view("\1a\1b"));
  ASSERT_TRUE(cursor.Next());
  EXPECT_EQ(cursor.name(), "job");
  EXPECT_EQ(cursor.value(), std::string_view("x\0", 2));
  EXPECT_EQ(cursor.pair(), std::string_view(bytes).substr(4));
  EXPECT_FALSE(cursor.Next());
  EXPECT_FALSE(cursor.Next());
  EXPECT_TRUE(cursor.ok());
}

TEST(LabelBytes, CursorStopsAtEveryTruncation) {
  const std::string bytes = Encode({{"job", "api"}, {"zone", std::string(200, 'z')}});
  for (size_t size = 1; size < bytes.size(); ++size) {
    LabelCursor cursor(std::string_view(bytes).substr(0, size));
    while (cursor.Next()) {
    }
    EXPECT_EQ(cursor.ok(), size == 8) << size;  // 8: exactly the first label
  }
}

TEST(LabelBytes, CursorRefusesLengthsBeyondTheEnd) {
  const std::string huge(
      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
      "a",
      11);
  LabelCursor cursor(huge);
  EXPECT_FALSE(cursor.Next());
  EXPECT_FALSE(cursor.ok());
  LabelCursor second(std::string_view("\1a\xff\xff\xff\xff\x0f", 7));
  EXPECT_FALSE(second.Next());
  EXPECT_FALSE(second.ok());
}

TEST(LabelBytes, CheckCanonicalNamesWhatIsWrong) {
  EXPECT_TRUE(CheckCanonical("").ok());
  EXPECT_TRUE(CheckCanonical(Encode({{"a", "1"}, {"b", "2"}})).ok());
  const auto message = [](std::string_view bytes) {
    const Status status = CheckCanonical(bytes);
    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    return status.message();
  };
  EXPECT_EQ(message(Encode({{"b", "1"}, {"a", "2"}})),
            "label bytes are out of order: \"a\" after \"b\"");
  EXPECT_EQ(message(Encode({{"a", "1"}, {"a", "2"}})),
            "label bytes are out of order: \"a\" after \"a\"");
  EXPECT_EQ(message(Encode({{"", "1"}})), "label bytes hold an empty label name");
  EXPECT_EQ(message(Encode({{"a", ""}})), "label bytes hold an empty value for \"a\"");
  EXPECT_EQ(message("\1a\5b"), "label bytes are cut off or malformed (4 bytes)");
  // The length 1 written in two bytes names the same label with other bytes.
  EXPECT_EQ(message(std::string_view("\x81\x00"
                                     "a\1b",
                                     5)),
            "label bytes hold an overlong length for \"a\"");
}

TEST(LabelBytes, CanonicalizeSortsAndDropsEmptyValues) {
  std::string out = "x";
  ASSERT_TRUE(Canonicalize(Encode({{"c", "3"}, {"a", "1"}, {"b", ""}}), &out).ok());
  EXPECT_EQ(out, "x" + Encode({{"a", "1"}, {"c", "3"}}));

  out.clear();
  ASSERT_TRUE(Canonicalize(std::string_view("\x81\x00"
                                            "a\1b",
                                            5),
                           &out)
                  .ok());
  EXPECT_EQ(out, Encode({{"a", "b"}}));
}

TEST(LabelBytes, CanonicalizeRefusesBadLabels) {
  std::string out;
  EXPECT_EQ(Canonicalize(Encode({{"a", "1"}, {"", "2"}}), &out).message(), "a label name is empty");
  // A repeated name is wrong even where one of its values is empty.
  const Status repeated = Canonicalize(Encode({{"b", "1"}, {"a", "2"}, {"b", ""}}), &out);
  EXPECT_EQ(repeated.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(repeated.message(), "label name \"b\" is repeated");
  EXPECT_EQ(Canonicalize("\1a\5b", &out).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(out, "");
}

TEST(LabelBytes, CanonicalizeAgreesWithAMapOnRandomLabels) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::map<std::string, std::string> expected;
    Pairs shuffled;
    const size_t count = random() % 8;
    for (size_t i = 0; i < count; ++i) {
      const std::string name(1, static_cast<char>('a' + random() % 26));
      const std::string value(random() % 3, static_cast<char>(random()));
      if (expected.emplace(name, value).second) shuffled.emplace_back(name, value);
    }
    std::erase_if(expected, [](const auto& label) { return label.second.empty(); });
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    std::string out;
    ASSERT_TRUE(Canonicalize(Encode(shuffled), &out).ok());
    ASSERT_TRUE(CheckCanonical(out).ok());
    ASSERT_EQ(Walk(out), Pairs(expected.begin(), expected.end()));
  }
}

TEST(LabelBytes, CompareIsByLabelThenPrefixFirst) {
  const Pairs sets[] = {
      {},
      {{"a", "1"}},
      {{"a", "1"}, {"b", "2"}},
      {{"a", "1"}, {"c", "1"}},
      {{"a", "10"}},
      {{"a", "2"}},
      // By name before value, whatever the lengths: bytewise order of the encoding would differ.
      {{"aa", "0"}},
      {{"b", std::string(300, 'x')}},
      {{"b", "y"}},
      {{"b", "\xff"}}};
  for (size_t i = 0; i < std::size(sets); ++i) {
    for (size_t j = 0; j < std::size(sets); ++j) {
      EXPECT_EQ(CompareLabelBytes(Encode(sets[i]), Encode(sets[j])), i <=> j) << i << " " << j;
    }
  }
}

TEST(LabelBytes, FindLabel) {
  const std::string bytes = Encode({{"__name__", "up"}, {"job", "x"}});
  EXPECT_EQ(FindLabel(bytes, "job"), "x");
  EXPECT_EQ(FindLabel(bytes, "__name__"), "up");
  EXPECT_EQ(FindLabel(bytes, "jo"), "");
  EXPECT_EQ(FindLabel("", "job"), "");
}

}  // namespace
}  // namespace varve::format
