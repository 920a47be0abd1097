#include "server/tempo/tempo_handlers.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "base/varint.h"
#include "base/wire_reader.h"
#include "server/api/json_writer.h"
#include "server/api/parameters.h"
#include "server/otlp/otlp_to_json.h"
#include "server/tempo/tempo_json.h"
#include "server/tempo/tempo_parameters.h"
#include "server/tempo/tempo_protobuf.h"
#include "varve/traceql.h"

namespace varve::server {
namespace {

constexpr size_t kTracesDefault = 20;
constexpr size_t kSpansDefault = 3;
constexpr size_t kExemplarsDefault = 100;
// Distinct values that are answered when no limit is asked for.
constexpr size_t kTagValuesMax = 100'000;
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kProtobuf = "application/protobuf";

Response Failure(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
      return TextResponse(HttpStatus::kBadRequest, status.message());
    case StatusCode::kNotFound:
      return TextResponse(HttpStatus::kNotFound, status.message());
    case StatusCode::kOutOfRange:
    case StatusCode::kResourceExhausted:
      return TextResponse(HttpStatus::kUnprocessableEntity, status.message());
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kCancelled:
    case StatusCode::kUnavailable:
      return TextResponse(HttpStatus::kServiceUnavailable, status.message());
    default:
      return TextResponse(HttpStatus::kInternalServerError, status.message());
  }
}

template <typename Write>
Response Json(Write&& write) {
  Response response;
  response.content_type = kJson;
  JsonWriter json(&response.body);
  write(&json);
  return response;
}

Response Answer(Result<Response> response) {
  return response.ok() ? *std::move(response) : Failure(response.status());
}

Response Protobuf(std::string message) {
  Response response;
  response.content_type = kProtobuf;
  response.body = std::move(message);
  return response;
}

bool WantsProtobuf(const Request& request) {
  return request.Header("Accept").find(kProtobuf) != std::string_view::npos;
}

Result<std::string> FindTrace(const ApiContext& context, std::string_view id_text) {
  ASSIGN_OR_RETURN(const std::string id, ParseTraceId(id_text));
  ASSIGN_OR_RETURN(std::optional<std::string> trace, context.database->Trace(id));
  if (!trace) return NotFoundError("trace not found");
  return *std::move(trace);
}

// TracesData is tempopb.Trace too, and the root's name is all that its JSON differs in.
Result<Response> TraceV1(const ApiContext& context, const Request& request, std::string_view id) {
  RETURN_IF_ERROR(ReadForm(request).status());
  ASSIGN_OR_RETURN(std::string trace, FindTrace(context, id));
  Response response;
  if (WantsProtobuf(request)) {
    response.content_type = kProtobuf;
    response.body = std::move(trace);
    return response;
  }
  response.content_type = kJson;
  RETURN_IF_ERROR(AppendOtlpJson(trace, OtlpJsonStyle::kProtobuf, "batches", &response.body));
  return response;
}

// tempopb.TraceByIDResponse: the trace is its first field, the status COMPLETE is left out.
Result<Response> TraceV2(const ApiContext& context, const Request& request, std::string_view id) {
  RETURN_IF_ERROR(ReadForm(request).status());
  ASSIGN_OR_RETURN(const std::string trace, FindTrace(context, id));
  Response response;
  if (WantsProtobuf(request)) {
    response.content_type = kProtobuf;
    AppendVarint(&response.body, WireTag(1, WireType::kBytes));
    AppendLengthPrefixed(&response.body, trace);
    return response;
  }
  response.content_type = kJson;
  response.body = R"({"trace":)";
  RETURN_IF_ERROR(AppendOtlpJson(trace, OtlpJsonStyle::kProtobuf, "resourceSpans", &response.body));
  response.body += R"(,"metrics":{"inspectedBytes":")" + std::to_string(trace.size()) +
                   R"("},"status":"COMPLETE","message":""})";
  return response;
}

Result<Response> Search(const ApiContext& context, const Request& request) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  traceql::SearchRequest search;
  search.query = form.Get("q");
  if (!search.query.empty() && !form.Get("tags").empty()) {
    return InvalidArgumentError("can't specify tags and q in the same query");
  }
  if (search.query.empty()) {
    ASSIGN_OR_RETURN(search.query, TagsQuery(form));
  }
  ASSIGN_OR_RETURN(const NsRange range, NsRangeParameters(form));
  search.start_ns = range.start_ns;
  search.end_ns = range.end_ns;
  ASSIGN_OR_RETURN(search.limit, CountParameter(form, "limit", kTracesDefault));
  if (search.limit == 0) return InvalidArgumentError("invalid limit: must be a positive number");
  ASSIGN_OR_RETURN(search.spans_max, CountParameter(form, "spss", kSpansDefault));
  search.stop = request.stop;
  ASSIGN_OR_RETURN(const traceql::SearchResult result, context.traces->Search(search));
  if (WantsProtobuf(request)) return Protobuf(TempoSearchProtobuf(result));
  return Json([&](JsonWriter* json) { WriteTempoSearch(result, json); });
}

