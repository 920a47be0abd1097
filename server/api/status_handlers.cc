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
  json.Key("GOMAXPROCS");
  json.Integer(uint64_t{std::thread::hardware_concurrency()});
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

Response HandleTsdbStatus(const ApiContext& context, const Request& request) {
  const Result<Form> form = ReadForm(request);
  if (!form.ok()) return ErrorAnswer(form.status());
  const Result<size_t> limit = CountParameter(*form, "limit", kTsdbLimitDefault);
  if (!limit.ok() || *limit == 0) {
    return ErrorAnswer(InvalidArgumentError("limit must be a positive number"));
  }
  const CardinalityReport report = context.database->Cardinality(std::min(*limit, kTsdbLimitMax));
  SuccessAnswer answer;
  JsonWriter& json = answer.json();
  json.BeginObject();
  WriteHeadStatistics(context.database->Statistics(), report.label_pair_count, &json);
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

Response HandleExemplars(const ApiContext&, const Request&) { return SuccessLiteral("[]"); }

Response HandleHealthy(const ApiContext&, const Request&) {
  return TextResponse(HttpStatus::kOk, "Varve is healthy.\n");
}

Response HandleReady(const ApiContext&, const Request&) {
  return TextResponse(HttpStatus::kOk, "Varve is ready.\n");
}

Response HandleFlush(const ApiContext& context, const Request&) {
  if (const Status status = context.database->Flush(); !status.ok()) return ErrorAnswer(status);
  Response response;
  response.status = HttpStatus::kNoContent;
  return response;
}

}  // namespace varve::server
