#include "tools/result_table.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "server/api/number_text.h"
#include "varve/histogram_buckets.h"

namespace varve::tools {
namespace {

constexpr size_t kTimeWidth = 16;

void AppendTime(int64_t timestamp_ms, std::string* out) {
  std::string time;
  server::AppendSeconds(timestamp_ms, &time);
  time.resize(std::max(time.size(), kTimeWidth), ' ');
  *out += time;
}

void AppendPoint(const promql::Point& point, std::string* out) {
  AppendTime(point.timestamp_ms, out);
  server::AppendValue(point.value, out);
}

// {count:3, sum:1.5, (0.5,1]:3}, as Prometheus prints a native histogram.
void AppendHistogram(int64_t timestamp_ms, const Histogram& histogram, std::string* out) {
  AppendTime(timestamp_ms, out);
  *out += "{count:";
  server::AppendValue(histogram.count, out);
  *out += ", sum:";
  server::AppendValue(histogram.sum, out);
  for (const HistogramBucket& bucket : HistogramBuckets(histogram)) {
    if (bucket.count == 0) continue;
    *out += bucket.lower_inclusive ? ", [" : ", (";
    server::AppendValue(bucket.lower, out);
    *out += ',';
    server::AppendValue(bucket.upper, out);
    *out += bucket.upper_inclusive ? "]:" : "):";
    server::AppendValue(bucket.count, out);
  }
  *out += '}';
}

// Floats and histograms of a series in the order of their times.
void AppendSeries(const promql::Series& series, std::string* out) {
  size_t next = 0;  // histogram
  const auto append_histograms_before = [&](int64_t time_ms) {
    for (; next < series.histograms.size() && series.histograms[next].timestamp_ms < time_ms;
         ++next) {
      *out += "  ";
      AppendHistogram(series.histograms[next].timestamp_ms, *series.histograms[next].histogram,
                      out);
      *out += '\n';
    }
  };
  for (const promql::Point& point : series.points) {
    append_histograms_before(point.timestamp_ms);
    *out += "  ";
    AppendPoint(point, out);
    *out += '\n';
  }
  append_histograms_before(INT64_MAX);
}

struct TableWriter {
  std::string* out;

  void operator()(const promql::Scalar& scalar) const {
    AppendPoint(scalar.point, out);
    *out += '\n';
  }
  void operator()(const promql::String& text) const { *out += text.value + '\n'; }
  void operator()(const promql::Vector& vector) const {
    for (const promql::VectorSample& sample : vector) {
      if (sample.histogram != nullptr) {
        AppendHistogram(sample.point.timestamp_ms, *sample.histogram, out);
      } else {
        AppendPoint(sample.point, out);
      }
      *out += "  " + sample.labels.ToString() + '\n';
    }
  }
  void operator()(const promql::Matrix& matrix) const {
    for (const promql::Series& series : matrix) {
      *out += series.labels.ToString() + '\n';
      AppendSeries(series, out);
    }
  }
};

}  // namespace

std::string ResultTable(const promql::QueryResult& result) {
  std::string out;
  std::visit(TableWriter{&out}, result.value);
  return out;
}

}  // namespace varve::tools
