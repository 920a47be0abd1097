#include "query/exec/annotations.h"

#include <algorithm>
#include <utility>

#include "query/exec/go_format.h"

namespace varve::promql::exec {
namespace {

std::string WithMetricName(std::string text, std::string_view metric) {
  if (!metric.empty()) text += " for metric name " + QuoteGo(metric);
  return text;
}

std::string WithPosition(const std::string& text, std::string_view query, PositionRange position) {
  return text + " (" + LineColumn(query, position.begin) + ")";
}

}  // namespace

void Annotations::AddWarning(std::string text, PositionRange position) {
  MutexLock lock(&mutex_);
  ++add_count_;
  warnings_["PromQL warning: " + std::move(text)] = position;
}

void Annotations::AddInfo(std::string text, PositionRange position) {
  MutexLock lock(&mutex_);
  ++add_count_;
  infos_["PromQL info: " + std::move(text)] = position;
}

size_t Annotations::add_count() const {
  MutexLock lock(&mutex_);
  return add_count_;
}

void Annotations::InvalidQuantile(double q, PositionRange position) {
  AddWarning("quantile value should be between 0 and 1, got " + FormatGoShort(q), position);
}

void Annotations::InvalidRatio(double ratio, double capped_to, PositionRange position) {
  AddWarning("ratio value should be between -1 and 1, got " + FormatGoShort(ratio) +
                 ", capping to " + FormatGoShort(capped_to),
             position);
}

void Annotations::BadBucketLabel(std::string_view metric, std::string_view le,
                                 PositionRange position) {
  AddWarning(
      WithMetricName("bucket label \"le\" is missing or has a malformed value of " + QuoteGo(le),
                     metric),
      position);
}

void Annotations::RollupsStandIn(std::string_view metric, int64_t resolution_ms,
                                 PositionRange position) {
  AddInfo(WithMetricName("raw samples are gone, rollups of " +
                             std::to_string(resolution_ms / 1000) + "s stand in for them",
                         metric),
          position);
}

void Annotations::SortInRangeQuery(PositionRange position) {
  AddWarning("sort is ineffective for range queries since results are always ordered by labels",
             position);
}

void Annotations::PossibleNonCounter(std::string_view metric, PositionRange position) {
  AddInfo("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
              QuoteGo(metric),
          position);
}

void Annotations::NotOfCounterType(std::string_view metric, std::string_view type,
                                   PositionRange position) {
  AddInfo(
      "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", "
      "got " +
          QuoteGo(type) + ": " + QuoteGo(metric),
      position);
}

void Annotations::StartTimesOverlap(std::string_view metric, PositionRange position) {
  AddWarning("start timestamps overlap for metric name " + QuoteGo(metric), position);
}

void Annotations::ForcedMonotonicity(std::string_view metric, const MonotonicityFix& fix,
                                     PositionRange position) {
  std::string text = WithMetricName(
      "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
      "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
      metric);
  MutexLock lock(&mutex_);
  ++add_count_;
  MonotonicityFixes& fixes = fixes_[std::move(text)];
  fixes.position = position;
  if (fixes.count++ == 0) {
    fixes.merged = fix;
    fixes.time_min_ms = fix.time_ms;
    return;
  }
  fixes.time_min_ms = std::min(fixes.time_min_ms, fix.time_ms);
  fixes.merged.time_ms = std::max(fixes.merged.time_ms, fix.time_ms);
  fixes.merged.bucket_min = std::min(fixes.merged.bucket_min, fix.bucket_min);
  fixes.merged.bucket_max = std::max(fixes.merged.bucket_max, fix.bucket_max);
  fixes.merged.difference_max = std::max(fixes.merged.difference_max, fix.difference_max);
}

void Annotations::IncompatibleTypes(BinaryOp op, SampleType lhs, SampleType rhs,
                                    PositionRange position) {
  const auto text = [](SampleType type) -> std::string {
    return type == SampleType::kFloat ? "float" : "histogram";
  };
  const std::string name(BinaryOpText(op));
  AddInfo("incompatible sample types encountered for binary operator " + QuoteGo(name) + ": " +
              text(lhs) + " " + name + " " + text(rhs),
          position);
}

void Annotations::IncompatibleBucketLayout(BinaryOp op, PositionRange position) {
  AddWarning(
      "incompatible bucket layout encountered for binary operator " + std::string(BinaryOpText(op)),
      position);
}

void Annotations::HistogramIgnoredIn(std::string_view aggregation, PositionRange position) {
  AddInfo("ignored histogram in " + std::string(aggregation) + " aggregation", position);
}

void Annotations::Histogram(HistogramNote note, std::string_view metric, PositionRange position) {
  switch (note) {
    case HistogramNote::kMixedSamples:
      return AddWarning(
          "encountered a mix of histograms and floats for metric name " + QuoteGo(metric),
          position);
    case HistogramNote::kMixedSamplesInAggregation:
      return AddWarning("encountered a mix of histograms and floats for aggregation", position);
    case HistogramNote::kMixedClassicAndNative:
      return AddWarning(
          WithMetricName("vector contains a mix of classic and native histograms", metric),
          position);
    case HistogramNote::kNotCounter:
      return AddWarning("this native histogram metric is not a counter: " + QuoteGo(metric),
                        position);
    case HistogramNote::kNotGauge:
      return AddWarning("this native histogram metric is not a gauge: " + QuoteGo(metric),
                        position);
    case HistogramNote::kMixedSchemas:
      return AddWarning(
          "vector contains a mix of histograms with exponential and custom buckets schemas for "
          "metric name " +
              QuoteGo(metric),
          position);
    case HistogramNote::kIgnoredInRange:
      return AddInfo(
          "ignored histograms in a range containing both floats and histograms for metric name " +
              QuoteGo(metric),
          position);
    case HistogramNote::kQuantileIsNan:
      return AddInfo(
          WithMetricName("input to histogram_quantile has NaN observations, result is NaN", metric),
          position);
    case HistogramNote::kQuantileIsSkewed:
      return AddInfo(
          WithMetricName("input to histogram_quantile has NaN observations, result is skewed "
                         "higher",
                         metric),
          position);
    case HistogramNote::kFractionExcludesNan:
      return AddInfo(
          WithMetricName("input to histogram_fraction has NaN observations, which are excluded "
                         "from all fractions",
                         metric),
          position);
    case HistogramNote::kResetsCollideInAddition:
      return AddWarning("conflicting counter resets during histogram addition", position);
    case HistogramNote::kResetsCollideInSubtraction:
      return AddWarning("conflicting counter resets during histogram subtraction", position);
    case HistogramNote::kResetsCollideInAggregation:
      return AddWarning("conflicting counter resets during histogram aggregation", position);
    case HistogramNote::kBoundsReconciledInAddition:
      return AddInfo("mismatched custom buckets were reconciled during addition", position);
    case HistogramNote::kBoundsReconciledInSubtraction:
      return AddInfo("mismatched custom buckets were reconciled during subtraction", position);
    case HistogramNote::kBoundsReconciledInAggregation:
      return AddInfo("mismatched custom buckets were reconciled during aggregation", position);
  }
}

std::vector<std::string> Annotations::Warnings(std::string_view query) const {
  MutexLock lock(&mutex_);
  std::vector<std::string> out;
  for (const auto& [text, position] : warnings_) {
    out.push_back(WithPosition(text, query, position));
  }
  return out;
}

std::vector<std::string> Annotations::Infos(std::string_view query) const {
  MutexLock lock(&mutex_);
  std::vector<std::string> out;
  for (const auto& [text, position] : infos_) out.push_back(WithPosition(text, query, position));
  for (const auto& [text, fixes] : fixes_) {
    const std::string details =
        text + ", from buckets " + FormatGoShort(fixes.merged.bucket_min) + " to " +
        FormatGoShort(fixes.merged.bucket_max) + ", with a max diff of " +
        FormatGoDigits(fixes.merged.difference_max, 2) + ", over " + std::to_string(fixes.count) +
        " samples from " + FormatRfc3339Seconds(fixes.time_min_ms) + " to " +
        FormatRfc3339Seconds(fixes.merged.time_ms);
    out.push_back(WithPosition(details, query, fixes.position));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace varve::promql::exec
