// A second evaluator of PromQL, written to be obviously right and nothing else: every step on its
// own, every sample on its own, maps and vectors, sums in long double. It shares the parser's tree
// with the engine under test, and no more. Floats only.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "query/promql/ast.h"
#include "tests/differential/dataset.h"
#include "varve/status.h"

namespace varve::differential {

struct Element {
  LabelMap labels;
  double value = 0;
  int64_t time_ms = 0;  // of the sample itself for a selector, else of the evaluation
};
using InstantVector = std::vector<Element>;

struct Window {
  LabelMap labels;
  std::vector<std::pair<int64_t, double>> points;  // ascending in time, no stale markers
  int64_t start_ms = 0;                            // exclusive
  int64_t end_ms = 0;
};

class NaiveEvaluator {
 public:
  // `data` is borrowed. `times` are the query's.
  NaiveEvaluator(const Dataset* data, const Times& times, int64_t lookback_ms)
      : data_(data), query_(times), lookback_ms_(lookback_ms) {}

  // REQUIRES: durations are resolved; the type is scalar or instant vector. Any error means that
  // the query must fail.
  Result<Table> Run(const promql::Expr& expr) const;

 private:
  // At time `t`, which is one of `times`: those of the query or of the innermost subquery.
  Result<double> Scalar(const promql::Expr& expr, int64_t t, const Times& times) const;
  Result<InstantVector> Vector(const promql::Expr& expr, int64_t t, const Times& times) const;
  Result<InstantVector> VectorUnchecked(const promql::Expr& expr, int64_t t,
                                        const Times& times) const;
  Result<std::vector<Window>> Windows(const promql::Expr& expr, int64_t t,
                                      const Times& times) const;
  Result<std::vector<Window>> SubqueryWindows(const promql::Subquery& subquery, int64_t t,
                                              const Times& times) const;
  Result<double> CallScalar(const promql::Call& call, int64_t t, const Times& times) const;
  Result<InstantVector> CallVector(const promql::Call& call, int64_t t, const Times& times) const;
  Result<InstantVector> RangeCall(const promql::Call& call, size_t range_index, int64_t t,
                                  const Times& times) const;
  // Beside the labels of the window that each value comes from.
  Result<std::vector<std::pair<LabelMap, Element>>> RangeValues(const promql::Call& call,
                                                                size_t range_index, int64_t t,
                                                                const Times& times) const;
  Result<InstantVector> ElementCall(const promql::Call& call, int64_t t, const Times& times) const;
  Result<InstantVector> LabelCall(const promql::Call& call, InstantVector in) const;
  Result<InstantVector> Aggregate(const promql::Aggregation& aggregation, int64_t t,
                                  const Times& times) const;
  Result<InstantVector> BinaryVector(const promql::Binary& binary, int64_t t,
                                     const Times& times) const;

  InstantVector Select(const promql::VectorSelector& selector, int64_t t) const;
  int64_t Shifted(const promql::AtModifier& at, int64_t offset_ms, int64_t t) const;

  const Dataset* const data_;
  const Times query_;
  const int64_t lookback_ms_;
};

// naive_range.cc: one value of one window; false for none. `args` are the scalar arguments.
bool ApplyRangeFunction(const std::string& name, const Window& window,
                        const std::vector<double>& args, int64_t t, double* value);
bool KeepsMetricName(const std::string& range_function);
double NaiveQuantile(double q, std::vector<double> values);

// naive_binary.cc
double Arithmetic(promql::BinaryOp op, double a, double b);
bool Compare(promql::BinaryOp op, double a, double b);
// `lhs` and `rhs` are the operands as written.
Result<InstantVector> MatchVectors(const promql::Binary& binary, const InstantVector& lhs,
                                   const InstantVector& rhs, int64_t t);

// naive_aggregation.cc
Result<InstantVector> AggregateElements(const promql::Aggregation& aggregation, double param,
                                        const InstantVector& in, int64_t t);
// Classic histograms.
InstantVector HistogramQuantile(double q, const InstantVector& buckets, int64_t t);

LabelMap WithoutName(LabelMap labels);

}  // namespace varve::differential
