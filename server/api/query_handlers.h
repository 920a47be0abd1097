// /api/v1/query, /query_range, /explain, /format_query, /parse_query.
#pragma once

#include "server/api/api_context.h"
#include "server/http/message.h"

namespace varve::server {

Response HandleInstantQuery(const ApiContext& context, const Request& request);
Response HandleRangeQuery(const ApiContext& context, const Request& request);
// With a step as the range query, else as the instant query; answers with the executed plan instead
// of the result.
Response HandleExplain(const ApiContext& context, const Request& request);
Response HandleFormatQuery(const ApiContext& context, const Request& request);
Response HandleParseQuery(const ApiContext& context, const Request& request);

}  // namespace varve::server
