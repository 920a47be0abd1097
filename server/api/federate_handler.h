// /federate: the newest sample of each selected series as a scrape would give it.
#pragma once

#include "server/api/api_context.h"
#include "server/http/message.h"

namespace varve::server {

// match[]. Text format (https://prometheus.io/docs/instrumenting/exposition_formats): names that
// are no classic Prometheus names are escaped with underscores unless Accept allows UTF-8. Native
// histograms have no place in it and are left out, as are series that ended.
Response HandleFederate(const ApiContext& context, const Request& request);

}  // namespace varve::server
