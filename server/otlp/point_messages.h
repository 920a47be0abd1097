// The data point messages of OTLP metrics
// (https://github.com/open-telemetry/opentelemetry-proto, metrics/v1), read in place.
//
// All readers fail the shared error where a known field has the wrong wire type or is cut off;
// repeated scalars come packed or one by one. Vectors are cleared, not freed, for the next point.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/wire_reader.h"
#include "server/otlp/any_value.h"

namespace varve::server {

struct OtlpExemplar {
  uint64_t time_ns = 0;
  double value = 0;
  std::string_view trace_id;  // raw bytes
  std::string_view span_id;
  std::vector<OtlpAttribute> attributes;  // the filtered ones
};

struct OtlpBuckets {
  int32_t offset = 0;
  std::vector<uint64_t> counts;
};

// A point of any of the five kinds; what a kind does not have stays empty.
struct OtlpPoint {
  static constexpr uint32_t kNoRecordedValue = 1;

  const uint8_t* at = nullptr;  // where it stands in the body
  uint64_t start_ns = 0;        // Unix epoch; 0: not known
  uint64_t time_ns = 0;
  uint32_t flags = 0;
  std::vector<OtlpAttribute> attributes;
  std::vector<OtlpExemplar> exemplars;

  double value = 0;  // gauges, sums
  bool has_value = false;

  uint64_t count = 0;  // histograms, summaries
  double sum = 0;
  bool has_sum = false;
  std::vector<uint64_t> bucket_counts;  // histograms
  std::vector<double> bounds;

  int32_t scale = 0;  // exponential histograms
  uint64_t zero_count = 0;
  double zero_threshold = 0;
  OtlpBuckets positive;
  OtlpBuckets negative;

  struct Quantile {
    double quantile = 0;
    double value = 0;
  };
  std::vector<Quantile> quantiles;  // summaries

  bool is_stale() const { return (flags & kNoRecordedValue) != 0; }
  int64_t time_ms() const { return static_cast<int64_t>(time_ns / 1'000'000); }
  int64_t start_ms() const { return static_cast<int64_t>(start_ns / 1'000'000); }
  void Clear();
};

void ReadNumberPoint(WireReader message, OtlpPoint* point);
void ReadHistogramPoint(WireReader message, OtlpPoint* point);
void ReadExponentialPoint(WireReader message, OtlpPoint* point);
void ReadSummaryPoint(WireReader message, OtlpPoint* point);

}  // namespace varve::server
