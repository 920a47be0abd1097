#include "server/api/federate_handler.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "server/api/metrics_text.h"
#include "server/api/number_text.h"
#include "server/api/parameters.h"

namespace varve::server {
namespace {

constexpr std::string_view kPlainText =
    "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
constexpr std::string_view kUtf8Text =
    "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8";

enum class Names { kUnderscores, kUtf8 };

struct NewestSample {
  Labels labels;
  Sample sample;
};

// False for a series whose newest sample is a histogram or a stale marker.
bool TakeNewest(const SeriesSamples& series, Sample* newest) {
  if (series.samples.empty()) return false;
  *newest = series.samples.back();
  if (!series.histograms.empty() && series.histograms.back().timestamp_ms > newest->timestamp_ms) {
    return false;
  }
  return std::bit_cast<uint64_t>(newest->value) != kStaleMarkerBits;
}

Result<std::vector<NewestSample>> ReadNewest(const ApiContext& context,
                                             const std::vector<Selector>& selectors) {
  std::vector<NewestSample> samples;
  if (selectors.empty()) return samples;  // a set of none would mean every series
  const int64_t now_ms = context.clock->NowMs();
  ASSIGN_OR_RETURN(
      const std::unique_ptr<SeriesCursor> cursor,
      context.database->Read(selectors, {now_ms - context.engine->options().lookback_ms, now_ms}));
  SeriesSamples series;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, cursor->Next(&series));
    if (!found) break;
    Sample newest;
    if (!series.labels.Has(kMetricNameLabel) || !TakeNewest(series, &newest)) continue;
    samples.push_back({std::move(series.labels), newest});
  }
  // A metric's lines stand together; labels keep their order within.
  std::stable_sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) {
    return a.labels.Get(kMetricNameLabel) < b.labels.Get(kMetricNameLabel);
  });
  return samples;
}

bool IsClassicName(std::string_view name, bool allow_colon) {
  const auto fits = [&](char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (allow_colon && c == ':') || (!first && c >= '0' && c <= '9');
  };
  if (name.empty()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (!fits(name[i], i == 0)) return false;
  }
  return true;
}

// A name as the format takes it: itself, quoted, or each foreign character an underscore.
void AppendName(std::string_view name, bool is_metric, Names names, std::string* out) {
  if (IsClassicName(name, is_metric)) {
    *out += name;
  } else if (names == Names::kUtf8) {
    *out += '"';
    AppendLabelValue(name, out);
    *out += '"';
  } else {
    for (size_t i = 0; i < name.size(); ++i) {
      if ((static_cast<unsigned char>(name[i]) & 0xC0) == 0x80) continue;  // one per character
      const bool fits = IsClassicName(name.substr(i, 1), is_metric) ||
                        (i > 0 && name[i] >= '0' && name[i] <= '9');
      *out += fits ? name[i] : '_';
    }
  }
}

void AppendSample(const NewestSample& newest, Names names, std::string* out) {
  const std::string_view metric = newest.labels.Get(kMetricNameLabel);
  const bool is_quoted = names == Names::kUtf8 && !IsClassicName(metric, true);
  char before = '{';
  if (is_quoted) {
    *out += std::exchange(before, ',');
  }
  AppendName(metric, true, names, out);
  const auto append = [&](std::string_view name, std::string_view value) {
    *out += std::exchange(before, ',');
    AppendName(name, false, names, out);
    *out += "=\"";
    AppendLabelValue(value, out);
    *out += '"';
  };
  for (const LabelView label : newest.labels) {
    if (label.name != kMetricNameLabel) append(label.name, label.value);
  }
  // So that whoever scrapes this with honor_labels does not make the series its own.
  if (!newest.labels.Has("instance")) append("instance", "");
  *out += "} ";
  AppendExposedValue(newest.sample.value, out);
  *out += ' ';
  AppendInteger(newest.sample.timestamp_ms, out);
  *out += '\n';
}

}  // namespace

Response HandleFederate(const ApiContext& context, const Request& request) {
  const auto refuse = [](HttpStatus status, const Status& why) {
    return TextResponse(status, why.message() + "\n");
  };
  const Result<Form> form = ReadForm(request);
  if (!form.ok()) return refuse(HttpStatus::kBadRequest, form.status());
  const Result<std::vector<Selector>> selectors = SelectorParameters(*form);
  if (!selectors.ok()) return refuse(HttpStatus::kBadRequest, selectors.status());
  const Result<std::vector<NewestSample>> samples = ReadNewest(context, *selectors);
  if (!samples.ok()) {
    return refuse(samples.status().code() == StatusCode::kInvalidArgument
                      ? HttpStatus::kBadRequest
                      : HttpStatus::kInternalServerError,
                  samples.status());
  }
  const bool is_utf8 =
      request.Header("Accept").find("escaping=allow-utf-8") != std::string_view::npos;
  const Names names = is_utf8 ? Names::kUtf8 : Names::kUnderscores;
  Response response;
  response.content_type = is_utf8 ? kUtf8Text : kPlainText;
  std::string_view last;
  for (const NewestSample& newest : *samples) {
    const std::string_view metric = newest.labels.Get(kMetricNameLabel);
    if (metric != last) {
      response.body += "# TYPE ";
      AppendName(metric, true, names, &response.body);
      response.body += " untyped\n";
      last = metric;
    }
    AppendSample(newest, names, &response.body);
  }
  return response;
}

}  // namespace varve::server
