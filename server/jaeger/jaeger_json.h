// Traces in the JSON of Jaeger's UI (https://github.com/jaegertracing/jaeger, internal/uimodel).
#pragma once

#include <string_view>

#include "server/api/json_writer.h"
#include "varve/status.h"

namespace varve::server {

// Writes one element of "data": the spans of one trace and its processes. kInvalidArgument when the
// message cannot be read. REQUIRES: all spans of `traces_data` are of one trace.
Status WriteJaegerTrace(std::string_view traces_data, JsonWriter* json);

}  // namespace varve::server
