#include "server/otlp/metrics_decoder.h"

#include <algorithm>

#include "base/hash.h"
#include "server/otlp/any_value.h"
#include "server/otlp/metric_name.h"
#include "server/otlp/series_writer.h"

namespace varve::server {
namespace {

constexpr uint32_t Len(uint32_t field) { return WireTag(field, WireType::kBytes); }
constexpr uint32_t Var(uint32_t field) { return WireTag(field, WireType::kVarint); }

enum class Temporality : uint64_t { kUnspecified = 0, kDelta = 1, kCumulative = 2 };

// The numbers of Metric's data fields.
enum DataField : uint32_t {
  kGauge = 5,
  kSum = 7,
  kHistogram = 9,
  kExponential = 10,
  kSummary = 11,
};

// A Metric message, its points still unread.
struct MetricMessage {
  std::string_view name;
  std::string_view description;
  std::string_view unit;
  uint32_t data_field = 0;  // 0: none
  std::string_view data;
  Temporality temporality = Temporality::kUnspecified;
  bool is_monotonic = false;
};

class Decoder {
 public:
  Decoder(std::string_view body, size_t batch_bytes_max, DeltaState* delta,
          OtlpMetricsScratch* scratch)
      : body_(body), delta_(delta), scratch_(scratch), writer_(&scratch->batch, batch_bytes_max) {}

  Result<OtlpMetricsContent> Run();

 private:
  void DecodeResourceMetrics(std::string_view message);
  void TakeResource(WireReader message);
  void DecodeScopeMetrics(WireReader message);
  void DecodeMetric(WireReader message);
  void ReadData(MetricMessage* metric);
  void DecodePoints(const MetricMessage& metric, const std::string& name);
  std::string WritePoint(const MetricMessage& metric, const std::string& name);
  void AddMetadata(const MetricMessage& metric, const std::string& name);

  const std::string_view body_;
  DeltaState* const delta_;
  OtlpMetricsScratch* const scratch_;
  WireError error_;
  OtlpSeriesWriter writer_;
  OtlpMetricsContent content_;
  // Of the resource at hand.
  std::vector<OtlpAttribute> info_attributes_;
  int64_t first_ms_ = INT64_MAX;
  int64_t last_ms_ = INT64_MIN;
};

Result<OtlpMetricsContent> Decoder::Run() {
  scratch_->batch.Clear();
  scratch_->metadata_filter.Forget();
  for (WireReader request(body_, &error_); !request.done() && !writer_.is_over_limit();) {
    const uint32_t tag = request.Tag();
    if (tag == Len(1)) {
      DecodeResourceMetrics(request.Bytes("the length of resource metrics"));
    } else if (!request.failed()) {
      request.Skip(tag);
    }
    if (error_.failed()) return WireErrorStatus(error_, body_);
  }
  if (writer_.is_over_limit()) {
    return OutOfRangeError("the labels and numbers of the series made of it exceed the limit");
  }
  return content_;
}

// The resource is looked for first: fields of a message may come in any order.
void Decoder::DecodeResourceMetrics(std::string_view message) {
  writer_.SetTarget({});
  info_attributes_.clear();
  first_ms_ = INT64_MAX;
  last_ms_ = INT64_MIN;
  for (WireReader reader(message, &error_); !reader.done();) {
    const uint32_t tag = reader.Tag();
    if (tag == Len(1)) {
      TakeResource(reader.Message("the length of a resource"));
    } else if (!reader.failed()) {
      reader.Skip(tag);
    }
  }
  for (WireReader reader(message, &error_); !reader.done() && !error_.failed();) {
    const uint32_t tag = reader.Tag();
    if (tag == Len(2)) {
      DecodeScopeMetrics(reader.Message("the length of scope metrics"));
    } else {
      reader.Skip(tag);
    }
  }
  const bool has_points = first_ms_ <= last_ms_;
  if (has_points && !writer_.target().empty() && !info_attributes_.empty() && !error_.failed()) {
    writer_.WriteTargetInfo(info_attributes_, first_ms_, last_ms_);
  }
}

void Decoder::TakeResource(WireReader message) {
  std::string service;
  std::string service_namespace;
  std::string instance;
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag != Len(1)) {
      if (!message.failed()) message.Skip(tag);
      continue;
    }
    const OtlpAttribute attribute =
        ReadAttribute(message.Message("the length of a resource's attribute"));
    if (error_.failed()) return;
    if (attribute.key == "service.name") {
      service.clear();
      AppendAnyValueText(attribute.value, &service);
    } else if (attribute.key == "service.namespace") {
      service_namespace.clear();
      AppendAnyValueText(attribute.value, &service_namespace);
    } else if (attribute.key == "service.instance.id") {
      instance.clear();
      AppendAnyValueText(attribute.value, &instance);
    } else {
      info_attributes_.push_back(attribute);
    }
  }
  OtlpLabels target;
  if (!instance.empty()) target.emplace_back("instance", instance);
  if (!service.empty() && !service_namespace.empty()) service = service_namespace + '/' + service;
  if (!service.empty()) target.emplace_back("job", service);
  writer_.SetTarget(std::move(target));
}

void Decoder::DecodeScopeMetrics(WireReader message) {
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == Len(2)) {
      DecodeMetric(message.Message("the length of a metric"));
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
}

