// Names of OpenTelemetry made into names of Prometheus, by the default strategy of Prometheus'
// receiver (UnderscoreEscapingWithSuffixes):
// https://github.com/open-telemetry/opentelemetry-specification, compatibility with Prometheus.
#pragma once

#include <string>
#include <string_view>

namespace varve::server {

// What decides about suffixes besides the unit.
enum class OtlpMetricKind { kGauge, kMonotonicSum, kOther };

// "http.server.duration" in "ms" becomes http_server_duration_milliseconds; a monotonic sum ends in
// _total, a gauge of unit 1 in _ratio. Units in braces ("{request}") give no suffix. Empty where
// the name holds nothing that may stand in a name.
std::string PrometheusMetricName(std::string_view name, std::string_view unit, OtlpMetricKind kind);

// "http.method" becomes http_method; a leading digit gets "key_" in front, a single leading
// underscore "key".
std::string PrometheusLabelName(std::string_view key);

}  // namespace varve::server
