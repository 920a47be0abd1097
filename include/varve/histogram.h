// Histogram: one sample of a native histogram (Prometheus' native histograms: exponential buckets
// of standard schemas, or custom bounds).
// Source: https://prometheus.io/docs/specs/native_histograms/
//
// Thread safety: a value; const methods from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "varve/sample.h"
#include "varve/status.h"

namespace varve {

// What the writer says of counter resets between the sample before and this one. The numbers are of
// Prometheus' remote write and of our disk format.
enum class CounterResetHint : uint8_t {
  kUnknown = 0,  // buckets have to be compared
  kReset = 1,
  kNoReset = 2,
  kGauge = 3,  // not a counter
};

// `length` consecutive buckets, `offset` buckets behind the end of the span before (the first
// span: its first bucket's index).
struct BucketSpan {
  int32_t offset = 0;
  uint32_t length = 0;
  friend bool operator==(const BucketSpan&, const BucketSpan&) = default;
};

// Standard schemas n in [kSchemaMin, kSchemaMax]: positive bucket i counts (b^(i-1), b^i] with
// b = 2^(2^-n); negative ones mirror them.
inline constexpr int32_t kSchemaMin = -4;
inline constexpr int32_t kSchemaMax = 8;
// The schema of custom bounds: bucket i counts (custom_values[i-1], custom_values[i]], the last one
// everything above; only positive spans.
inline constexpr int32_t kCustomBucketsSchema = -53;

// All counts are doubles: PromQL computes in them. Counts written as integers are kept exactly up
// to 2^53; a histogram with larger ones is stored as a float histogram.
struct Histogram {
  // How the sample was written, kept for those who read it back (remote read, export).
  enum class Form : uint8_t { kInteger = 0, kFloat = 1 };

  Form form = Form::kFloat;
  CounterResetHint reset_hint = CounterResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;  // the zero bucket counts [-zero_threshold, zero_threshold]
  double zero_count = 0;
  double count = 0;
  double sum = 0;  // a stale marker (kStaleMarkerBits) says that the series ended here
  std::vector<BucketSpan> positive_spans;
  std::vector<BucketSpan> negative_spans;
  std::vector<double> positive_buckets;  // counts, absolute, one per bucket of the spans
  std::vector<double> negative_buckets;
  std::vector<double> custom_values;  // upper bounds, ascending; kCustomBucketsSchema only

  bool uses_custom_buckets() const { return schema == kCustomBucketsSchema; }
  bool is_stale_marker() const;
  // kInvalidArgument, naming field and value: an unknown schema, spans that do not cover the
  // buckets or run over int32, negative counts, bounds that do not ascend; in integer form counts
  // that are not whole up to 2^53, or buckets that do not add up to the count (unless the sum is
  // NaN).
  Status Validate() const;
  // Heap and own bytes.
  size_t MemoryBytes() const;
};

// Equal to the bit, NaN payloads included.
bool SameBits(const Histogram& a, const Histogram& b);

using HistogramPtr = std::shared_ptr<const Histogram>;

// A histogram at a time.
struct HistogramSample {
  int64_t timestamp_ms = 0;  // Unix epoch
  int64_t start_ms = 0;      // when counting began; 0: not known
  Histogram histogram;
};

}  // namespace varve
