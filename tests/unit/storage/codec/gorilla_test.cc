#include "storage/codec/gorilla.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace varve::codec {
namespace {

constexpr uint64_t kStale = 0x7ff0000000000002;

struct Sample {
  int64_t timestamp_ms;
  uint64_t value_bits;
  friend bool operator==(const Sample&, const Sample&) = default;
};

class Encoded {
 public:
  void Append(const Sample& sample) {
    // Scratch beyond the end is filled with ones: neither side may rely on what is there.
    const size_t used = GorillaBytes(state_);
    bytes_.resize(used + kGorillaAppendBytesMax + kGuard);
    std::memset(bytes_.data() + used, 0xff, bytes_.size() - used);
    GorillaAppend(&state_, bytes_.data(), sample.timestamp_ms,
                  std::bit_cast<double>(sample.value_bits));
    for (size_t i = 0; i < kGuard; ++i) {
      ASSERT_EQ(bytes_[used + kGorillaAppendBytesMax + i], 0xff)
          << "wrote beyond the promised room";
    }
  }
  std::string payload() const {
    return std::string(reinterpret_cast<const char*>(bytes_.data()), GorillaBytes(state_));
  }
  const GorillaState& state() const { return state_; }

 private:
  static constexpr size_t kGuard = 8;
  std::vector<uint8_t> bytes_;
  GorillaState state_;
};

std::vector<Sample> Zip(const std::vector<int64_t>& timestamps, const std::vector<double>& values) {
  EXPECT_EQ(timestamps.size(), values.size());
  std::vector<Sample> samples;
  for (size_t i = 0; i < timestamps.size(); ++i) {
    samples.push_back({timestamps[i], std::bit_cast<uint64_t>(values[i])});
  }
  return samples;
}

Encoded Encode(const std::vector<Sample>& samples) {
  Encoded encoded;
  for (const Sample& sample : samples) encoded.Append(sample);
  return encoded;
}

// Decodes from an allocation of exactly the payload's size, so that a sanitizer sees a read beyond
// it.
std::vector<Sample> Decode(const std::string& payload, uint32_t count) {
  const std::vector<char> exact(payload.begin(), payload.end());
  std::vector<int64_t> timestamps;
  std::vector<double> values;
  const Status status = GorillaDecode({exact.data(), exact.size()}, count, &timestamps, &values);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return Zip(timestamps, values);
}

void ExpectRoundTrip(const std::vector<Sample>& samples) {
  const Encoded encoded = Encode(samples);
  ASSERT_EQ(encoded.state().sample_count, samples.size());
  ASSERT_EQ(Decode(encoded.payload(), static_cast<uint32_t>(samples.size())), samples);
}

uint32_t BitsOf(const std::vector<Sample>& samples) { return Encode(samples).state().bit_count; }

uint64_t Bits(double value) { return std::bit_cast<uint64_t>(value); }

// A run of samples that visits every control prefix and both ends of every delta class.
std::vector<Sample> RandomWalk(std::mt19937_64* random, size_t count) {
  const auto pick = [&](uint64_t n) { return (*random)() % n; };
  std::vector<Sample> samples;
  int64_t timestamp = static_cast<int64_t>((*random)() >> (pick(64)));
  double value = static_cast<double>(pick(100));
  const int64_t interval = pick(4) == 0 ? static_cast<int64_t>(pick(100000)) : 5000;
  const uint64_t jitter = pick(3) == 0 ? 1 : 1 + pick(200);
  for (size_t i = 0; i < count; ++i) {
    uint64_t bits = Bits(value);
    switch (pick(12)) {
      case 0:
        bits = kStale;
        break;
      case 1:
        bits = (*random)();
        break;
      case 2:
        bits = 0x7ff0000000000000 | pick(1 << 20) << pick(32);
        break;
      case 3:
        bits = Bits(value = std::ldexp(value, static_cast<int>(pick(40)) - 20));
        break;
      case 4:
      case 5:
        bits = Bits(value += static_cast<double>(pick(1000)) / 8);
        break;
      default:
        break;
    }
    samples.push_back({timestamp, bits});
    uint64_t delta = static_cast<uint64_t>(interval);
    if (pick(3) == 0) delta += pick(jitter);
    if (pick(40) == 0) delta = (*random)() >> pick(64);
    timestamp = static_cast<int64_t>(static_cast<uint64_t>(timestamp) + delta);
  }
  return samples;
}

TEST(Gorilla, EmptyPayloadHoldsNoSamples) {
  EXPECT_EQ(Decode("", 0), std::vector<Sample>{});
  EXPECT_EQ(GorillaBytes(GorillaState{}), 0u);
}

TEST(Gorilla, TheCommonestSamplesCostWhatTheHeaderPromises) {
  std::vector<Sample> samples = {{1'700'000'000'000, Bits(42)}, {1'700'000'005'000, Bits(42)}};
  const uint32_t start = BitsOf(samples);
  samples.push_back({1'700'000'010'000, Bits(42)});
  EXPECT_EQ(BitsOf(samples), start + 1);  // on time, unchanged
  samples.push_back({1'700'000'015'000, kStale});
  EXPECT_EQ(BitsOf(samples), start + 7);  // stale marker on time
  samples.push_back({1'700'000'020'000, Bits(42)});
  EXPECT_EQ(BitsOf(samples), start + 8);  // and back to the value before it
  samples.push_back({1'700'000'025'007, Bits(42)});
  EXPECT_EQ(BitsOf(samples), start + 17);  // 7 ms late
  samples.push_back({1'700'000'030'000, Bits(42)});
  EXPECT_EQ(BitsOf(samples), start + 18);  // back on the grid, as expected
  samples.push_back({1'700'000'035'000, Bits(42)});
  EXPECT_EQ(BitsOf(samples), start + 19);
  samples.push_back({1'700'000'040'015, kStale});
  EXPECT_EQ(BitsOf(samples), start + 19 + 9 + 11);  // stale marker off time
  ExpectRoundTrip(samples);
}

TEST(Gorilla, AMovedGridCostsTwoSamplesNotAll) {
  std::vector<Sample> samples;
  for (int i = 0; i < 10; ++i) samples.push_back({i * 5000, Bits(1)});
  for (int i = 10; i < 12; ++i) samples.push_back({i * 5000 + 9, Bits(1)});
  const uint32_t settled = BitsOf(samples);
  for (int i = 12; i < 40; ++i) samples.push_back({i * 5000 + 9, Bits(1)});
  EXPECT_EQ(BitsOf(samples), settled + 28);
  ExpectRoundTrip(samples);
}

TEST(Gorilla, SteadyIntervalsOfAnyLengthBecomeFree) {
  for (const int64_t interval :
       {1, 7, 15, 100, 250, 500, 900, 1000, 3100, 3333, 10'000, 15'000, 60'000, 3'600'000}) {
    std::vector<Sample> samples;
    for (int i = 0; i < 5; ++i) samples.push_back({1000 + i * interval, Bits(1)});
    const uint32_t settled = BitsOf(samples);
    for (int i = 5; i < 55; ++i) samples.push_back({1000 + i * interval, Bits(1)});
    EXPECT_EQ(BitsOf(samples), settled + 50) << interval;
    ExpectRoundTrip(samples);
  }
}

TEST(Gorilla, EverySpecialValueKeepsItsBits) {
  const uint64_t specials[] = {0,
                               Bits(-0.0),
                               Bits(1),
                               Bits(-1),
                               Bits(std::numeric_limits<double>::infinity()),
                               Bits(-std::numeric_limits<double>::infinity()),
                               Bits(std::numeric_limits<double>::denorm_min()),
                               Bits(std::numeric_limits<double>::max()),
                               Bits(std::nan("")),
                               0x7ff0000000000001,
                               kStale,
                               kStale | 0x8000000000000000,
                               0x7ff8000000000002,
                               0xffffffffffffffff,
                               0x7fffffffffffffff,
                               1,
                               0x8000000000000001};
  // Every pair, so that each value follows each other one, also as the first of a chunk.
  for (const uint64_t a : specials) {
    std::vector<Sample> samples;
    int64_t t = 1'700'000'000'000;
    for (const uint64_t b : specials) {
      samples.push_back({t += 5000, a});
      samples.push_back({t += 5003, b});
      samples.push_back({t += 5000, b});
    }
    ExpectRoundTrip(samples);
  }
}

TEST(Gorilla, ExtremeTimestampsWrapAndComeBack) {
  const int64_t extremes[] = {INT64_MIN,
                              INT64_MIN + 1,
                              -1,
                              0,
                              1,
                              5000,
                              INT64_MAX - 1,
                              INT64_MAX,
                              int64_t{1} << 40,
                              (int64_t{1} << 40) - 1,
                              int64_t{1} << 47,
                              -(int64_t{1} << 47),
                              (int64_t{1} << 47) - 1};
  for (const int64_t a : extremes) {
    for (const int64_t b : extremes) {
      for (const int64_t c : extremes) {
        ExpectRoundTrip(
            {{a, Bits(1)}, {b, Bits(2)}, {c, kStale}, {a, Bits(1)}, {a, Bits(1)}, {b, Bits(7)}});
      }
    }
  }
}

TEST(Gorilla, EveryWidthOfDeltaAndOfXor) {
  for (unsigned delta_bits = 0; delta_bits < 64; ++delta_bits) {
    std::vector<Sample> samples;
    uint64_t t = 0;
    for (unsigned value_bit = 0; value_bit < 64; ++value_bit) {
      for (const uint64_t off : {uint64_t{1} << delta_bits, (uint64_t{1} << delta_bits) - 1,
                                 ~(uint64_t{1} << delta_bits)}) {
        t += 1000 + off;
        samples.push_back({static_cast<int64_t>(t), uint64_t{1} << value_bit});
        samples.push_back({static_cast<int64_t>(t += 1000), (uint64_t{1} << value_bit) - 1});
        samples.push_back(
            {static_cast<int64_t>(t += 1000), uint64_t{0} - (uint64_t{1} << value_bit)});
      }
    }
    ExpectRoundTrip(samples);
  }
}

TEST(Gorilla, RandomWalksRoundTrip) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    ExpectRoundTrip(RandomWalk(&random, 1 + random() % 200));
  }
}

