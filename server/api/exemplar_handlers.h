// /api/v1/query_exemplars.
#pragma once

#include "server/api/api_context.h"
#include "server/http/message.h"

namespace varve::server {

// The exemplars of every series that a selector of the query names.
Response HandleQueryExemplars(const ApiContext& context, const Request& request);

}  // namespace varve::server
