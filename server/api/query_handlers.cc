#include "server/api/query_handlers.h"

#include <string>
#include <utility>
#include <variant>

#include "server/api/envelope.h"
#include "server/api/explanation_json.h"
#include "server/api/parameters.h"
#include "server/api/query_parameters.h"
#include "server/api/result_json.h"

namespace varve::server {
namespace {

using promql::QueryResult;

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

Response QueryError(const Status& status) {
  if (status.code() != StatusCode::kInvalidArgument) return ErrorAnswer(status);
  return ErrorAnswer(status.WithContext("invalid parameter \"query\""));
}

// The result, or what EXPLAIN is in other databases: the plan that made it.
Response AnswerQuery(Result<QueryResult> result, const QueryParameters& parameters) {
  if (!result.ok()) return QueryError(result.status());
  const bool is_plan = parameters.options.explain;
  if (!is_plan) ApplyLimit(parameters.limit, &*result);
  SuccessAnswer answer;
  answer.json().BeginObject();
  if (is_plan) {
    WriteExplanation(result->explain, &answer.json());
  } else {
    WriteValue(*result, &answer.json());
  }
  if (is_plan || parameters.statistics != QueryParameters::Statistics::kNone) {
    WriteStatistics(result->statistics, &answer.json());
  }
  answer.json().EndObject();
  return answer.Finish(result->warnings, result->infos);
}

enum class Wanted { kResult, kPlan };

Response InstantQuery(const ApiContext& context, const Request& request, const Form& form,
                      Wanted wanted) {
  const Result<int64_t> time_ms = TimeParameter(form, "time", context.clock->NowMs());
  if (!time_ms.ok()) return ErrorAnswer(time_ms.status());
  Result<QueryParameters> parameters = ReadQueryParameters(form, request);
  if (!parameters.ok()) return ErrorAnswer(parameters.status());
  parameters->options.explain = wanted == Wanted::kPlan;
  return AnswerQuery(context.engine->Instant(parameters->expression, *time_ms, parameters->options),
                     *parameters);
}

Response RangeQuery(const ApiContext& context, const Request& request, const Form& form,
                    Wanted wanted) {
  const Result<RangeParameters> range = ReadRangeParameters(form);
  if (!range.ok()) return ErrorAnswer(range.status());
  Result<QueryParameters> parameters = ReadQueryParameters(form, request);
  if (!parameters.ok()) return ErrorAnswer(parameters.status());
  parameters->options.explain = wanted == Wanted::kPlan;
  return AnswerQuery(context.engine->Range(parameters->expression, range->start_ms, range->end_ms,
                                           range->step_ms, parameters->options),
                     *parameters);
}

}  // namespace

Response HandleInstantQuery(const ApiContext& context, const Request& request) {
  const Result<Form> form = ReadForm(request);
  if (!form.ok()) return ErrorAnswer(form.status());
  return InstantQuery(context, request, *form, Wanted::kResult);
}

Response HandleRangeQuery(const ApiContext& context, const Request& request) {
  const Result<Form> form = ReadForm(request);
  if (!form.ok()) return ErrorAnswer(form.status());
  return RangeQuery(context, request, *form, Wanted::kResult);
}

Response HandleExplain(const ApiContext& context, const Request& request) {
  const Result<Form> form = ReadForm(request);
  if (!form.ok()) return ErrorAnswer(form.status());
  const auto query = form->Get("step").empty() ? InstantQuery : RangeQuery;
  return query(context, request, *form, Wanted::kPlan);
}

Response HandleParseQuery(const ApiContext&, const Request& request) {
  const Result<Form> form = ReadForm(request);
  if (!form.ok()) return ErrorAnswer(form.status());
  const Result<std::string> tree = promql::ParseToJson(form->Get("query"));
  if (!tree.ok()) return ErrorAnswer(tree.status().WithContext("invalid parameter \"query\""));
  return SuccessLiteral(*tree);
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
