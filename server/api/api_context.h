// What the API's handlers work on.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "server/http/dispatcher.h"
#include "server/http/http_metrics.h"
#include "server/ingest/remote_write_handler.h"
#include "server/otlp/otlp_handler.h"
#include "server/remote_read/remote_read_handler.h"
#include "varve/database.h"
#include "varve/promql.h"
#include "varve/traceql.h"

namespace varve::server {

// Borrows everything it points to, all of which outlives the server.
struct ApiContext {
  Database* database = nullptr;
  promql::Engine* engine = nullptr;
  traceql::Engine* traces = nullptr;
  RemoteWriteHandler* remote_write = nullptr;
  RemoteReadHandler* remote_read = nullptr;
  OtlpHandler* otlp = nullptr;
  const ConnectionMetrics* connections = nullptr;
  const Dispatcher* dispatcher = nullptr;  // set before the first request
  const Clock* clock = Clock::System();

  int64_t start_time_ms = 0;
  std::string snapshot_directory;                          // where snapshots go
  std::string retention;                                   // "90d", "forever"
  std::vector<std::pair<std::string, std::string>> flags;  // name without dashes, value
};

// The version of Prometheus whose HTTP API is spoken here; clients choose what they ask for by it.
inline constexpr const char* kPrometheusApiVersion = "3.0.0";

}  // namespace varve::server
