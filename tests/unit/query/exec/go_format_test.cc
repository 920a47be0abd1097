#include "query/exec/go_format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace varve::promql::exec {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(GoFormat, FixedHasShortestDigitsAndNoExponent) {
  EXPECT_EQ(FormatGoFixed(0), "0");
  EXPECT_EQ(FormatGoFixed(-0.0), "-0");
  EXPECT_EQ(FormatGoFixed(1), "1");
  EXPECT_EQ(FormatGoFixed(-12.5), "-12.5");
  EXPECT_EQ(FormatGoFixed(0.1), "0.1");
  EXPECT_EQ(FormatGoFixed(1e-7), "0.0000001");
  EXPECT_EQ(FormatGoFixed(1e23), "100000000000000000000000");
  EXPECT_EQ(FormatGoFixed(123456789012345680.0), "123456789012345680");
  EXPECT_EQ(FormatGoFixed(0.30000000000000004), "0.30000000000000004");
  EXPECT_EQ(FormatGoFixed(std::nan("")), "NaN");
  EXPECT_EQ(FormatGoFixed(kInf), "+Inf");
  EXPECT_EQ(FormatGoFixed(-kInf), "-Inf");
}

TEST(GoFormat, ShortGoesOverToExponents) {
  EXPECT_EQ(FormatGoShort(0), "0");
  EXPECT_EQ(FormatGoShort(123456), "123456");
  EXPECT_EQ(FormatGoShort(1234567), "1.234567e+06");
  EXPECT_EQ(FormatGoShort(1e6), "1e+06");
  EXPECT_EQ(FormatGoShort(-1.5), "-1.5");
  EXPECT_EQ(FormatGoShort(0.0001), "0.0001");
  EXPECT_EQ(FormatGoShort(0.00001), "1e-05");
  EXPECT_EQ(FormatGoShort(1e300), "1e+300");
  EXPECT_EQ(FormatGoShort(9223372036854775808.0), "9.223372036854776e+18");
}

TEST(GoFormat, DigitsAndDecimals) {
  EXPECT_EQ(FormatGoDigits(10, 2), "10");
  EXPECT_EQ(FormatGoDigits(123, 2), "1.2e+02");
  EXPECT_EQ(FormatGoDigits(kInf, 2), "+Inf");
  EXPECT_EQ(FormatGoDecimal(1.5), "1.500000");
}

TEST(GoFormat, Quotes) {
  EXPECT_EQ(QuoteGo("a\"b\\c\n"), "\"a\\\"b\\\\c\\n\"");
  EXPECT_EQ(QuoteGo("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
  EXPECT_EQ(QuoteGo("a\xc5z"), "\"a\\xc5z\"");
  EXPECT_EQ(QuoteGo(std::string_view("\0", 1)), "\"\\x00\"");
  EXPECT_EQ(FormatGoLabels(Labels{{"__name__", "up"}, {"job", "x"}}),
            "{__name__=\"up\", job=\"x\"}");
  EXPECT_EQ(FormatGoLabels(Labels()), "{}");
}

TEST(GoFormat, ParsesBucketBounds) {
  const auto parse = [](std::string_view text) {
    double value = -1;
    EXPECT_TRUE(ParseGoFloat(text, &value)) << text;
    return value;
  };
  EXPECT_EQ(parse("0.1"), 0.1);
  EXPECT_EQ(parse("+1e3"), 1000);
  EXPECT_EQ(parse("-2."), -2);
  EXPECT_EQ(parse("+Inf"), kInf);
  EXPECT_EQ(parse("-infinity"), -kInf);
  EXPECT_EQ(parse("0x1p-2"), 0.25);
  EXPECT_TRUE(std::isnan(parse("NaN")));
  double ignored;
  for (const std::string_view bad :
       {"", "Hello World", "1 ", " 1", "1e", "--1", "+-1", "0x10", "e5", "."}) {
    EXPECT_FALSE(ParseGoFloat(bad, &ignored)) << bad;
  }
}

TEST(GoFormat, Rfc3339) {
  EXPECT_EQ(FormatRfc3339Seconds(1735084800999), "2024-12-25T00:00:00Z");
  EXPECT_EQ(FormatRfc3339Seconds(0), "1970-01-01T00:00:00Z");
}

}  // namespace
}  // namespace varve::promql::exec
