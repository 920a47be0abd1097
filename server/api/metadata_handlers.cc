#include "server/api/metadata_handlers.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "server/api/envelope.h"
#include "server/api/parameters.h"

namespace varve::server {
namespace {

// What the three endpoints about series take.
struct SeriesParameters {
  std::vector<Selector> selectors;
  TimeRange range;
  size_t limit = 0;  // 0: none
  // One more than the limit, to know whether there is more.
  size_t fetch_count() const { return limit == 0 ? 0 : limit + 1; }
};

Result<SeriesParameters> ReadSeriesParameters(const Request& request) {
  SeriesParameters parameters;
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  ASSIGN_OR_RETURN(parameters.limit, CountParameter(form, "limit", 0));
  ASSIGN_OR_RETURN(parameters.range, TimeRangeParameters(form));
  ASSIGN_OR_RETURN(parameters.selectors, SelectorParameters(form));
  return parameters;
}

// Writes at most `limit` of `items` by write(item, json); more of them make a warning.
template <typename T, typename Write>
Response ListAnswer(const std::vector<T>& items, size_t limit, Write write) {
  const bool is_cut = limit > 0 && items.size() > limit;
  SuccessAnswer answer;
  answer.json().BeginArray();
  for (const T& item : std::span(items).first(is_cut ? limit : items.size())) {
    write(item, &answer.json());
  }
  answer.json().EndArray();
  std::vector<std::string> warnings;
  if (is_cut) warnings.emplace_back(kTruncatedWarning);
  return answer.Finish(warnings);
}

Response StringsAnswer(const Result<std::vector<std::string>>& strings, size_t limit) {
  if (!strings.ok()) return ErrorAnswer(strings.status());
  return ListAnswer(*strings, limit,
                    [](const std::string& text, JsonWriter* json) { json->String(text); });
}

std::string_view MetricTypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kGaugeHistogram:
      return "gaugehistogram";
    case MetricType::kSummary:
      return "summary";
    case MetricType::kInfo:
      return "info";
    case MetricType::kStateset:
      return "stateset";
    case MetricType::kUnknown:
      break;
  }
  return "unknown";
}

void WriteMetadata(const MetricMetadata& metadata, JsonWriter* json) {
  json->BeginObject();
  json->Key("type");
  json->String(MetricTypeName(metadata.type));
  json->Key("help");
  json->String(metadata.help);
  json->Key("unit");
  json->String(metadata.unit);
  json->EndObject();
}

}  // namespace

Response HandleSeries(const ApiContext& context, const Request& request) {
  const Result<SeriesParameters> parameters = ReadSeriesParameters(request);
  if (!parameters.ok()) return ErrorAnswer(parameters.status());
  if (parameters->selectors.empty()) {
    return ErrorAnswer(InvalidArgumentError("no match[] parameter provided"));
  }
  const Result<std::vector<Labels>> series =
      context.database->Series(parameters->selectors, parameters->range, parameters->fetch_count());
  if (!series.ok()) return ErrorAnswer(series.status());
  return ListAnswer(*series, parameters->limit, WriteLabels);
}

Response HandleLabelNames(const ApiContext& context, const Request& request) {
  const Result<SeriesParameters> parameters = ReadSeriesParameters(request);
  if (!parameters.ok()) return ErrorAnswer(parameters.status());
  return StringsAnswer(context.database->LabelNames(parameters->selectors, parameters->range,
                                                    parameters->fetch_count()),
                       parameters->limit);
}

Response HandleLabelValues(const ApiContext& context, const Request& request,
                           std::string_view name) {
  const Result<SeriesParameters> parameters = ReadSeriesParameters(request);
  if (!parameters.ok()) return ErrorAnswer(parameters.status());
  return StringsAnswer(context.database->LabelValues(UnescapeLabelName(name), parameters->selectors,
                                                     parameters->range, parameters->fetch_count()),
                       parameters->limit);
}

Response HandleMetadata(const ApiContext& context, const Request& request) {
  const Result<Form> form = ReadForm(request);
  if (!form.ok()) return ErrorAnswer(form.status());
  const Result<size_t> limit = CountParameter(*form, "limit", 0);
  if (!limit.ok()) return ErrorAnswer(limit.status());
  const Result<size_t> limit_per_metric = CountParameter(*form, "limit_per_metric", 0);
  if (!limit_per_metric.ok()) return ErrorAnswer(limit_per_metric.status());
  const std::string_view wanted = form->Get("metric");
  const std::vector<MetricMetadata> all = context.database->Metadata();

  SuccessAnswer answer;
  answer.json().BeginObject();
  size_t metric_count = 0;
  for (size_t i = 0; i < all.size();) {
    size_t end = i;  // one past the entries of this metric, which stand together
    while (end < all.size() && all[end].metric == all[i].metric) ++end;
    if (wanted.empty() || wanted == all[i].metric) {
      if (*limit > 0 && metric_count++ == *limit) break;
      answer.json().Key(all[i].metric);
      answer.json().BeginArray();
      const size_t last = *limit_per_metric > 0 ? std::min(end, i + *limit_per_metric) : end;
      for (size_t k = i; k < last; ++k) WriteMetadata(all[k], &answer.json());
      answer.json().EndArray();
    }
    i = end;
  }
  answer.json().EndObject();
  return answer.Finish();
}

}  // namespace varve::server