TEST(Gorilla, TheLongestChunk) {
  std::mt19937_64 random(2);
  ExpectRoundTrip(RandomWalk(&random, kGorillaSampleCountMax));
}

TEST(Gorilla, ADecoderOfFewerSamplesIgnoresWhatFollows) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 50; ++round) {
    const std::vector<Sample> samples = RandomWalk(&random, 100);
    const std::string payload = Encode(samples).payload();
    for (uint32_t count = 0; count <= samples.size(); ++count) {
      ASSERT_EQ(Decode(payload, count),
                std::vector<Sample>(samples.begin(), samples.begin() + count));
    }
  }
}

TEST(Gorilla, AnEncoderContinuesFromItsStateAndBytesAtAnyPoint) {
  std::mt19937_64 random(4);
  const std::vector<Sample> samples = RandomWalk(&random, 300);
  const std::string expected = Encode(samples).payload();
  GorillaState state;
  std::vector<uint8_t> bytes(kGorillaAppendBytesMax);
  for (const Sample& sample : samples) {
    // A fresh copy with only what the state covers, the rest and the spare bits of the last byte
    // being noise.
    std::vector<uint8_t> copy(GorillaBytes(state) + kGorillaAppendBytesMax, 0xa5);
    std::memcpy(copy.data(), bytes.data(), GorillaBytes(state));
    if (state.bit_count % 8 != 0) {
      copy[state.bit_count / 8] |= static_cast<uint8_t>(0xff << state.bit_count % 8);
    }
    GorillaState resumed = state;
    GorillaAppend(&resumed, copy.data(), sample.timestamp_ms,
                  std::bit_cast<double>(sample.value_bits));
    state = resumed;
    bytes = copy;
  }
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), GorillaBytes(state)),
            expected);
}

