#include "query/exec/vector_value.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/histogram/statistics.h"
#include "base/status_macros.h"

namespace varve::promql::exec {
namespace {

constexpr size_t kSlabBytesMax = 256 * 1024;

}  // namespace

Status VectorValue::Allocate(size_t sample_count, size_t label_bytes, Column* out) {
  const size_t words = BitmapWords(step_count_);
  const size_t row_bytes = step_count_ * sizeof(double) + words * sizeof(uint64_t);
  RETURN_IF_ERROR(share_.Add(sample_count, row_bytes + label_bytes + sizeof(SeriesRow)));
  if (slab_used_ == slab_rows_) {
    const size_t rows_max = std::max<size_t>(1, kSlabBytesMax / std::max<size_t>(1, row_bytes));
    slab_rows_ = std::clamp<size_t>(slab_rows_ * 2, 1, rows_max);
    slab_used_ = 0;
    // Left uninitialised: presence says which slots mean something.
    value_slabs_.emplace_back(new double[slab_rows_ * step_count_]);
    present_slabs_.emplace_back(new uint64_t[slab_rows_ * words]);
  }
  out->values = value_slabs_.back().get() + slab_used_ * step_count_;
  out->present = present_slabs_.back().get() + slab_used_ * words;
  ++slab_used_;
  return OkStatus();
}

Status VectorValue::Append(Labels labels, const Column& column) {
  Column own;
  RETURN_IF_ERROR(
      Allocate(CountBits(column.present, step_count_), labels.canonical_bytes().size(), &own));
  std::memcpy(own.values, column.values, step_count_ * sizeof(double));
  std::memcpy(own.present, column.present, BitmapWords(step_count_) * sizeof(uint64_t));
  rows_.push_back({std::move(labels), own});
  if (column.histograms == nullptr) return OkStatus();
  RETURN_IF_ERROR(MakeRoomForHistograms(&rows_.back()));
  HistogramPtr* const histograms = rows_.back().column.histograms;
  ForEachBit(column.present, step_count_,
             [&](size_t step) { histograms[step] = column.histograms[step]; });
  return ChargeHistograms(rows_.back().column);
}

Result<Column> VectorValue::AppendEmpty(Labels labels) {
  Column own;
  RETURN_IF_ERROR(Allocate(step_count_, labels.canonical_bytes().size(), &own));
  ClearBits(own.present, step_count_);
  rows_.push_back({std::move(labels), own});
  return own;
}

Status VectorValue::MakeRoomForHistograms(SeriesRow* row) {
  if (row->column.histograms != nullptr) return OkStatus();
  RETURN_IF_ERROR(share_.Add(0, step_count_ * sizeof(HistogramPtr)));
  histogram_rows_.push_back(std::make_unique<HistogramPtr[]>(step_count_));
  row->column.histograms = histogram_rows_.back().get();
  return OkStatus();
}

Status VectorValue::ChargeHistograms(const Column& column) {
  if (column.histograms == nullptr) return OkStatus();
  uint64_t samples = 0;
  uint64_t bytes = 0;
  ForEachBit(column.present, step_count_, [&](size_t step) {
    if (!column.IsHistogram(step)) return;
    samples += histogram::SampleCount(*column.histograms[step]);
    bytes += column.histograms[step]->MemoryBytes();
  });
  return share_.Add(samples, bytes);
}

void VectorValue::Absorb(VectorValue&& other) {
  VARVE_CHECK(step_count_ == other.step_count_);
  share_.Absorb(&other.share_);
  std::move(other.rows_.begin(), other.rows_.end(), std::back_inserter(rows_));
  std::move(other.value_slabs_.begin(), other.value_slabs_.end(), std::back_inserter(value_slabs_));
  std::move(other.present_slabs_.begin(), other.present_slabs_.end(),
            std::back_inserter(present_slabs_));
  std::move(other.histogram_rows_.begin(), other.histogram_rows_.end(),
            std::back_inserter(histogram_rows_));
  // The last slab is now the other's.
  slab_rows_ = other.slab_rows_;
  slab_used_ = other.slab_used_;
  other.rows_.clear();
  other.value_slabs_.clear();
  other.present_slabs_.clear();
  other.histogram_rows_.clear();
  other.slab_rows_ = other.slab_used_ = 0;
}

void VectorValue::DropEmptyRows() {
  std::erase_if(rows_,
                [this](const SeriesRow& row) { return !AnyBit(row.column.present, step_count_); });
}

}  // namespace varve::promql::exec
