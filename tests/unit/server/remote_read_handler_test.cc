#include "server/remote_read/remote_read_handler.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/server/fake_database.h"
#include "tests/unit/server/wire_builder.h"

namespace varve::server {
namespace {

WireBuilder Query(std::string_view name) {
  return WireBuilder()
      .Varint(1, 1000)
      .Varint(2, 2000)
      .Message(3, WireBuilder().Varint(1, 2).Bytes(2, "__name__").Bytes(3, name))
      .Message(4, WireBuilder().Varint(1, 5).Bytes(2, "rate"));  // hints
}

class RemoteReadHandlerTest : public testing::Test {
 protected:
  RemoteReadHandlerTest() {
    SeriesSamples series;
    series.labels = Labels{{"__name__", "up"}, {"job", "x"}};
    series.samples = {{1000, 1}, {1500, 2}};
    database_.samples = {series, series};
  }
  Response Post(const WireBuilder& message) {
    std::string body;
    snappy::Compress(message.bytes().data(), message.bytes().size(), &body);
    return PostBody(body);
  }
  Response PostBody(const std::string& body) {
    Request request;
    request.body = body;
    return handler_.Handle(request);
  }
  static RemoteReadOptions Options() {
    RemoteReadOptions options;
    options.samples_max = 7;
    options.request_bytes_max = 10'000;
    options.stream_count_max = 1;
    return options;
  }
  FakeDatabase database_;
  RemoteReadHandler handler_{&database_, Options()};
};

TEST_F(RemoteReadHandlerTest, Samples) {
  database_.samples.resize(1);
  HistogramSample histogram;
  histogram.timestamp_ms = 1600;
  histogram.histogram.form = Histogram::Form::kInteger;
  histogram.histogram.count = 3;
  histogram.histogram.positive_spans = {{-1, 2}};
  histogram.histogram.positive_buckets = {2, 1};
  database_.samples[0].histograms = {histogram};
  const Response response = Post(WireBuilder().Message(1, Query("up")));
  EXPECT_EQ(response.status, HttpStatus::kOk);
  EXPECT_EQ(response.content_type, "application/x-protobuf");
  std::string message;
  ASSERT_TRUE(snappy::Uncompress(response.body.data(), response.body.size(), &message));
  const WireBuilder series =
      WireBuilder()
          .Message(1, WireBuilder().Bytes(1, "__name__").Bytes(2, "up"))
          .Message(1, WireBuilder().Bytes(1, "job").Bytes(2, "x"))
          .Message(2, WireBuilder().Double(1, 1).Varint(2, 1000))
          .Message(2, WireBuilder().Double(1, 2).Varint(2, 1500))
          .Message(4, WireBuilder()
                          .Varint(1, 3)
                          .Double(3, 0)
                          .ZigZag(4, 0)
                          .Double(5, 0)
                          .Varint(6, 0)
                          .Message(11, WireBuilder().ZigZag(1, -1).Varint(2, 2))
                          .PackedZigZag(12, {2, -1})
                          .Varint(14, 0)
                          .Varint(15, 1600));
  EXPECT_EQ(message, WireBuilder().Message(1, WireBuilder().Message(1, series)).bytes());
  EXPECT_EQ(database_.last_range.min_ms, 1000);
  EXPECT_EQ(database_.last_range.max_ms, 2000);
}

TEST_F(RemoteReadHandlerTest, SamplesHaveALimit) {
  const Response response = Post(WireBuilder().Message(1, Query("up")).Message(1, Query("down")));
  EXPECT_EQ(response.status, HttpStatus::kBadRequest);
  EXPECT_EQ(response.body, "exceeded sample limit (7)\n");
}

TEST_F(RemoteReadHandlerTest, ChunksWhereTheyAreWantedFirst) {
  const Response response = Post(WireBuilder().Message(1, Query("up")).Packed(2, {9, 1, 0}));
  EXPECT_EQ(response.status, HttpStatus::kOk);
  EXPECT_EQ(response.content_type,
            "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
  EXPECT_EQ(response.stream, nullptr);  // all of it stands in the body
  EXPECT_FALSE(response.body.empty());
  EXPECT_EQ(Post(WireBuilder().Message(1, Query("up")).Varint(2, 0).Varint(2, 1)).content_type,
            "application/x-protobuf");
}

TEST_F(RemoteReadHandlerTest, LongAnswersAreStreamedAndTheirNumberIsLimited) {
  SeriesSamples& series = database_.samples[0];
  series.samples.clear();
  for (int64_t i = 0; i < 300'000; ++i) {
    series.samples.push_back({i * 1000 + i % 7, static_cast<double>(i * i % 1013) / 7});
  }
  const WireBuilder wanted = WireBuilder().Message(1, Query("up")).Varint(2, 1);
  std::vector<std::string> pieces;
  {
    const Response response = Post(wanted);
    ASSERT_NE(response.stream, nullptr);
    pieces.push_back(response.body);
    EXPECT_EQ(Post(wanted).status, HttpStatus::kServiceUnavailable);
    for (bool has_more = true; has_more;) {
      const Result<bool> next = response.stream->Next(&pieces.emplace_back());
      ASSERT_TRUE(next.ok());
      has_more = *next;
    }
  }
  EXPECT_GT(pieces.size(), 2u);
  for (const std::string& piece : pieces) EXPECT_LT(piece.size(), size_t{2} << 20);
  EXPECT_EQ(Post(wanted).status, HttpStatus::kOk);  // the place is free again
}

TEST_F(RemoteReadHandlerTest, RefusesWhatItCannotRead) {
  EXPECT_EQ(PostBody("").status, HttpStatus::kBadRequest);
  EXPECT_EQ(PostBody("\x05zzz").status, HttpStatus::kBadRequest);
  EXPECT_EQ(Post(WireBuilder().Bytes(9, std::string(10'000, 'x'))).status,
            HttpStatus::kPayloadTooLarge);
  const auto refused = [this](const WireBuilder& message, std::string_view expected) {
    const Response response = Post(message);
    EXPECT_EQ(response.status, HttpStatus::kBadRequest);
    EXPECT_NE(response.body.find(expected), std::string::npos) << response.body;
  };
  refused(WireBuilder().Message(1, Query("up")).Varint(2, 7), "requested response types");
  refused(
      WireBuilder().Message(1, WireBuilder().Message(3, WireBuilder().Varint(1, 4).Bytes(2, "a"))),
      "a kind of matcher from 0 to 3");
  refused(WireBuilder().Raw("\x0a\x7f"), "the length of a query");
}

TEST_F(RemoteReadHandlerTest, NoQueryAndAnEmptyRangeAreEmptyAnswers) {
  EXPECT_EQ(Post(WireBuilder()).status, HttpStatus::kOk);
  const WireBuilder backwards = WireBuilder().Varint(1, 2).Varint(2, 1);
  const Response samples = Post(WireBuilder().Message(1, backwards));
  std::string message;
  ASSERT_TRUE(snappy::Uncompress(samples.body.data(), samples.body.size(), &message));
  EXPECT_EQ(message, WireBuilder().Bytes(1, "").bytes());
  EXPECT_EQ(Post(WireBuilder().Message(1, backwards).Varint(2, 1)).body, "");
}

}  // namespace
}  // namespace varve::server