TEST(Gorilla, AppendsToColumnsThatHoldSomething) {
  const std::string payload = Encode({{5, Bits(1)}, {6, Bits(2)}}).payload();
  std::vector<int64_t> timestamps = {1};
  std::vector<double> values = {9, 8};
  ASSERT_TRUE(GorillaDecode(payload, 2, &timestamps, &values).ok());
  EXPECT_EQ(timestamps, (std::vector<int64_t>{1, 5, 6}));
  EXPECT_EQ(values, (std::vector<double>{9, 8, 1, 2}));
}

TEST(Gorilla, EveryTruncationIsReportedAndKeepsWhatCameBefore) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 20; ++round) {
    std::vector<Sample> samples = RandomWalk(&random, 60);
    samples.push_back(
        {samples.back().timestamp_ms - 12345, 0x123456789abcdef1});  // does not end in zeros
    const std::string payload = Encode(samples).payload();
    for (size_t size = 0; size < payload.size(); ++size) {
      const std::vector<char> exact(payload.begin(),
                                    payload.begin() + static_cast<ptrdiff_t>(size));
      std::vector<int64_t> timestamps;
      std::vector<double> values;
      const Status status = GorillaDecode(
          {exact.data(), size}, static_cast<uint32_t>(samples.size()), &timestamps, &values);
      ASSERT_EQ(status.code(), StatusCode::kDataLoss) << size;
      const std::vector<Sample> decoded = Zip(timestamps, values);
      ASSERT_LT(decoded.size(), samples.size());
      ASSERT_TRUE(std::equal(decoded.begin(), decoded.end(), samples.begin())) << size;
    }
  }
}

TEST(Gorilla, ImpossibleCountsAllocateNothing) {
  std::vector<int64_t> timestamps;
  std::vector<double> values;
  const Status status = GorillaDecode("abc", 0xffffffff, &timestamps, &values);
  EXPECT_EQ(status.message(), "gorilla chunk: 3 bytes cannot hold 4294967295 samples");
  EXPECT_EQ(timestamps.capacity(), 0u);
}

TEST(Gorilla, AWindowBeyondTheWordIsDamage) {
  // On time with an XOR block (10), new window (1), leading 30 (1111), significant 63 (111110): 93
  // bits.
  const uint8_t bytes[] = {
      0b1111'1'01'0, 0b01111110 | 0b10000000, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  std::vector<int64_t> timestamps;
  std::vector<double> values;
  const Status status =
      GorillaDecode({reinterpret_cast<const char*>(bytes), sizeof bytes}, 2, &timestamps, &values);
  EXPECT_EQ(status.message(), "gorilla chunk: sample 1 has a value window beyond 64 bits");
  EXPECT_EQ(timestamps, std::vector<int64_t>{0});
}

}  // namespace
}  // namespace varve::codec
