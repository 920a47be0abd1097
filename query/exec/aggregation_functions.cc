#include "query/exec/aggregation_functions.h"

#include <cmath>

#include "base/kahan.h"

namespace varve::promql::exec {
namespace {

// Runs update(step) where `present` has a value; the dense case is a plain loop.
template <typename Update>
void ForSteps(const uint64_t* present, size_t n, Update&& update) {
  if (AllBits(present, n)) {
    for (size_t i = 0; i < n; ++i) update(i);
  } else {
    ForEachBit(present, n, update);
  }
}

// sum: planes sum, compensation

void AddCompensated(double value, double* sum, double* compensation) {
  KahanSum state{*sum, *compensation};
  state.Add(value);
  *sum = state.sum;
  *compensation = state.compensation;
}

void SumAdd(const GroupPlanes& g, size_t n, const Column& c) {
  double* const sum = g.plane[0];
  double* const compensation = g.plane[1];
  ForSteps(c.present, n, [&](size_t i) { AddCompensated(c.values[i], &sum[i], &compensation[i]); });
}
void SumMerge(const GroupPlanes& g, size_t n, const GroupPlanes& from) {
  ForSteps(from.present, n, [&](size_t i) {
    AddCompensated(from.plane[0][i], &g.plane[0][i], &g.plane[1][i]);
    if (!std::isinf(g.plane[0][i])) g.plane[1][i] += from.plane[1][i];
  });
}
void SumFinish(const GroupPlanes& g, size_t n) {
  for (size_t i = 0; i < n; ++i) g.plane[0][i] += g.plane[1][i];
}

// avg: planes sum or mean, compensation, count; the bitmap says which steps hold a mean

void ToMean(const GroupPlanes& g, size_t i, double count) {
  if (TestBit(g.incremental, i)) return;
  g.plane[0][i] /= count;
  g.plane[1][i] /= count;
  SetBit(g.incremental, i);
}

void AverageAddAt(const GroupPlanes& g, size_t i, double value) {
  const double count = g.plane[2][i] += 1;
  if (!TestBit(g.incremental, i)) {
    KahanSum next{g.plane[0][i], g.plane[1][i]};
    next.Add(value);
    if (count == 1 || !std::isinf(next.sum)) {
      g.plane[0][i] = next.sum;
      g.plane[1][i] = next.compensation;
      return;
    }
    ToMean(g, i, count - 1);
  }
  const double weight = (count - 1) / count;
  KahanSum mean{g.plane[0][i] * weight, g.plane[1][i] * weight};
  mean.Add(value / count);
  g.plane[0][i] = mean.sum;
  g.plane[1][i] = mean.compensation;
}

void AverageAdd(const GroupPlanes& g, size_t n, const Column& c) {
  ForSteps(c.present, n, [&](size_t i) { AverageAddAt(g, i, c.values[i]); });
}
void AverageMerge(const GroupPlanes& g, size_t n, const GroupPlanes& from) {
  ForSteps(from.present, n, [&](size_t i) {
    const double own = g.plane[2][i];
    const double others = from.plane[2][i];
    const double total = own + others;
    g.plane[2][i] = total;
    if (own == 0) {
      g.plane[0][i] = from.plane[0][i];
      g.plane[1][i] = from.plane[1][i];
      if (TestBit(from.incremental, i)) SetBit(g.incremental, i);
      return;
    }
    if (!TestBit(g.incremental, i) && !TestBit(from.incremental, i)) {
      KahanSum sum{g.plane[0][i], g.plane[1][i]};
      sum.Add(from.plane[0][i]);
      if (!std::isinf(sum.sum)) {
        g.plane[0][i] = sum.sum;
        g.plane[1][i] = sum.compensation + from.plane[1][i];
        return;
      }
    }
    ToMean(g, i, own);
    ToMean(from, i, others);
    KahanSum mean{g.plane[0][i] * (own / total), g.plane[1][i] * (own / total)};
    mean.Add(from.plane[0][i] * (others / total));
    g.plane[0][i] = mean.sum;
    g.plane[1][i] = mean.compensation + from.plane[1][i] * (others / total);
  });
}
void AverageFinish(const GroupPlanes& g, size_t n) {
  ForSteps(g.present, n, [&](size_t i) {
    const double divisor = TestBit(g.incremental, i) ? 1 : g.plane[2][i];
    g.plane[0][i] = g.plane[0][i] / divisor + g.plane[1][i] / divisor;
  });
}

// count: plane count

void CountAdd(const GroupPlanes& g, size_t n, const Column& c) {
  ForSteps(c.present, n, [&](size_t i) { g.plane[0][i] += 1; });
}
void CountMerge(const GroupPlanes& g, size_t n, const GroupPlanes& from) {
  ForSteps(from.present, n, [&](size_t i) { g.plane[0][i] += from.plane[0][i]; });
}

// min, max: plane extreme; any value beats NaN

template <typename Beats>
void Challenge(const GroupPlanes& g, size_t i, double value) {
  double& extreme = g.plane[0][i];
  if (!TestBit(g.present, i) || Beats{}(value, extreme) || std::isnan(extreme)) extreme = value;
}
template <typename Beats>
void ExtremeAdd(const GroupPlanes& g, size_t n, const Column& c) {
  ForSteps(c.present, n, [&](size_t i) { Challenge<Beats>(g, i, c.values[i]); });
}
template <typename Beats>
void ExtremeMerge(const GroupPlanes& g, size_t n, const GroupPlanes& from) {
  ForSteps(from.present, n, [&](size_t i) { Challenge<Beats>(g, i, from.plane[0][i]); });
}

// group: presence alone; plane 0 becomes 1

void GroupAdd(const GroupPlanes&, size_t, const Column&) {}
void GroupMerge(const GroupPlanes&, size_t, const GroupPlanes&) {}
void GroupFinish(const GroupPlanes& g, size_t n) {
  for (size_t i = 0; i < n; ++i) g.plane[0][i] = 1;
}

// stddev, stdvar: planes mean, its compensation, squares, their compensation, count

void VarianceAdd(const GroupPlanes& g, size_t n, const Column& c) {
  ForSteps(c.present, n, [&](size_t i) {
    const double value = c.values[i];
    const double count = g.plane[4][i] += 1;
    const double delta = value - (g.plane[0][i] + g.plane[1][i]);
    AddCompensated(delta / count, &g.plane[0][i], &g.plane[1][i]);
    const double rest = value - (g.plane[0][i] + g.plane[1][i]);
    AddCompensated(delta * rest, &g.plane[2][i], &g.plane[3][i]);
  });
}
// Chan, Golub, LeVeque: "Updating Formulae and a Pairwise Algorithm for Computing Sample
// Variances" (1979).
void VarianceMerge(const GroupPlanes& g, size_t n, const GroupPlanes& from) {
  ForSteps(from.present, n, [&](size_t i) {
    const double own = g.plane[4][i];
    const double others = from.plane[4][i];
    const double total = own + others;
    const double delta = (from.plane[0][i] + from.plane[1][i]) - (g.plane[0][i] + g.plane[1][i]);
    AddCompensated(delta * (others / total), &g.plane[0][i], &g.plane[1][i]);
    AddCompensated(from.plane[2][i], &g.plane[2][i], &g.plane[3][i]);
    // With nothing here yet the second term is delta times zero, which an infinite delta must
    // not turn into NaN by itself; the squares of `from` already are NaN then.
    if (own > 0)
      AddCompensated(delta * delta * (own * others / total), &g.plane[2][i], &g.plane[3][i]);
    g.plane[3][i] += from.plane[3][i];
    g.plane[4][i] = total;
  });
}
double VarianceAt(const GroupPlanes& g, size_t i) {
  return (g.plane[2][i] + g.plane[3][i]) / g.plane[4][i];
}
void StdvarFinish(const GroupPlanes& g, size_t n) {
  ForSteps(g.present, n, [&](size_t i) { g.plane[0][i] = VarianceAt(g, i); });
}
void StddevFinish(const GroupPlanes& g, size_t n) {
  ForSteps(g.present, n, [&](size_t i) { g.plane[0][i] = std::sqrt(VarianceAt(g, i)); });
}

void NothingToFinish(const GroupPlanes&, size_t) {}

}  // namespace

const AggregationFunctions* FindAggregationFunctions(AggregationOp op) {
  using Greater = std::greater<>;
  using Less = std::less<>;
  static constexpr AggregationFunctions kSum{2, SumAdd, SumMerge, SumFinish};
  static constexpr AggregationFunctions kAvg{3, AverageAdd, AverageMerge, AverageFinish};
  static constexpr AggregationFunctions kCount{1, CountAdd, CountMerge, NothingToFinish};
  static constexpr AggregationFunctions kMax{1, ExtremeAdd<Greater>, ExtremeMerge<Greater>,
                                             NothingToFinish};
  static constexpr AggregationFunctions kMin{1, ExtremeAdd<Less>, ExtremeMerge<Less>,
                                             NothingToFinish};
  static constexpr AggregationFunctions kGroup{1, GroupAdd, GroupMerge, GroupFinish};
  static constexpr AggregationFunctions kStdvar{5, VarianceAdd, VarianceMerge, StdvarFinish};
  static constexpr AggregationFunctions kStddev{5, VarianceAdd, VarianceMerge, StddevFinish};
  switch (op) {
    case AggregationOp::kSum:
      return &kSum;
    case AggregationOp::kAvg:
      return &kAvg;
    case AggregationOp::kCount:
      return &kCount;
    case AggregationOp::kMax:
      return &kMax;
    case AggregationOp::kMin:
      return &kMin;
    case AggregationOp::kGroup:
      return &kGroup;
    case AggregationOp::kStdvar:
      return &kStdvar;
    case AggregationOp::kStddev:
      return &kStddev;
    default:
      return nullptr;
  }
}

}  // namespace varve::promql::exec
