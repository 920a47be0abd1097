#include "server/jaeger/jaeger_handlers.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "server/api/json_writer.h"
#include "server/api/parameters.h"
#include "server/jaeger/jaeger_json.h"
#include "server/jaeger/jaeger_query.h"
#include "server/otlp/any_value.h"
#include "server/otlp/otlp_to_json.h"
#include "server/tempo/tempo_parameters.h"
#include "varve/traceql.h"

namespace varve::server {
namespace {

constexpr std::string_view kJson = "application/json";
// So far back the value that a counter goes on from is looked for.
constexpr int64_t kActiveMs = int64_t{24} * 3600 * 1000;

HttpStatus HttpStatusOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
      return HttpStatus::kBadRequest;
    case StatusCode::kNotFound:
      return HttpStatus::kNotFound;
    case StatusCode::kOutOfRange:
    case StatusCode::kResourceExhausted:
      return HttpStatus::kUnprocessableEntity;
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kCancelled:
    case StatusCode::kUnavailable:
      return HttpStatus::kServiceUnavailable;
    default:
      return HttpStatus::kInternalServerError;
  }
}

// {"data":...,"total":n,"limit":0,"offset":0,"errors":null} around what the caller writes.
class Envelope {
 public:
  Envelope() : json_(&response_.body) {
    response_.content_type = kJson;
    json_.BeginObject();
    json_.Key("data");
  }
  JsonWriter& json() { return json_; }

  Response Finish(size_t total) {
    WriteCounts(total);
    json_.Key("errors");
    json_.Null();
    json_.EndObject();
    return std::move(response_);
  }

  static Response Failure(const Status& status) {
    Envelope envelope;
    envelope.response_.status = HttpStatusOf(status);
    JsonWriter& json = envelope.json_;
    json.Null();
    envelope.WriteCounts(0);
    json.Key("errors");
    json.BeginArray();
    json.BeginObject();
    json.Key("code");
    json.Integer(static_cast<int64_t>(envelope.response_.status));
    json.Key("msg");
    json.String(status.message());
    json.EndObject();
    json.EndArray();
    json.EndObject();
    return std::move(envelope.response_);
  }

 private:
  void WriteCounts(size_t total) {
    json_.Key("total");
    json_.Integer(uint64_t{total});
    json_.Key("limit");
    json_.Integer(uint64_t{0});
    json_.Key("offset");
    json_.Integer(uint64_t{0});
  }

  Response response_;
  JsonWriter json_;
};

// api_v3's errors: {"error":{"httpCode":400,"message":"..."}}
Response FailureV3(const Status& status) {
  Response response;
  response.status = HttpStatusOf(status);
  response.content_type = kJson;
  JsonWriter json(&response.body);
  json.BeginObject();
  json.Key("error");
  json.BeginObject();
  json.Key("httpCode");
  json.Integer(static_cast<int64_t>(response.status));
  json.Key("message");
  json.String(status.message());
  json.EndObject();
  json.EndObject();
  return response;
}

void WriteStrings(const std::vector<std::string>& strings, JsonWriter* json) {
  json->BeginArray();
  for (const std::string& text : strings) json->String(text);
  json->EndArray();
}

Result<std::vector<std::string>> Texts(const ApiContext& context, std::string_view attribute,
                                       const std::string& query) {
  ASSIGN_OR_RETURN(const std::vector<traceql::ResultValue> values,
                   context.traces->TagValues(attribute, query, 0, 0, 0));
  std::vector<std::string> texts;
  for (const traceql::ResultValue& value : values) texts.push_back(value.text);
  return texts;
}

Result<std::vector<std::string>> ServiceNames(const ApiContext& context) {
  return Texts(context, "resource.service.name", "{}");
}

struct Operation {
  std::string name;
  std::string_view kind;  // empty: none
  friend auto operator<=>(const Operation&, const Operation&) = default;
};

// By name and kind. `kind` empty: of any.
Result<std::vector<Operation>> Operations(const ApiContext& context, std::string_view service,
                                          std::string_view kind) {
  std::vector<Operation> operations;
  std::vector<std::string_view> kinds = {"unspecified"};
  kinds.insert(kinds.end(), std::begin(kJaegerSpanKinds), std::end(kJaegerSpanKinds));
  if (!kind.empty()) {
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
      return InvalidArgumentError("unknown span kind \"" + std::string(kind) + "\"");
    }
    kinds = {kind};
  }
  for (const std::string_view one : kinds) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names,
                     Texts(context, "name",
                           "{ resource.service.name = " + TraceQlString(service) +
                               " && kind = " + std::string(one) + " }"));
    for (const std::string& name : names) {
      operations.push_back({name, one == "unspecified" ? std::string_view() : one});
    }
  }
  std::sort(operations.begin(), operations.end());
  return operations;
}

