// OTLP over HTTP: POST /v1/metrics
// (https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "server/http/endpoint.h"
#include "server/http/message.h"
#include "server/otlp/metrics_decoder.h"
#include "varve/database.h"

namespace varve::server {

// Thread safety: any thread; reads are not one instant.
struct OtlpMetrics {
  std::atomic<uint64_t> metric_requests{0};
  std::atomic<uint64_t> requests_undecodable{0};
  std::atomic<uint64_t> points_received{0};
  std::atomic<uint64_t> points_refused{0};
};

struct OtlpOptions {
  size_t body_bytes_max = size_t{64} << 20;  // decompressed; more: 413
};

class OtlpHandler {
 public:
  // `database` is borrowed. Calls come from workers 0 .. worker_count - 1, each with one call at a
  // time.
  OtlpHandler(Database* database, const OtlpOptions& options, size_t worker_count);

  Response HandleMetrics(const Request& request, const CallContext& context);
  const OtlpMetrics& metrics() const { return metrics_; }

 private:
  Database* const database_;
  const OtlpOptions options_;
  std::vector<std::unique_ptr<OtlpMetricsScratch>> scratch_;  // by worker
  OtlpMetrics metrics_;
};

}  // namespace varve::server
