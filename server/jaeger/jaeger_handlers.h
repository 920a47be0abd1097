// Jaeger's query APIs (https://www.jaegertracing.io/docs/latest/apis) under /jaeger: what its UI
// asks for, in the old form and in api_v3 over HTTP.
#pragma once

#include <vector>

#include "server/api/api_context.h"
#include "server/http/endpoint.h"

namespace varve::server {

std::vector<Endpoint> JaegerEndpoints(const ApiContext* context);

}  // namespace varve::server