void WriteOperations(const std::vector<Operation>& operations, JsonWriter* json) {
  json->BeginArray();
  for (const Operation& operation : operations) {
    json->BeginObject();
    json->Key("name");
    json->String(operation.name);
    json->Key("spanKind");
    json->String(operation.kind);
    json->EndObject();
  }
  json->EndArray();
}

Result<traceql::SearchResult> Search(const ApiContext& context, const JaegerQuery& query,
                                     const Request& request) {
  traceql::SearchRequest search;
  search.query = query.ToTraceQl();
  search.start_ns = query.start_ns;
  search.end_ns = query.end_ns;
  search.limit = query.limit;
  search.spans_max = 1;
  search.stop = request.stop;
  return context.traces->Search(search);
}

Result<Response> Services(const ApiContext& context, const Request&, std::string_view) {
  ASSIGN_OR_RETURN(const std::vector<std::string> services, ServiceNames(context));
  Envelope envelope;
  WriteStrings(services, &envelope.json());
  return envelope.Finish(services.size());
}

Result<Response> ServiceOperations(const ApiContext& context, const Request&,
                                   std::string_view service) {
  ASSIGN_OR_RETURN(
      const std::vector<std::string> names,
      Texts(context, "name", "{ resource.service.name = " + TraceQlString(service) + " }"));
  Envelope envelope;
  WriteStrings(names, &envelope.json());
  return envelope.Finish(names.size());
}

Result<Response> OperationsOfKind(const ApiContext& context, const Request& request,
                                  std::string_view) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  const std::string_view service = form.Get("service");
  if (service.empty()) return InvalidArgumentError("parameter 'service' is required");
  ASSIGN_OR_RETURN(const std::vector<Operation> operations,
                   Operations(context, service, form.Get("spanKind")));
  Envelope envelope;
  WriteOperations(operations, &envelope.json());
  return envelope.Finish(operations.size());
}

Result<Response> Traces(const ApiContext& context, const Request& request, std::string_view) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  std::vector<std::string> ids;
  for (const std::string_view text : form.All("traceID")) {
    ASSIGN_OR_RETURN(ids.emplace_back(), ParseTraceId(text));
  }
  if (ids.empty()) {
    ASSIGN_OR_RETURN(const JaegerQuery query, ReadJaegerQuery(form, context.clock->NowMs()));
    ASSIGN_OR_RETURN(const traceql::SearchResult found, Search(context, query, request));
    for (const traceql::FoundTrace& trace : found.traces) ids.push_back(trace.trace_id);
  }
  Envelope envelope;
  envelope.json().BeginArray();
  size_t count = 0;
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(const std::optional<std::string> trace, context.database->Trace(id));
    if (!trace) continue;
    ++count;
    RETURN_IF_ERROR(WriteJaegerTrace(*trace, &envelope.json()));
  }
  envelope.json().EndArray();
  return envelope.Finish(count);
}

Result<Response> TraceById(const ApiContext& context, const Request&, std::string_view id_text) {
  ASSIGN_OR_RETURN(const std::string id, ParseTraceId(id_text));
  ASSIGN_OR_RETURN(const std::optional<std::string> trace, context.database->Trace(id));
  if (!trace) return NotFoundError("trace not found");
  Envelope envelope;
  envelope.json().BeginArray();
  RETURN_IF_ERROR(WriteJaegerTrace(*trace, &envelope.json()));
  envelope.json().EndArray();
  return envelope.Finish(1);
}

Response JsonV3() {
  Response response;
  response.content_type = kJson;
  return response;
}

Result<Response> ServicesV3(const ApiContext& context, const Request&, std::string_view) {
  ASSIGN_OR_RETURN(const std::vector<std::string> services, ServiceNames(context));
  Response response = JsonV3();
  JsonWriter json(&response.body);
  json.BeginObject();
  json.Key("services");
  WriteStrings(services, &json);
  json.EndObject();
  return response;
}

Result<Response> OperationsV3(const ApiContext& context, const Request& request, std::string_view) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  const std::string_view service = form.Get("service");
  if (service.empty()) return InvalidArgumentError("malformed parameter service: it is required");
  const std::string_view kind = form.Find("spanKind").value_or(form.Get("span_kind"));
  ASSIGN_OR_RETURN(const std::vector<Operation> operations, Operations(context, service, kind));
  Response response = JsonV3();
  JsonWriter json(&response.body);
  json.BeginObject();
  json.Key("operations");
  WriteOperations(operations, &json);
  json.EndObject();
  return response;
}

