// TraceQL results as Tempo's HTTP API gives them, which is the JSON of tempopb's messages
// (https://github.com/grafana/tempo, pkg/tempopb/tempo.proto): 64-bit integers are strings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/api/json_writer.h"
#include "varve/traceql.h"

namespace varve::server {

// What stands for the root's service, also where no root arrived.
std::string_view RootServiceText(const traceql::FoundTrace& trace);

void WriteTempoSearch(const traceql::SearchResult& result, JsonWriter* json);

enum class TempoMetrics { kRange, kInstant };
void WriteTempoMetrics(const traceql::MetricsResult& result, TempoMetrics form, JsonWriter* json);

// "int", "keyword": the types of tag values.
std::string_view TempoTypeName(traceql::ResultValue::Type type);

// {"inspectedTraces":...}
void WriteTempoStatistics(const traceql::SearchStatistics& statistics, JsonWriter* json);

}  // namespace varve::server
