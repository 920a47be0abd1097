// OTLP over HTTP: POST /v1/metrics, /v1/traces
// (https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "server/http/endpoint.h"
#include "server/http/message.h"
#include "server/otlp/delta_state.h"
#include "server/otlp/metrics_decoder.h"
#include "server/otlp/otlp_response.h"
#include "varve/database.h"

namespace varve::server {

// Thread safety: any thread; reads are not one instant.
struct OtlpMetrics {
  std::atomic<uint64_t> metric_requests{0};
  std::atomic<uint64_t> trace_requests{0};
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
  Response HandleTraces(const Request& request);
  const OtlpMetrics& metrics() const { return metrics_; }

 private:
  // Null: the body has deltas, and `delta` is null.
  std::optional<Response> StoreMetrics(std::string_view body, OtlpEncoding encoding,
                                       DeltaState* delta, OtlpMetricsScratch* scratch);
  Response Refuse(OtlpEncoding encoding, const Status& why);

  Database* const database_;
  const OtlpOptions options_;
  std::vector<std::unique_ptr<OtlpMetricsScratch>> scratch_;  // by worker
  Mutex delta_mutex_;  // held from a batch's first delta to its append
  DeltaState delta_state_ GUARDED_BY(delta_mutex_);
  OtlpMetrics metrics_;
};

}  // namespace varve::server
