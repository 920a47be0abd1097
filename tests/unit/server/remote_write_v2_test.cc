#include <gtest/gtest.h>

#include <string>

#include "server/ingest/remote_write.h"
#include "tests/unit/server/batch_text.h"
#include "tests/unit/server/wire_builder.h"

namespace varve::server {
namespace {

constexpr size_t kNoLimit = size_t{1} << 30;

WireBuilder Symbols() {
  WireBuilder request;
  for (const char* symbol : {"", "__name__", "up", "job", "x", "Is it up?", "bool"}) {
    request.Bytes(4, symbol);
  }
  return request;
}

WireBuilder Sample(uint64_t timestamp_ms, double value) {
  return WireBuilder().Double(1, value).Varint(2, timestamp_ms).Varint(3, 500);
}

WireBuilder Metadata() { return WireBuilder().Varint(1, 2).Varint(3, 5).Varint(4, 6); }

WireBuilder ValidRequest() {
  return Symbols().Message(
      5, WireBuilder().Packed(1, {1, 2, 3, 4}).Message(2, Sample(1000, 1)).Message(5, Metadata()));
}

class RemoteWriteV2Test : public testing::Test {
 protected:
  Result<RemoteWriteContent> Decode(const WireBuilder& request) {
    return DecodeRemoteWriteV2(request.bytes(), kNoLimit, &scratch_);
  }
  void ExpectRefused(const WireBuilder& request, std::string_view expected) {
    const auto content = Decode(request);
    ASSERT_FALSE(content.ok());
    EXPECT_EQ(content.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(content.status().message().find(expected), std::string::npos)
        << content.status().message();
  }
  RemoteWriteScratch scratch_;
};

TEST_F(RemoteWriteV2Test, ReadsSeriesThroughSymbols) {
  const auto content = Decode(ValidRequest());
  ASSERT_TRUE(content.ok()) << content.status().ToString();
  EXPECT_EQ(BatchText(scratch_.batch), "{__name__=up,job=x} 1000^500:3ff0000000000000\n");
  ASSERT_EQ(scratch_.batch.metadata().size(), 1u);
  EXPECT_EQ(scratch_.batch.metadata()[0],
            (MetricMetadata{"up", MetricType::kGauge, "Is it up?", "bool"}));
}

TEST_F(RemoteWriteV2Test, SymbolsMayComeLastAndReferencesUnpacked) {
  const WireBuilder series =
      WireBuilder().Varint(1, 3).Varint(1, 4).Message(2, WireBuilder().Varint(2, 9));
  ASSERT_TRUE(Decode(WireBuilder().Message(5, series).Raw(Symbols().bytes())).ok());
  EXPECT_EQ(BatchText(scratch_.batch), "{job=x} 9:0000000000000000\n");
}

TEST_F(RemoteWriteV2Test, MetadataIsHandedOnOnceItIsStored) {
  ASSERT_TRUE(Decode(ValidRequest()).ok());
  scratch_.metadata_filter.Forget();  // the append failed
  ASSERT_TRUE(Decode(ValidRequest()).ok());
  EXPECT_EQ(scratch_.batch.metadata().size(), 1u);
  scratch_.metadata_filter.Confirm();
  ASSERT_TRUE(Decode(ValidRequest()).ok());
  EXPECT_TRUE(scratch_.batch.metadata().empty());
  const WireBuilder other = Symbols().Message(
      5,
      WireBuilder().Packed(1, {1, 2}).Message(2, Sample(1, 1)).Message(5, Metadata().Varint(1, 1)));
  ASSERT_TRUE(Decode(other).ok());
  EXPECT_EQ(scratch_.batch.metadata().size(), 1u);
}

TEST_F(RemoteWriteV2Test, RefusesWrongReferences) {
  const auto series = [](const WireBuilder& fields) { return Symbols().Message(5, fields); };
  ExpectRefused(series(WireBuilder().Packed(1, {1, 7})), "a reference to a symbol");
  ExpectRefused(series(WireBuilder().Packed(1, {1, uint64_t{1} << 40})), "a reference to a symbol");
  ExpectRefused(series(WireBuilder().Packed(1, {1, 2, 3})), "an even count");
  ExpectRefused(series(WireBuilder().Varint(1, 1)), "an even count");
  ExpectRefused(series(WireBuilder().Packed(1, {1, 2}).Message(5, WireBuilder().Varint(3, 99))),
                "a reference to a symbol");
  ExpectRefused(series(WireBuilder().Message(5, WireBuilder().Varint(1, 8))), "a metric type");
  ExpectRefused(WireBuilder().Message(5, WireBuilder().Packed(1, {0, 0})),
                "a reference to a symbol");
}

TEST_F(RemoteWriteV2Test, TheFirstSymbolIsEmpty) {
  ExpectRefused(WireBuilder().Bytes(4, "__name__"), "the first symbol to be empty");
}

TEST_F(RemoteWriteV2Test, RefusesAV1Message) {
  ExpectRefused(WireBuilder().Message(1, WireBuilder().Message(2, Sample(1, 1))),
                "not of prometheus.WriteRequest");
}

TEST_F(RemoteWriteV2Test, LabelsCannotExpandBeyondTheLimit) {
  WireBuilder request = WireBuilder().Bytes(4, "").Bytes(4, std::string(1000, 'a'));
  WireBuilder series;
  for (int i = 0; i < 100; ++i) series.Packed(1, {1, 1});
  request.Message(5, series.Message(2, Sample(1, 1)));
  const auto content = DecodeRemoteWriteV2(request.bytes(), 100'000, &scratch_);
  ASSERT_FALSE(content.ok());
  EXPECT_EQ(content.status().code(), StatusCode::kOutOfRange);
  EXPECT_TRUE(DecodeRemoteWriteV2(request.bytes(), 201'000, &scratch_).ok());
}

TEST_F(RemoteWriteV2Test, ReadsHistogramsAndExemplars) {
  const WireBuilder histogram = WireBuilder().Double(2, 3).Varint(15, 7).Varint(17, 1);
  const WireBuilder exemplar = WireBuilder().Packed(1, {3, 4}).Double(2, 1).Varint(3, 5);
  const WireBuilder unpacked = WireBuilder().Varint(1, 3).Varint(1, 6).Varint(3, 6);
  const auto content = Decode(Symbols().Message(5, WireBuilder()
                                                       .Packed(1, {1, 2})
                                                       .Message(3, histogram)
                                                       .Message(4, exemplar)
                                                       .Message(4, unpacked)));
  ASSERT_TRUE(content.ok()) << content.status().ToString();
  EXPECT_EQ(BatchText(scratch_.batch),
            "{__name__=up} 7^1:float/0 schema 0 count 3 sum 0 zero 0@0"
            " #{job=\"x\"}=1@5 #{job=\"bool\"}=0@6\n");
  ExpectRefused(Symbols().Message(5, WireBuilder().Packed(1, {1, 2}).Message(
                                         4, WireBuilder().Packed(1, {3, 4, 1}))),
                "an even count");
}

// A reference of one byte, a symbol of a megabyte.
TEST_F(RemoteWriteV2Test, ExemplarsCannotExpandWithoutLimit) {
  const WireBuilder exemplar = WireBuilder().Packed(1, {1, 1});
  WireBuilder series;
  for (size_t i = 0; i < kStagedBytesMax / (size_t{2} << 20) + 1; ++i) series.Message(4, exemplar);
  ExpectRefused(
      WireBuilder().Bytes(4, "").Bytes(4, std::string(size_t{1} << 20, 'a')).Message(5, series),
      "256 MiB");
}

TEST_F(RemoteWriteV2Test, EveryTruncation) {
  const std::string bytes = ValidRequest().bytes();
  size_t accepted = 0;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string cut = bytes.substr(0, size);
    const auto content = DecodeRemoteWriteV2(cut, kNoLimit, &scratch_);
    accepted += content.ok() ? 1 : 0;
    if (!content.ok()) {
      EXPECT_EQ(content.status().message().find("byte "), 0u);
    }
  }
  EXPECT_EQ(accepted, 8u);  // nothing, and after each of the seven symbols
}

TEST_F(RemoteWriteV2Test, EveryFlippedBitIsDataOrAnError) {
  const std::string bytes = ValidRequest().bytes();
  size_t refused = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    if (!DecodeRemoteWriteV2(damaged, kNoLimit, &scratch_).ok()) {
      ++refused;
    } else {
      EXPECT_EQ(BatchText(scratch_.batch).find("DAMAGED"), std::string::npos);
    }
  }
  EXPECT_GT(refused, 0u);
}

}  // namespace
}  // namespace varve::server
