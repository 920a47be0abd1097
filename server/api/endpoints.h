// The table of everything the server answers.
#pragma once

#include <vector>

#include "server/api/api_context.h"
#include "server/http/endpoint.h"

namespace varve::server {

// `context` is borrowed by the handlers.
std::vector<Endpoint> ApiEndpoints(const ApiContext* context);

}  // namespace varve::server
