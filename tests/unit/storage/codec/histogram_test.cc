#include "storage/codec/histogram.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "storage/codec/bit_stream.h"
#include "tests/model/random_histogram.h"

namespace varve::codec {
namespace {

struct Columns {
  std::vector<int64_t> timestamps_ms;
  std::vector<int64_t> start_times_ms;
  std::vector<HistogramPtr> histograms;
};

Status Decode(std::string_view payload, uint32_t count, Columns* out) {
  return HistogramDecode(payload, count, &out->timestamps_ms, &out->start_times_ms,
                         &out->histograms);
}

std::string Encode(const std::vector<HistogramSample>& samples) {
  HistogramEncoder encoder;
  for (const HistogramSample& sample : samples) {
    encoder.Append(sample.timestamp_ms, sample.start_ms, sample.histogram);
  }
  return std::string(encoder.payload());
}

void ExpectRoundTrip(const std::vector<HistogramSample>& samples) {
  const std::string payload = Encode(samples);
  Columns out;
  const Status status = Decode(payload, static_cast<uint32_t>(samples.size()), &out);
  ASSERT_TRUE(status.ok()) << status.ToString();
  for (size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(out.timestamps_ms[i], samples[i].timestamp_ms);
    EXPECT_EQ(out.start_times_ms[i], samples[i].start_ms);
    EXPECT_TRUE(SameBits(*out.histograms[i], samples[i].histogram)) << "sample " << i;
  }
}

Histogram Whole(std::vector<BucketSpan> spans, std::vector<double> buckets) {
  Histogram histogram;
  histogram.form = Histogram::Form::kInteger;
  for (const double bucket : buckets) histogram.count += bucket;
  histogram.positive_spans = std::move(spans);
  histogram.positive_buckets = std::move(buckets);
  return histogram;
}

TEST(BitStreamTest, VarintsOfEveryClassComeBack) {
  BitWriter out;
  std::vector<int64_t> values = {0, INT64_MIN, INT64_MAX};
  for (int shift = 0; shift < 63; ++shift) {
    for (const int64_t near : {-1, 0, 1}) values.push_back((int64_t{1} << shift) + near);
    values.push_back(-(int64_t{1} << shift));
  }
  for (const int64_t value : values) out.PutVarint(value);
  BitReader in(out.view());
  for (const int64_t value : values) EXPECT_EQ(in.ReadVarint(), value);
  EXPECT_TRUE(in.ok());
  EXPECT_LT(in.remaining_bits(), 8u);
  in.Read(64);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.Read(1), 0u);
}

TEST(HistogramCodecTest, AHistogramThatStandsStillTakesFourBits) {
  std::vector<HistogramSample> samples;
  const Histogram histogram = Whole({{0, 50}}, std::vector<double>(50, 1000));
  for (int64_t i = 0; i < 100; ++i)
    samples.push_back({1'700'000'000'000 + i * 15'000, 0, histogram});
  ExpectRoundTrip(samples);
  const size_t first = Encode({samples[0]}).size();
  // Time, start time and two bits of prefix; the second has the interval besides.
  EXPECT_LE(Encode(samples).size() - first, (99 * 4 + 24) / 8 + 1u);
}

TEST(HistogramCodecTest, CountersThatGrowSteadilyTakeABitPerBucket) {
  std::vector<HistogramSample> samples;
  std::vector<double> buckets(50, 1000);
  for (int64_t i = 0; i < 100; ++i) {
    buckets[7] += 3;
    samples.push_back({1'700'000'000'000 + i * 15'000, 0, Whole({{0, 50}}, buckets)});
  }
  ExpectRoundTrip(samples);
  const size_t first = Encode({samples[0]}).size();
  // Time, start time, prefix, count, zero count, sum and 50 buckets, a bit each.
  EXPECT_LE(Encode(samples).size() - first, (99 * 56 + 40) / 8 + 1u);
}

TEST(HistogramCodecTest, StandingStillIsAlsoLearned) {
  const Histogram one = Whole({{0, 1}}, {10});
  const Histogram two = Whole({{0, 1}}, {20});
  const Histogram three = Whole({{0, 1}}, {30});
  ExpectRoundTrip({{1, 0, one}, {2, 0, two}, {3, 0, two}, {4, 0, three}, {5, 0, three}});
  Histogram halves = two;
  halves.form = Histogram::Form::kFloat;
  halves.sum = 0.5;
  ExpectRoundTrip({{1, 0, halves}, {2, 0, halves}, {3, 0, two}, {4, 0, two}});
}

TEST(HistogramCodecTest, BucketsThatAppearDoNotMakeTheOthersNew) {
  std::vector<double> buckets(40, 123'456'789);
  const Histogram before = Whole({{-3, 40}}, buckets);
  buckets.push_back(1);
  const Histogram after = Whole({{-3, 40}, {7, 1}}, buckets);
  ExpectRoundTrip({{1000, 0, before}, {2000, 0, after}, {3000, 0, before}});
  const size_t grown = Encode({{1000, 0, before}, {2000, 0, after}}).size();
  EXPECT_LT(grown - Encode({{1000, 0, before}}).size(), 40u);
}

std::vector<CounterResetHint> Resolved(const std::vector<Histogram>& histograms) {
  std::vector<HistogramSample> samples;
  for (const Histogram& histogram : histograms) {
    samples.push_back({static_cast<int64_t>(samples.size()) * 1000, 0, histogram});
  }
  Columns out;
  const Status status =
      HistogramDecode(Encode(samples), static_cast<uint32_t>(samples.size()), &out.timestamps_ms,
                      &out.start_times_ms, &out.histograms, HistogramHints::kResolved);
  EXPECT_TRUE(status.ok()) << status.ToString();
  std::vector<CounterResetHint> hints;
  for (const HistogramPtr& histogram : out.histograms) hints.push_back(histogram->reset_hint);
  return hints;
}

TEST(HistogramCodecTest, ResolvesHintsWhereNoCountFell) {
  using Hints = std::vector<CounterResetHint>;
  constexpr auto kUnknown = CounterResetHint::kUnknown;
  constexpr auto kNoReset = CounterResetHint::kNoReset;
  const Histogram low = Whole({{0, 2}}, {3, 4});
  const Histogram high = Whole({{0, 2}}, {3, 5});
  const Histogram shifted = Whole({{0, 2}}, {2, 6});
  const Histogram wider = Whole({{0, 3}}, {3, 5, 1});
  EXPECT_EQ(Resolved({low, low, high, low}), (Hints{kUnknown, kNoReset, kNoReset, kUnknown}));
  EXPECT_EQ(Resolved({high, shifted}), (Hints{kUnknown, kUnknown}));
  EXPECT_EQ(Resolved({high, wider, wider}), (Hints{kUnknown, kUnknown, kNoReset}));
  Histogram zero = low;
  zero.zero_count = 1;
  zero.count += 1;
  EXPECT_EQ(Resolved({zero, high}), (Hints{kUnknown, kUnknown}));
  Histogram broken = low;
  broken.form = Histogram::Form::kFloat;
  broken.positive_buckets[0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Resolved({broken, broken}), (Hints{kUnknown, kNoReset}));
}

TEST(HistogramCodecTest, ResolvesNoHintBehindAGaugeOrAnEnd) {
  using Hints = std::vector<CounterResetHint>;
  using Hint = CounterResetHint;
  const Histogram counter = Whole({{0, 2}}, {3, 4});
  Histogram gauge = counter;
  gauge.reset_hint = Hint::kGauge;
  EXPECT_EQ(Resolved({counter, gauge, counter, counter}),
            (Hints{Hint::kUnknown, Hint::kGauge, Hint::kUnknown, Hint::kNoReset}));
  Histogram stale;
  stale.sum = std::bit_cast<double>(kStaleMarkerBits);
  EXPECT_EQ(Resolved({counter, stale, counter}),
            (Hints{Hint::kUnknown, Hint::kUnknown, Hint::kUnknown}));
  Histogram reset = counter;
  reset.reset_hint = Hint::kReset;
  EXPECT_EQ(Resolved({counter, reset, counter}),
            (Hints{Hint::kUnknown, Hint::kReset, Hint::kNoReset}));
}

TEST(HistogramCodecTest, KeepsEveryBit) {
  Histogram odd;
  odd.form = Histogram::Form::kFloat;
  odd.schema = -4;
  odd.zero_threshold = std::numeric_limits<double>::infinity();
  odd.zero_count = -0.0;
  odd.count = std::bit_cast<double>(uint64_t{0x7ff8dead0000beef});
  odd.sum = std::bit_cast<double>(uint64_t{0xfff8000000000001});
  odd.positive_spans = {{INT32_MIN, 1}, {0, 0}, {5, 2}};
  odd.positive_buckets = {0.1, std::numeric_limits<double>::infinity(), 5e-324};
  odd.negative_spans = {{INT32_MAX - 1, 1}};
  odd.negative_buckets = {std::bit_cast<double>(uint64_t{0x7ff0000000000001})};
  Histogram again = odd;
  again.zero_count = 0.0;
  again.positive_buckets[1] = 0.3;
  ExpectRoundTrip({{INT64_MAX, INT64_MIN, odd}, {INT64_MIN, INT64_MAX, again}, {0, 1, odd}});
}

TEST(HistogramCodecTest, IntegersThatAreNoneAreKeptToo) {
  // Not valid, but the codec does not rely on it.
  Histogram halves = Whole({{0, 2}}, {0.5, 1.5});
  Histogram large = Whole({{0, 2}}, {0x1p53, 0x1p60});
  Histogram negative_zero = Whole({{0, 2}}, {-0.0, 3});
  ExpectRoundTrip({{1, 0, halves},
                   {2, 0, Whole({{0, 2}}, {1, 2})},
                   {3, 0, large},
                   {4, 0, negative_zero},
                   {5, 0, Whole({{0, 2}}, {0x1p53 - 1, 1})}});
}

TEST(HistogramCodecTest, AStaleMarkerLeavesTheLayoutAlone) {
  Histogram marker;
  marker.form = Histogram::Form::kInteger;
  marker.sum = std::bit_cast<double>(kStaleMarkerBits);
  const Histogram histogram = Whole({{0, 3}}, {1, 2, 3});
  ExpectRoundTrip({{1, 0, marker}, {2, 0, histogram}, {3, 0, marker}, {4, 0, histogram}});
  const size_t three = Encode({{1, 0, histogram}, {2, 0, marker}, {3, 0, histogram}}).size();
  EXPECT_LE(three - Encode({{1, 0, histogram}}).size(), 4u);
}

TEST(HistogramCodecTest, OfAStaleMarkerFormAndHintAreKept) {
  Histogram marker = Whole({{0, 3}}, {1, 2, 3});
  marker.sum = std::bit_cast<double>(kStaleMarkerBits);
  marker.reset_hint = CounterResetHint::kGauge;
  Columns out;
  ASSERT_TRUE(Decode(Encode({{1, 0, marker}}), 1, &out).ok());
  EXPECT_TRUE(out.histograms[0]->is_stale_marker());
  EXPECT_EQ(out.histograms[0]->form, Histogram::Form::kInteger);
  EXPECT_EQ(out.histograms[0]->reset_hint, CounterResetHint::kGauge);
  EXPECT_TRUE(out.histograms[0]->positive_spans.empty());
}

TEST(HistogramCodecTest, HintsComeBack) {
  std::vector<HistogramSample> samples;
  Histogram histogram = Whole({{0, 1}}, {1});
  for (const int hint : {2, 2, 1, 0, 3, 3, 0}) {
    histogram.reset_hint = static_cast<CounterResetHint>(hint);
    samples.push_back({static_cast<int64_t>(samples.size()), 0, histogram});
  }
  ExpectRoundTrip(samples);
}

TEST(HistogramCodecTest, StartTimesThatStayOrFollowTakeFewBits) {
  const Histogram histogram = Whole({{0, 1}}, {1});
  std::vector<HistogramSample> stay;
  std::vector<HistogramSample> follow;
  std::vector<HistogramSample> none;
  for (int64_t i = 1; i <= 80; ++i) {
    stay.push_back({i * 1000, 500, histogram});
    follow.push_back({i * 1000, (i - 1) * 1000, histogram});
    none.push_back({i * 1000, 0, histogram});
  }
  ExpectRoundTrip(stay);
  ExpectRoundTrip(follow);
  EXPECT_LE(Encode(stay).size(), Encode(none).size() + 4);
  EXPECT_LE(Encode(follow).size(), Encode(none).size() + 80 / 8 + 1);
}

TEST(HistogramCodecTest, RoomIsBoundedByNumberAndByBytes) {
  HistogramEncoder small;
  const Histogram histogram = Whole({{0, 1}}, {1});
  while (small.HasRoomFor(histogram)) small.Append(small.sample_count() * 1000, 0, histogram);
  EXPECT_EQ(small.sample_count(), kHistogramSampleCountMax);

  HistogramEncoder large;
  Histogram wide;
  wide.positive_spans = {{0, 1000}};
  wide.positive_buckets.assign(1000, 0.1);
  for (double& bucket : wide.positive_buckets)
    bucket += static_cast<double>(&bucket - wide.positive_buckets.data());
  EXPECT_TRUE(large.HasRoomFor(wide));
  large.Append(0, 0, wide);
  EXPECT_GE(large.payload().size(), kHistogramChunkBytes);
  EXPECT_FALSE(large.HasRoomFor(wide));
}

TEST(HistogramCodecTest, EveryCutOffPayloadIsDamageOrFewerSamples) {
  model::HistogramSource source(3);
  std::vector<HistogramSample> samples;
  for (int64_t i = 0; i < 6; ++i) samples.push_back({i * 15'000, i, source.Next()});
  const std::string payload = Encode(samples);
  for (size_t size = 0; size < payload.size(); ++size) {
    Columns out;
    EXPECT_EQ(Decode(payload.substr(0, size), 6, &out).code(), StatusCode::kDataLoss) << size;
    EXPECT_EQ(out.timestamps_ms.size(), out.histograms.size());
    EXPECT_LT(out.histograms.size(), 6u);
  }
  Columns out;
  EXPECT_EQ(Decode(payload, kHistogramSampleCountMax + 1, &out).code(), StatusCode::kDataLoss);
}

TEST(HistogramCodecTest, LayoutsThatWouldFillMemoryAreRefused) {
  // Many empty spans, two bits each, and then samples that take a few bits but copy the spans.
  Histogram spans;
  spans.positive_spans.assign(30'000, {0, 0});
  HistogramEncoder encoder;
  encoder.Append(0, 0, spans);
  BitWriter bits;
  for (const char byte : encoder.payload()) bits.Put(static_cast<uint8_t>(byte), 8);
  for (int i = 0; i < 1000; ++i) bits.Put(0, 1);
  Columns out;
  const Status status = Decode(bits.view(), 100, &out);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("take more than"), std::string::npos) << status.ToString();
}

class HistogramPropertyTest : public testing::TestWithParam<uint64_t> {};

TEST_P(HistogramPropertyTest, ComesBackToTheBit) {
  std::mt19937_64 random(GetParam());
  model::HistogramSource source(GetParam());
  std::vector<HistogramSample> samples;
  HistogramEncoder encoder;
  int64_t time = 1'700'000'000'000;
  for (;;) {
    time += 15'000 + static_cast<int64_t>(random() % 8 == 0 ? random() % 90'000 : random() % 5);
    samples.push_back({time, random() % 3 == 0 ? 0 : time - 15'000, source.Next()});
    if (!encoder.HasRoomFor(samples.back().histogram)) break;
    encoder.Append(time, samples.back().start_ms, samples.back().histogram);
  }
  samples.pop_back();
  ASSERT_EQ(encoder.sample_count(), samples.size());
  ExpectRoundTrip(samples);
}

INSTANTIATE_TEST_SUITE_P(Seeds, HistogramPropertyTest, testing::Range(uint64_t{0}, uint64_t{60}));

}  // namespace
}  // namespace varve::codec
