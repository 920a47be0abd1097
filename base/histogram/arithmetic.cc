#include "base/histogram/arithmetic.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/histogram/bucket_side.h"
#include "base/kahan.h"
#include "varve/histogram_buckets.h"

namespace varve::histogram {
namespace {

void AddNumber(double value, double* sum, double* lost) {
  if (lost == nullptr) {
    *sum += value;
    return;
  }
  KahanSum state{*sum, *lost};
  state.Add(value);
  *sum = state.sum;
  *lost = state.compensation;
}

MutableSide Positive(Histogram* histogram, Lost* lost) {
  return {&histogram->positive_spans, &histogram->positive_buckets,
          lost == nullptr ? nullptr : &lost->positive_buckets};
}
MutableSide Negative(Histogram* histogram, Lost* lost) {
  return {&histogram->negative_spans, &histogram->negative_buckets,
          lost == nullptr ? nullptr : &lost->negative_buckets};
}

// The hint of a sum; false when one operand was reset and the other not.
bool CombineHints(CounterResetHint other, CounterResetHint* into) {
  if (other == *into || *into == CounterResetHint::kGauge) return true;
  if (other == CounterResetHint::kGauge) {
    *into = other;
    return true;
  }
  const bool collision = other != CounterResetHint::kUnknown && *into != CounterResetHint::kUnknown;
  *into = CounterResetHint::kUnknown;
  return !collision;
}

// Adds the buckets of one side to the zero bucket as far as they lie within `threshold`, which
// rises to the end of the last one if that counts anything. True when it did.
bool AbsorbSide(const Histogram& histogram, const SideView& side, KahanSum* sum,
                double* threshold) {
  for (BucketCursor at(side.spans); !at.done(); at.Next()) {
    const double lower = ExponentialBound(histogram.schema, int64_t{at.index()} - 1);
    const double upper = ExponentialBound(histogram.schema, at.index());
    if (lower >= *threshold) return false;
    const double count = side.counts[at.position()];
    sum->Add(count);
    if (!side.lost.empty()) sum->Add(side.lost[at.position()]);
    if (upper <= *threshold) continue;
    if (count == 0) return false;
    *threshold = upper;
    return true;
  }
  return false;
}

// Takes the buckets within the zero bucket out of a side.
void DropAbsorbed(const Histogram& histogram, MutableSide side) {
  for (BucketCursor at(*side.spans); !at.done(); at.Next()) {
    if (ExponentialBound(histogram.schema, int64_t{at.index()} - 1) >= histogram.zero_threshold) {
      break;
    }
    (*side.counts)[at.position()] = 0;
    if (side.lost != nullptr) (*side.lost)[at.position()] = 0;
  }
  CompactSide(side);
}

// Widens the zero bucket of `into` until both have the same; returns the other's.
WidenedZeroBucket ReconcileZeroBuckets(const Histogram& other, Lost* lost, Histogram* into) {
  WidenedZeroBucket theirs{other.zero_count, 0, other.zero_threshold};
  while (theirs.threshold != into->zero_threshold) {
    if (into->zero_threshold > theirs.threshold) {
      theirs = WidenZeroBucket(other, nullptr, into->zero_threshold);
    } else if (theirs.threshold > into->zero_threshold) {
      const WidenedZeroBucket own = WidenZeroBucket(*into, lost, theirs.threshold);
      into->zero_count = own.count;
      into->zero_threshold = own.threshold;
      if (lost != nullptr) lost->zero_count = own.lost;
      DropAbsorbed(*into, Positive(into, lost));
      DropAbsorbed(*into, Negative(into, lost));
    } else {
      break;  // a threshold that is no number
    }
  }
  return theirs;
}

// The first index of the side whose bucket reaches beyond the zero bucket.
int32_t FirstOutside(std::span<const BucketSpan> spans, int32_t schema, double threshold) {
  for (BucketCursor at(spans); !at.done(); at.Next()) {
    if (ExponentialBound(schema, at.index()) > threshold) return at.index();
  }
  return std::numeric_limits<int32_t>::max();
}

// Adds one side of an exponential histogram of a resolution at least as high.
void AddExponentialSide(std::span<const BucketSpan> spans, std::span<const double> counts,
                        int32_t schema, double sign, const Histogram& target, MutableSide into) {
  if (schema == target.schema) {
    AddSide({spans, counts, {}}, sign, FirstOutside(spans, schema, target.zero_threshold), into);
    return;
  }
  std::vector<BucketSpan> reduced_spans(spans.begin(), spans.end());
  std::vector<double> reduced(counts.begin(), counts.end());
  std::vector<double> lost(into.lost == nullptr ? 0 : reduced.size());
  ReduceSide(schema - target.schema,
             {&reduced_spans, &reduced, into.lost == nullptr ? nullptr : &lost});
  AddSide({reduced_spans, reduced, lost}, sign,
          FirstOutside(reduced_spans, target.schema, target.zero_threshold), into);
}

void ReduceBoth(int32_t schema, Lost* lost, Histogram* histogram) {
  const int shift = histogram->schema - schema;
  if (shift == 0) return;
  ReduceSide(shift, Positive(histogram, lost));
  ReduceSide(shift, Negative(histogram, lost));
  histogram->schema = schema;
}

void CombineCustom(const Histogram& other, double sign, Lost* lost, Histogram* into) {
  const std::vector<double> bounds = CommonBounds(into->custom_values, other.custom_values);
  std::vector<double> counts(bounds.size() + 1);
  std::vector<double> counts_lost(bounds.size() + 1);
  AddAtBounds(*into, 1, bounds, lost == nullptr ? nullptr : &lost->positive_buckets, &counts,
              &counts_lost);
  AddAtBounds(other, sign, bounds, nullptr, &counts, &counts_lost);
  into->custom_values = bounds;
  into->positive_spans = {{0, static_cast<uint32_t>(counts.size())}};
  into->positive_buckets = std::move(counts);
  CompactSide({&into->positive_spans, &into->positive_buckets, &counts_lost});
  if (lost != nullptr) lost->positive_buckets = std::move(counts_lost);
}

bool SameBitsIn(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::equal(a, b, [](double x, double y) {
    return std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(y);
  });
}

bool AnyInfinite(const std::vector<double>& values) {
  return std::ranges::any_of(values, [](double value) { return std::isinf(value); });
}

template <typename Change>
void ForEachNumber(Histogram* histogram, Change&& change) {
  histogram->form = Histogram::Form::kFloat;
  change(&histogram->zero_count);
  change(&histogram->count);
  change(&histogram->sum);
  for (double& count : histogram->positive_buckets) change(&count);
  for (double& count : histogram->negative_buckets) change(&count);
}

}  // namespace

WidenedZeroBucket WidenZeroBucket(const Histogram& histogram, const Lost* lost, double threshold) {
  const double own_lost = lost == nullptr ? 0 : lost->zero_count;
  if (threshold == histogram.zero_threshold) return {histogram.zero_count, own_lost, threshold};
  const SideView positive{histogram.positive_spans, histogram.positive_buckets,
                          lost == nullptr ? std::span<const double>() : lost->positive_buckets};
  const SideView negative{histogram.negative_spans, histogram.negative_buckets,
                          lost == nullptr ? std::span<const double>() : lost->negative_buckets};
  KahanSum sum{histogram.zero_count, own_lost};
  AbsorbSide(histogram, positive, &sum, &threshold);
  // A negative bucket that moves the threshold may let in more positive ones: once more from the
  // start. What was lost stays, as in the reference.
  while (AbsorbSide(histogram, negative, &sum, &threshold)) {
    sum.sum = histogram.zero_count;
    AbsorbSide(histogram, positive, &sum, &threshold);
  }
  return {sum.sum, sum.compensation, threshold};
}

CombineOutcome Combine(const Histogram& other, double sign, Lost* lost, Histogram* into) {
  CombineOutcome outcome;
  if (into->uses_custom_buckets() != other.uses_custom_buckets()) {
    outcome.incompatible = true;
    return outcome;
  }
  into->form = Histogram::Form::kFloat;
  outcome.reset_collision = !CombineHints(other.reset_hint, &into->reset_hint);
  if (!into->uses_custom_buckets()) {
    const WidenedZeroBucket zero = ReconcileZeroBuckets(other, lost, into);
    double* const zero_lost = lost == nullptr ? nullptr : &lost->zero_count;
    AddNumber(sign * zero.count, &into->zero_count, zero_lost);
    if (lost != nullptr) AddNumber(sign * zero.lost, &into->zero_count, zero_lost);
  }
  AddNumber(sign * other.count, &into->count, lost == nullptr ? nullptr : &lost->count);
  AddNumber(sign * other.sum, &into->sum, lost == nullptr ? nullptr : &lost->sum);
  if (into->uses_custom_buckets()) {
    if (into->custom_values == other.custom_values) {
      AddSide({other.positive_spans, other.positive_buckets, {}}, sign,
              std::numeric_limits<int32_t>::min(), Positive(into, lost));
    } else {
      outcome.bounds_reconciled = true;
      CombineCustom(other, sign, lost, into);
    }
    return outcome;
  }
  if (other.schema < into->schema) ReduceBoth(other.schema, lost, into);
  AddExponentialSide(other.positive_spans, other.positive_buckets, other.schema, sign, *into,
                     Positive(into, lost));
  AddExponentialSide(other.negative_spans, other.negative_buckets, other.schema, sign, *into,
                     Negative(into, lost));
  return outcome;
}

void Multiply(double factor, Histogram* histogram) {
  ForEachNumber(histogram, [&](double* value) { *value *= factor; });
  if (factor < 0) histogram->reset_hint = CounterResetHint::kGauge;
}

void Divide(double divisor, Histogram* histogram) {
  if (divisor == 0) {
    histogram->positive_spans.clear();
    histogram->positive_buckets.clear();
    histogram->negative_spans.clear();
    histogram->negative_buckets.clear();
  }
  ForEachNumber(histogram, [&](double* value) { *value /= divisor; });
  if (divisor < 0) histogram->reset_hint = CounterResetHint::kGauge;
}

void Compact(Histogram* histogram) {
  CompactSide(Positive(histogram, nullptr));
  CompactSide(Negative(histogram, nullptr));
}

void ReduceResolution(int32_t schema, Histogram* histogram) {
  VARVE_CHECK(!histogram->uses_custom_buckets() && schema <= histogram->schema);
  ReduceBoth(schema, nullptr, histogram);
}

bool SameMeaning(const Histogram& a, const Histogram& b) {
  return a.schema == b.schema && a.zero_threshold == b.zero_threshold &&
         SameBitsIn({a.zero_count, a.count, a.sum}, {b.zero_count, b.count, b.sum}) &&
         (!a.uses_custom_buckets() || a.custom_values == b.custom_values) &&
         SameLayout(a.positive_spans, b.positive_spans) &&
         SameLayout(a.negative_spans, b.negative_spans) &&
         SameBitsIn(a.positive_buckets, b.positive_buckets) &&
         SameBitsIn(a.negative_buckets, b.negative_buckets);
}

bool HasOverflow(const Histogram& histogram) {
  return std::isinf(histogram.zero_count) || std::isinf(histogram.count) ||
         std::isinf(histogram.sum) || AnyInfinite(histogram.positive_buckets) ||
         AnyInfinite(histogram.negative_buckets);
}

void AddAtBounds(const Histogram& histogram, double sign, const std::vector<double>& bounds,
                 const std::vector<double>* own_lost, std::vector<double>* counts,
                 std::vector<double>* lost) {
  size_t target = 0;
  for (BucketCursor at(histogram.positive_spans); !at.done(); at.Next()) {
    const double bound = CustomBound(histogram.custom_values, at.index());
    while (target < bounds.size() && bounds[target] < bound) ++target;
    AddNumber(sign * histogram.positive_buckets[at.position()], &(*counts)[target],
              &(*lost)[target]);
    if (own_lost == nullptr) continue;
    AddNumber(sign * (*own_lost)[at.position()], &(*counts)[target], &(*lost)[target]);
  }
}

std::vector<double> CommonBounds(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> common;
  std::ranges::set_intersection(a, b, std::back_inserter(common));
  return common;
}

}  // namespace varve::histogram
