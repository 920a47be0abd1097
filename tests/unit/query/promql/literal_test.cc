#include "query/promql/literal.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "query/promql/ast.h"

namespace varve::promql {
namespace {

TEST(FormatFloat, IsGosShortestWithoutExponent) {
  EXPECT_EQ(FormatFloat(0), "0");
  EXPECT_EQ(FormatFloat(-0.0), "-0");
  EXPECT_EQ(FormatFloat(1), "1");
  EXPECT_EQ(FormatFloat(-1.5), "-1.5");
  EXPECT_EQ(FormatFloat(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(FormatFloat(1e21), "1000000000000000000000");
  EXPECT_EQ(FormatFloat(1e23), "100000000000000000000000");
  EXPECT_EQ(FormatFloat(123456789.125), "123456789.125");
  EXPECT_EQ(FormatFloat(1e-7), "0.0000001");
  EXPECT_EQ(FormatFloat(1.25e-3), "0.00125");
  EXPECT_EQ(FormatFloat(std::numeric_limits<double>::max()),
            "17976931348623157" + std::string(292, '0'));
  EXPECT_EQ(FormatFloat(5e-324), "0." + std::string(323, '0') + "5");
  EXPECT_EQ(FormatFloat(INFINITY), "+Inf");
  EXPECT_EQ(FormatFloat(-INFINITY), "-Inf");
  EXPECT_EQ(FormatFloat(NAN), "NaN");
}

TEST(FormatFloat, ReadsBackBitForBit) {
  std::mt19937_64 random(20240607);
  for (int i = 0; i < 20'000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = FormatFloat(value);
    double back = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), back);
    ASSERT_EQ(error, std::errc()) << text;
    ASSERT_EQ(end, text.data() + text.size()) << text;
    ASSERT_EQ(std::bit_cast<uint64_t>(back), std::bit_cast<uint64_t>(value)) << text;
  }
}

TEST(ParseNumber, RefusesWhatIsNoNumber) {
  for (const std::string_view text :
       {"", "x", "1x", "0x", "_1", "1_", "0x1.8", "1e", "--1", "1 2"}) {
    EXPECT_FALSE(ParseNumber(text).ok()) << text;
  }
  EXPECT_EQ(ParseNumber("1e400").status().message(),
            "error parsing number: strconv.ParseFloat: parsing \"1e400\": value out of range");
  EXPECT_EQ(*ParseNumber("0." + std::string(400, '0') + "1"), 0.0);
  EXPECT_EQ(*ParseNumber("1e-4000"), 0.0);
  EXPECT_FALSE(ParseNumber(std::string(400, '9')).ok());
}

TEST(Quote, EscapesWhatCannotBePrinted) {
  EXPECT_EQ(Quote("plain"), "\"plain\"");
  EXPECT_EQ(Quote(std::string_view("\0\x1b\x7f", 3)), R"("\x00\x1b\x7f")");
  EXPECT_EQ(Quote("tab\tquote\"back\\"), R"("tab\tquote\"back\\")");
  EXPECT_EQ(Quote("\xff\xc3"), R"("\xff\xc3")");
  EXPECT_EQ(Quote("\u00e9\u4e2d\U0001F600"), "\"\u00e9\u4e2d\U0001F600\"");
  EXPECT_EQ(Quote("\u00ad\u2028\ufeff\uffff"), R"("\u00ad\u2028\ufeff\uffff")");
  EXPECT_EQ(Quote("\U000E0001"), R"("\U000e0001")");
  EXPECT_EQ(Quote("\uFFFD"), "\"\uFFFD\"");
  EXPECT_EQ(QuoteRune('\''), R"('\'')");
  EXPECT_EQ(QuoteRune('"'), "'\"'");
}

TEST(Quote, IsUndoneByUnquote) {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (uint32_t n = random() % 12; n > 0; --n) {
      if (random() % 2 == 0) {
        text += static_cast<char>(random());
      } else {
        AppendRune(random() % 0xD800, &text);
      }
    }
    EXPECT_EQ(Unquote(Quote(text)), text);
  }
}

TEST(DecodeRune, AcceptsOnlyShortestForms) {
  const auto decode = [](std::string_view text) {
    size_t size = 0;
    const char32_t rune = DecodeRune(text, 0, &size);
    return std::pair(static_cast<uint32_t>(rune), size);
  };
  EXPECT_EQ(decode("a"), std::pair(0x61u, size_t{1}));
  EXPECT_EQ(decode("\u00e9"), std::pair(0xE9u, size_t{2}));
  EXPECT_EQ(decode("\u20ac"), std::pair(0x20ACu, size_t{3}));
  EXPECT_EQ(decode("\U0010FFFF"), std::pair(0x10FFFFu, size_t{4}));
  for (const std::string_view bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x28\xa1"}) {
    EXPECT_EQ(decode(bad), std::pair(0xFFFDu, size_t{1}));
    EXPECT_FALSE(IsValidUtf8(bad));
  }
  EXPECT_TRUE(IsValidUtf8("a\u00e9\u20ac\U0001F600"));
}

TEST(LineColumn, CountsBytesFromOne) {
  EXPECT_EQ(LineColumn("abc", 0), "1:1");
  EXPECT_EQ(LineColumn("abc", 2), "1:3");
  EXPECT_EQ(LineColumn("a\nbc\nd", 3), "2:2");
  EXPECT_EQ(LineColumn("a\nbc\nd", 5), "3:1");
  EXPECT_EQ(LineColumn("", 0), "unknown position");
}

}  // namespace
}  // namespace varve::promql
