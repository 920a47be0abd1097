#include "query/exec/ranked_aggregation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "query/exec/go_format.h"
#include "query/exec/histogram_text.h"
#include "query/exec/quantile.h"
#include "query/exec/ratio_sample.h"

namespace varve::promql::exec {
namespace {

constexpr size_t kStepsPerTimeCheck = 64;

// The rows of `input` by group, groups in order of first appearance.
struct RowGroups {
  std::vector<std::string> keys;
  std::vector<std::vector<size_t>> rows;
};

RowGroups GroupRows(const LabelProjection& projection, const VectorValue& input) {
  RowGroups out;
  std::unordered_map<std::string, size_t> index_by_key;
  std::string key;
  for (size_t i = 0; i < input.rows().size(); ++i) {
    projection.Key(input.rows()[i].labels, MetricName::kKeep, &key);
    const auto [it, inserted] = index_by_key.emplace(key, out.keys.size());
    if (inserted) {
      out.keys.push_back(key);
      out.rows.emplace_back();
    }
    out.rows[it->second].push_back(i);
  }
  return out;
}

struct ParamBounds {
  double min = std::numeric_limits<double>::max();
  double max = std::numeric_limits<double>::lowest();
  bool any_nan = false;
};

// NaN spreads to both bounds, as in the reference.
ParamBounds BoundsOf(const ScalarColumn& param) {
  ParamBounds out;
  for (const double value : param) {
    if (std::isnan(value)) out.any_nan = true;
    out.min = std::isnan(value) || std::isnan(out.min) ? std::nan("") : std::min(out.min, value);
    out.max = std::isnan(value) || std::isnan(out.max) ? std::nan("") : std::max(out.max, value);
  }
  return out;
}

enum class ParamUse : uint8_t { kSelectNothing, kSelect };

Result<ParamUse> CheckCount(const ScalarColumn& param) {
  const ParamBounds bounds = BoundsOf(param);
  if (bounds.max < 1) return ParamUse::kSelectNothing;
  if (bounds.any_nan) return OutOfRangeError("Parameter value is NaN");
  if (bounds.min <= -0x1p63) {
    return OutOfRangeError("Scalar value " + FormatGoShort(bounds.min) + " underflows int64");
  }
  if (bounds.max >= 0x1p63) {
    return OutOfRangeError("Scalar value " + FormatGoShort(bounds.max) + " overflows int64");
  }
  return ParamUse::kSelect;
}

Result<ParamUse> CheckRatio(const ScalarColumn& param, PositionRange position,
                            Annotations* annotations) {
  const ParamBounds bounds = BoundsOf(param);
  if (bounds.max == 0 && bounds.min == 0) return ParamUse::kSelectNothing;
  if (bounds.any_nan) return OutOfRangeError("Ratio value is NaN");
  if (bounds.max > 1) annotations->InvalidRatio(bounds.max, 1, position);
  if (bounds.min < -1) annotations->InvalidRatio(bounds.min, -1, position);
  return ParamUse::kSelect;
}

// Chooses from the rows of a group that have a value at a step; what it leaves in `candidates` is
// chosen, best first.
class StepChooser {
 public:
  StepChooser(AggregationOp op, const VectorValue& input) : op_(op), input_(input) {
    if (op != AggregationOp::kLimitRatio) return;
    std::string scratch;
    for (const SeriesRow& row : input.rows()) {
      hashes_.push_back(ReferenceHash(row.labels, &scratch));
    }
  }

  void Choose(double param, size_t step, std::vector<size_t>* candidates) const {
    if (op_ == AggregationOp::kLimitRatio) {
      std::erase_if(*candidates, [&](size_t row) { return !InRatio(param, hashes_[row]); });
      return;
    }
    const double count = static_cast<double>(candidates->size());
    const size_t k = param < 1 ? 0 : static_cast<size_t>(std::min(param, count));
    if (op_ != AggregationOp::kLimitk) {
      const auto middle = candidates->begin() + static_cast<std::ptrdiff_t>(k);
      std::partial_sort(candidates->begin(), middle, candidates->end(),
                        [&](size_t a, size_t b) { return Precedes(a, b, step); });
    }
    candidates->resize(k);
  }

 private:
  // NaN comes last; of equal values the earlier row comes first.
  bool Precedes(size_t a, size_t b, size_t step) const {
    const double x = input_.rows()[a].column.values[step];
    const double y = input_.rows()[b].column.values[step];
    if (std::isnan(x) || std::isnan(y)) {
      return std::isnan(x) == std::isnan(y) ? a < b : std::isnan(y);
    }
    if (x == y) return a < b;
    return op_ == AggregationOp::kTopk ? x > y : x < y;
  }

