// Random data and random queries that suit it.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "tests/differential/dataset.h"

namespace varve::differential {

// Everything happens within half an hour from here on.
inline constexpr int64_t kOriginMs = 1'600'000'000'000;

using Random = std::mt19937_64;

// A few jobs and instances with metrics of equal and unequal label sets: irregular times, gaps,
// resets, stale markers, NaN, infinities. Numbers are multiples of 1/4, so that sums of them are
// exact in any order.
Dataset RandomDataset(Random* random);

Times RandomTimes(Random* random);

class QueryGenerator {
 public:
  explicit QueryGenerator(Random* random) : random_(random) {}

  // Type-correct, of type scalar or instant vector; it may still fail on the data.
  std::string Query();

 private:
  // Whether both evaluators must agree on the last bit, because an operator downstream jumps:
  // comparisons, ranks, rounding. Such operands are built from sums of multiples of 1/4 only.
  enum class Exactness : uint8_t { kExact, kAny };

  std::string Vector(int depth, Exactness exactness);
  std::string Scalar(int depth, Exactness exactness);
  std::string Number();
  std::string Selector();
  std::string SelectorHead(const std::string& metric);
  std::string TimeShift();
  std::string Range(int depth, Exactness exactness);
  std::string RangeFunction(int depth, Exactness exactness);
  std::string Aggregation(int depth, Exactness exactness);
  std::string Ranked(int depth);
  std::string GroupClause();
  std::string VectorScalar(int depth, Exactness exactness);
  std::string VectorVector(int depth, Exactness exactness);
  std::string SetOperation(int depth, Exactness exactness);
  std::string Comparison(int depth, Exactness exactness);
  std::string ElementFunction(int depth, Exactness exactness);
  std::string LabelFunction(int depth, Exactness exactness);
  std::string Quantile(int depth);

  size_t Below(size_t n) { return static_cast<size_t>((*random_)() % n); }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <size_t n>
  std::string Pick(const char* const (&choices)[n]) {
    return choices[Below(n)];
  }

  Random* const random_;
};

}  // namespace varve::differential