// {"result":TracesData}
Result<Response> ResultV3(std::string_view traces_data) {
  Response response = JsonV3();
  response.body = R"({"result":)";
  RETURN_IF_ERROR(
      AppendOtlpJson(traces_data, OtlpJsonStyle::kOtlp, "resourceSpans", &response.body));
  response.body += '}';
  return response;
}

Result<Response> TracesV3(const ApiContext& context, const Request& request, std::string_view) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  ASSIGN_OR_RETURN(const JaegerQuery query, ReadJaegerV3Query(form));
  ASSIGN_OR_RETURN(const traceql::SearchResult found, Search(context, query, request));
  if (found.traces.empty()) return NotFoundError("No traces found");
  std::string all;  // messages one after the other are one message
  for (const traceql::FoundTrace& trace : found.traces) {
    ASSIGN_OR_RETURN(const std::optional<std::string> data,
                     context.database->Trace(trace.trace_id));
    if (data) all += *data;
  }
  return ResultV3(all);
}

Result<Response> TraceByIdV3(const ApiContext& context, const Request&, std::string_view id_text) {
  ASSIGN_OR_RETURN(const std::string id, ParseTraceId(id_text));
  ASSIGN_OR_RETURN(const std::optional<std::string> trace, context.database->Trace(id));
  if (!trace) return NotFoundError("trace not found");
  return ResultV3(*trace);
}

void WriteSummary(const traceql::FoundTrace& trace, JsonWriter* json) {
  const auto count = [json](std::string_view key, uint64_t value) {
    json->Key(key);
    json->Integer(value);
  };
  const auto text = [json](std::string_view key, std::string_view value) {
    json->Key(key);
    json->String(value);
  };
  uint64_t spans = 0;
  uint64_t errors = 0;
  for (const traceql::ServiceStatistics& service : trace.services) {
    spans += service.span_count;
    errors += service.error_count;
  }
  std::string id;
  AppendHex(trace.trace_id, &id);
  json->BeginObject();
  text("traceId", id);
  text("rootServiceName", trace.root_service);
  text("rootOperationName", trace.root_name);
  text("minStartTimeUnixNano", std::to_string(trace.start_ns));
  text("maxEndTimeUnixNano",
       std::to_string(trace.start_ns + static_cast<uint64_t>(trace.duration_ns)));
  count("spanCount", spans);
  count("errorSpanCount", errors);
  count("orphanSpanCount", trace.orphan_count);
  json->Key("services");
  json->BeginArray();
  for (const traceql::ServiceStatistics& service : trace.services) {
    json->BeginObject();
    text("name", service.service);
    count("spanCount", service.span_count);
    count("errorSpanCount", service.error_count);
    json->EndObject();
  }
  json->EndArray();
  json->EndObject();
}

Result<Response> SummariesV3(const ApiContext& context, const Request& request, std::string_view) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  ASSIGN_OR_RETURN(const JaegerQuery query, ReadJaegerV3Query(form));
  ASSIGN_OR_RETURN(const traceql::SearchResult found, Search(context, query, request));
  Response response = JsonV3();
  JsonWriter json(&response.body);
  json.BeginObject();
  json.Key("summaries");
  json.BeginArray();
  for (const traceql::FoundTrace& trace : found.traces) WriteSummary(trace, &json);
  json.EndArray();
  json.EndObject();
  return response;
}

struct Call {
  std::string parent;
  std::string child;
  double count = 0;
};

// Calls between services within (start, end], from the service graph's counters: what each gained
// over its value at the start.
Result<std::vector<Call>> CallsWithin(const ApiContext& context, int64_t start_ms, int64_t end_ms) {
  constexpr int64_t kStepMs = 60'000;  // more than the interval at which they are written
  const Selector selector = {{MatchOp::kEqual, "__name__", "traces_service_graph_request_total"}};
  std::map<std::pair<std::string, std::string>, double> counts;
  ASSIGN_OR_RETURN(
      const std::unique_ptr<SeriesCursor> cursor,
      context.database->Read({&selector, 1}, {start_ms - kActiveMs - kStepMs, end_ms}));
  SeriesSamples series;
  while (true) {
    ASSIGN_OR_RETURN(const bool has_series, cursor->Next(&series));
    if (!has_series) break;
    double before = series.samples.empty() ? 0 : series.samples.front().value;  // 0 of a new one
    double gained = 0;
    for (const Sample& sample : series.samples) {
      if (sample.timestamp_ms > start_ms) {
        gained += sample.value >= before ? sample.value - before : sample.value;
      }
      before = sample.value;
    }
    if (gained <= 0) continue;
    counts[{std::string(series.labels.Get("client")), std::string(series.labels.Get("server"))}] +=
        gained;
  }
  std::vector<Call> calls;
  for (const auto& [ends, count] : counts) calls.push_back({ends.first, ends.second, count});
  return calls;
}

