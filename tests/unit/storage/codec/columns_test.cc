#include "storage/codec/columns.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace varve::codec {
namespace {

constexpr uint64_t kStaleMarkerBits = 0x7ff0000000000002;

std::vector<uint64_t> BitsOf(const std::vector<double>& values) {
  std::vector<uint64_t> bits;
  for (const double value : values) bits.push_back(std::bit_cast<uint64_t>(value));
  return bits;
}

// Encodes, decodes, compares bits; returns the codec and the payload.
std::pair<ValueCodec, std::string> RoundTrip(const std::vector<double>& values) {
  std::string payload = "before";
  const ValueCodec codec = EncodeValues(values, &payload);
  EXPECT_EQ(payload.substr(0, 6), "before");
  payload.erase(0, 6);
  std::vector<double> decoded(values.size(), -7);
  const Status status = DecodeValues(codec, payload, values.size(), decoded.data());
  EXPECT_TRUE(status.ok()) << ValueCodecName(codec) << ": " << status.ToString();
  EXPECT_EQ(BitsOf(decoded), BitsOf(values)) << ValueCodecName(codec);
  return {codec, payload};
}

TEST(ValueColumnTest, OneValueOfEveryKind) {
  for (const double value :
       {0.0, -0.0, 1.0, -1.5, 0.1, 1e300, 5e-324, 9.2e18, -9.3e18, 1.8446744073709552e19,
        std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::quiet_NaN(), std::bit_cast<double>(kStaleMarkerBits),
        std::bit_cast<double>(uint64_t{0xfff8000000abcdef})}) {
    EXPECT_EQ(RoundTrip({value}).first, ValueCodec::kConstant);
    EXPECT_EQ(RoundTrip(std::vector<double>(300, value)).first, ValueCodec::kConstant);
  }
}

TEST(ValueColumnTest, AConstantTakesAFewBytes) {
  EXPECT_LE(RoundTrip(std::vector<double>(1000, 42.0)).second.size(), 2U);
  EXPECT_LE(RoundTrip(std::vector<double>(1000, 0.25)).second.size(), 2U);
  EXPECT_EQ(RoundTrip(std::vector<double>(1000, M_PI)).second.size(), 9U);
}

TEST(ValueColumnTest, ACounterTakesAboutAByteASample) {
  std::vector<double> values{1e9};
  for (int i = 1; i < 500; ++i) values.push_back(values.back() + 40 + i % 7);
  const auto [codec, payload] = RoundTrip(values);
  EXPECT_EQ(codec, ValueCodec::kDecimal);
  EXPECT_LE(payload.size(), 520U);
}

TEST(ValueColumnTest, ASeldomChangingGaugeTakesBytesPerChange) {
  std::vector<double> values(1000, 17);
  for (size_t i = 400; i < 600; ++i) values[i] = 18.5;
  EXPECT_LE(RoundTrip(values).second.size(), 20U);
}

TEST(ValueColumnTest, SumsOfDecimalsKeepTheirRoundingNoise) {
  std::vector<double> values{0.1};
  for (int i = 1; i < 500; ++i) values.push_back(values.back() + 0.001 * (i % 50));
  const auto [codec, payload] = RoundTrip(values);
  EXPECT_EQ(codec, ValueCodec::kDecimal);
  EXPECT_LE(payload.size(), 4 * values.size());
}

TEST(ValueColumnTest, StaleMarkersAmongIntegersAreExceptions) {
  std::vector<double> values;
  for (int i = 0; i < 300; ++i) values.push_back(i * 3);
  values[100] = std::bit_cast<double>(kStaleMarkerBits);
  values[299] = std::bit_cast<double>(kStaleMarkerBits);
  values[50] = -0.0;
  const auto [codec, payload] = RoundTrip(values);
  EXPECT_EQ(codec, ValueCodec::kDecimal);
  EXPECT_LE(payload.size(), 360U);
}

TEST(ValueColumnTest, NansThatComeAndGoAreRuns) {
  std::vector<double> values(200, std::numeric_limits<double>::quiet_NaN());
  for (size_t i = 50; i < 150; ++i) values[i] = M_E;
  EXPECT_EQ(RoundTrip(values).first, ValueCodec::kRuns);
}

TEST(ValueColumnTest, RandomMantissasTakeEightBytes) {
  std::mt19937_64 random(1);
  std::vector<double> values;
  for (int i = 0; i < 300; ++i) values.push_back(std::bit_cast<double>(random()));
  const auto [codec, payload] = RoundTrip(values);
  EXPECT_EQ(codec, ValueCodec::kXorPlanes);
  EXPECT_EQ(payload.size(), 8 * values.size());
}

// A shape of column: makes the next value out of the last.
using Shape = std::function<double(std::mt19937_64*, double last)>;

std::vector<Shape> Shapes() {
  const auto uniform = [](std::mt19937_64* random, int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(*random);
  };
  std::vector<Shape> shapes;
  shapes.push_back([=](auto* random, double last) {  // a counter with resets
    return uniform(random, 0, 99) == 0 ? 0 : last + static_cast<double>(uniform(random, 0, 1000));
  });
  for (const int digits : {1, 2, 3, 6, 9, 12, 15, 17}) {
    shapes.push_back([=](auto* random, double) {
      return static_cast<double>(uniform(random, -100000, 100000)) / std::pow(10, digits);
    });
    shapes.push_back([=](auto* random, double last) {
      return last + static_cast<double>(uniform(random, 0, 5000)) * std::pow(10, -digits);
    });
  }
  shapes.push_back([=](auto* random, double) { return std::bit_cast<double>((*random)()); });
  shapes.push_back([=](auto* random, double last) {  // seldom changes, to anything
    return uniform(random, 0, 30) == 0 ? std::bit_cast<double>((*random)()) : last;
  });
  shapes.push_back([=](auto* random, double last) {  // huge integers
    return uniform(random, 0, 9) == 0 ? 9.3e18 : last + 4e15;
  });
  shapes.push_back([=](auto* random, double) {
    const double odd[] = {-0.0,     0.0, 5e-324,
                          INFINITY, NAN, 1e22,
                          -9.2e18,  0.3, std::bit_cast<double>(kStaleMarkerBits)};
    return odd[uniform(random, 0, 8)];
  });
  return shapes;
}

TEST(ValueColumnTest, EveryShapeAndLengthComesBackToTheBit) {
  std::mt19937_64 random(2);
  const std::vector<Shape> shapes = Shapes();
  for (int round = 0; round < 40; ++round) {
    for (const Shape& shape : shapes) {
      const size_t length = 1 + random() % (round % 10 == 0 ? 5000 : 40);
      std::vector<double> values;
      double last = 0;
      for (size_t i = 0; i < length; ++i) {
        const bool odd = round % 3 == 0 && random() % 50 == 0;
        last = shape(&random, std::isfinite(last) ? last : 1);
        values.push_back(odd ? std::bit_cast<double>(kStaleMarkerBits) : last);
      }
      RoundTrip(values);
    }
  }
}

TEST(ValueColumnTest, NoBytesCrashTheDecoder) {
  std::mt19937_64 random(3);
  const std::vector<Shape> shapes = Shapes();
  uint64_t refused = 0;
  for (int round = 0; round < 2000; ++round) {
    const Shape& shape = shapes[static_cast<size_t>(round) % shapes.size()];
    std::vector<double> values{0};
    for (size_t i = random() % 60; i > 0; --i) values.push_back(shape(&random, values.back()));
    std::string payload;
    auto codec = EncodeValues(values, &payload);
    if (round % 4 == 0) payload.resize(random() % payload.size());
    for (size_t flips = random() % 4; flips > 0 && !payload.empty(); --flips) {
      payload[random() % payload.size()] ^= static_cast<char>(1 << random() % 8);
    }
    if (round % 5 == 0) codec = static_cast<ValueCodec>(random() % 6);
    const size_t count = round % 7 == 0 ? 1 + random() % 3000 : values.size();
    // Exactly as large as was asked for, so that a sanitizer sees a step beyond it.
    std::vector<double> out(count);
    refused += DecodeValues(codec, payload, count, out.data()).ok() ? 0 : 1;
  }
  EXPECT_GT(refused, 500U);
  double none = 0;
  EXPECT_FALSE(DecodeValues(ValueCodec::kConstant, "", 0, &none).ok());
}

std::string TimesRoundTrip(const std::vector<int64_t>& times) {
  std::string payload;
  EncodeTimes(times, &payload);
  std::vector<int64_t> decoded(times.size());
  EXPECT_TRUE(DecodeTimes(payload, times.size(), decoded.data()).ok());
  EXPECT_EQ(decoded, times);
  return payload;
}

TEST(TimeColumnTest, ARegularGridTakesNothingPerSample) {
  std::vector<int64_t> times;
  for (int i = 0; i < 1000; ++i) times.push_back(1'700'000'000'000 + i * 15000);
  EXPECT_LE(TimesRoundTrip(times).size(), 20U);
}

TEST(TimeColumnTest, AnyTimesComeBack) {
  std::mt19937_64 random(4);
  TimesRoundTrip({INT64_MIN, INT64_MAX, 0, -1, INT64_MIN});
  for (int round = 0; round < 300; ++round) {
    std::vector<int64_t> times{static_cast<int64_t>(random())};
    const unsigned bits = static_cast<unsigned>(random() % 64);
    for (size_t i = random() % 500; i > 0; --i) {
      times.push_back(static_cast<int64_t>(static_cast<uint64_t>(times.back()) + 5000 +
                                           (random() & ((uint64_t{1} << bits) - 1))));
    }
    TimesRoundTrip(times);
  }
}

TEST(TimeColumnTest, NoBytesCrashTheDecoder) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 2000; ++round) {
    std::string payload;
    for (size_t i = random() % 40; i > 0; --i) payload.push_back(static_cast<char>(random()));
    if (!payload.empty()) payload[0] = static_cast<char>(payload[0] & 0x3f);
    const size_t count = 1 + random() % 200;
    std::vector<int64_t> out(count);
    static_cast<void>(DecodeTimes(payload, count, out.data()));
  }
  int64_t none = 0;
  EXPECT_FALSE(DecodeTimes("", 1, &none).ok());
}

}  // namespace
}  // namespace varve::codec