void Decoder::DecodeMetric(WireReader message) {
  MetricMessage metric;
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    switch (tag) {
      case Len(1):
        metric.name = message.Bytes("the length of a metric's name");
        break;
      case Len(2):
        metric.description = message.Bytes("the length of a metric's description");
        break;
      case Len(3):
        metric.unit = message.Bytes("the length of a metric's unit");
        break;
      case Len(kGauge):
      case Len(kSum):
      case Len(kHistogram):
      case Len(kExponential):
      case Len(kSummary):
        metric.data_field = tag >> 3;
        metric.data = message.Bytes("the length of a metric's data");
        break;
      default:
        if (!message.failed()) message.Skip(tag);
    }
  }
  if (error_.failed() || metric.data_field == 0) return;
  ReadData(&metric);
  OtlpMetricKind kind = OtlpMetricKind::kOther;
  if (metric.data_field == kGauge) kind = OtlpMetricKind::kGauge;
  if (metric.data_field == kSum) {
    kind = metric.is_monotonic ? OtlpMetricKind::kMonotonicSum : OtlpMetricKind::kGauge;
  }
  const std::string name = PrometheusMetricName(metric.name, metric.unit, kind);
  if (!error_.failed()) DecodePoints(metric, name);
  if (!error_.failed() && !name.empty()) AddMetadata(metric, name);
}

void Decoder::ReadData(MetricMessage* metric) {
  for (WireReader data(metric->data, &error_); !data.done();) {
    const uint32_t tag = data.Tag();
    const bool has_temporality = metric->data_field != kGauge && metric->data_field != kSummary;
    if (tag == Var(2) && has_temporality) {
      metric->temporality = static_cast<Temporality>(data.Varint("an aggregation temporality"));
    } else if (tag == Var(3) && metric->data_field == kSum) {
      metric->is_monotonic = data.Varint("whether a sum is monotonic") != 0;
    } else if (!data.failed()) {
      data.Skip(tag);
    }
  }
}

void Decoder::DecodePoints(const MetricMessage& metric, const std::string& name) {
  const bool is_delta = metric.temporality == Temporality::kDelta;
  content_.needs_delta_state = content_.needs_delta_state || (is_delta && delta_ == nullptr);
  if (content_.needs_delta_state) return;
  writer_.SetDelta(is_delta ? delta_ : nullptr);
  OtlpPoint* point = &scratch_->point;
  for (WireReader data(metric.data, &error_); !data.done() && !writer_.is_over_limit();) {
    const uint32_t tag = data.Tag();
    if (tag != Len(1)) {
      if (!data.failed()) data.Skip(tag);
      continue;
    }
    WireReader message = data.Message("the length of a data point");
    point->Clear();
    point->at = message.at();
    switch (metric.data_field) {
      case kHistogram:
        ReadHistogramPoint(message, point);
        break;
      case kExponential:
        ReadExponentialPoint(message, point);
        break;
      case kSummary:
        ReadSummaryPoint(message, point);
        break;
      default:
        ReadNumberPoint(message, point);
    }
    if (error_.failed()) return;
    ++content_.point_count;
    if (std::string why = WritePoint(metric, name); !why.empty()) {
      content_.refused.Add("metric \"" + std::string(metric.name) + "\": " + why);
      continue;
    }
    first_ms_ = std::min(first_ms_, point->time_ms());
    last_ms_ = std::max(last_ms_, point->time_ms());
  }
}

std::string Decoder::WritePoint(const MetricMessage& metric, const std::string& name) {
  const OtlpPoint& point = scratch_->point;
  if (name.empty()) return "a name without letters or digits";
  if (point.time_ns == 0) return "a data point without a time";
  if (metric.data_field == kSum || metric.data_field == kHistogram ||
      metric.data_field == kExponential) {
    if (metric.temporality != Temporality::kDelta &&
        metric.temporality != Temporality::kCumulative) {
      return "aggregation temporality " +
             std::to_string(static_cast<uint64_t>(metric.temporality)) +
             "; expected 1 (delta) or 2 (cumulative)";
    }
  }
  switch (metric.data_field) {
    case kHistogram:
      return writer_.WriteHistogram(name, point);
    case kExponential:
      return writer_.WriteExponential(name, point);
    case kSummary:
      return writer_.WriteSummary(name, point);
    default:
      return writer_.WriteNumber(name, point);
  }
}

MetricType TypeOf(const MetricMessage& metric) {
  switch (metric.data_field) {
    case kSum:
      return metric.is_monotonic ? MetricType::kCounter : MetricType::kGauge;
    case kHistogram:
    case kExponential:
      return MetricType::kHistogram;
    case kSummary:
      return MetricType::kSummary;
    default:
      return MetricType::kGauge;
  }
}

void Decoder::AddMetadata(const MetricMessage& metric, const std::string& name) {
  const MetricType type = TypeOf(metric);
  uint64_t hash = Hash64WithSeed(name, static_cast<uint64_t>(type));
  hash = Hash64WithSeed(metric.description, hash);
  hash = Hash64WithSeed(metric.unit, hash);
  if (!scratch_->metadata_filter.IsNew(hash)) return;
  scratch_->batch.AddMetadata(
      {name, type, std::string(metric.description), std::string(metric.unit)});
}

}  // namespace

Result<OtlpMetricsContent> DecodeOtlpMetrics(std::string_view body, size_t batch_bytes_max,
                                             DeltaState* delta, OtlpMetricsScratch* scratch) {
  return Decoder(body, batch_bytes_max, delta, scratch).Run();
}

}  // namespace varve::server
