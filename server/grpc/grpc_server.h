// OTLP over gRPC: every call becomes a request to the endpoint that takes the same message over
// HTTP, with the same workers, limits and answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "server/http/dispatcher.h"
#include "varve/status.h"

namespace varve::server {

struct GrpcLimits {
  size_t message_bytes_max = size_t{64} << 20;  // decompressed; more: RESOURCE_EXHAUSTED
  size_t memory_bytes_max = size_t{512} << 20;  // of all connections' buffers
};

// Thread safety: Stop and the destructor from one thread; the rest from any.
class GrpcServer {
 public:
  // Listens on `address` (host:port; port 0: any free one) and serves until Stop. `dispatcher` is
  // shared with the HTTP server. kIoError when it cannot listen there.
  static Result<std::unique_ptr<GrpcServer>> Start(const std::string& address,
                                                   std::shared_ptr<Dispatcher> dispatcher,
                                                   const GrpcLimits& limits);
  virtual ~GrpcServer() = default;

  // Takes no further calls and gives those under way `drain_ms`. Idempotent.
  virtual void Stop(int64_t drain_ms) = 0;
  virtual std::string address() const = 0;  // with the real port
};

}  // namespace varve::server
