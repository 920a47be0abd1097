#include <gtest/gtest.h>

#include <string>

#include "server/ingest/remote_write.h"
#include "tests/unit/server/batch_text.h"
#include "tests/unit/server/wire_builder.h"

namespace varve::server {
namespace {

WireBuilder Label(std::string_view name, std::string_view value) {
  return WireBuilder().Bytes(1, name).Bytes(2, value);
}

WireBuilder Sample(int64_t timestamp_ms, double value) {
  return WireBuilder().Double(1, value).Varint(2, static_cast<uint64_t>(timestamp_ms));
}

WireBuilder Series(std::string_view name) {
  return WireBuilder().Message(1, Label("__name__", name)).Message(1, Label("job", "x"));
}

WireBuilder Histogram(uint64_t timestamp_ms) {
  return WireBuilder()
      .Varint(1, 3)
      .Double(3, 1.5)
      .Message(11, WireBuilder().ZigZag(1, 0).Varint(2, 2))
      .PackedZigZag(12, {1, 1})
      .Varint(15, timestamp_ms);
}

WireBuilder ValidRequest() {
  return WireBuilder()
      .Message(1, Series("up").Message(2, Sample(1000, 1)).Message(2, Sample(2000, 0.5)))
      .Message(1, Series("down").Message(2, Sample(-5, -0.0)).Message(4, Histogram(9)))
      .Message(3, WireBuilder().Varint(1, 1).Bytes(2, "up").Bytes(4, "Is it up?").Bytes(5, "bool"));
}

class RemoteWriteV1Test : public testing::Test {
 protected:
  RemoteWriteScratch scratch_;
};

TEST_F(RemoteWriteV1Test, ReadsSeriesSamplesAndMetadata) {
  const WireBuilder request = ValidRequest();
  const auto content = DecodeRemoteWriteV1(request.bytes(), &scratch_);
  ASSERT_TRUE(content.ok()) << content.status().ToString();
  EXPECT_EQ(content->series_count, 2u);
  EXPECT_EQ(BatchText(scratch_.batch),
            "{__name__=up,job=x} 1000:3ff0000000000000 2000:3fe0000000000000\n"
            "{__name__=down,job=x} -5:8000000000000000"
            " 9:int/0 schema 0 count 3 sum 1.5 zero 0@0 pos 0+2 1 2\n");
  ASSERT_EQ(scratch_.batch.metadata().size(), 1u);
  EXPECT_EQ(scratch_.batch.metadata()[0],
            (MetricMetadata{"up", MetricType::kCounter, "Is it up?", "bool"}));
}

TEST_F(RemoteWriteV1Test, AbsentFieldsAreZero) {
  const WireBuilder request =
      WireBuilder().Message(1, Series("up").Bytes(2, "").Message(2, WireBuilder().Varint(2, 7)));
  ASSERT_TRUE(DecodeRemoteWriteV1(request.bytes(), &scratch_).ok());
  EXPECT_EQ(BatchText(scratch_.batch),
            "{__name__=up,job=x} 0:0000000000000000 7:0000000000000000\n");
}

TEST_F(RemoteWriteV1Test, AbsentLabelFieldsAreEmpty) {
  const WireBuilder request = WireBuilder().Message(1, WireBuilder()
                                                           .Message(1, WireBuilder())
                                                           .Message(1, WireBuilder().Bytes(1, "n"))
                                                           .Message(1, WireBuilder().Bytes(2, "v"))
                                                           .Message(2, Sample(1, 1)));
  ASSERT_TRUE(DecodeRemoteWriteV1(request.bytes(), &scratch_).ok());
  EXPECT_EQ(BatchText(scratch_.batch), "{=,n=,=v} 1:3ff0000000000000\n");
}

TEST_F(RemoteWriteV1Test, KeepsEveryBitOfNaN) {
  const auto stale = std::bit_cast<double>(kStaleMarkerBits);
  const auto payload = std::bit_cast<double>(uint64_t{0xfff8000000abcdef});
  const WireBuilder request = WireBuilder().Message(
      1, Series("up").Message(2, Sample(1, stale)).Message(2, Sample(2, payload)));
  ASSERT_TRUE(DecodeRemoteWriteV1(request.bytes(), &scratch_).ok());
  EXPECT_EQ(BatchText(scratch_.batch),
            "{__name__=up,job=x} 1:7ff0000000000002 2:fff8000000abcdef\n");
}

TEST_F(RemoteWriteV1Test, FieldsMayComeInAnyOrderAndTwice) {
  const WireBuilder label = WireBuilder().Bytes(2, "old").Bytes(2, "x").Bytes(1, "job");
  const WireBuilder request = WireBuilder().Message(
      1, WireBuilder().Message(2, Sample(1, 1)).Message(1, label).Message(1, Label("z", "")));
  ASSERT_TRUE(DecodeRemoteWriteV1(request.bytes(), &scratch_).ok());
  EXPECT_EQ(BatchText(scratch_.batch), "{job=x,z=} 1:3ff0000000000000\n");
}

TEST_F(RemoteWriteV1Test, LongLabelsAndLabelsAtTheEndOfTheBody) {
  for (const size_t size : {15u, 16u, 17u, 31u, 32u, 33u, 127u, 128u, 300u, 20000u}) {
    const std::string value(size, 'v');
    const WireBuilder request = WireBuilder().Message(
        1, WireBuilder().Message(2, Sample(1, 1)).Message(1, Label("name", value)));
    ASSERT_TRUE(DecodeRemoteWriteV1(request.bytes(), &scratch_).ok());
    EXPECT_EQ(BatchText(scratch_.batch), "{name=" + value + "} 1:3ff0000000000000\n");
  }
}

TEST_F(RemoteWriteV1Test, UnknownFieldsAreSteppedOver) {
  const WireBuilder unknown =
      WireBuilder().Varint(90, 1).Double(91, 2).Bytes(92, "x").Raw("\xed\x05zzzz");  // 93, 4 bytes
  const WireBuilder request = WireBuilder()
                                  .Raw(unknown.bytes())
                                  .Message(1, WireBuilder()
                                                  .Raw(unknown.bytes())
                                                  .Message(1, Label("a", "b").Raw(unknown.bytes()))
                                                  .Message(2, Sample(3, 1).Raw(unknown.bytes())));
  ASSERT_TRUE(DecodeRemoteWriteV1(request.bytes(), &scratch_).ok());
  EXPECT_EQ(BatchText(scratch_.batch), "{a=b} 3:3ff0000000000000\n");
}

TEST_F(RemoteWriteV1Test, ReadsHistogramsAndExemplarsBesideSamples) {
  const WireBuilder exemplar =
      WireBuilder().Message(1, Label("trace_id", "t")).Double(2, 1.5).Varint(3, 7);
  const WireBuilder request =
      WireBuilder()
          .Message(1, Series("h").Message(4, Histogram(1000)).Message(4, Histogram(2000)))
          .Message(1, Series("c").Message(3, exemplar).Message(2, Sample(1, 1)));
  const auto content = DecodeRemoteWriteV1(request.bytes(), &scratch_);
  ASSERT_TRUE(content.ok()) << content.status().ToString();
  EXPECT_EQ(BatchText(scratch_.batch),
            "{__name__=h,job=x}"
            " 1000:int/0 schema 0 count 3 sum 1.5 zero 0@0 pos 0+2 1 2"
            " 2000:int/0 schema 0 count 3 sum 1.5 zero 0@0 pos 0+2 1 2\n"
            "{__name__=c,job=x} 1:3ff0000000000000 #{trace_id=\"t\"}=1.5@7\n");
}

TEST_F(RemoteWriteV1Test, AnExemplarWithoutAnyLabelSetIsRefusedAlone) {
  const WireBuilder twice =
      WireBuilder().Message(1, Label("a", "1")).Message(1, Label("a", "2")).Varint(3, 7);
  const WireBuilder request = WireBuilder().Message(1, Series("c")
                                                           .Message(3, twice)
                                                           .Message(3, WireBuilder().Varint(3, 8))
                                                           .Message(2, Sample(1, 1)));
  const auto content = DecodeRemoteWriteV1(request.bytes(), &scratch_);
  ASSERT_TRUE(content.ok()) << content.status().ToString();
  EXPECT_EQ(content->refused_exemplars.count, 1u);
  EXPECT_NE(content->refused_exemplars.example, "");
  EXPECT_EQ(BatchText(scratch_.batch), "{__name__=c,job=x} 1:3ff0000000000000 #{}=0@8\n");
}

// Two bytes each on the wire, a few hundred in memory.
TEST_F(RemoteWriteV1Test, HistogramsCannotExpandWithoutLimit) {
  std::string empty_histograms;
  for (size_t i = 0; i < kStagedBytesMax / sizeof(HistogramSample); ++i)
    empty_histograms.append("\x22\x00", 2);
  const auto content =
      DecodeRemoteWriteV1(WireBuilder().Bytes(1, empty_histograms).bytes(), &scratch_);
  ASSERT_FALSE(content.ok());
  EXPECT_NE(content.status().message().find("256 MiB"), std::string::npos);
}

TEST_F(RemoteWriteV1Test, DamagedHistogramIsNamed) {
  const WireBuilder request = WireBuilder().Message(
      1, Series("h").Message(4, WireBuilder().Double(1, 3)));  // count_int is a varint
  const auto content = DecodeRemoteWriteV1(request.bytes(), &scratch_);
  ASSERT_FALSE(content.ok());
  EXPECT_NE(content.status().message().find("wire type of its definition"), std::string::npos);
}

// A body cut anywhere but between two top-level fields is refused, and the message names a byte
// within it.
TEST_F(RemoteWriteV1Test, EveryTruncation) {
  const std::string bytes = ValidRequest().bytes();
  size_t accepted = 0;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string cut =
        bytes.substr(0, size);  // a copy, so that a sanitizer sees reads beyond it
    const auto content = DecodeRemoteWriteV1(cut, &scratch_);
    if (content.ok()) {
      ++accepted;
    } else {
      EXPECT_EQ(content.status().code(), StatusCode::kInvalidArgument);
      EXPECT_EQ(content.status().message().find("byte "), 0u);
      EXPECT_LE(std::stoul(content.status().message().substr(5)), size);
    }
  }
  EXPECT_EQ(accepted, 3u);  // nothing, one series, two series
}

TEST_F(RemoteWriteV1Test, EveryFlippedBitIsDataOrAnError) {
  const std::string bytes = ValidRequest().bytes();
  size_t refused = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    if (!DecodeRemoteWriteV1(damaged, &scratch_).ok()) {
      ++refused;
    } else {
      EXPECT_EQ(BatchText(scratch_.batch).find("DAMAGED"), std::string::npos);
    }
  }
  EXPECT_GT(refused, 0u);
}

TEST_F(RemoteWriteV1Test, NamesTheByteAndWhatWasExpected) {
  const std::string bytes = std::string("\x0a\x06\x0a\x04\x0a\x09", 6) + "ab";
  const auto content = DecodeRemoteWriteV1(bytes, &scratch_);
  ASSERT_FALSE(content.ok());
  EXPECT_EQ(content.status().message(),
            "byte 5 of 8 of the decompressed body: expected the length of a label name");
}

TEST_F(RemoteWriteV1Test, RefusesAV2Message) {
  const WireBuilder request = WireBuilder().Bytes(4, "").Bytes(4, "__name__");
  EXPECT_FALSE(DecodeRemoteWriteV1(request.bytes(), &scratch_).ok());
}

TEST_F(RemoteWriteV1Test, ScratchIsReusedWithoutTraces) {
  ASSERT_TRUE(DecodeRemoteWriteV1(ValidRequest().bytes(), &scratch_).ok());
  ASSERT_TRUE(DecodeRemoteWriteV1("", &scratch_).ok());
  EXPECT_EQ(scratch_.batch.series_count(), 0u);
  EXPECT_TRUE(scratch_.batch.metadata().empty());
}

}  // namespace
}  // namespace varve::server
