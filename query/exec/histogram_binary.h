// Binary operators on elements that are, or may be, native histograms.
#pragma once

#include <cstdint>
#include <vector>

#include "query/exec/annotations.h"
#include "query/exec/vector_value.h"
#include "query/promql/ast.h"

namespace varve::promql::exec {

// A float, or a histogram where that is not null.
struct Element {
  double value = 0;
  HistogramPtr histogram;

  SampleType type() const {
    return histogram == nullptr ? SampleType::kFloat : SampleType::kHistogram;
  }
};

// The element of a column at a step that is present.
inline Element ElementAt(const Column& column, size_t step) {
  if (column.IsHistogram(step)) return {0, column.histograms[step]};
  return {column.values[step], nullptr};
}

struct BinaryResult {
  // kNone: there is a result. The others say why there is none; kResetsCollide: one side says that
  // it follows a counter reset, the other that it does not.
  enum class Fault : uint8_t { kNone, kTypes, kBucketLayout, kResetsCollide };
  Fault fault = Fault::kNone;
  bool holds = true;  // of comparisons
  Element element;    // of comparisons the left one
  bool bounds_reconciled = false;
};

// REQUIRES: `op` is no set operator. Of two floats all but the trim operators are
// EvaluateArithmetic and EvaluateComparison.
BinaryResult EvaluateElements(BinaryOp op, const Element& lhs, const Element& rhs);

// The annotations of a vector operation. As the reference keeps only the last one of each step, so
// does this; nothing is allocated before the first.
class BinaryNotes {
 public:
  explicit BinaryNotes(size_t step_count) : step_count_(step_count) {}
  void Set(size_t step, const BinaryResult& result, SampleType lhs, SampleType rhs);
  void Annotate(BinaryOp op, PositionRange position, Annotations* annotations) const;

 private:
  enum class Kind : uint8_t { kNone, kTypes, kBucketLayout, kResetsCollide, kBoundsReconciled };
  struct Note {
    Kind kind = Kind::kNone;
    SampleType lhs = SampleType::kFloat;
    SampleType rhs = SampleType::kFloat;
  };

  const size_t step_count_;
  std::vector<Note> last_;
};

// An operation of two series one of which has histograms, at the steps of `matched`. `result` has
// room for histograms.
void ComputeWithHistograms(BinaryOp op, ComparisonResult comparison, const Column& lhs,
                           const Column& rhs, const std::vector<uint64_t>& matched,
                           size_t step_count, BinaryNotes* notes, Column result);

}  // namespace varve::promql::exec
