#include "server/api/query_handlers.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/status_macros.h"
#include "server/api/envelope.h"
#include "server/api/number_text.h"
#include "server/api/parameters.h"

namespace varve::server {
namespace {

using promql::QueryResult;

// As in Prometheus: a minute's steps over a week, or an hour's over a year, and what a screen can
// show.
constexpr uint64_t kRangePointsMax = 11'000;

// What both query endpoints take.
struct QueryParameters {
  std::string_view expression;
  promql::QueryOptions options;
  size_t limit = 0;  // 0: none
  enum class Statistics { kNone, kWanted } statistics = Statistics::kNone;
};

Result<QueryParameters> ReadQueryParameters(const Form& form, const Request& request) {
  QueryParameters parameters;
  parameters.expression = form.Get("query");
  ASSIGN_OR_RETURN(parameters.options.timeout_ms, DurationParameter(form, "timeout", 0));
  ASSIGN_OR_RETURN(parameters.options.lookback_ms, DurationParameter(form, "lookback_delta", 0));
  if (parameters.options.timeout_ms < 0 || parameters.options.lookback_ms < 0) {
    return InvalidArgumentError("timeout and lookback_delta must not be negative");
  }
  ASSIGN_OR_RETURN(parameters.limit, CountParameter(form, "limit", 0));
  if (!form.Get("stats").empty()) parameters.statistics = QueryParameters::Statistics::kWanted;
  parameters.options.stop = request.stop;
  return parameters;
}

void WriteVector(const promql::Vector& vector, JsonWriter* json) {
  json->BeginArray();
  for (const promql::VectorSample& sample : vector) {
    json->BeginObject();
    json->Key("metric");
    WriteLabels(sample.labels, json);
    json->Key("value");
    json->Point(sample.point.timestamp_ms, sample.point.value);
    json->EndObject();
  }
  json->EndArray();
}

void WriteMatrix(const promql::Matrix& matrix, JsonWriter* json) {
  json->BeginArray();
  for (const promql::Series& series : matrix) {
    json->BeginObject();
    json->Key("metric");
    WriteLabels(series.labels, json);
    json->Key("values");
    json->BeginArray();
    for (const promql::Point& point : series.points) json->Point(point.timestamp_ms, point.value);
    json->EndArray();
    json->EndObject();
  }
  json->EndArray();
}

// Go's encoding of a scalar differs from that of samples in one thing: it never uses an exponent.
void WriteScalar(promql::Point point, JsonWriter* json) {
  std::string text = "[";
  AppendSeconds(point.timestamp_ms, &text);
  text += ",\"";
  AppendFixed(point.value, &text);
  text += "\"]";
  json->Literal(text);
}

void WriteString(const promql::String& value, JsonWriter* json) {
  std::string text = "[";
  AppendSeconds(value.timestamp_ms, &text);
  text += ',';
  AppendJsonString(value.value, &text);
  text += ']';
  json->Literal(text);
}

void WriteValue(const QueryResult& result, JsonWriter* json) {
  static constexpr std::string_view kTypes[] = {"scalar", "string", "vector", "matrix"};
  json->Key("resultType");
  json->String(kTypes[result.value.index()]);
  json->Key("result");
  if (const auto* scalar = std::get_if<promql::Scalar>(&result.value)) {
    WriteScalar(scalar->point, json);
  } else if (const auto* text = std::get_if<promql::String>(&result.value)) {
    WriteString(*text, json);
  } else if (const auto* vector = std::get_if<promql::Vector>(&result.value)) {
    WriteVector(*vector, json);
  } else {
    WriteMatrix(std::get<promql::Matrix>(result.value), json);
  }
}

void WriteStatistics(const promql::QueryStatistics& statistics, JsonWriter* json) {
  const double seconds = static_cast<double>(statistics.elapsed_ns) * 1e-9;
  json->Key("stats");
  json->BeginObject();
  json->Key("timings");
  json->BeginObject();
  json->Key("evalTotalTime");
  json->Double(seconds);
  json->Key("execTotalTime");
  json->Double(seconds);
  json->EndObject();
  json->Key("samples");
  json->BeginObject();
  json->Key("totalQueryableSamples");
  json->Integer(statistics.samples_read);
  json->Key("peakSamples");
  json->Integer(statistics.samples_peak);
  json->EndObject();
  json->EndObject();
}

// Cuts the series of a vector or matrix down to `limit`; says so by a warning.
void ApplyLimit(size_t limit, QueryResult* result) {
  const auto cut = [&](auto* series) {
    if (series == nullptr || series->size() <= limit) return;
    series->resize(limit);
    result->warnings.emplace_back(kTruncatedWarning);
  };
  if (limit == 0) return;
  cut(std::get_if<promql::Vector>(&result->value));
  cut(std::get_if<promql::Matrix>(&result->value));
}

Response AnswerQuery(Result<QueryResult> result, const QueryParameters& parameters) {
  if (!result.ok()) {
    const Status status = result.status();
    if (status.code() != StatusCode::kInvalidArgument) return ErrorAnswer(status);
    return ErrorAnswer(status.WithContext("invalid parameter \"query\""));
  }
  ApplyLimit(parameters.limit, &*result);
  SuccessAnswer answer;
  answer.json().BeginObject();
  WriteValue(*result, &answer.json());
  if (parameters.statistics == QueryParameters::Statistics::kWanted) {
    WriteStatistics(result->statistics, &answer.json());
  }
  answer.json().EndObject();
  return answer.Finish(result->warnings, result->infos);
}

struct RangeParameters {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;
};

Result<int64_t> RequiredTime(const Form& form, std::string_view name) {
  if (!form.Get(name).empty()) return TimeParameter(form, name, 0);
  return InvalidArgumentError("invalid parameter \"" + std::string(name) +
                              "\": cannot parse \"\" to a valid timestamp");
}

Result<RangeParameters> ReadRangeParameters(const Form& form) {
  RangeParameters range;
  ASSIGN_OR_RETURN(range.start_ms, RequiredTime(form, "start"));
  ASSIGN_OR_RETURN(range.end_ms, RequiredTime(form, "end"));
  if (range.end_ms < range.start_ms) {
    return InvalidArgumentError(
        "invalid parameter \"end\": end timestamp must not be before start time");
  }
  if (form.Get("step").empty()) {
    return InvalidArgumentError(
        "invalid parameter \"step\": cannot parse \"\" to a valid duration");
  }
  ASSIGN_OR_RETURN(range.step_ms, DurationParameter(form, "step", 0));
  if (range.step_ms <= 0) {
    return InvalidArgumentError(
        "invalid parameter \"step\": zero or negative query resolution step widths are not "
        "accepted. Try a positive integer");
  }
  const uint64_t span_ms =
      static_cast<uint64_t>(range.end_ms) - static_cast<uint64_t>(range.start_ms);
  if (span_ms / static_cast<uint64_t>(range.step_ms) > kRangePointsMax) {
    return InvalidArgumentError(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  return range;
}

}  // namespace

Response HandleInstantQuery(const ApiContext& context, const Request& request) {
  const Result<Form> form = ReadForm(request);
  if (!form.ok()) return ErrorAnswer(form.status());
  const Result<int64_t> time_ms = TimeParameter(*form, "time", context.clock->NowMs());
  if (!time_ms.ok()) return ErrorAnswer(time_ms.status());
  const Result<QueryParameters> parameters = ReadQueryParameters(*form, request);
  if (!parameters.ok()) return ErrorAnswer(parameters.status());
  return AnswerQuery(context.engine->Instant(parameters->expression, *time_ms, parameters->options),
                     *parameters);
}

Response HandleRangeQuery(const ApiContext& context, const Request& request) {
  const Result<Form> form = ReadForm(request);
  if (!form.ok()) return ErrorAnswer(form.status());
  const Result<RangeParameters> range = ReadRangeParameters(*form);
  if (!range.ok()) return ErrorAnswer(range.status());
  const Result<QueryParameters> parameters = ReadQueryParameters(*form, request);
  if (!parameters.ok()) return ErrorAnswer(parameters.status());
  return AnswerQuery(context.engine->Range(parameters->expression, range->start_ms, range->end_ms,
                                           range->step_ms, parameters->options),
                     *parameters);
}

Response HandleFormatQuery(const ApiContext&, const Request& request) {
  const Result<Form> form = ReadForm(request);
  if (!form.ok()) return ErrorAnswer(form.status());
  const Result<std::string> text = promql::Format(form->Get("query"));
  if (!text.ok()) {
    return ErrorAnswer(text.status().WithContext("invalid parameter \"query\""));
  }
  SuccessAnswer answer;
  answer.json().String(*text);
  return answer.Finish();
}

}  // namespace varve::server
