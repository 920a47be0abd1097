#include "server/otlp/otlp_response.h"

#include <utility>

#include "server/api/json_writer.h"
#include "server/http/compression.h"
#include "server/remote_read/proto_writer.h"

namespace varve::server {
namespace {

// Of google.rpc.Code.
constexpr int kRpcInvalidArgument = 3;
constexpr int kRpcResourceExhausted = 8;
constexpr int kRpcUnimplemented = 12;
constexpr int kRpcInternal = 13;
constexpr int kRpcUnavailable = 14;

constexpr size_t kMessageBytesMax = 64 * 1024;

std::string_view ContentTypeOf(OtlpEncoding encoding) {
  return encoding == OtlpEncoding::kJson ? "application/json" : "application/x-protobuf";
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Response StatusResponse(OtlpEncoding encoding, HttpStatus http, int code, std::string_view text) {
  Response response;
  response.status = http;
  response.content_type = ContentTypeOf(encoding);
  if (encoding == OtlpEncoding::kJson) {
    JsonWriter json(&response.body);
    json.BeginObject();
    json.Key("code");
    json.Integer(int64_t{code});
    json.Key("message");
    json.String(text);
    json.EndObject();
  } else {
    ProtoWriter proto(&response.body);
    proto.Signed(1, code);
    proto.Bytes(2, text);
  }
  return response;
}

}  // namespace

Result<OtlpEncoding> OtlpEncodingOf(std::string_view content_type) {
  const std::string_view type = Trim(content_type.substr(0, content_type.find(';')));
  if (EqualsIgnoreCase(type, "application/x-protobuf")) return OtlpEncoding::kProtobuf;
  if (EqualsIgnoreCase(type, "application/json")) return OtlpEncoding::kJson;
  return InvalidArgumentError("Content-Type \"" + std::string(content_type) +
                              "\" is not supported: OTLP bodies are application/x-protobuf or "
                              "application/json");
}

Result<std::string_view> DecompressedBody(const Request& request, size_t size_max,
                                          std::string* buffer) {
  const std::string_view coding = Trim(request.Header("Content-Encoding"));
  if (coding.empty() || EqualsIgnoreCase(coding, "identity")) {
    if (request.body.size() > size_max) {
      return OutOfRangeError("the body has " + std::to_string(request.body.size()) +
                             " bytes; the limit is " + std::to_string(size_max));
    }
    return request.body;
  }
  Result<std::string> plain = std::string();
  if (EqualsIgnoreCase(coding, "gzip")) {
    plain = GunzipAtMost(request.body, size_max);
  } else if (EqualsIgnoreCase(coding, "zstd")) {
    plain = UnzstdAtMost(request.body, size_max);
  } else {
    return UnimplementedError("Content-Encoding \"" + std::string(coding) +
                              "\" is not supported: send gzip, zstd or identity");
  }
  if (!plain.ok()) return plain.status();
  *buffer = *std::move(plain);
  return std::string_view(*buffer);
}

Response OtlpSuccess(OtlpEncoding encoding, const OtlpPartialSuccess& partial) {
  Response response;
  response.content_type = ContentTypeOf(encoding);
  const bool is_whole = partial.rejected == 0 && partial.message.empty();
  const std::string_view message = std::string_view(partial.message).substr(0, kMessageBytesMax);
  if (encoding == OtlpEncoding::kJson) {
    JsonWriter json(&response.body);
    json.BeginObject();
    if (!is_whole) {
      json.Key("partialSuccess");
      json.BeginObject();
      json.Key(partial.json_name);
      json.String(std::to_string(partial.rejected));
      json.Key("errorMessage");
      json.String(message);
      json.EndObject();
    }
    json.EndObject();
  } else if (!is_whole) {
    ProtoWriter(&response.body).Message(1, [&](ProtoWriter* proto) {
      if (partial.rejected > 0) proto->Varint(1, partial.rejected);
      proto->Bytes(2, message);
    });
  }
  return response;
}

Response OtlpFailure(OtlpEncoding encoding, const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
      return StatusResponse(encoding, HttpStatus::kBadRequest, kRpcInvalidArgument,
                            status.message());
    case StatusCode::kOutOfRange:
      return StatusResponse(encoding, HttpStatus::kPayloadTooLarge, kRpcResourceExhausted,
                            status.message());
    case StatusCode::kUnimplemented:
      return StatusResponse(encoding, HttpStatus::kUnsupportedMediaType, kRpcUnimplemented,
                            status.message());
    default:
      return StatusResponse(encoding, HttpStatus::kInternalServerError, kRpcInternal,
                            status.message());
  }
}

// OTLP knows 429, 502, 503 and 504 as worth another try, so a full disk is 429 here, not 507.
Response OtlpAppendFailure(OtlpEncoding encoding, const Status& status) {
  switch (status.code()) {
    case StatusCode::kResourceExhausted: {
      Response response = StatusResponse(encoding, HttpStatus::kTooManyRequests,
                                         kRpcResourceExhausted, status.message());
      response.AddHeader("Retry-After", "1");
      return response;
    }
    case StatusCode::kIoError:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kUnavailable: {
      Response response = StatusResponse(encoding, HttpStatus::kServiceUnavailable, kRpcUnavailable,
                                         status.message());
      response.AddHeader("Retry-After", "10");
      return response;
    }
    default:
      return OtlpFailure(encoding, status);
  }
}

}  // namespace varve::server
