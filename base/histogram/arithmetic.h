// Arithmetic on native histograms, with the results of Prometheus' float histograms: operands of
// different resolution, zero bucket or custom bounds are reconciled first.
//
// Every histogram here is one that Histogram::Validate accepts, or came out of these functions
// (which may leave negative counts). Results have Form::kFloat. All functions are pure but for
// their output argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "varve/histogram.h"

namespace varve::histogram {

struct CombineOutcome {
  // One has exponential, the other custom buckets: nothing was changed.
  bool incompatible = false;
  // One says that a counter was reset, the other that none was. The result's hint is kUnknown.
  bool reset_collision = false;
  // Custom bounds differed; the result has only those that both had.
  bool bounds_reconciled = false;
};

// What rounding has cost the sums of a histogram, value by value.
struct Lost {
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<double> positive_buckets;  // as long as the histogram's
  std::vector<double> negative_buckets;
};

// Adds sign * other (sign: 1 or -1) to `into`. `lost`, if not nullptr, belongs to `into` and makes
// the sums compensated. Leaves buckets that count nothing where they are.
CombineOutcome Combine(const Histogram& other, double sign, Lost* lost, Histogram* into);

inline CombineOutcome Add(const Histogram& other, Histogram* into) {
  return Combine(other, 1, nullptr, into);
}
inline CombineOutcome Subtract(const Histogram& other, Histogram* into) {
  return Combine(other, -1, nullptr, into);
}

// Negative factors and divisors make gauges of counters.
void Multiply(double factor, Histogram* histogram);
// Division by zero leaves no buckets.
void Divide(double divisor, Histogram* histogram);
// Takes out buckets that count nothing.
void Compact(Histogram* histogram);
// REQUIRES: exponential buckets, kSchemaMin <= schema <= histogram->schema.
void ReduceResolution(int32_t schema, Histogram* histogram);

// Whether bounds, layout and all numbers are the same to the bit; hints may differ.
bool SameMeaning(const Histogram& a, const Histogram& b);
// Whether any number but a bound is infinite.
bool HasOverflow(const Histogram& histogram);

// The count of the zero bucket, were its threshold at least `threshold`: rises to the end of the
// populated bucket that it falls into. `lost` as in Combine, or nullptr.
// REQUIRES: threshold >= histogram.zero_threshold.
struct WidenedZeroBucket {
  double count = 0;
  double lost = 0;
  double threshold = 0;
};
WidenedZeroBucket WidenZeroBucket(const Histogram& histogram, const Lost* lost, double threshold);

// The counts of a histogram with custom bounds at bounds that are a subset of its own (and, last,
// above all of them), added with `sign` to `counts` and `lost`, one longer than `bounds`.
void AddAtBounds(const Histogram& histogram, double sign, const std::vector<double>& bounds,
                 const std::vector<double>* own_lost, std::vector<double>* counts,
                 std::vector<double>* lost);
// The bounds that both have.
std::vector<double> CommonBounds(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace varve::histogram
