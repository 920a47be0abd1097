// The *_over_time functions.
#include <algorithm>
#include <cmath>
#include <functional>

#include "base/kahan.h"
#include "query/exec/quantile.h"
#include "query/exec/range_kernels.h"

namespace varve::promql::exec {
namespace {

void Sum(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  ForEachWindow(in, steps, 1, out, [&](StepWindow window, size_t) {
    KahanSum sum;
    for (uint32_t i = window.begin; i < window.end; ++i) sum.Add(in.values[i]);
    return sum.Total();
  });
}

double WeightOf(const RangeInput& in, StepWindow window) {
  double weight = 0;
  for (uint32_t i = window.begin; i < window.end; ++i) weight += in.weights[i];
  return weight;
}

// Of values that are the sums of so many samples as they weigh.
double MeanOfSums(const RangeInput& in, StepWindow window) {
  const double count = WeightOf(in, window);
  KahanSum sum;
  for (uint32_t i = window.begin; i < window.end; ++i) sum.Add(in.values[i]);
  if (!std::isinf(sum.sum)) return sum.sum / count + sum.compensation / count;
  KahanSum mean;
  for (uint32_t i = window.begin; i < window.end; ++i) mean.Add(in.values[i] / count);
  return mean.Total();
}

void Average(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  if (!in.weights.empty()) {
    ForEachWindow(in, steps, 1, out,
                  [&](StepWindow window, size_t) { return MeanOfSums(in, window); });
    return;
  }
  ForEachWindow(in, steps, 1, out, [&](StepWindow window, size_t) {
    KahanMean mean;
    for (uint32_t i = window.begin; i < window.end; ++i) mean.Add(in.values[i]);
    return mean.Mean();
  });
}

double VarianceOf(const RangeInput& in, StepWindow window) {
  KahanVariance variance;
  for (uint32_t i = window.begin; i < window.end; ++i) variance.Add(in.values[i]);
  return variance.Variance();
}

void Stdvar(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  ForEachWindow(in, steps, 1, out,
                [&](StepWindow window, size_t) { return VarianceOf(in, window); });
}

void Stddev(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  ForEachWindow(in, steps, 1, out,
                [&](StepWindow window, size_t) { return std::sqrt(VarianceOf(in, window)); });
}

void Count(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  if (!in.weights.empty()) {
    ForEachWindow(in, steps, 1, out,
                  [&](StepWindow window, size_t) { return WeightOf(in, window); });
    return;
  }
  ForEachWindow(in, steps, 1, out,
                [](StepWindow window, size_t) { return static_cast<double>(window.size()); });
}

void Present(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  ForEachWindow(in, steps, 1, out, [](StepWindow, size_t) { return 1.0; });
}

void First(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  ForEachWindow(in, steps, 1, out,
                [&](StepWindow window, size_t) { return in.values[window.begin]; });
}

void Last(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  ForEachWindow(in, steps, 1, out,
                [&](StepWindow window, size_t) { return in.values[window.end - 1]; });
}

double Seconds(int64_t time_ms) { return static_cast<double>(time_ms) / 1000; }

void TimeOfFirst(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  ForEachWindow(in, steps, 1, out,
                [&](StepWindow window, size_t) { return Seconds(in.times_ms[window.begin]); });
}

void TimeOfLast(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  ForEachWindow(in, steps, 1, out,
                [&](StepWindow window, size_t) { return Seconds(in.times_ms[window.end - 1]); });
}

// The extreme of each window by a monotonic queue: the queue holds, oldest first, the samples that
// no later sample of the window beats. Of equal samples the first stands. NaN is beaten by all.
template <typename Beats>
void Extreme(const RangeInput& in, StepSpan steps, KernelScratch* scratch, Column out) {
  constexpr Beats beats;
  std::vector<uint32_t>& queue = scratch->indices;
  queue.clear();
  size_t head = 0;
  uint32_t next = 0;
  const double* values = in.values.data();
  ForEachWindow(in, steps, 1, out, [&](StepWindow window, size_t) {
    next = std::max(next, window.begin);
    for (; next < window.end; ++next) {
      if (std::isnan(values[next])) continue;
      while (queue.size() > head && beats(values[next], values[queue.back()])) queue.pop_back();
      queue.push_back(next);
    }
    while (head < queue.size() && queue[head] < window.begin) ++head;
    return head < queue.size() ? values[queue[head]] : values[window.begin];
  });
}

// The time of the extreme; of equal ones the last.
template <typename BeatsOrTies>
void TimeOfExtreme(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  constexpr BeatsOrTies beats_or_ties;
  ForEachWindow(in, steps, 1, out, [&](StepWindow window, size_t) {
    uint32_t best = window.begin;
    for (uint32_t i = window.begin; i < window.end; ++i) {
      if (beats_or_ties(in.values[i], in.values[best]) || std::isnan(in.values[best])) best = i;
    }
    return Seconds(in.times_ms[best]);
  });
}

void QuantileOverTime(const RangeInput& in, StepSpan steps, KernelScratch* scratch, Column out) {
  ForEachWindow(in, steps, 1, out, [&](StepWindow window, size_t step) {
    scratch->values.assign(in.values.begin() + window.begin, in.values.begin() + window.end);
    return Quantile(in.arg0[step], scratch->values);
  });
}

void MedianAbsoluteDeviation(const RangeInput& in, StepSpan steps, KernelScratch* scratch,
                             Column out) {
  ForEachWindow(in, steps, 1, out, [&](StepWindow window, size_t) {
    std::vector<double>& values = scratch->values;
    values.assign(in.values.begin() + window.begin, in.values.begin() + window.end);
    const double median = Quantile(0.5, values);
    for (double& value : values) value = std::fabs(value - median);
    return Quantile(0.5, values);
  });
}

}  // namespace

const RangeKernel* FindOverTimeKernel(FunctionId function) {
  using Cost = RangeKernel::Cost;
  static constexpr RangeKernel kSum{Sum, Cost::kWindowed};
  static constexpr RangeKernel kAverage{Average, Cost::kWindowed};
  static constexpr RangeKernel kStdvar{Stdvar, Cost::kWindowed};
  static constexpr RangeKernel kStddev{Stddev, Cost::kWindowed};
  static constexpr RangeKernel kCount{Count};
  static constexpr RangeKernel kPresent{Present};
  static constexpr RangeKernel kFirst{First};
  static constexpr RangeKernel kLast{Last};
  static constexpr RangeKernel kTimeOfFirst{TimeOfFirst};
  static constexpr RangeKernel kTimeOfLast{TimeOfLast};
  static constexpr RangeKernel kMax{Extreme<std::greater<>>};
  static constexpr RangeKernel kMin{Extreme<std::less<>>};
  static constexpr RangeKernel kTimeOfMax{TimeOfExtreme<std::greater_equal<>>, Cost::kWindowed};
  static constexpr RangeKernel kTimeOfMin{TimeOfExtreme<std::less_equal<>>, Cost::kWindowed};
  static constexpr RangeKernel kQuantile{QuantileOverTime, Cost::kWindowed};
  static constexpr RangeKernel kMad{MedianAbsoluteDeviation, Cost::kWindowed};
  switch (function) {
    case FunctionId::kSumOverTime:
      return &kSum;
    case FunctionId::kAvgOverTime:
      return &kAverage;
    case FunctionId::kStdvarOverTime:
      return &kStdvar;
    case FunctionId::kStddevOverTime:
      return &kStddev;
    case FunctionId::kCountOverTime:
      return &kCount;
    case FunctionId::kPresentOverTime:
      return &kPresent;
    // absent_over_time is where nothing is present; the executor turns it round.
    case FunctionId::kAbsentOverTime:
      return &kPresent;
    case FunctionId::kFirstOverTime:
      return &kFirst;
    case FunctionId::kLastOverTime:
      return &kLast;
    case FunctionId::kTsOfFirstOverTime:
      return &kTimeOfFirst;
    case FunctionId::kTsOfLastOverTime:
      return &kTimeOfLast;
    case FunctionId::kMaxOverTime:
      return &kMax;
    case FunctionId::kMinOverTime:
      return &kMin;
    case FunctionId::kTsOfMaxOverTime:
      return &kTimeOfMax;
    case FunctionId::kTsOfMinOverTime:
      return &kTimeOfMin;
    case FunctionId::kQuantileOverTime:
      return &kQuantile;
    case FunctionId::kMadOverTime:
      return &kMad;
    default:
      return nullptr;
  }
}

}  // namespace varve::promql::exec
