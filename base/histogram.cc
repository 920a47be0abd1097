#include "varve/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <string>

#include "varve/sample.h"

namespace varve {
namespace {

Status Invalid(const std::string& what) {
  return InvalidArgumentError("native histogram: " + what);
}

Status CheckSide(const char* side, std::span<const BucketSpan> spans,
                 std::span<const double> buckets) {
  uint64_t covered = 0;
  int64_t index = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (i > 0 && spans[i].offset < 0) {
      return Invalid(std::string(side) + " span " + std::to_string(i) + " has a negative offset " +
                     std::to_string(spans[i].offset));
    }
    covered += spans[i].length;
    index += int64_t{spans[i].offset} + spans[i].length;
    if (index > std::numeric_limits<int32_t>::max() || covered > buckets.size()) break;
  }
  if (index > std::numeric_limits<int32_t>::max()) {
    return Invalid(std::string(side) + " spans reach bucket " + std::to_string(index) +
                   ", beyond 32 bits");
  }
  if (covered != buckets.size()) {
    return Invalid(std::string(side) + " spans cover " + std::to_string(covered) +
                   " buckets or more, but " + std::to_string(buckets.size()) + " are given");
  }
  for (const double count : buckets) {
    if (count < 0) {
      return Invalid(std::string(side) + " bucket has a negative count " + std::to_string(count));
    }
  }
  return OkStatus();
}

Status CheckCustomValues(const Histogram& histogram) {
  if (!histogram.uses_custom_buckets()) {
    return histogram.custom_values.empty()
               ? OkStatus()
               : Invalid("custom bounds with schema " + std::to_string(histogram.schema));
  }
  if (histogram.zero_count != 0 || histogram.zero_threshold != 0 ||
      !histogram.negative_spans.empty() || !histogram.negative_buckets.empty()) {
    return Invalid("custom bounds allow neither a zero bucket nor negative buckets");
  }
  double previous = -std::numeric_limits<double>::infinity();
  for (const double bound : histogram.custom_values) {
    if (!(bound > previous) || std::isinf(bound)) {
      return Invalid("custom bound " + std::to_string(bound) + " does not follow " +
                     std::to_string(previous) + " (finite, ascending)");
    }
    previous = bound;
  }
  int64_t end = 0;
  for (const BucketSpan& span : histogram.positive_spans) end += int64_t{span.offset} + span.length;
  if (!histogram.positive_spans.empty() && histogram.positive_spans.front().offset < 0) {
    return Invalid("custom bucket index " +
                   std::to_string(histogram.positive_spans.front().offset) + " is negative");
  }
  if (end > static_cast<int64_t>(histogram.custom_values.size()) + 1) {
    return Invalid("custom bucket " + std::to_string(end - 1) + " has no bound among " +
                   std::to_string(histogram.custom_values.size()));
  }
  return OkStatus();
}

bool IsExactCount(double count) { return count <= 0x1p53 && count == std::floor(count); }

// Observations that are NaN are in the count and in no bucket.
Status CheckIntegers(const Histogram& histogram) {
  double total = histogram.zero_count;
  bool is_exact = IsExactCount(histogram.count) && IsExactCount(histogram.zero_count);
  for (const auto* buckets : {&histogram.positive_buckets, &histogram.negative_buckets}) {
    for (const double bucket : *buckets) {
      total += bucket;
      is_exact = is_exact && IsExactCount(bucket);
    }
  }
  if (std::isnan(histogram.sum) ? total > histogram.count : total != histogram.count) {
    return Invalid("buckets add up to " + std::to_string(total) + ", the count is " +
                   std::to_string(histogram.count));
  }
  return is_exact ? OkStatus() : Invalid("integer counts are not whole numbers up to 2^53");
}

bool SameDouble(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool SameDoubles(std::span<const double> a, std::span<const double> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), SameDouble);
}

}  // namespace

bool Histogram::is_stale_marker() const { return std::bit_cast<uint64_t>(sum) == kStaleMarkerBits; }

Status Histogram::Validate() const {
  if (is_stale_marker()) return OkStatus();
  if (!uses_custom_buckets() && (schema < kSchemaMin || schema > kSchemaMax)) {
    return Invalid("schema " + std::to_string(schema) + " is neither in -4..8 nor -53");
  }
  if (std::isnan(zero_threshold) || zero_threshold < 0) {
    return Invalid("zero threshold " + std::to_string(zero_threshold));
  }
  if (zero_count < 0) return Invalid("negative zero count " + std::to_string(zero_count));
  if (count < 0) return Invalid("negative count " + std::to_string(count));
  if (Status status = CheckSide("positive", positive_spans, positive_buckets); !status.ok()) {
    return status;
  }
  if (Status status = CheckSide("negative", negative_spans, negative_buckets); !status.ok()) {
    return status;
  }
  if (Status status = CheckCustomValues(*this); !status.ok()) return status;
  return form == Form::kInteger ? CheckIntegers(*this) : OkStatus();
}

size_t Histogram::MemoryBytes() const {
  return sizeof(Histogram) +
         (positive_spans.capacity() + negative_spans.capacity()) * sizeof(BucketSpan) +
         (positive_buckets.capacity() + negative_buckets.capacity() + custom_values.capacity()) *
             sizeof(double);
}

bool SameBits(const Histogram& a, const Histogram& b) {
  return a.form == b.form && a.reset_hint == b.reset_hint && a.schema == b.schema &&
         SameDouble(a.zero_threshold, b.zero_threshold) && SameDouble(a.zero_count, b.zero_count) &&
         SameDouble(a.count, b.count) && SameDouble(a.sum, b.sum) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         SameDoubles(a.positive_buckets, b.positive_buckets) &&
         SameDoubles(a.negative_buckets, b.negative_buckets) &&
         SameDoubles(a.custom_values, b.custom_values);
}

}  // namespace varve
