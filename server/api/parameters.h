// Parameters of Prometheus' HTTP API: their syntax, defaults and error texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/form.h"
#include "server/http/message.h"
#include "varve/database.h"
#include "varve/status.h"

namespace varve::server {

// Unix seconds with decimals, or RFC 3339 with a zone. kInvalidArgument in Prometheus' words.
Result<int64_t> ParseTimeMs(std::string_view text);
// Unix time in nanoseconds: whole seconds, milliseconds, microseconds or nanoseconds, told apart by
// their size; seconds with decimals; or RFC 3339. As Tempo and Jaeger are asked.
Result<uint64_t> ParseTimeNs(std::string_view text);
// Seconds with decimals, or a Prometheus duration ("5m", "1h30m").
Result<int64_t> ParseDurationOrSecondsMs(std::string_view text);
// What names of the Prometheus API's paths may be sent as: "U__http_2e_status" stands for
// "http.status" (https://prometheus.io/docs/instrumenting/escaping_schemes). Text without the
// prefix, or badly escaped, is itself.
std::string UnescapeLabelName(std::string_view name);

// The parameters of a request: of a form body, then of the query string. A gzip body is expanded up
// to 16 MiB.
Result<Form> ReadForm(const Request& request);

// Named parameters of a form; an absent or empty one yields the default. Errors name the parameter.
Result<int64_t> TimeParameter(const Form& form, std::string_view name, int64_t default_ms);
Result<int64_t> DurationParameter(const Form& form, std::string_view name, int64_t default_ms);
Result<size_t> CountParameter(const Form& form, std::string_view name, size_t default_count);
// start and end; all of time by default. kInvalidArgument when the end lies before the start.
Result<TimeRange> TimeRangeParameters(const Form& form);
// Every match[].
Result<std::vector<Selector>> SelectorParameters(const Form& form);

}  // namespace varve::server
