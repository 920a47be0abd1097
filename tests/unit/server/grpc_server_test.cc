// Calls over gRPC as a client makes them, and the requests they become.
#include "server/grpc/grpc_server.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

namespace varve::server {
namespace {

struct Outcome {
  grpc::Status status;
  std::string body;
};

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

class GrpcServerTest : public testing::Test {
 protected:
  GrpcServerTest() {
    const auto answer = [this](const Request& request, const CallContext&) {
      last_path_ = request.path;
      last_type_ = request.Header("Content-Type");
      last_body_ = request.body;
      return response_;
    };
    std::vector<Endpoint> endpoints = {
        {"/v1/traces", {Method::kPost}, Lane::kWrite, answer},
        {"/v1/metrics", {Method::kPost}, Lane::kWrite, answer},
    };
    GrpcLimits limits;
    limits.message_bytes_max = 1 << 20;
    auto server = GrpcServer::Start(
        "127.0.0.1:0", std::make_shared<Dispatcher>(DispatcherOptions(), std::move(endpoints)),
        limits);
    EXPECT_TRUE(server.ok()) << server.status().message();
    server_ = *std::move(server);
    stub_ = std::make_unique<grpc::GenericStub>(
        grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials()));
    response_.content_type = "application/x-protobuf";
  }

  Outcome Call(const std::string& method, const std::string& body,
               grpc_compression_algorithm compression = GRPC_COMPRESS_NONE) {
    grpc::ClientContext context;
    context.set_compression_algorithm(compression);
    const grpc::Slice slice(body);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer answer;
    std::promise<grpc::Status> done;
    stub_->UnaryCall(&context, method, grpc::StubOptions(), &request, &answer,
                     [&done](grpc::Status status) { done.set_value(std::move(status)); });
    Outcome outcome;
    outcome.status = done.get_future().get();
    outcome.body = BytesOf(answer);
    return outcome;
  }

  static constexpr const char* kTraces =
      "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
  static constexpr const char* kMetrics =
      "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

  Response response_;
  std::string last_path_;
  std::string last_type_;
  std::string last_body_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

TEST_F(GrpcServerTest, ACallIsARequest) {
  response_.body = "answer";
  const Outcome traces = Call(kTraces, "spans");
  EXPECT_TRUE(traces.status.ok()) << traces.status.error_message();
  EXPECT_EQ(traces.body, "answer");
  EXPECT_EQ(last_path_, "/v1/traces");
  EXPECT_EQ(last_type_, "application/x-protobuf");
  EXPECT_EQ(last_body_, "spans");
  response_.body = "";
  const std::string large(100'000, 'm');
  EXPECT_TRUE(Call(kMetrics, large, GRPC_COMPRESS_GZIP).status.ok());
  EXPECT_EQ(last_path_, "/v1/metrics");
  EXPECT_EQ(last_body_, large);
  EXPECT_TRUE(Call(kMetrics, "").status.ok());
  EXPECT_EQ(last_body_, "");
}

TEST_F(GrpcServerTest, FailuresHaveACodeAndAMessage) {
  response_.status = HttpStatus::kBadRequest;
  response_.body = std::string("\x08\x03\x12\x03why", 7);
  const Outcome bad = Call(kTraces, "x");
  EXPECT_EQ(bad.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(bad.status.error_message(), "why");
  response_ = TextResponse(HttpStatus::kTooManyRequests, "later");
  const Outcome busy = Call(kTraces, "x");
  EXPECT_EQ(busy.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(busy.status.error_message(), "later");
  EXPECT_EQ(
      Call("/opentelemetry.proto.collector.logs.v1.LogsService/Export", "x").status.error_code(),
      grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(Call(kTraces, std::string(2 << 20, 'x')).status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(GrpcServerTest, APortInUseIsAnError) {
  const auto second = GrpcServer::Start(
      server_->address(),
      std::make_shared<Dispatcher>(DispatcherOptions(), std::vector<Endpoint>()), {});
  EXPECT_EQ(second.status().code(), StatusCode::kIoError);
}

TEST_F(GrpcServerTest, StopsWithClientsConnected) {
  EXPECT_TRUE(Call(kTraces, "x").status.ok());
  server_->Stop(1000);
  EXPECT_EQ(Call(kTraces, "x").status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace varve::server
