// Requests and responses as handlers see them, whatever carries them.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "varve/status.h"

namespace varve::server {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kDelete, kOptions, kOther };
std::string_view MethodName(Method method);

enum class HttpStatus : int {
  kOk = 200,
  kNoContent = 204,
  kBadRequest = 400,
  kNotFound = 404,
  kMethodNotAllowed = 405,
  kRequestTimeout = 408,
  kPayloadTooLarge = 413,
  kUnsupportedMediaType = 415,
  kUnprocessableEntity = 422,
  kTooManyRequests = 429,
  kRequestHeaderFieldsTooLarge = 431,
  kInternalServerError = 500,
  kNotImplemented = 501,
  kServiceUnavailable = 503,
  kHttpVersionNotSupported = 505,
  kInsufficientStorage = 507,
};
std::string_view ReasonPhrase(HttpStatus status);

struct HeaderView {
  std::string_view name;
  std::string_view value;
};

// All views live until the handler returns.
struct Request {
  Method method = Method::kGet;
  std::string_view path;   // as sent, percent-encoded, without the query string
  std::string_view query;  // as sent, without '?'
  std::vector<HeaderView> headers;
  std::string_view body;
  // Set when the client left or the server gives up on its running requests.
  std::stop_token stop;

  // The first header of that name (letter case is no matter), or empty.
  std::string_view Header(std::string_view name) const;
};

// A body that is made piece by piece, as the client takes it; one caller at a time, any thread.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // Replaces `piece` by the next one; false when it is the last. On an error the connection is cut
  // off, which is all that can still be said.
  virtual Result<bool> Next(std::string* piece) = 0;
};

struct Response {
  HttpStatus status = HttpStatus::kOk;
  std::string_view content_type = "text/plain; charset=utf-8";    // a literal
  std::vector<std::pair<std::string_view, std::string>> headers;  // names are literals
  std::string body;
  // The rest of the body, behind `body`; null: there is none. Sent as chunks (RFC 9112 section
  // 7.1), and never compressed.
  std::shared_ptr<BodyStream> stream;

  void AddHeader(std::string_view name, std::string value) {
    headers.emplace_back(name, std::move(value));
  }
};

Response TextResponse(HttpStatus status, std::string text);

bool EqualsIgnoreCase(std::string_view a, std::string_view b);

}  // namespace varve::server