// endTs and lookback in ms: the last day by default.
Result<std::vector<Call>> ReadDependencies(const ApiContext& context, const Request& request) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  constexpr size_t kDayMs = size_t{24} * 3600 * 1000;
  const auto now_ms = static_cast<size_t>(context.clock->NowMs());
  ASSIGN_OR_RETURN(const size_t end_ms, CountParameter(form, "endTs", now_ms));
  ASSIGN_OR_RETURN(const size_t lookback_ms, CountParameter(form, "lookback", kDayMs));
  const auto end = static_cast<int64_t>(std::min<size_t>(end_ms, INT64_MAX / 2));
  const auto lookback = static_cast<int64_t>(std::min<size_t>(lookback_ms, INT64_MAX / 4));
  return CallsWithin(context, end - lookback, end);
}

void WriteCalls(const std::vector<Call>& calls, JsonWriter* json) {
  json->BeginArray();
  for (const Call& call : calls) {
    json->BeginObject();
    json->Key("parent");
    json->String(call.parent);
    json->Key("child");
    json->String(call.child);
    json->Key("callCount");
    json->Integer(static_cast<uint64_t>(std::llround(call.count)));
    json->EndObject();
  }
  json->EndArray();
}

Result<Response> Dependencies(const ApiContext& context, const Request& request, std::string_view) {
  ASSIGN_OR_RETURN(const std::vector<Call> calls, ReadDependencies(context, request));
  Envelope envelope;
  WriteCalls(calls, &envelope.json());
  return envelope.Finish(calls.size());
}

Result<Response> DependenciesV3(const ApiContext& context, const Request& request,
                                std::string_view) {
  ASSIGN_OR_RETURN(const std::vector<Call> calls, ReadDependencies(context, request));
  Response response = JsonV3();
  JsonWriter json(&response.body);
  json.BeginObject();
  json.Key("dependencies");
  WriteCalls(calls, &json);
  json.EndObject();
  return response;
}

using JaegerHandler = Result<Response> (*)(const ApiContext&, const Request&, std::string_view);

struct Row {
  const char* path;
  JaegerHandler handler;
};

constexpr Row kRows[] = {
    {"/jaeger/api/services", Services},
    {"/jaeger/api/services/{service}/operations", ServiceOperations},
    {"/jaeger/api/operations", OperationsOfKind},
    {"/jaeger/api/traces", Traces},
    {"/jaeger/api/traces/{id}", TraceById},
    {"/jaeger/api/dependencies", Dependencies},
};
constexpr Row kRowsV3[] = {
    {"/jaeger/api/v3/services", ServicesV3},
    {"/jaeger/api/v3/operations", OperationsV3},
    {"/jaeger/api/v3/traces", TracesV3},
    {"/jaeger/api/v3/traces/{id}", TraceByIdV3},
    {"/jaeger/api/v3/trace-summaries", SummariesV3},
    {"/jaeger/api/v3/dependencies", DependenciesV3},
};

}  // namespace

std::vector<Endpoint> JaegerEndpoints(const ApiContext* context) {
  std::vector<Endpoint> endpoints;
  for (const Row& row : kRows) {
    endpoints.push_back(
        {row.path,
         {Method::kGet},
         Lane::kQuery,
         [context, handler = row.handler](const Request& request, const CallContext& call) {
           Result<Response> response = handler(*context, request, call.path_parameter);
           return response.ok() ? *std::move(response) : Envelope::Failure(response.status());
         }});
  }
  for (const Row& row : kRowsV3) {
    endpoints.push_back(
        {row.path,
         {Method::kGet},
         Lane::kQuery,
         [context, handler = row.handler](const Request& request, const CallContext& call) {
           Result<Response> response = handler(*context, request, call.path_parameter);
           return response.ok() ? *std::move(response) : FailureV3(response.status());
         }});
  }
  return endpoints;
}

}  // namespace varve::server
