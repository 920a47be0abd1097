// TraceQL results as messages of tempopb, for clients that ask for application/protobuf
// (https://github.com/grafana/tempo, pkg/tempopb/tempo.proto).
#pragma once

#include <string>

#include "server/tempo/tempo_json.h"
#include "varve/traceql.h"

namespace varve::server {

// SearchResponse.
std::string TempoSearchProtobuf(const traceql::SearchResult& result);
// QueryRangeResponse, QueryInstantResponse.
std::string TempoMetricsProtobuf(const traceql::MetricsResult& result, TempoMetrics form);

}  // namespace varve::server
