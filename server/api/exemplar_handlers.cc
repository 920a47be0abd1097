#include "server/api/exemplar_handlers.h"

#include <vector>

#include "base/status_macros.h"
#include "server/api/envelope.h"
#include "server/api/parameters.h"

namespace varve::server {
namespace {

void WriteExemplar(const Exemplar& exemplar, JsonWriter* json) {
  json->BeginObject();
  json->Key("labels");
  WriteLabels(exemplar.labels, json);
  json->Key("value");
  json->QuotedNumber(exemplar.value);
  json->Key("timestamp");
  json->Seconds(exemplar.timestamp_ms);
  json->EndObject();
}

void WriteSeries(const SeriesExemplars& series, JsonWriter* json) {
  json->BeginObject();
  json->Key("seriesLabels");
  WriteLabels(series.labels, json);
  json->Key("exemplars");
  json->BeginArray();
  for (const Exemplar& exemplar : series.exemplars) WriteExemplar(exemplar, json);
  json->EndArray();
  json->EndObject();
}

Result<std::vector<SeriesExemplars>> Query(const ApiContext& context, const Request& request) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  TimeRange range;
  ASSIGN_OR_RETURN(range.min_ms, TimeParameter(form, "start", range.min_ms));
  ASSIGN_OR_RETURN(range.max_ms, TimeParameter(form, "end", range.max_ms));
  if (range.max_ms < range.min_ms) {
    return InvalidArgumentError("end timestamp must not be before start timestamp");
  }
  ASSIGN_OR_RETURN(const std::vector<Selector> selectors, promql::Selectors(form.Get("query")));
  if (selectors.empty()) return std::vector<SeriesExemplars>();  // a set of none means every series
  return context.database->Exemplars(selectors, range);
}

}  // namespace

Response HandleQueryExemplars(const ApiContext& context, const Request& request) {
  const Result<std::vector<SeriesExemplars>> result = Query(context, request);
  if (!result.ok()) return ErrorAnswer(result.status());
  SuccessAnswer answer;
  answer.json().BeginArray();
  for (const SeriesExemplars& series : *result) WriteSeries(series, &answer.json());
  answer.json().EndArray();
  return answer.Finish();
}

}  // namespace varve::server
