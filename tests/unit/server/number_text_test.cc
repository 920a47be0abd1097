#include "server/api/number_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace varve::server {
namespace {

std::string Fixed(double v) {
  std::string out;
  AppendFixed(v, &out);
  return out;
}
std::string Value(double v) {
  std::string out;
  AppendValue(v, &out);
  return out;
}
std::string Seconds(int64_t ms) {
  std::string out;
  AppendSeconds(ms, &out);
  return out;
}

// The expectations are the output of Go 1.22's strconv.FormatFloat(v, 'f', -1, 64).
TEST(NumberTextTest, FixedIsTheShortestOfGo) {
  EXPECT_EQ(Fixed(0), "0");
  EXPECT_EQ(Fixed(-0.0), "-0");
  EXPECT_EQ(Fixed(0.1), "0.1");
  EXPECT_EQ(Fixed(-1.5), "-1.5");
  EXPECT_EQ(Fixed(100), "100");
  EXPECT_EQ(Fixed(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(Fixed(9007199254740992), "9007199254740992");
  EXPECT_EQ(Fixed(1152921504606846976),
            "1152921504606847000");  // 2^60: zeros, not its exact digits
  EXPECT_EQ(Fixed(-1152921504606846976), "-1152921504606847000");
  EXPECT_EQ(Fixed(1e21), "1000000000000000000000");
  EXPECT_EQ(Fixed(1e-7), "0.0000001");
  EXPECT_EQ(Fixed(5e-324).size(), 326u);
  EXPECT_EQ(Fixed(std::numeric_limits<double>::max()).size(), 309u);
  EXPECT_EQ(Fixed(std::numeric_limits<double>::max()).substr(0, 18), "179769313486231570");
  EXPECT_EQ(Fixed(INFINITY), "+Inf");
  EXPECT_EQ(Fixed(-INFINITY), "-Inf");
  EXPECT_EQ(Fixed(NAN), "NaN");
  EXPECT_EQ(Fixed(-NAN), "NaN");
}

TEST(NumberTextTest, ValuesHaveAnExponentAtTheExtremes) {
  EXPECT_EQ(Value(1e-6), "0.000001");
  EXPECT_EQ(Value(9.99e-7), "9.99e-07");
  EXPECT_EQ(Value(-1e-7), "-1e-07");
  EXPECT_EQ(Value(1e20), "100000000000000000000");
  EXPECT_EQ(Value(1e21), "1e+21");
  EXPECT_EQ(Value(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(Value(5e-324), "5e-324");
  EXPECT_EQ(Value(0), "0");
  EXPECT_EQ(Value(INFINITY), "+Inf");
  EXPECT_EQ(Value(NAN), "NaN");
}

TEST(NumberTextTest, SecondsOfMilliseconds) {
  EXPECT_EQ(Seconds(0), "0");
  EXPECT_EQ(Seconds(1000), "1");
  EXPECT_EQ(Seconds(1500), "1.500");
  EXPECT_EQ(Seconds(1435781430781), "1435781430.781");
  EXPECT_EQ(Seconds(1005), "1.005");
  EXPECT_EQ(Seconds(1050), "1.050");
  EXPECT_EQ(Seconds(-1), "-0.001");
  EXPECT_EQ(Seconds(INT64_MIN), "-9223372036854775.808");
}

// The output of strconv.FormatFloat(v, 'g', -1, 64).
TEST(NumberTextTest, ExposedValuesHaveExponentsEarly) {
  const auto exposed = [](double v) {
    std::string out;
    AppendExposedValue(v, &out);
    return out;
  };
  EXPECT_EQ(exposed(0), "0");
  EXPECT_EQ(exposed(-1), "-1");
  EXPECT_EQ(exposed(123456), "123456");
  EXPECT_EQ(exposed(999999.5), "999999.5");
  EXPECT_EQ(exposed(1e6), "1e+06");
  EXPECT_EQ(exposed(-1234567.5), "-1.2345675e+06");
  EXPECT_EQ(exposed(0.0001), "0.0001");
  EXPECT_EQ(exposed(0.00012), "0.00012");
  EXPECT_EQ(exposed(0.00001), "1e-05");
  EXPECT_EQ(exposed(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(exposed(std::nan("")), "NaN");
}

}  // namespace
}  // namespace varve::server
