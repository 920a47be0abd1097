#include "server/jaeger/jaeger_query.h"

#include <simdjson.h>

#include <charconv>

#include "base/status_macros.h"
#include "server/api/parameters.h"
#include "server/tempo/tempo_parameters.h"

namespace varve::server {
namespace {

constexpr uint64_t kLookbackNs = uint64_t{48} * 3600 * 1'000'000'000;

Status Invalid(std::string_view name, std::string_view value, std::string_view why) {
  return InvalidArgumentError("unable to parse param '" + std::string(name) + "': \"" +
                              std::string(value) + "\": " + std::string(why));
}

Result<uint64_t> DurationOf(const Form& form, std::string_view name) {
  const std::string_view text = form.Get(name);
  if (text.empty()) return uint64_t{0};
  Result<uint64_t> duration_ns = ParseDurationNs(text);
  if (!duration_ns.ok()) return Invalid(name, text, duration_ns.status().message());
  return duration_ns;
}

Result<uint64_t> MicrosecondsOf(const Form& form, std::string_view name, uint64_t default_ns) {
  const std::string_view text = form.Get(name);
  if (text.empty()) return default_ns;
  uint64_t us = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), us);
  if (error != std::errc() || at != text.data() + text.size() || us > UINT64_MAX / 1000) {
    return Invalid(name, text, "expected microseconds since 1970");
  }
  return us * 1000;
}

// {"key":"value",...}
Status AddJsonTags(std::string_view name, std::string_view text, JaegerQuery* query) {
  if (text.empty()) return OkStatus();
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(text.data(), text.size()).get(object) != simdjson::SUCCESS) {
    return Invalid(name, text, "expected a JSON object of strings");
  }
  for (const auto& [key, value] : object) {
    std::string_view string;
    if (value.get(string) != simdjson::SUCCESS) {
      return Invalid(name, text, "expected a JSON object of strings");
    }
    query->tags.emplace_back(key, string);
  }
  return OkStatus();
}

// The first of several spellings of a parameter that is there.
std::string_view FirstOf(const Form& form, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const auto value = form.Find(name)) return *value;
  }
  return {};
}

bool IsNumber(std::string_view text) {
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && at == text.data() + text.size() &&
         text.find_first_not_of("0123456789.-") == std::string_view::npos;
}

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> texts) {
  for (const std::string_view one : texts) {
    if (text == one) return true;
  }
  return false;
}

// Tags that stand for fields of OTLP, as they are written into Jaeger's JSON.
std::string KnownTag(std::string_view key, std::string_view value) {
  if (key == "error" && IsOneOf(value, {"true", "false"})) {
    return value == "true" ? "status = error" : "status != error";
  }
  if (key == "span.kind" &&
      IsOneOf(value, {"internal", "server", "client", "producer", "consumer"})) {
    return "kind = " + std::string(value);
  }
  if (key == "otel.status_code") {
    if (value == "OK") return "status = ok";
    if (value == "ERROR") return "status = error";
  }
  if (key == "otel.status_description") return "statusMessage = " + TraceQlString(value);
  if (key == "otel.scope.name") return "instrumentation:name = " + TraceQlString(value);
  if (key == "otel.scope.version") return "instrumentation:version = " + TraceQlString(value);
  return {};
}

std::string TagQuery(std::string_view key, std::string_view value) {
  const std::string known = KnownTag(key, value);
  std::vector<std::string> literals = {TraceQlString(value)};
  if (IsNumber(value)) literals.emplace_back(value);
  if (IsOneOf(value, {"true", "false"})) literals.emplace_back(value);
  std::string condition = known;
  for (const std::string_view scope : {"span.", "resource.", "event."}) {
    for (const std::string& literal : literals) {
      if (!condition.empty()) condition += " || ";
      condition += std::string(scope) + TraceQlString(key) + " = " + literal;
    }
  }
  return "(" + condition + ")";
}

}  // namespace

