#include "tests/conformance/classic_histograms.h"

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "query/promql/literal.h"

namespace varve::conformance {
namespace {

// What the series of one family say at one time.
struct Moment {
  std::map<double, double> cumulative;  // by upper bound
  std::optional<double> count;
  double sum = 0;
};

enum class Part : uint8_t { kBucket, kSum, kCount };

std::optional<Part> PartOf(std::string_view metric) {
  if (metric.ends_with("_bucket")) return Part::kBucket;
  if (metric.ends_with("_sum")) return Part::kSum;
  if (metric.ends_with("_count")) return Part::kCount;
  return std::nullopt;
}

std::optional<double> BoundOf(const Labels& labels) {
  std::string_view text = labels.Get("le");
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const Result<double> bound = promql::ParseNumber(text);
  if (!bound.ok() || std::isnan(*bound)) return std::nullopt;
  return negative ? -*bound : *bound;
}

Histogram ToHistogram(const Moment& moment) {
  Histogram out;
  out.schema = kCustomBucketsSchema;
  out.sum = moment.sum;
  std::map<double, double> cumulative = moment.cumulative;
  const double last = cumulative.empty() ? 0 : cumulative.rbegin()->second;
  out.count = moment.count.value_or(last);
  cumulative.try_emplace(std::numeric_limits<double>::infinity(), out.count);
  double below = 0;
  for (const auto& [bound, count] : cumulative) {
    if (!std::isinf(bound)) out.custom_values.push_back(bound);
    out.positive_buckets.push_back(count - below);
    below = count;
  }
  out.positive_spans = {{0, static_cast<uint32_t>(out.positive_buckets.size())}};
  return out;
}

}  // namespace

std::vector<SeriesLine> CustomBucketSeries(const LoadCommand& load) {
  std::map<Labels, std::map<size_t, Moment>> families;  // by place in the sequence
  for (const SeriesLine& line : load.series) {
    const std::string_view metric = line.labels.Get(kMetricNameLabel);
    const std::optional<Part> part = PartOf(metric);
    if (!part.has_value()) continue;
    const std::optional<double> bound = BoundOf(line.labels);
    if (*part == Part::kBucket && !bound.has_value()) continue;
    LabelsBuilder base(line.labels);
    base.Set(kMetricNameLabel, metric.substr(0, metric.rfind('_'))).Remove("le");
    std::map<size_t, Moment>& moments = families[base.Build()];
    for (size_t i = 0; i < line.values.size(); ++i) {
      if (line.values[i].kind != SequenceValue::Kind::kFloat) continue;
      const double value = line.values[i].value;
      Moment& moment = moments[i];
      if (*part == Part::kBucket) moment.cumulative.try_emplace(*bound, value);
      if (*part == Part::kSum) moment.sum = value;
      if (*part == Part::kCount) moment.count = value;
    }
  }
  std::vector<SeriesLine> out;
  for (const auto& [labels, moments] : families) {
    SeriesLine series{labels, {}, {}};
    for (const auto& [place, moment] : moments) {
      series.values.resize(place);
      series.values.push_back(
          {SequenceValue::Kind::kHistogram, 0,
           std::make_shared<const NotedHistogram>(NotedHistogram{ToHistogram(moment), false})});
    }
    out.push_back(std::move(series));
  }
  return out;
}

}  // namespace varve::conformance
