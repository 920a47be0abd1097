// /metrics: what Varve says about itself.
#pragma once

#include "server/api/api_context.h"
#include "server/http/message.h"

namespace varve::server {

Response HandleSelfMetrics(const ApiContext& context, const Request& request);

}  // namespace varve::server