std::string JaegerQuery::ToTraceQl() const {
  std::string query;
  const auto add = [&](const std::string& condition) {
    query += (query.empty() ? "" : " && ") + condition;
  };
  if (!service.empty()) add("resource.service.name = " + TraceQlString(service));
  if (!operation.empty()) add("name = " + TraceQlString(operation));
  if (duration_min_ns != 0) add("duration >= " + std::to_string(duration_min_ns) + "ns");
  if (duration_max_ns != 0) add("duration <= " + std::to_string(duration_max_ns) + "ns");
  for (const auto& [key, value] : tags) add(TagQuery(key, value));
  return "{ " + query + " }";
}

Result<JaegerQuery> ReadJaegerQuery(const Form& form, int64_t now_ms) {
  JaegerQuery query;
  query.service = form.Get("service");
  if (query.service.empty()) return InvalidArgumentError("parameter 'service' is required");
  query.operation = form.Get("operation");
  const uint64_t now_ns = static_cast<uint64_t>(now_ms) * 1'000'000;
  ASSIGN_OR_RETURN(query.end_ns, MicrosecondsOf(form, "end", now_ns));
  const uint64_t start_ns = now_ns > kLookbackNs ? now_ns - kLookbackNs : 0;
  ASSIGN_OR_RETURN(query.start_ns, MicrosecondsOf(form, "start", start_ns));
  if (query.end_ns < query.start_ns) {
    return Invalid("end", form.Get("end"), "it is before start");
  }
  ASSIGN_OR_RETURN(query.duration_min_ns, DurationOf(form, "minDuration"));
  ASSIGN_OR_RETURN(query.duration_max_ns, DurationOf(form, "maxDuration"));
  if (query.duration_max_ns != 0 && query.duration_max_ns < query.duration_min_ns) {
    return InvalidArgumentError("'maxDuration' should be greater than 'minDuration'");
  }
  ASSIGN_OR_RETURN(query.limit, CountParameter(form, "limit", query.limit));
  if (query.limit == 0) return Invalid("limit", "0", "expected a positive number");
  for (const std::string_view tag : form.All("tag")) {
    const size_t colon = tag.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      return Invalid("tag", tag, "expected key:value");
    }
    query.tags.emplace_back(tag.substr(0, colon), tag.substr(colon + 1));
  }
  RETURN_IF_ERROR(AddJsonTags("tags", form.Get("tags"), &query));
  return query;
}

Result<JaegerQuery> ReadJaegerV3Query(const Form& form) {
  JaegerQuery query;
  query.service = FirstOf(form, {"query.serviceName", "query.service_name"});
  query.operation = FirstOf(form, {"query.operationName", "query.operation_name"});
  RETURN_IF_ERROR(AddJsonTags("query.attributes", form.Get("query.attributes"), &query));
  struct Time {
    std::string_view name;
    std::string_view other_name;
    uint64_t* time_ns;
  };
  for (const Time& time : {Time{"query.startTimeMin", "query.start_time_min", &query.start_ns},
                           Time{"query.startTimeMax", "query.start_time_max", &query.end_ns}}) {
    const std::string_view text = FirstOf(form, {time.name, time.other_name});
    if (text.empty()) return Invalid(time.name, text, "it is required");
    const Result<uint64_t> parsed = ParseTimeNs(text);
    if (!parsed.ok()) return Invalid(time.name, text, parsed.status().message());
    *time.time_ns = *parsed;
  }
  if (query.end_ns < query.start_ns) {
    return Invalid("query.startTimeMax", FirstOf(form, {"query.startTimeMax"}),
                   "it is before query.startTimeMin");
  }
  for (const std::string_view name : {"query.durationMin", "query.duration_min"}) {
    if (form.Get(name).empty()) continue;
    ASSIGN_OR_RETURN(query.duration_min_ns, DurationOf(form, name));
  }
  for (const std::string_view name : {"query.durationMax", "query.duration_max"}) {
    if (form.Get(name).empty()) continue;
    ASSIGN_OR_RETURN(query.duration_max_ns, DurationOf(form, name));
  }
  for (const std::string_view name :
       {"query.searchDepth", "query.search_depth", "query.num_traces"}) {
    if (form.Get(name).empty()) continue;
    ASSIGN_OR_RETURN(query.limit, CountParameter(form, name, query.limit));
    if (query.limit == 0) return Invalid(name, "0", "expected a positive number");
  }
  return query;
}

}  // namespace varve::server
