// VectorValue: an instant vector over all evaluation steps, series by series.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "query/exec/bitmap.h"
#include "query/exec/budget.h"
#include "varve/histogram.h"
#include "varve/labels.h"
#include "varve/status.h"

namespace varve::promql::exec {

// One series' values, a slot per step, and the steps at which there is one. Slots without a value
// hold anything. Borrowed.
// A step with a native histogram is present and has a non-null entry in `histograms`; its slot of
// `values` holds anything. Entries of steps that are not present mean nothing. Most series are
// floats: then `histograms` is nullptr.
struct Column {
  double* values = nullptr;
  uint64_t* present = nullptr;
  HistogramPtr* histograms = nullptr;

  // REQUIRES: the step is present.
  bool IsHistogram(size_t step) const {
    return histograms != nullptr && histograms[step] != nullptr;
  }
  void SetFloat(size_t step, double value) const {
    values[step] = value;
    if (histograms != nullptr) histograms[step] = nullptr;
    SetBit(present, step);
  }
  // REQUIRES: histograms != nullptr.
  void SetHistogram(size_t step, HistogramPtr histogram) const {
    histograms[step] = std::move(histogram);
    SetBit(present, step);
  }
};

struct SeriesRow {
  Labels labels;
  Column column;
  // The name falls at the end of the query (delayed name removal only, name_rules.h).
  bool drop_name = false;
};

// A column that owns its memory: scratch that is reused from series to series.
class ColumnBuffer {
 public:
  explicit ColumnBuffer(size_t step_count)
      : values_(step_count), present_(BitmapWords(step_count)) {}
  // Clears presence.
  Column Reset() {
    std::fill(present_.begin(), present_.end(), 0);
    return column();
  }
  // As Reset, with room for histograms.
  Column ResetWithHistograms() {
    histograms_.assign(values_.size(), nullptr);
    Column out = Reset();
    out.histograms = histograms_.data();
    return out;
  }
  Column column() { return {values_.data(), present_.data()}; }

 private:
  std::vector<double> values_;
  std::vector<uint64_t> present_;
  std::vector<HistogramPtr> histograms_;  // empty until the first series that has some
};

// Rows live in slabs, so that moving rows between values moves no samples. Everything held is
// charged to the budget, by samples present and by bytes.
// Not thread-safe.
class VectorValue {
 public:
  VectorValue(size_t step_count, QueryBudget* budget) : step_count_(step_count), share_(budget) {}
  VectorValue(VectorValue&&) = default;
  VectorValue& operator=(VectorValue&&) = default;

  size_t step_count() const { return step_count_; }
  QueryBudget* budget() const { return share_.budget(); }
  std::vector<SeriesRow>& rows() { return rows_; }
  const std::vector<SeriesRow>& rows() const { return rows_; }

  // Appends a copy of `column`. Errors: kResourceExhausted.
  Status Append(Labels labels, const Column& column);
  // Appends a row that the caller fills; presence starts empty. It is charged as if it had a
  // sample at every step. The column stays valid as long as the value or whoever absorbs it.
  Result<Column> AppendEmpty(Labels labels);
  // Gives a row of this value room for histograms, if it has none. Errors: kResourceExhausted.
  Status MakeRoomForHistograms(SeriesRow* row);
  // Charges what the histograms of a row hold, for who filled it in place. Errors: as above.
  Status ChargeHistograms(const Column& column);
  // Moves the rows of `other`, of as many steps and the same budget, behind this one's.
  void Absorb(VectorValue&& other);
  // Forgets rows without a sample at any step.
  void DropEmptyRows();

 private:
  Status Allocate(size_t sample_count, size_t label_bytes, Column* out);

  size_t step_count_;
  BudgetShare share_;
  std::vector<SeriesRow> rows_;
  std::vector<std::unique_ptr<double[]>> value_slabs_;
  std::vector<std::unique_ptr<uint64_t[]>> present_slabs_;
  std::vector<std::unique_ptr<HistogramPtr[]>> histogram_rows_;  // of the rows that have some
  size_t slab_rows_ = 0;                                         // of the last slab
  size_t slab_used_ = 0;
};

}  // namespace varve::promql::exec
