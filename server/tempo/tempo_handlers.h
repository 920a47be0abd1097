// Tempo's HTTP API (https://grafana.com/docs/tempo/latest/api_docs), so that a Tempo data source
// of Grafana works. Errors are plain text, as Tempo's are.
#pragma once

#include <vector>

#include "server/api/api_context.h"
#include "server/http/endpoint.h"

namespace varve::server {

// The version of Tempo whose API is spoken; Grafana chooses what it asks for by it.
inline constexpr const char* kTempoApiVersion = "3.0.0";

std::vector<Endpoint> TempoEndpoints(const ApiContext* context);

}  // namespace varve::server
