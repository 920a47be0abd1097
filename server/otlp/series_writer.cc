#include "server/otlp/series_writer.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "server/api/number_text.h"
#include "server/ingest/bucket_resolution.h"
#include "server/otlp/any_value.h"
#include "server/otlp/metric_name.h"
#include "varve/histogram.h"

namespace varve::server {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr uint64_t kExactCountMax = uint64_t{1} << 53;
// What senders that do not say so are taken to count as zero, as in Prometheus.
constexpr double kDefaultZeroThreshold = 1e-128;
// OTLP's finest scale (opentelemetry-proto, ExponentialHistogramDataPoint.scale).
constexpr int32_t kScaleMax = 20;
// A series has to have a sample within the look-back of 5 min to be seen.
constexpr int64_t kInfoStepMs = 150'000;
constexpr int64_t kInfoStepsMax = 1000;
constexpr size_t kNumberBytes = 32;  // a sample or bucket, about

double StaleMarker() { return std::bit_cast<double>(kStaleMarkerBits); }

// Puts `label` where its name belongs; one of that name gives way.
void SetLabel(std::string name, std::string value, OtlpLabels* labels) {
  const auto at =
      std::lower_bound(labels->begin(), labels->end(), name,
                       [](const auto& label, const auto& key) { return label.first < key; });
  if (at != labels->end() && at->first == name) {
    at->second = std::move(value);
  } else {
    labels->emplace(at, std::move(name), std::move(value));
  }
}

// Bucket i of OTLP counts (b^i, b^(i+1)], which is number i + 1 here. False where that is beyond
// 32 bits.
bool TakeBuckets(const OtlpBuckets& buckets, std::vector<BucketSpan>* spans,
                 std::vector<double>* counts, bool* is_exact) {
  int64_t last = 0;
  bool is_first = true;
  for (size_t i = 0; i < buckets.counts.size(); ++i) {
    if (buckets.counts[i] == 0) continue;
    const int64_t index = int64_t{buckets.offset} + static_cast<int64_t>(i) + 1;
    const int64_t gap = is_first ? index : index - last - 1;
    if (index > std::numeric_limits<int32_t>::max()) return false;
    if (is_first || gap > 0) spans->push_back({static_cast<int32_t>(gap), 0});
    ++spans->back().length;
    counts->push_back(static_cast<double>(buckets.counts[i]));
    *is_exact = *is_exact && buckets.counts[i] <= kExactCountMax;
    last = index;
    is_first = false;
  }
  return true;
}

Exemplar ToExemplar(const OtlpExemplar& from, int64_t time_ms) {
  OtlpLabels labels = LabelsOfAttributes(from.attributes);
  std::string id;
  if (!from.trace_id.empty()) {
    AppendHex(from.trace_id, &id);
    SetLabel("trace_id", id, &labels);
  }
  if (!from.span_id.empty()) {
    id.clear();
    AppendHex(from.span_id, &id);
    SetLabel("span_id", id, &labels);
  }
  LabelsBuilder builder;
  for (const auto& [name, value] : labels) builder.Set(name, value);
  Exemplar exemplar;
  exemplar.labels = builder.Build();
  exemplar.value = from.value;
  exemplar.timestamp_ms =
      from.time_ns != 0 ? static_cast<int64_t>(from.time_ns / 1'000'000) : time_ms;
  return exemplar;
}

std::string Fixed(double value) {
  std::string text;
  AppendValue(value, &text);
  return text;
}

}  // namespace

