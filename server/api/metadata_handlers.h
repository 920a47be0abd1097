// /api/v1/series, /labels, /label/<name>/values, /metadata.
#pragma once

#include <string_view>

#include "server/api/api_context.h"
#include "server/http/message.h"

namespace varve::server {

Response HandleSeries(const ApiContext& context, const Request& request);
Response HandleLabelNames(const ApiContext& context, const Request& request);
// `name` may be escaped ("U__...").
Response HandleLabelValues(const ApiContext& context, const Request& request,
                           std::string_view name);
Response HandleMetadata(const ApiContext& context, const Request& request);

}  // namespace varve::server
