#include "server/ingest/remote_write_handler.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <string>

#include "tests/unit/server/fake_database.h"
#include "tests/unit/server/wire_builder.h"

namespace varve::server {
namespace {

constexpr std::string_view kV1 = "application/x-protobuf";
constexpr std::string_view kV2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

std::string V1Body(int sample_count) {
  WireBuilder series = WireBuilder().Message(1, WireBuilder().Bytes(1, "__name__").Bytes(2, "up"));
  for (int i = 1; i <= sample_count; ++i) {
    series.Message(2, WireBuilder().Double(1, 1).Varint(2, static_cast<uint64_t>(i)));
  }
  return WireBuilder().Message(1, series).bytes();
}

std::string V2Body() {
  return WireBuilder()
      .Bytes(4, "")
      .Bytes(4, "__name__")
      .Bytes(4, "up")
      .Message(5, WireBuilder().Packed(1, {1, 2}).Message(2, WireBuilder().Varint(2, 1)))
      .bytes();
}

std::string Snappy(const std::string& bytes) {
  std::string out;
  snappy::Compress(bytes.data(), bytes.size(), &out);
  return out;
}

std::string HeaderOf(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "(none)";
}

class RemoteWriteHandlerTest : public testing::Test {
 protected:
  Response Post(const std::string& body, std::string_view type = kV1,
                std::string_view encoding = "snappy") {
    Request request;
    request.method = Method::kPost;
    request.headers = {{"content-type", type}, {"content-encoding", encoding}};
    request.body = body;
    return handler_.Handle(request, CallContext{});
  }
  static RemoteWriteOptions SmallLimits() {
    RemoteWriteOptions options;
    options.decompressed_bytes_max = 10'000;
    return options;
  }
  FakeDatabase database_;
  RemoteWriteHandler handler_{&database_, SmallLimits(), 1};
};

TEST_F(RemoteWriteHandlerTest, AppendsAndAnswersNoContent) {
  const Response response = Post(Snappy(V1Body(3)));
  EXPECT_EQ(response.status, HttpStatus::kNoContent);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(database_.append_count, 1);
  EXPECT_EQ(HeaderOf(response, "X-Prometheus-Remote-Write-Samples-Written"), "(none)");
}

TEST_F(RemoteWriteHandlerTest, V2AnswersCountWhatWasWritten) {
  const Response response = Post(Snappy(V2Body()), kV2);
  EXPECT_EQ(response.status, HttpStatus::kNoContent);
  EXPECT_EQ(HeaderOf(response, "X-Prometheus-Remote-Write-Samples-Written"), "1");
  EXPECT_EQ(HeaderOf(response, "X-Prometheus-Remote-Write-Histograms-Written"), "0");
  EXPECT_EQ(HeaderOf(response, "X-Prometheus-Remote-Write-Exemplars-Written"), "0");
  const Response refused = Post(Snappy("\x7f"), kV2);
  EXPECT_EQ(refused.status, HttpStatus::kBadRequest);
  EXPECT_EQ(HeaderOf(refused, "X-Prometheus-Remote-Write-Samples-Written"), "0");
}

TEST_F(RemoteWriteHandlerTest, NegotiatesTypesAndEncodings) {
  const std::string v1 = Snappy(V1Body(1));
  EXPECT_EQ(Post(v1, "application/x-protobuf;proto=prometheus.WriteRequest").status,
            HttpStatus::kNoContent);
  EXPECT_EQ(Post(v1, "Application/X-Protobuf; charset=x; proto=\"prometheus.WriteRequest\"").status,
            HttpStatus::kNoContent);
  for (const std::string_view type :
       {"", "text/plain", "application/json", "application/x-protobuf;proto=other.Request",
        "application/x-protobuf;proto"}) {
    const Response response = Post(v1, type);
    EXPECT_EQ(response.status, HttpStatus::kUnsupportedMediaType) << type;
  }
  for (const std::string_view encoding : {"", "gzip", "zstd", "identity"}) {
    const Response response = Post(v1, kV1, encoding);
    EXPECT_EQ(response.status, HttpStatus::kUnsupportedMediaType) << encoding;
    EXPECT_NE(response.body.find('"' + std::string(encoding) + '"'), std::string::npos);
  }
  EXPECT_EQ(database_.append_count, 2);
}

TEST_F(RemoteWriteHandlerTest, RefusesWhatIsNoSnappyBlock) {
  const std::string framed("\xff\x06\x00\x00sNaPpY", 10);
  for (const std::string& body : {std::string(), std::string("\xff\xff"), framed, V1Body(1)}) {
    const Response response = Post(body);
    EXPECT_EQ(response.status, HttpStatus::kBadRequest) << response.body;
  }
  std::string cut = Snappy(V1Body(5));
  cut.pop_back();
  EXPECT_EQ(Post(cut).status, HttpStatus::kBadRequest);
  EXPECT_EQ(database_.append_count, 0);
}

TEST_F(RemoteWriteHandlerTest, RefusesLargeBodiesBeforeDecompressing) {
  EXPECT_EQ(Post(Snappy(V1Body(2000))).status, HttpStatus::kPayloadTooLarge);
  std::string claim;  // 4 GiB - 1 in six bytes
  AppendVarint(&claim, UINT32_MAX);
  EXPECT_EQ(Post(claim + "x").status, HttpStatus::kPayloadTooLarge);
  std::string lie;  // within the limit, but no six bytes can hold it
  AppendVarint(&lie, 9000);
  EXPECT_EQ(Post(lie + "abcd").status, HttpStatus::kBadRequest);
}

TEST_F(RemoteWriteHandlerTest, PartialRefusalNamesReasonsAndCounts) {
  database_.append = [](WriteBatch*) -> Result<AppendResult> {
    AppendResult result;
    result.samples_appended = 7;
    result.samples_rejected = 3;
    result.rejections = {{RejectReason::kSeriesLimit, 3, "series limit of 10 reached by up{}"}};
    return result;
  };
  const Response response = Post(Snappy(V2Body()), kV2);
  EXPECT_EQ(response.status, HttpStatus::kBadRequest);
  EXPECT_EQ(response.body,
            "3 of 10 samples were refused; the others are stored\n"
            "series_limit: 3 samples; first: series limit of 10 reached by up{}\n");
  EXPECT_EQ(HeaderOf(response, "X-Prometheus-Remote-Write-Samples-Written"), "7");
}

TEST_F(RemoteWriteHandlerTest, CountsHistogramsAndExemplars) {
  const WireBuilder series = WireBuilder()
                                 .Packed(1, {1, 2})
                                 .Message(3, WireBuilder().Varint(1, 0))
                                 .Message(3, WireBuilder().Varint(1, 0).Varint(15, 1))
                                 .Message(4, WireBuilder().Packed(1, {1, 2}).Varint(3, 5));
  const Response response = Post(
      Snappy(
          WireBuilder().Bytes(4, "").Bytes(4, "__name__").Bytes(4, "h").Message(5, series).bytes()),
      kV2);
  EXPECT_EQ(response.status, HttpStatus::kNoContent);
  EXPECT_EQ(HeaderOf(response, "X-Prometheus-Remote-Write-Samples-Written"), "0");
  EXPECT_EQ(HeaderOf(response, "X-Prometheus-Remote-Write-Histograms-Written"), "2");
  EXPECT_EQ(HeaderOf(response, "X-Prometheus-Remote-Write-Exemplars-Written"), "1");
  EXPECT_EQ(handler_.metrics().histograms_written.load(), 2u);
  EXPECT_EQ(handler_.metrics().exemplars_written.load(), 1u);
}

TEST_F(RemoteWriteHandlerTest, RefusedHistogramsAndExemplarsAreNamedAndTheRestIsKept) {
  database_.append = [](WriteBatch* batch) {
    Result<AppendResult> result = FakeDatabase::AcceptAll(*batch);
    result->histograms_appended = 0;
    result->histograms_rejected = 1;
    result->rejections = {{RejectReason::kInvalidHistogram, 1, "schema 99"}};
    return result;
  };
  const WireBuilder label = WireBuilder().Bytes(1, "__name__").Bytes(2, "h");
  const WireBuilder series = WireBuilder()
                                 .Message(1, label)
                                 .Message(2, WireBuilder().Varint(2, 5))
                                 .Message(3, WireBuilder().Message(1, label).Message(1, label))
                                 .Message(4, WireBuilder().ZigZag(4, 99));
  const Response response = Post(Snappy(WireBuilder().Message(1, series).bytes()));
  EXPECT_EQ(response.status, HttpStatus::kBadRequest);
  EXPECT_TRUE(response.body.starts_with(
      "1 of 1 histograms, 1 of 1 exemplars were refused; the others are stored\n"
      "invalid_histogram: 1 histograms; first: schema 99\n"
      "invalid_exemplar: 1 exemplars; first: "))
      << response.body;
  EXPECT_EQ(database_.append_count, 1);
  EXPECT_EQ(handler_.metrics().histograms_refused.load(), 1u);
  EXPECT_EQ(handler_.metrics().exemplars_refused.load(), 1u);
}

TEST_F(RemoteWriteHandlerTest, PressureAndFailuresTellTheSenderWhetherToRetry) {
  const auto answer_to = [this](Status status) {
    database_.append = [status](WriteBatch*) -> Result<AppendResult> { return status; };
    return Post(Snappy(V1Body(1)));
  };
  const Response memory = answer_to(ResourceExhaustedError("head memory is full"));
  EXPECT_EQ(memory.status, HttpStatus::kTooManyRequests);
  EXPECT_EQ(HeaderOf(memory, "Retry-After"), "1");
  const Response disk = answer_to(ResourceExhaustedError("free disk 10 bytes is below the floor"));
  EXPECT_EQ(disk.status, HttpStatus::kInsufficientStorage);
  EXPECT_NE(HeaderOf(disk, "Retry-After"), "(none)");
  EXPECT_EQ(answer_to(ResourceExhaustedError("append x: No space left on device")).status,
            HttpStatus::kInsufficientStorage);
  EXPECT_EQ(answer_to(IoError("fsync failed")).status, HttpStatus::kServiceUnavailable);
  EXPECT_EQ(answer_to(FailedPreconditionError("closed")).status, HttpStatus::kServiceUnavailable);
  EXPECT_EQ(answer_to(DataLossError("x")).status, HttpStatus::kInternalServerError);
}

TEST_F(RemoteWriteHandlerTest, NothingToStoreIsASuccess) {
  EXPECT_EQ(Post(Snappy("")).status, HttpStatus::kNoContent);
  EXPECT_EQ(database_.append_count, 0);
}

}  // namespace
}  // namespace varve::server
