// What the HTTP server counts about itself.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "server/http/message.h"

namespace varve::server {

// Thread safety: all members from any thread; reads are not one instant.
struct ConnectionMetrics {
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> refused{0};  // over the limit of connections
  std::atomic<uint64_t> open{0};
  std::atomic<uint64_t> timed_out{0};
  std::atomic<uint64_t> malformed{0};  // requests that were no HTTP, too large or cut off
};

// Of one endpoint.
class EndpointMetrics {
 public:
  static constexpr std::array<HttpStatus, 14> kStatuses = {HttpStatus::kOk,
                                                           HttpStatus::kNoContent,
                                                           HttpStatus::kBadRequest,
                                                           HttpStatus::kNotFound,
                                                           HttpStatus::kMethodNotAllowed,
                                                           HttpStatus::kPayloadTooLarge,
                                                           HttpStatus::kUnsupportedMediaType,
                                                           HttpStatus::kUnprocessableEntity,
                                                           HttpStatus::kTooManyRequests,
                                                           HttpStatus::kInternalServerError,
                                                           HttpStatus::kNotImplemented,
                                                           HttpStatus::kServiceUnavailable,
                                                           HttpStatus::kInsufficientStorage,
                                                           HttpStatus::kRequestTimeout};
  // Upper bounds in seconds, inclusive.
  static constexpr std::array<double, 9> kBuckets = {0.0005, 0.001, 0.005, 0.01, 0.05,
                                                     0.1,    0.5,   1,     10};

  void Record(HttpStatus status, int64_t elapsed_ns);

  uint64_t count(size_t status_index) const { return by_status_[status_index].load(); }
  uint64_t bucket(size_t i) const {
    return buckets_[i].load();
  }  // not cumulative; last: above all bounds
  double elapsed_seconds() const { return static_cast<double>(elapsed_ns_.load()) * 1e-9; }

 private:
  std::array<std::atomic<uint64_t>, kStatuses.size()> by_status_{};
  std::array<std::atomic<uint64_t>, kBuckets.size() + 1> buckets_{};
  std::atomic<int64_t> elapsed_ns_{0};
};

}  // namespace varve::server