  const AggregationOp op_;
  const VectorValue& input_;
  std::vector<uint64_t> hashes_;  // by row; limit_ratio only
};

// Takes histograms out of the input of an operator that has no meaning for them.
void IgnoreHistograms(AggregationOp op, PositionRange position, VectorValue* input,
                      Annotations* annotations) {
  bool any = false;
  for (SeriesRow& row : input->rows()) {
    if (row.column.histograms == nullptr) continue;
    const auto taken = TakeHistogramSteps(input->step_count(), row.column);
    any = any || AnyBit(taken.data(), input->step_count());
  }
  if (!any) return;
  annotations->HistogramIgnoredIn(AggregationName(op), position);
  input->DropEmptyRows();
}

// The value of a series at a step as a label.
std::string ValueLabel(const Column& column, size_t step) {
  if (column.IsHistogram(step)) return ToText(*column.histograms[step]);
  return FormatGoFixed(column.values[step]);
}

}  // namespace

Result<VectorValue> SelectRanked(AggregationOp op, const LabelProjection& projection,
                                 const ScalarColumn& param, PositionRange param_position,
                                 VectorValue input, const AggregationNotes& notes) {
  if (op == AggregationOp::kTopk || op == AggregationOp::kBottomk) {
    IgnoreHistograms(op, notes.aggregation, &input, notes.annotations);
  }
  ASSIGN_OR_RETURN(const ParamUse use, op == AggregationOp::kLimitRatio
                                           ? CheckRatio(param, param_position, notes.annotations)
                                           : CheckCount(param));
  const size_t step_count = input.step_count();
  if (use == ParamUse::kSelectNothing) return VectorValue(step_count, input.budget());
  const RowGroups groups = GroupRows(projection, input);
  const size_t words = BitmapWords(step_count);
  BudgetShare scratch(input.budget());
  RETURN_IF_ERROR(scratch.Add(0, words * sizeof(uint64_t) * input.rows().size()));
  std::vector<uint64_t> chosen(words * input.rows().size());
  const StepChooser chooser(op, input);
  std::vector<size_t> candidates;
  std::vector<size_t> order;  // of a single step
  for (const std::vector<size_t>& rows : groups.rows) {
    for (size_t step = 0; step < step_count; ++step) {
      if (step % kStepsPerTimeCheck == 0) RETURN_IF_ERROR(input.budget()->CheckTime());
      candidates.clear();
      for (const size_t row : rows) {
        if (TestBit(input.rows()[row].column.present, step)) candidates.push_back(row);
      }
      chooser.Choose(param[step], step, &candidates);
      for (const size_t row : candidates) SetBit(&chosen[row * words], step);
      if (step_count == 1) order.insert(order.end(), candidates.begin(), candidates.end());
    }
  }
  for (size_t row = 0; row < input.rows().size(); ++row) {
    AndBits(&chosen[row * words], step_count, input.rows()[row].column.present);
  }
  if (step_count != 1) {
    input.DropEmptyRows();
    return input;
  }
  std::vector<SeriesRow> ordered;
  for (const size_t row : order) ordered.push_back(std::move(input.rows()[row]));
  input.rows() = std::move(ordered);
  return input;
}

Result<VectorValue> AggregateQuantile(const LabelProjection& projection, const ScalarColumn& param,
                                      PositionRange param_position, VectorValue input,
                                      const AggregationNotes& notes) {
  Annotations* const annotations = notes.annotations;
  IgnoreHistograms(AggregationOp::kQuantile, notes.vector, &input, annotations);
  const ParamBounds bounds = BoundsOf(param);
  if (bounds.any_nan) annotations->InvalidQuantile(std::nan(""), param_position);
  if (bounds.max > 1) annotations->InvalidQuantile(bounds.max, param_position);
  if (bounds.min < 0) annotations->InvalidQuantile(bounds.min, param_position);
  RowGroups groups = GroupRows(projection, input);
  const size_t step_count = input.step_count();
  VectorValue out(step_count, input.budget());
  std::vector<double> values;
  for (size_t g = 0; g < groups.keys.size(); ++g) {
    ASSIGN_OR_RETURN(const Column column,
                     out.AppendEmpty(Labels::FromCanonicalBytes(std::move(groups.keys[g]))));
    GroupNameRemoval name_removal;
    for (const size_t row : groups.rows[g]) {
      const SeriesRow& series = input.rows()[row];
      name_removal.Add(series.column, step_count, NameOf(series));
    }
    out.rows().back().drop_name = name_removal.drop_name();
    for (size_t step = 0; step < step_count; ++step) {
      if (step % kStepsPerTimeCheck == 0) RETURN_IF_ERROR(input.budget()->CheckTime());
      values.clear();
      for (const size_t row : groups.rows[g]) {
        const Column& from = input.rows()[row].column;
        if (TestBit(from.present, step)) values.push_back(from.values[step]);
      }
      if (values.empty()) continue;
      column.values[step] = Quantile(param[step], values);
      SetBit(column.present, step);
    }
  }
  out.DropEmptyRows();
  return out;
}

Result<VectorValue> CountValues(const LabelProjection& projection, const std::string& value_label,
                                const VectorValue& input) {
  VectorValue out(input.step_count(), input.budget());
  std::unordered_map<std::string, size_t> row_by_key;
  std::string key;
  for (const SeriesRow& series : input.rows()) {
    RETURN_IF_ERROR(input.budget()->CheckTime());
    // Values repeat from step to step more often than not.
    uint64_t last_bits = 0;
    bool last_is_histogram = false;
    size_t target = SIZE_MAX;
    Status status;
    ForEachBit(series.column.present, input.step_count(), [&](size_t step) {
      if (!status.ok()) return;
      const bool histogram = series.column.IsHistogram(step);
      const uint64_t bits = histogram ? 0 : std::bit_cast<uint64_t>(series.column.values[step]);
      if (target == SIZE_MAX || bits != last_bits || histogram || last_is_histogram) {
        last_bits = bits;
        last_is_histogram = histogram;
        const std::string text = ValueLabel(series.column, step);
        projection.Key(SetLabel(series.labels, value_label, text), MetricName::kKeep, &key);
        const auto [it, inserted] = row_by_key.emplace(key, out.rows().size());
        target = it->second;
        if (inserted) status = out.AppendEmpty(Labels::FromCanonicalBytes(key)).status();
        if (!status.ok()) return;
      }
      const Column& column = out.rows()[target].column;
      if (!TestBit(column.present, step)) {
        SetBit(column.present, step);
        column.values[step] = 0;
      }
      column.values[step] += 1;
    });
    RETURN_IF_ERROR(status);
  }
  return out;
}

}  // namespace varve::promql::exec