Result<Response> TagsV1(const ApiContext& context, const Request& request) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  ASSIGN_OR_RETURN(const NsRange range, NsRangeParameters(form));
  const std::string_view scope = form.Get("scope");
  ASSIGN_OR_RETURN(const std::vector<traceql::ScopeTags> scopes,
                   context.traces->Tags(scope, range.start_ns, range.end_ns));
  std::vector<std::string> names;
  for (const traceql::ScopeTags& tags : scopes) {
    if (tags.scope == "intrinsic" && scope != "intrinsic") continue;
    names.insert(names.end(), tags.tags.begin(), tags.tags.end());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return Json([&](JsonWriter* json) {
    json->BeginObject();
    json->Key("tagNames");
    json->BeginArray();
    for (const std::string& name : names) json->String(name);
    json->EndArray();
    json->EndObject();
  });
}

Result<Response> TagsV2(const ApiContext& context, const Request& request) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  ASSIGN_OR_RETURN(const NsRange range, NsRangeParameters(form));
  ASSIGN_OR_RETURN(const std::vector<traceql::ScopeTags> scopes,
                   context.traces->Tags(form.Get("scope"), range.start_ns, range.end_ns));
  return Json([&](JsonWriter* json) {
    json->BeginObject();
    json->Key("scopes");
    json->BeginArray();
    for (const traceql::ScopeTags& tags : scopes) {
      json->BeginObject();
      json->Key("name");
      json->String(tags.scope);
      json->Key("tags");
      json->BeginArray();
      for (const std::string& tag : tags.tags) json->String(tag);
      json->EndArray();
      json->EndObject();
    }
    json->EndArray();
    json->Key("metrics");
    WriteTempoStatistics({}, json);
    json->EndObject();
  });
}

Result<std::vector<traceql::ResultValue>> TagValues(const ApiContext& context, const Form& form,
                                                    std::string_view attribute) {
  ASSIGN_OR_RETURN(const NsRange range, NsRangeParameters(form));
  ASSIGN_OR_RETURN(const size_t limit, CountParameter(form, "limit", kTagValuesMax));
  return context.traces->TagValues(attribute, form.Get("q"), range.start_ns, range.end_ns,
                                   limit == 0 ? kTagValuesMax : limit);
}

Result<Response> TagValuesV1(const ApiContext& context, const Request& request,
                             std::string_view tag) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  ASSIGN_OR_RETURN(const std::vector<traceql::ResultValue> values,
                   TagValues(context, form, TagAttribute(tag)));
  return Json([&](JsonWriter* json) {
    json->BeginObject();
    json->Key("tagValues");
    json->BeginArray();
    for (const traceql::ResultValue& value : values) json->String(value.text);
    json->EndArray();
    json->EndObject();
  });
}

Result<Response> TagValuesV2(const ApiContext& context, const Request& request,
                             std::string_view tag) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  ASSIGN_OR_RETURN(const std::vector<traceql::ResultValue> values, TagValues(context, form, tag));
  return Json([&](JsonWriter* json) {
    json->BeginObject();
    json->Key("tagValues");
    json->BeginArray();
    for (const traceql::ResultValue& value : values) {
      json->BeginObject();
      json->Key("type");
      json->String(TempoTypeName(value.type));
      json->Key("value");
      json->String(value.text);
      json->EndObject();
    }
    json->EndArray();
    json->Key("metrics");
    WriteTempoStatistics({}, json);
    json->EndObject();
  });
}

// About 240 steps, each a whole multiple of a round one, as Tempo chooses.
uint64_t DefaultStepNs(uint64_t range_ns) {
  constexpr uint64_t kSecond = 1'000'000'000;
  constexpr uint64_t kShortest = kSecond / 20;
  const uint64_t step = range_ns / 240;
  if (range_ns < 60 * kSecond) return std::max(kShortest, step / kShortest * kShortest);
  for (const uint64_t round_s : {3600, 300, 60, 15, 5, 1}) {
    const uint64_t round_ns = round_s * kSecond;
    if (round_ns < step) return step / round_ns * round_ns;
  }
  return kSecond;
}

Result<traceql::MetricsRequest> ReadMetricsRequest(const ApiContext& context,
                                                   const Request& request, const Form& form) {
  traceql::MetricsRequest metrics;
  metrics.query = form.Find("q").value_or(form.Get("query"));
  ASSIGN_OR_RETURN(const NsRange range, MetricsRangeParameters(form, context.clock->NowMs()));
  metrics.start_ns = range.start_ns;
  metrics.end_ns = range.end_ns;
  ASSIGN_OR_RETURN(metrics.exemplars_max, CountParameter(form, "exemplars", kExemplarsDefault));
  if (metrics.exemplars_max == 0) metrics.exemplars_max = kExemplarsDefault;
  metrics.stop = request.stop;
  return metrics;
}

