// Searches as Jaeger's APIs ask for them, as TraceQL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/form.h"
#include "varve/status.h"
#include "varve/traceql.h"

namespace varve::server {

struct JaegerQuery {
  std::string service;
  std::string operation;
  // Of the span, of its events or of its resource; compared as text.
  std::vector<std::pair<std::string, std::string>> tags;
  uint64_t start_ns = 0;
  uint64_t end_ns = 0;
  uint64_t duration_min_ns = 0;
  uint64_t duration_max_ns = 0;  // 0: no limit
  size_t limit = 100;

  // One span has to meet all conditions.
  std::string ToTraceQl() const;
};

// Of /api/traces: service, operation, start and end (us), minDuration, maxDuration, limit, tag
// (key:value), tags (a JSON object). The last two days by default.
Result<JaegerQuery> ReadJaegerQuery(const Form& form, int64_t now_ms);
// Of /api/v3/traces: query.service_name, ..., in camel case too.
Result<JaegerQuery> ReadJaegerV3Query(const Form& form);

// The kinds that Jaeger names, in OTLP's order from "internal".
inline constexpr std::string_view kJaegerSpanKinds[] = {"internal", "server", "client", "producer",
                                                        "consumer"};

}  // namespace varve::server
