// /api/v1/query, /query_range, /format_query.
#pragma once

#include "server/api/api_context.h"
#include "server/http/message.h"

namespace varve::server {

Response HandleInstantQuery(const ApiContext& context, const Request& request);
Response HandleRangeQuery(const ApiContext& context, const Request& request);
Response HandleFormatQuery(const ApiContext& context, const Request& request);

}  // namespace varve::server