OtlpLabels LabelsOfAttributes(std::vector<OtlpAttribute> attributes) {
  std::stable_sort(attributes.begin(), attributes.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
  OtlpLabels labels;
  for (const OtlpAttribute& attribute : attributes) {
    std::string name = PrometheusLabelName(attribute.key);
    std::string value;
    AppendAnyValueText(attribute.value, &value);
    if (name.empty() || value.empty()) continue;
    labels.emplace_back(std::move(name), std::move(value));
  }
  std::stable_sort(labels.begin(), labels.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  size_t kept = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (kept > 0 && labels[kept - 1].first == labels[i].first) {
      labels[kept - 1].second += ';' + labels[i].second;
    } else {
      if (kept != i) labels[kept] = std::move(labels[i]);
      ++kept;
    }
  }
  labels.resize(kept);
  return labels;
}

void OtlpSeriesWriter::BeginPoint(const OtlpPoint& point) {
  point_ = &point;
  refusal_.clear();
  labels_ = LabelsOfAttributes(point.attributes);
  for (const auto& [name, value] : target_) SetLabel(name, value, &labels_);
}

void OtlpSeriesWriter::SetLabels(const std::string& name, std::string_view extra_name,
                                 std::string_view extra_value) {
  series_labels_.clear();
  for (const auto& [label, value] : labels_) {
    if (label != kMetricNameLabel && label != extra_name) series_labels_.push_back({label, value});
  }
  series_labels_.push_back({kMetricNameLabel, name});
  if (!extra_name.empty()) series_labels_.push_back({extra_name, extra_value});
  std::sort(series_labels_.begin(), series_labels_.end(),
            [](const LabelView& a, const LabelView& b) { return a.name < b.name; });
  for (const LabelView& label : series_labels_) {
    bytes_ += label.name.size() + label.value.size() + 2;
  }
  bytes_ += kNumberBytes;
}

bool OtlpSeriesWriter::Allows(const Result<DeltaState::Outcome>& outcome) {
  if (!outcome.ok()) {
    refusal_ = outcome.status().message();
  } else if (*outcome == DeltaState::Outcome::kTooOld) {
    refusal_ = "a delta before the last one of its series, which cannot be added any more";
  }
  return outcome.ok() && *outcome == DeltaState::Outcome::kAdded;
}

bool OtlpSeriesWriter::WriteSeries(const std::string& name, double value,
                                   std::string_view extra_name, std::string_view extra_value) {
  SetLabels(name, extra_name, extra_value);
  if (is_over_limit()) return false;
  int64_t start_ms = point_->start_ms();
  if (point_->is_stale()) {
    value = StaleMarker();
  } else if (delta_ != nullptr &&
             !Allows(delta_->Add(series_labels_, point_->time_ms(), &start_ms, &value))) {
    return false;
  }
  batch_->BeginSeries(series_labels_);
  batch_->AddSample(point_->time_ms(), value, start_ms);
  return true;
}

void OtlpSeriesWriter::AddExemplars(const ValueRange& range) {
  for (const OtlpExemplar& exemplar : point_->exemplars) {
    if (is_over_limit()) return;
    const bool is_inside = exemplar.value > range.above && exemplar.value <= range.up_to;
    const bool is_lowest = range.above == -kInfinity && exemplar.value == -kInfinity;
    if (!is_inside && !is_lowest) continue;
    Exemplar made = ToExemplar(exemplar, point_->time_ms());
    bytes_ += made.labels.canonical_bytes().size() + sizeof made;
    batch_->AddExemplar(std::move(made));
  }
}

std::string OtlpSeriesWriter::WriteNumber(const std::string& name, const OtlpPoint& point) {
  if (!point.has_value && !point.is_stale()) return "a data point without a value";
  BeginPoint(point);
  if (WriteSeries(name, point.value)) AddExemplars({-kInfinity, kInfinity});
  return refusal_;
}

std::string OtlpSeriesWriter::WriteHistogram(const std::string& name, const OtlpPoint& point) {
  const size_t bounds = point.bounds.size();
  const bool has_buckets = !point.bucket_counts.empty() || bounds > 0;
  if (has_buckets && point.bucket_counts.size() != bounds + 1) {
    return std::to_string(point.bucket_counts.size()) + " bucket counts for " +
           std::to_string(bounds) + " bounds";
  }
  if (std::adjacent_find(point.bounds.begin(), point.bounds.end(),
                         [](double a, double b) { return !(a < b); }) != point.bounds.end()) {
    return "bucket bounds that do not ascend";
  }
  BeginPoint(point);
  if (point.has_sum) WriteSeries(name + "_sum", point.sum);
  WriteSeries(name + "_count", static_cast<double>(point.count));
  uint64_t cumulative = 0;
  double above = -kInfinity;
  for (size_t i = 0; i < bounds && !is_over_limit(); ++i) {
    cumulative += point.bucket_counts[i];
    if (point.bounds[i] == kInfinity) break;
    if (WriteSeries(name + "_bucket", static_cast<double>(cumulative), "le",
                    Fixed(point.bounds[i]))) {
      AddExemplars({above, point.bounds[i]});
    }
    above = point.bounds[i];
  }
  if (WriteSeries(name + "_bucket", static_cast<double>(point.count), "le", "+Inf")) {
    AddExemplars({above, kInfinity});
  }
  return refusal_;
}

std::string OtlpSeriesWriter::WriteExponential(const std::string& name, const OtlpPoint& point) {
  if (point.scale < kSchemaMin || point.scale > kScaleMax) {
    return "scale " + std::to_string(point.scale) + "; taken are " + std::to_string(kSchemaMin) +
           " to " + std::to_string(kScaleMax);
  }
  Histogram histogram;
  bool is_exact = point.count <= kExactCountMax && point.zero_count <= kExactCountMax;
  histogram.schema = point.scale;
  histogram.zero_threshold =
      point.zero_threshold > 0 ? point.zero_threshold : kDefaultZeroThreshold;
  histogram.zero_count = static_cast<double>(point.zero_count);
  histogram.count = static_cast<double>(point.count);
  histogram.sum = point.sum;
  if (point.is_stale()) {
    histogram.sum = StaleMarker();
  } else if (!TakeBuckets(point.positive, &histogram.positive_spans, &histogram.positive_buckets,
                          &is_exact) ||
             !TakeBuckets(point.negative, &histogram.negative_spans, &histogram.negative_buckets,
                          &is_exact)) {
    return "buckets beyond 2147483647";
  }
  histogram.form = is_exact ? Histogram::Form::kInteger : Histogram::Form::kFloat;
  if (histogram.schema > kSchemaMax) ReduceResolution(kSchemaMax, &histogram);
  bytes_ += histogram.MemoryBytes();
  BeginPoint(point);
  SetLabels(name, {}, {});
  if (is_over_limit()) return {};
  int64_t start_ms = point.start_ms();
  if (delta_ != nullptr && !point.is_stale() &&
      !Allows(delta_->Add(series_labels_, point.time_ms(), &start_ms, &histogram))) {
    return refusal_;
  }
  batch_->BeginSeries(series_labels_);
  batch_->AddHistogram(point.time_ms(), std::move(histogram), start_ms);
  AddExemplars({-kInfinity, kInfinity});
  return {};
}

std::string OtlpSeriesWriter::WriteSummary(const std::string& name, const OtlpPoint& point) {
  BeginPoint(point);
  WriteSeries(name + "_sum", point.sum);
  WriteSeries(name + "_count", static_cast<double>(point.count));
  for (const OtlpPoint::Quantile& quantile : point.quantiles) {
    WriteSeries(name, quantile.value, "quantile", Fixed(quantile.quantile));
  }
  return refusal_;
}

void OtlpSeriesWriter::WriteTargetInfo(const std::vector<OtlpAttribute>& attributes,
                                       int64_t first_ms, int64_t last_ms) {
  OtlpPoint point;
  point.attributes = attributes;
  BeginPoint(point);
  const std::string name = "target_info";
  SetLabels(name, {}, {});
  if (is_over_limit()) return;
  batch_->BeginSeries(series_labels_);
  const int64_t steps = std::min((last_ms - first_ms) / kInfoStepMs, kInfoStepsMax);
  for (int64_t i = steps; i >= 0 && !is_over_limit(); --i) {
    bytes_ += kNumberBytes;
    batch_->AddSample(last_ms - i * kInfoStepMs, 1);
  }
}

}  // namespace varve::server
