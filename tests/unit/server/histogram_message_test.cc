#include "server/ingest/histogram_message.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <string>

#include "tests/unit/server/batch_text.h"
#include "tests/unit/server/wire_builder.h"

namespace varve::server {
namespace {

class HistogramMessageTest : public testing::Test {
 protected:
  HistogramSample Decode(const WireBuilder& message,
                         RemoteWriteVersion version = RemoteWriteVersion::kV2) {
    error_ = {};
    return DecodeHistogram(WireReader(message.bytes(), &error_), version);
  }
  std::string Text(const WireBuilder& message) { return HistogramText(Decode(message)); }
  WireError error_;
};

WireBuilder Span(int64_t offset, uint64_t length) {
  return WireBuilder().ZigZag(1, offset).Varint(2, length);
}

WireBuilder Integer() {
  return WireBuilder()
      .Varint(1, 12)
      .Double(3, 18.4)
      .ZigZag(4, 1)
      .Double(5, 0.001)
      .Varint(6, 2)
      .Message(8, Span(0, 1))
      .PackedZigZag(9, {3})
      .Message(11, Span(-2, 2))
      .Message(11, Span(1, 1))
      .PackedZigZag(12, {1, 1, 2})
      .Varint(14, 2)
      .Varint(15, 1000)
      .Varint(17, 900);
}

TEST_F(HistogramMessageTest, ReadsIntegersAsAbsoluteCounts) {
  const HistogramSample sample = Decode(Integer());
  ASSERT_FALSE(error_.failed());
  EXPECT_EQ(HistogramText(sample),
            " 1000^900:int/2 schema 1 count 12 sum 18.4 zero 2@0.001 pos -2+2 1+1 1 2 4 neg 0+1 3");
  EXPECT_TRUE(sample.histogram.Validate().ok());
}

TEST_F(HistogramMessageTest, ReadsFloatsAndCustomBounds) {
  const WireBuilder message = WireBuilder()
                                  .Double(2, 5.5)
                                  .ZigZag(4, kCustomBucketsSchema)
                                  .Message(11, Span(0, 3))
                                  .PackedDoubles(13, {1, 0.5})
                                  .Double(13, 4)
                                  .Varint(14, 3)
                                  .PackedDoubles(16, {0.5, 1});
  const HistogramSample sample = Decode(message);
  EXPECT_EQ(HistogramText(sample),
            " 0:float/3 schema -53 count 5.5 sum 0 zero 0@0 pos 0+3 1 0.5 4 bounds 0.5 1");
  EXPECT_TRUE(sample.histogram.Validate().ok());
}

TEST_F(HistogramMessageTest, DeltasMayComeOneByOne) {
  const WireBuilder message =
      WireBuilder().Varint(1, 3).Message(11, Span(0, 2)).ZigZag(12, 1).ZigZag(12, 1);
  EXPECT_EQ(Text(message), " 0:int/0 schema 0 count 3 sum 0 zero 0@0 pos 0+2 1 2");
}

TEST_F(HistogramMessageTest, StartTimestampsAndUnknownFieldsAreOfTheirVersion) {
  EXPECT_EQ(Decode(Integer(), RemoteWriteVersion::kV1).start_ms, 0);
  EXPECT_EQ(Text(WireBuilder().Varint(1, 0).Double(90, 1).Bytes(18, "x").Varint(14, 77)),
            " 0:int/0 schema 0 count 0 sum 0 zero 0@0");
  EXPECT_FALSE(error_.failed());
}

TEST_F(HistogramMessageTest, KeepsTheStaleMarker) {
  const HistogramSample sample =
      Decode(WireBuilder().Varint(1, 0).Double(3, std::bit_cast<double>(kStaleMarkerBits)));
  EXPECT_TRUE(sample.histogram.is_stale_marker());
}

TEST_F(HistogramMessageTest, CountsBeyondDoublesBecomeFloats) {
  constexpr uint64_t kMax = uint64_t{1} << 53;
  const auto one_bucket = [](uint64_t count, uint64_t bucket) {
    return WireBuilder()
        .Varint(1, count)
        .Message(11, Span(0, 1))
        .PackedZigZag(12, {static_cast<int64_t>(bucket)});
  };
  EXPECT_EQ(Decode(one_bucket(kMax, kMax)).histogram.form, Histogram::Form::kInteger);
  const HistogramSample larger = Decode(one_bucket(kMax + 1, kMax + 1));
  EXPECT_EQ(larger.histogram.form, Histogram::Form::kFloat);
  EXPECT_TRUE(larger.histogram.Validate().ok());
  // What does not add up is refused, not rounded.
  const HistogramSample wrong = Decode(one_bucket(kMax + 4, kMax + 2));
  EXPECT_EQ(wrong.histogram.form, Histogram::Form::kInteger);
  EXPECT_FALSE(wrong.histogram.Validate().ok());
}

TEST_F(HistogramMessageTest, NonsenseIsKeptForValidation) {
  const WireBuilder negative =
      WireBuilder().Varint(1, 1).Message(11, Span(0, 2)).PackedZigZag(12, {1, -2});
  EXPECT_FALSE(Decode(negative).histogram.Validate().ok());
  const WireBuilder wraps = WireBuilder()
                                .Varint(1, 1)
                                .Message(11, Span(0, 3))
                                .PackedZigZag(12, {std::numeric_limits<int64_t>::max(),
                                                   std::numeric_limits<int64_t>::max(), 3});
  EXPECT_FALSE(Decode(wraps).histogram.Validate().ok());
  EXPECT_FALSE(Decode(WireBuilder().Message(11, Span(0, UINT32_MAX))).histogram.Validate().ok());
  EXPECT_FALSE(Decode(WireBuilder().ZigZag(4, 53)).histogram.Validate().ok());
  EXPECT_FALSE(error_.failed());
}

// Bucket i of schema 9 becomes bucket ceil(i / 2) of schema 8.
TEST_F(HistogramMessageTest, FinerSchemasAreBroughtDown) {
  const WireBuilder message = WireBuilder()
                                  .Varint(1, 28)
                                  .ZigZag(4, 9)
                                  .Message(8, Span(-3, 1))
                                  .PackedZigZag(9, {7})
                                  .Message(11, Span(-1, 4))
                                  .Message(11, Span(3, 2))
                                  .PackedZigZag(12, {1, 1, 1, 1, 1, 1});
  const HistogramSample sample = Decode(message);
  // -1 0 1 2, 6 7 of schema 9 are 0 0 1 1, 3 4 of schema 8; -3 is -1.
  EXPECT_EQ(HistogramText(sample),
            " 0:int/0 schema 8 count 28 sum 0 zero 0@0 pos 0+2 1+2 3 7 5 6 neg -1+1 7");
  EXPECT_TRUE(sample.histogram.Validate().ok());
  const WireBuilder uncovered = WireBuilder().ZigZag(4, 9).Message(11, Span(0, 4));
  EXPECT_EQ(Decode(uncovered).histogram.schema, 9);
  const WireBuilder finest = WireBuilder()
                                 .Varint(1, 1)
                                 .ZigZag(4, 52)
                                 .Message(11, Span(INT32_MAX, 1))
                                 .PackedZigZag(12, {1});
  EXPECT_TRUE(Decode(finest).histogram.Validate().ok());
}

TEST_F(HistogramMessageTest, RefusesWrongWireTypes) {
  for (const WireBuilder& message :
       {WireBuilder().Double(1, 3), WireBuilder().Varint(3, 1), WireBuilder().Varint(11, 1),
        WireBuilder().Double(12, 1), WireBuilder().Varint(13, 1), WireBuilder().Bytes(15, "x"),
        WireBuilder().Double(17, 1)}) {
    Decode(message);
    EXPECT_TRUE(error_.failed());
  }
}

TEST_F(HistogramMessageTest, EveryTruncationIsDataOrAnError) {
  const std::string bytes = Integer().bytes();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string cut = bytes.substr(0, size);
    WireError error;
    DecodeHistogram(WireReader(cut, &error), RemoteWriteVersion::kV2);
  }
}

}  // namespace
}  // namespace varve::server
