#include "server/api/status_handlers.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <ctime>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "server/api/envelope.h"
#include "server/api/parameters.h"

#ifndef VARVE_VERSION
#error "the build defines VARVE_VERSION"
#endif

namespace varve::server {
namespace {

constexpr size_t kTsdbLimitDefault = 10;
constexpr size_t kTsdbLimitMax = 10'000;

std::string Rfc3339(int64_t time_ms) {
  const std::time_t seconds = time_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

void WriteText(std::string_view key, std::string_view value, JsonWriter* json) {
  json->Key(key);
  json->String(value);
}

void WriteCounts(std::string_view key, const std::vector<NamedCount>& counts, JsonWriter* json) {
  json->Key(key);
  json->BeginArray();
  for (const NamedCount& count : counts) {
    json->BeginObject();
    WriteText("name", count.name, json);
    json->Key("value");
    json->Integer(count.value);
    json->EndObject();
  }
  json->EndArray();
}

std::string WorkingDirectory() {
  std::array<char, PATH_MAX> path;
  return getcwd(path.data(), path.size()) != nullptr ? path.data() : "";
}

std::string HostName() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

void WriteHeadStatistics(const DatabaseStatistics& statistics, uint64_t label_pair_count,
                         JsonWriter* json) {
  json->Key("headStats");
  json->BeginObject();
  json->Key("numSeries");
  json->Integer(statistics.head_series_count);
  json->Key("numLabelPairs");
  json->Integer(label_pair_count);
  json->Key("chunkCount");
  json->Integer(statistics.head_chunk_count);
  json->Key("minTime");
  json->Integer(statistics.head_min_time_ms);
  json->Key("maxTime");
  json->Integer(statistics.head_max_time_ms);
  json->EndObject();
}

}  // namespace

Response HandleBuildInfo(const ApiContext&, const Request&) {
  SuccessAnswer answer;
  JsonWriter& json = answer.json();
  json.BeginObject();
  WriteText("version", kPrometheusApiVersion, &json);
  WriteText("revision", "", &json);
  WriteText("branch", "", &json);
  WriteText("buildUser", "", &json);
  WriteText("buildDate", "", &json);
  WriteText("goVersion", "", &json);
  WriteText("application", "varve", &json);
  WriteText("applicationVersion", VARVE_VERSION, &json);
  json.EndObject();
  return answer.Finish();
}

Response HandleRuntimeInfo(const ApiContext& context, const Request&) {
  const DatabaseStatistics statistics = context.database->Statistics();
  SuccessAnswer answer;
  JsonWriter& json = answer.json();
  json.BeginObject();
  WriteText("startTime", Rfc3339(context.start_time_ms), &json);
  WriteText("CWD", WorkingDirectory(), &json);
  WriteText("hostname", HostName(), &json);
  WriteText("serverTime", Rfc3339(context.clock->NowMs()), &json);
  json.Key("reloadConfigSuccess");
  json.True();
  WriteText("lastConfigTime", Rfc3339(context.start_time_ms), &json);
  json.Key("corruptionCount");
  json.Integer(statistics.recovery_damaged_records);
  // What Prometheus says of the Go runtime, for clients that expect the keys.
  json.Key("goroutineCount");
  json.Integer(int64_t{0});
  json.Key("GOMAXPROCS");
  json.Integer(uint64_t{std::thread::hardware_concurrency()});
  json.Key("GOMEMLIMIT");
  json.Integer(int64_t{0});
  WriteText("GOGC", "", &json);
  WriteText("GODEBUG", "", &json);
  WriteText("storageRetention", context.retention, &json);
  json.EndObject();
  return answer.Finish();
}

Response HandleFlags(const ApiContext& context, const Request&) {
  SuccessAnswer answer;
  answer.json().BeginObject();
  for (const auto& [name, value] : context.flags) WriteText(name, value, &answer.json());
  answer.json().EndObject();
  return answer.Finish();
}

Response HandleConfig(const ApiContext& context, const Request&) {
  std::string yaml;
  for (const auto& [name, value] : context.flags) {
    std::string key = name;
    std::replace(key.begin(), key.end(), '-', '_');
    yaml += key + ": ";
    AppendJsonString(value, &yaml);  // which YAML reads as it stands
    yaml += '\n';
  }
  SuccessAnswer answer;
  answer.json().BeginObject();
  WriteText("yaml", yaml, &answer.json());
  answer.json().EndObject();
  return answer.Finish();
}

Response HandleWalReplay(const ApiContext&, const Request&) {
  return SuccessLiteral(R"({"min":0,"max":0,"current":0,"state":"done"})");
}

Response HandleFeatures(const ApiContext& context, const Request&) {
  const promql::EngineOptions& options = context.engine->options();
  const std::pair<std::string_view, bool> features[] = {
      {"anchored", true},
      {"at_modifier", true},
      {"delayed_name_removal", options.delayed_name_removal},
      {"duration_expr", true},
      {"experimental_functions", true},
      {"fill_modifiers", true},
      {"limitk", true},
      {"limit_ratio", true},
      {"negative_offset", true},
      {"smoothed", true},
      {"start_timestamps", options.use_start_timestamps},
      {"type_and_unit_labels", options.type_and_unit_labels},
  };
  SuccessAnswer answer;
  JsonWriter& json = answer.json();
  json.BeginObject();
  json.Key("api");
  json.Literal(R"({"admin":true,"exemplars":true,"explain":true,"query_stats":true,)"
               R"("query_warnings":true,"remote_read":true,"remote_write_receiver":true})");
  json.Key("promql");
  json.BeginObject();
  for (const auto& [name, is_on] : features) {
    json.Key(name);
    is_on ? json.True() : json.False();
  }
  json.EndObject();
  json.EndObject();
  return answer.Finish();
}

Response HandleTsdbStatus(const ApiContext& context, const Request& request) {
  const Result<Form> form = ReadForm(request);
  if (!form.ok()) return ErrorAnswer(form.status());
  const Result<size_t> limit = CountParameter(*form, "limit", kTsdbLimitDefault);
  if (!limit.ok() || *limit == 0) {
    return ErrorAnswer(InvalidArgumentError("limit must be a positive number"));
  }
  const std::string_view scope = form->Get("scope");
  if (!scope.empty() && scope != "head" && scope != "all") {
    return ErrorAnswer(
        InvalidArgumentError("scope must be head or all, not \"" + std::string(scope) + "\""));
  }
  CardinalityReport report;
  if (scope == "all") {
    const Result<TimeRange> range = TimeRangeParameters(*form);
    if (!range.ok()) return ErrorAnswer(range.status());
    Result<CardinalityReport> of_all =
        context.database->Cardinality(std::min(*limit, kTsdbLimitMax), *range);
    if (!of_all.ok()) return ErrorAnswer(of_all.status());
    report = *std::move(of_all);
  } else {
    report = context.database->Cardinality(std::min(*limit, kTsdbLimitMax));
  }
  SuccessAnswer answer;
  JsonWriter& json = answer.json();
  json.BeginObject();
  WriteHeadStatistics(context.database->Statistics(), report.label_pair_count, &json);
  if (scope == "all") {
    json.Key("numSeries");
    json.Integer(report.series_count);
  }
  WriteCounts("seriesCountByMetricName", report.series_by_metric_name, &json);
  WriteCounts("labelValueCountByLabelName", report.values_by_label_name, &json);
  WriteCounts("memoryInBytesByLabelName", report.bytes_by_label_name, &json);
  WriteCounts("seriesCountByLabelValuePair", report.series_by_label_pair, &json);
  json.EndObject();
  return answer.Finish();
}

Response HandleRules(const ApiContext&, const Request&) {
  return SuccessLiteral(R"({"groups":[]})");
}

Response HandleAlerts(const ApiContext&, const Request&) {
  return SuccessLiteral(R"({"alerts":[]})");
}

Response HandleTargets(const ApiContext&, const Request&) {
  return SuccessLiteral(R"({"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}})");
}

Response HandleAlertmanagers(const ApiContext&, const Request&) {
  return SuccessLiteral(R"({"activeAlertmanagers":[],"droppedAlertmanagers":[]})");
}

Response HandleTargetMetadata(const ApiContext&, const Request&) { return SuccessLiteral("[]"); }

Response HandleScrapePools(const ApiContext&, const Request&) {
  return SuccessLiteral(R"({"scrapePools":[]})");
}

Response HandleNotifications(const ApiContext&, const Request&) { return SuccessLiteral("[]"); }

Response HandleHealthy(const ApiContext&, const Request&) {
  return TextResponse(HttpStatus::kOk, "Varve is healthy.\n");
}

Response HandleReady(const ApiContext&, const Request&) {
  return TextResponse(HttpStatus::kOk, "Varve is ready.\n");
}

}  // namespace varve::server
