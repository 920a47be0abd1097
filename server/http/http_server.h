// The HTTP/1.1 and 1.0 server: one I/O thread, which reads requests and writes responses; the
// dispatcher's workers run the handlers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/http/dispatcher.h"
#include "server/http/http_metrics.h"
#include "varve/options.h"
#include "varve/status.h"

namespace varve::server {

struct HttpLimits {
  size_t header_bytes_max = 64 * 1024;           // more: 431
  uint64_t body_bytes_max = uint64_t{64} << 20;  // more: 413, without reading it
  uint64_t body_bytes_total_max = uint64_t{512}
                                  << 20;  // of all requests being read or run; more: 503
  size_t connection_count_max = 1024;     // more: 503 and close
  int64_t idle_timeout_ms = 300'000;      // a kept-alive connection without a request
  int64_t header_timeout_ms = 10'000;  // from the first byte of a request to the end of its header
  int64_t body_timeout_ms = 30'000;    // for a body; every 64 KiB that arrive buy one second more
  int64_t write_timeout_ms = 60'000;   // likewise for the client taking the response
};

using LogFunction = std::function<void(LogLevel, std::string_view)>;

// Thread safety: Start, Stop and the destructor from one thread; the rest from any.
class HttpServer {
 public:
  // Binds `address` ("host:port", "[v6]:port", ":port" for all interfaces; port 0: any free one),
  // so that a port in use is known before anything else starts. kInvalidArgument for a malformed
  // address, kIoError with the address and the reason otherwise.
  static Result<std::unique_ptr<HttpServer>> Bind(const std::string& address,
                                                  const HttpLimits& limits, LogFunction log);
  virtual ~HttpServer() = default;

  // Listens and serves, until Stop; several servers may share a dispatcher. REQUIRES: called once.
  virtual Status Start(std::shared_ptr<Dispatcher> dispatcher) = 0;
  // Stops accepting, closes idle connections and gives requests under way `drain_ms` to be
  // answered; then cancels and cuts off the rest. Idempotent.
  virtual void Stop(int64_t drain_ms) = 0;

  virtual std::string address() const = 0;  // with the real port
  virtual const ConnectionMetrics& connection_metrics() const = 0;
};

}  // namespace varve::server