Result<Response> MetricsRange(const ApiContext& context, const Request& request) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  ASSIGN_OR_RETURN(traceql::MetricsRequest metrics, ReadMetricsRequest(context, request, form));
  metrics.step_ns = DefaultStepNs(metrics.end_ns - metrics.start_ns);
  if (const std::string_view step = form.Get("step"); !step.empty()) {
    const Result<uint64_t> step_ns = ParseDurationNs(step);
    if (!step_ns.ok()) return step_ns.status().WithContext("invalid step");
    if (*step_ns == 0) return InvalidArgumentError("invalid step \"" + std::string(step) + "\"");
    metrics.step_ns = *step_ns;
  }
  ASSIGN_OR_RETURN(const traceql::MetricsResult result, context.traces->Metrics(metrics));
  if (WantsProtobuf(request)) {
    return Protobuf(TempoMetricsProtobuf(result, TempoMetrics::kRange));
  }
  return Json([&](JsonWriter* json) { WriteTempoMetrics(result, TempoMetrics::kRange, json); });
}

Result<Response> MetricsInstant(const ApiContext& context, const Request& request) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  ASSIGN_OR_RETURN(traceql::MetricsRequest metrics, ReadMetricsRequest(context, request, form));
  metrics.exemplars_max = 0;
  ASSIGN_OR_RETURN(const traceql::MetricsResult result, context.traces->Metrics(metrics));
  if (WantsProtobuf(request)) {
    return Protobuf(TempoMetricsProtobuf(result, TempoMetrics::kInstant));
  }
  return Json([&](JsonWriter* json) { WriteTempoMetrics(result, TempoMetrics::kInstant, json); });
}

Result<Response> BuildInfo(const ApiContext&, const Request&) {
  return Json([](JsonWriter* json) {
    json->BeginObject();
    for (const auto& [key, value] :
         {std::pair("version", kTempoApiVersion), std::pair("revision", "varve " VARVE_VERSION),
          std::pair("branch", ""), std::pair("buildUser", ""), std::pair("buildDate", ""),
          std::pair("goVersion", "")}) {
      json->Key(key);
      json->String(value);
    }
    json->EndObject();
  });
}

Result<Response> Echo(const ApiContext&, const Request&) {
  return TextResponse(HttpStatus::kOk, "echo");
}

Result<Response> Ready(const ApiContext&, const Request&) {
  return TextResponse(HttpStatus::kOk, "ready");
}

using PlainHandler = Result<Response> (*)(const ApiContext&, const Request&);
using PathHandler = Result<Response> (*)(const ApiContext&, const Request&, std::string_view);

struct PlainRow {
  const char* path;
  Lane lane;
  PlainHandler handler;
};
constexpr PlainRow kPlainRows[] = {
    {"/api/search", Lane::kQuery, Search},
    {"/api/search/tags", Lane::kQuery, TagsV1},
    {"/api/v2/search/tags", Lane::kQuery, TagsV2},
    {"/api/metrics/query_range", Lane::kQuery, MetricsRange},
    {"/api/metrics/query", Lane::kQuery, MetricsInstant},
    {"/api/status/buildinfo", Lane::kControl, BuildInfo},
    {"/api/echo", Lane::kControl, Echo},
    {"/ready", Lane::kControl, Ready},
};

struct PathRow {
  const char* path;
  PathHandler handler;
};
constexpr PathRow kPathRows[] = {
    {"/api/traces/{id}", TraceV1},
    {"/api/v2/traces/{id}", TraceV2},
    {"/api/search/tag/{name}/values", TagValuesV1},
    {"/api/v2/search/tag/{name}/values", TagValuesV2},
};

}  // namespace

std::vector<Endpoint> TempoEndpoints(const ApiContext* context) {
  std::vector<Endpoint> endpoints;
  constexpr MethodSet kGetPost = {Method::kGet, Method::kPost};
  for (const PlainRow& row : kPlainRows) {
    endpoints.push_back(
        {row.path, kGetPost, row.lane,
         [context, handler = row.handler](const Request& request, const CallContext&) {
           return Answer(handler(*context, request));
         }});
  }
  for (const PathRow& row : kPathRows) {
    endpoints.push_back(
        {row.path, kGetPost, Lane::kQuery,
         [context, handler = row.handler](const Request& request, const CallContext& call) {
           return Answer(handler(*context, request, call.path_parameter));
         }});
  }
  return endpoints;
}

}  // namespace varve::server
