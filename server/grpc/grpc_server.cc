#include "server/grpc/grpc_server.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <stop_token>
#include <string_view>
#include <utility>
#include <vector>

#include "base/wire_reader.h"

namespace varve::server {
namespace {

struct Method {
  std::string_view name;
  std::string_view path;  // of the endpoint
};

constexpr Method kMethods[] = {
    {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", "/v1/traces"},
    {"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "/v1/metrics"},
};

const Method* FindMethod(std::string_view name) {
  for (const Method& method : kMethods) {
    if (method.name == name) return &method;
  }
  return nullptr;
}

// By the HTTP status. Of these, senders try UNAVAILABLE again
// (https://opentelemetry.io/docs/specs/otlp, "Failures").
grpc::StatusCode CodeOf(HttpStatus status) {
  switch (status) {
    case HttpStatus::kBadRequest:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case HttpStatus::kPayloadTooLarge:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case HttpStatus::kNotFound:
    case HttpStatus::kNotImplemented:
    case HttpStatus::kUnsupportedMediaType:
      return grpc::StatusCode::UNIMPLEMENTED;
    case HttpStatus::kTooManyRequests:
    case HttpStatus::kServiceUnavailable:
    case HttpStatus::kInsufficientStorage:
    case HttpStatus::kRequestTimeout:
      return grpc::StatusCode::UNAVAILABLE;
    default:
      return grpc::StatusCode::INTERNAL;
  }
}

// The message of a google.rpc.Status, or the body where it is text.
std::string MessageOf(const Response& response) {
  if (response.content_type != "application/x-protobuf") return response.body;
  WireError error;
  std::string text;
  for (WireReader message(response.body, &error); !message.done();) {
    const uint32_t tag = message.Tag();
    if (tag == WireTag(2, WireType::kBytes)) {
      text = message.Bytes("a message");
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return text;
}

class Call;

// The call's request on its way through the dispatcher.
class GrpcExchange final : public Exchange {
 public:
  GrpcExchange(Call* call, std::string_view path) : call_(call) {
    request.method = server::Method::kPost;
    request.path = path;
    request.headers = {{"Content-Type", "application/x-protobuf"}};
    request.stop = stop_.get_token();
  }
  bool SetBody(const grpc::ByteBuffer& message) {
    std::vector<grpc::Slice> slices;
    if (!message.Dump(&slices).ok()) return false;
    body_.reserve(message.Length());
    for (const grpc::Slice& slice : slices) {
      body_.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
    request.body = body_;
    return true;
  }
  void Cancel() { stop_.request_stop(); }
  void Complete() override;

 private:
  Call* const call_;  // lives until it was answered
  std::string body_;
  std::stop_source stop_;
};

// One call; deletes itself when gRPC is done with it.
class Call final : public grpc::ServerGenericBidiReactor {
 public:
  Call(Dispatcher* dispatcher, const std::string& name) : dispatcher_(dispatcher) {
    const Method* method = FindMethod(name);
    if (method == nullptr) {
      Finish(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "unknown method " + name));
      return;
    }
    exchange_ = std::make_shared<GrpcExchange>(this, method->path);
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "the call has no message"));
      return;
    }
    if (!exchange_->SetBody(message_)) {
      Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "the message cannot be expanded"));
      return;
    }
    message_.Clear();
    dispatcher_->Submit(exchange_);
  }

  void Answer(const Response& response) {
    if (response.status != HttpStatus::kOk) {
      Finish(grpc::Status(CodeOf(response.status), MessageOf(response)));
      return;
    }
    const grpc::Slice slice(response.body);
    message_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc::Status::OK);
  }

  void OnCancel() override {
    if (exchange_ != nullptr) exchange_->Cancel();
  }
  void OnDone() override { delete this; }

 private:
  Dispatcher* const dispatcher_;
  std::shared_ptr<GrpcExchange> exchange_;
  grpc::ByteBuffer message_;
};

void GrpcExchange::Complete() { call_->Answer(response); }

class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(Dispatcher* dispatcher) : dispatcher_(dispatcher) {}
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Call(dispatcher_, context->method());
  }

 private:
  Dispatcher* const dispatcher_;
};

class GrpcServerImpl final : public GrpcServer {
 public:
  explicit GrpcServerImpl(std::shared_ptr<Dispatcher> dispatcher)
      : dispatcher_(std::move(dispatcher)), service_(dispatcher_.get()) {}
  ~GrpcServerImpl() override { Stop(0); }

  Status Open(const std::string& address, const GrpcLimits& limits) {
    grpc::ServerBuilder builder;
    grpc::ResourceQuota quota("otlp");
    quota.Resize(limits.memory_bytes_max);
    builder.SetResourceQuota(quota);
    builder.SetMaxReceiveMessageSize(static_cast<int>(limits.message_bytes_max));
    // Another server on the port is an error to be told, not a companion.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    int port = 0;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      server_.reset();
      return IoError("cannot listen on " + address + " for gRPC");
    }
    address_ = address.substr(0, address.rfind(':') + 1) + std::to_string(port);
    return OkStatus();
  }

  void Stop(int64_t drain_ms) override {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(drain_ms));
    server_->Wait();
    server_.reset();
  }
  std::string address() const override { return address_; }

 private:
  const std::shared_ptr<Dispatcher> dispatcher_;
  Service service_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

Result<std::unique_ptr<GrpcServer>> GrpcServer::Start(const std::string& address,
                                                      std::shared_ptr<Dispatcher> dispatcher,
                                                      const GrpcLimits& limits) {
  auto server = std::make_unique<GrpcServerImpl>(std::move(dispatcher));
  if (Status status = server->Open(address, limits); !status.ok()) return status;
  return std::unique_ptr<GrpcServer>(std::move(server));
}

}  // namespace varve::server
