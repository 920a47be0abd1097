#include "server/api/result_json.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "server/api/envelope.h"
#include "server/api/number_text.h"
#include "varve/histogram_buckets.h"

namespace varve::server {
namespace {

using promql::QueryResult;

int64_t BoundsRule(const HistogramBucket& bucket) {
  if (bucket.lower_inclusive) return bucket.upper_inclusive ? 3 : 1;
  return bucket.upper_inclusive ? 0 : 2;
}

void WriteBuckets(const Histogram& histogram, JsonWriter* json) {
  bool is_open = false;
  for (const HistogramBucket& bucket : HistogramBuckets(histogram)) {
    if (bucket.count == 0) continue;
    if (!is_open) {
      json->Key("buckets");
      json->BeginArray();
      is_open = true;
    }
    json->BeginArray();
    json->Integer(BoundsRule(bucket));
    json->QuotedNumber(bucket.lower);
    json->QuotedNumber(bucket.upper);
    json->QuotedNumber(bucket.count);
    json->EndArray();
  }
  if (is_open) json->EndArray();
}

void WriteHistogramPoint(int64_t timestamp_ms, const Histogram& histogram, JsonWriter* json) {
  json->BeginArray();
  json->Seconds(timestamp_ms);
  WriteHistogram(histogram, json);
  json->EndArray();
}

void WriteVector(const promql::Vector& vector, JsonWriter* json) {
  json->BeginArray();
  for (const promql::VectorSample& sample : vector) {
    json->BeginObject();
    json->Key("metric");
    WriteLabels(sample.labels, json);
    if (sample.histogram != nullptr) {
      json->Key("histogram");
      WriteHistogramPoint(sample.point.timestamp_ms, *sample.histogram, json);
    } else {
      json->Key("value");
      json->Point(sample.point.timestamp_ms, sample.point.value);
    }
    json->EndObject();
  }
  json->EndArray();
}

void WriteSeries(const promql::Series& series, JsonWriter* json) {
  json->BeginObject();
  json->Key("metric");
  WriteLabels(series.labels, json);
  if (!series.points.empty()) {
    json->Key("values");
    json->BeginArray();
    for (const promql::Point& point : series.points) json->Point(point.timestamp_ms, point.value);
    json->EndArray();
  }
  if (!series.histograms.empty()) {
    json->Key("histograms");
    json->BeginArray();
    for (const promql::HistogramPoint& point : series.histograms) {
      WriteHistogramPoint(point.timestamp_ms, *point.histogram, json);
    }
    json->EndArray();
  }
  json->EndObject();
}

// About what a matrix of floats takes as JSON, so that large answers are not moved as they grow.
size_t MatrixBytes(const promql::Matrix& matrix) {
  constexpr size_t kSeriesBytes = 64;
  constexpr size_t kPointBytes = 36;
  size_t bytes = 0;
  for (const promql::Series& series : matrix) {
    bytes += kSeriesBytes + 2 * series.labels.canonical_bytes().size() +
             kPointBytes * series.points.size();
  }
  return bytes;
}

void WriteMatrix(const promql::Matrix& matrix, JsonWriter* json) {
  json->Reserve(MatrixBytes(matrix));
  json->BeginArray();
  for (const promql::Series& series : matrix) WriteSeries(series, json);
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

void WriteTimings(int64_t elapsed_ns, JsonWriter* json) {
  const double seconds = static_cast<double>(elapsed_ns) / 1e9;
  json->Key("timings");
  json->BeginObject();
  for (const std::string_view name : {"evalTotalTime", "innerEvalTime", "execTotalTime"}) {
    json->Key(name);
    json->Double(seconds);
  }
  // Not told apart here: preparing and sorting are part of the evaluation.
  for (const std::string_view name : {"resultSortTime", "queryPreparationTime", "execQueueTime"}) {
    json->Key(name);
    json->Double(0);
  }
  json->EndObject();
}

}  // namespace

void WriteHistogram(const Histogram& histogram, JsonWriter* json) {
  json->BeginObject();
  json->Key("count");
  json->QuotedNumber(histogram.count);
  json->Key("sum");
  json->QuotedNumber(histogram.sum);
  WriteBuckets(histogram, json);
  json->EndObject();
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
  json->Key("stats");
  json->BeginObject();
  WriteTimings(statistics.elapsed_ns, json);
  json->Key("samples");
  json->BeginObject();
  if (!statistics.queryable_samples_per_step.empty()) {
    json->Key("totalQueryableSamplesPerStep");
    json->BeginArray();
    for (const auto& [time_ms, samples] : statistics.queryable_samples_per_step) {
      json->BeginArray();
      json->Seconds(time_ms);
      json->Integer(samples);
      json->EndArray();
    }
    json->EndArray();
  }
  json->Key("totalQueryableSamples");
  json->Integer(statistics.queryable_samples);
  json->Key("samplesRead");
  json->Integer(statistics.samples_read);
  json->Key("peakSamples");
  json->Integer(statistics.samples_peak);
  json->EndObject();
  json->EndObject();
}

}  // namespace varve::server
