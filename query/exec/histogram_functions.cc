#include "query/exec/histogram_functions.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/histogram/statistics.h"
#include "base/status_macros.h"
#include "query/exec/go_format.h"
#include "query/exec/histogram_range.h"
#include "query/exec/label_ops.h"
#include "query/exec/quantile.h"
#include "query/exec/row_merge.h"

namespace varve::promql::exec {
namespace {

constexpr std::string_view kBucketLabel = "le";

using Bits = std::vector<uint64_t>;

struct BucketRow {
  double upper_bound = 0;
  const Column* column = nullptr;
};

// One classic histogram: its bucket series by ascending bound.
struct ClassicHistogram {
  Labels labels;  // with the metric name, without `le`
  std::vector<BucketRow> buckets;
  Bits conflicts;  // steps with a native histogram of the same labels; empty: none
};

struct NativeHistogram {
  const SeriesRow* row = nullptr;
  Bits conflicts;
};

bool Conflicts(const Bits& conflicts, size_t step) {
  return !conflicts.empty() && TestBit(conflicts.data(), step);
}

// The steps of a row with floats, or with histograms.
Bits StepsOf(const Column& column, SampleType type, size_t step_count) {
  Bits out(BitmapWords(step_count));
  ForEachBit(column.present, step_count, [&](size_t step) {
    if (column.IsHistogram(step) == (type == SampleType::kHistogram)) SetBit(out.data(), step);
  });
  return out;
}

// The histograms in a vector, told apart.
class HistogramInput {
 public:
  HistogramInput(const VectorValue& input, PositionRange position, Annotations* annotations)
      : step_count_(input.step_count()), position_(position), annotations_(annotations) {
    for (const SeriesRow& row : input.rows()) Add(row);
    for (ClassicHistogram& histogram : classic_) {
      // A bound that is NaN comes first, where it can do the least.
      std::stable_sort(histogram.buckets.begin(), histogram.buckets.end(),
                       [](const BucketRow& a, const BucketRow& b) {
                         return a.upper_bound < b.upper_bound ||
                                (std::isnan(a.upper_bound) && !std::isnan(b.upper_bound));
                       });
    }
    for (NativeHistogram& histogram : native_) FindConflicts(&histogram);
  }

  const std::vector<ClassicHistogram>& classic() const { return classic_; }
  const std::vector<NativeHistogram>& native() const { return native_; }

 private:
  void Add(const SeriesRow& row);
  void FindConflicts(NativeHistogram* native);

  const size_t step_count_;
  const PositionRange position_;
  Annotations* const annotations_;
  std::vector<ClassicHistogram> classic_;
  std::vector<NativeHistogram> native_;
  std::unordered_map<std::string, size_t> classic_by_labels_;
};

void HistogramInput::Add(const SeriesRow& row) {
  bool any_float = row.column.histograms == nullptr && AnyBit(row.column.present, step_count_);
  if (row.column.histograms != nullptr) {
    const Bits floats = StepsOf(row.column, SampleType::kFloat, step_count_);
    any_float = AnyBit(floats.data(), step_count_);
    native_.push_back({&row, {}});
  }
  if (!any_float) return;
  const std::string_view le = row.labels.Get(kBucketLabel);
  double upper_bound = 0;
  if (!ParseGoFloat(le, &upper_bound)) {
    annotations_->BadBucketLabel(row.labels.Get(kMetricNameLabel), le, position_);
    return;
  }
  Labels labels = SetLabel(row.labels, kBucketLabel, {});
  const auto [it, inserted] = classic_by_labels_.emplace(labels.canonical_bytes(), classic_.size());
  if (inserted) classic_.push_back({std::move(labels), {}, {}});
  classic_[it->second].buckets.push_back({upper_bound, &row.column});
}

void HistogramInput::FindConflicts(NativeHistogram* native) {
  const auto found = classic_by_labels_.find(native->row->labels.canonical_bytes());
  if (found == classic_by_labels_.end()) return;
  ClassicHistogram& classic = classic_[found->second];
  Bits conflicts(BitmapWords(step_count_));
  for (const BucketRow& bucket : classic.buckets) {
    const Bits floats = StepsOf(*bucket.column, SampleType::kFloat, step_count_);
    OrBits(floats.data(), step_count_, conflicts.data());
  }
  const Bits histograms = StepsOf(native->row->column, SampleType::kHistogram, step_count_);
  AndBits(histograms.data(), step_count_, conflicts.data());
  if (!AnyBit(conflicts.data(), step_count_)) return;
  annotations_->Histogram(HistogramNote::kMixedClassicAndNative,
                          native->row->labels.Get(kMetricNameLabel), position_);
  native->conflicts = conflicts;
  classic.conflicts = std::move(conflicts);
}

// The quantile as a value of a label, in OpenMetrics' canonical form.
std::string QuantileText(double q) {
  std::string out = FormatGoShort(q);
  if (std::isfinite(q) && out.find_first_of("e.") == std::string::npos) out += ".0";
  return out;
}

// Evaluates one quantile, or one fraction, at some of the steps.
class HistogramFunction {
 public:
  HistogramFunction(const HistogramFunctionArgs& args, const NameRules& names, const TimeGrid& grid,
                    const HistogramInput& input, Annotations* annotations)
      : args_(args), names_(names), grid_(grid), input_(input), annotations_(annotations) {}

  // `scalar` is the quantile's number among the arguments; `quantile_text` goes into the label.
  Status Evaluate(size_t scalar, const Bits& steps, const std::string& quantile_text,
                  VectorValue* out);

 private:
  bool is_fraction() const { return args_.function == FunctionId::kHistogramFraction; }
  Result<Column> AppendRow(const Labels& labels, const std::string& quantile_text,
                           VectorValue* out) const;
  double OfNative(const Histogram& histogram, size_t scalar, size_t step, SeriesNotes* notes) const;
  double OfClassic(const ClassicHistogram& histogram, size_t scalar, size_t step);

  const HistogramFunctionArgs& args_;
  const NameRules& names_;
  const TimeGrid& grid_;
  const HistogramInput& input_;
  Annotations* const annotations_;
  std::vector<Bucket> buckets_;  // scratch
};

Result<Column> HistogramFunction::AppendRow(const Labels& labels, const std::string& quantile_text,
                                            VectorValue* out) const {
  Labels result = names_.After(MetricName::kDrop, labels);
  if (args_.function == FunctionId::kHistogramQuantiles) {
    result = SetLabel(result, args_.quantile_label, quantile_text);
  }
  ASSIGN_OR_RETURN(const Column column, out->AppendEmpty(std::move(result)));
  out->rows().back().drop_name = names_.delayed();
  return column;
}

double HistogramFunction::OfNative(const Histogram& histogram, size_t scalar, size_t step,
                                   SeriesNotes* notes) const {
  using histogram::NanObservations;
  if (is_fraction()) {
    const histogram::Estimate fraction =
        histogram::Fraction(args_.scalars[0][step], args_.scalars[1][step], histogram);
    if (fraction.nan_observations != NanObservations::kNone) {
      notes->Add(HistogramNote::kFractionExcludesNan);
    }
    return fraction.value;
  }
  const histogram::Estimate quantile = histogram::Quantile(args_.scalars[scalar][step], histogram);
  if (quantile.nan_observations == NanObservations::kMadeItNan) {
    notes->Add(HistogramNote::kQuantileIsNan);
  } else if (quantile.nan_observations == NanObservations::kSkewedIt) {
    notes->Add(HistogramNote::kQuantileIsSkewed);
  }
  return quantile.value;
}

// Of the buckets in buckets_.
double HistogramFunction::OfClassic(const ClassicHistogram& histogram, size_t scalar, size_t step) {
  if (is_fraction()) {
    return BucketFraction(args_.scalars[0][step], args_.scalars[1][step], &buckets_);
  }
  const BucketQuantileResult result = BucketQuantile(args_.scalars[scalar][step], &buckets_);
  if (result.forced_monotonicity) {
    annotations_->ForcedMonotonicity(
        histogram.labels.Get(kMetricNameLabel),
        {grid_.At(step), result.bucket_min, result.bucket_max, result.difference_max},
        args_.vector_position);
  }
  return result.value;
}

Status HistogramFunction::Evaluate(size_t scalar, const Bits& steps,
                                   const std::string& quantile_text, VectorValue* out) {
  for (const NativeHistogram& native : input_.native()) {
    RETURN_IF_ERROR(out->budget()->CheckTime());
    const SeriesRow& row = *native.row;
    ASSIGN_OR_RETURN(const Column column, AppendRow(row.labels, quantile_text, out));
    SeriesNotes notes(annotations_, row.labels.Get(kMetricNameLabel), args_.vector_position);
    ForEachBit(steps.data(), grid_.count, [&](size_t step) {
      if (!TestBit(row.column.present, step) || !row.column.IsHistogram(step)) return;
      if (Conflicts(native.conflicts, step)) return;
      column.SetFloat(step, OfNative(*row.column.histograms[step], scalar, step, &notes));
    });
  }
  for (const ClassicHistogram& classic : input_.classic()) {
    RETURN_IF_ERROR(out->budget()->CheckTime());
    ASSIGN_OR_RETURN(const Column column, AppendRow(classic.labels, quantile_text, out));
    ForEachBit(steps.data(), grid_.count, [&](size_t step) {
      if (Conflicts(classic.conflicts, step)) return;
      buckets_.clear();
      for (const BucketRow& bucket : classic.buckets) {
        if (!TestBit(bucket.column->present, step) || bucket.column->IsHistogram(step)) continue;
        buckets_.push_back({bucket.upper_bound, bucket.column->values[step]});
      }
      if (!buckets_.empty()) column.SetFloat(step, OfClassic(classic, scalar, step));
    });
  }
  return OkStatus();
}

// The steps at which each value of a quantile, as text, applies: mostly one value at all steps.
std::map<std::string, Bits> StepsByQuantile(const ScalarColumn& quantile) {
  std::map<std::string, Bits> out;
  for (size_t step = 0; step < quantile.size(); ++step) {
    Bits& steps = out[QuantileText(quantile[step])];
    steps.resize(BitmapWords(quantile.size()));
    SetBit(steps.data(), step);
  }
  return out;
}

}  // namespace

Result<VectorValue> EvaluateHistogramFunction(const HistogramFunctionArgs& args,
                                              const NameRules& names, const TimeGrid& grid,
                                              const VectorValue& input, Annotations* annotations) {
  for (size_t i = 0; i < args.scalars.size(); ++i) {
    if (args.function == FunctionId::kHistogramFraction) break;
    for (const double q : args.scalars[i]) {
      if (std::isnan(q) || q < 0 || q > 1)
        annotations->InvalidQuantile(q, args.scalar_positions[i]);
    }
  }
  const HistogramInput histograms(input, args.vector_position, annotations);
  HistogramFunction function(args, names, grid, histograms, annotations);
  VectorValue out(input.step_count(), input.budget());
  if (args.function == FunctionId::kHistogramQuantiles) {
    for (size_t i = 0; i < args.scalars.size(); ++i) {
      for (const auto& [text, steps] : StepsByQuantile(args.scalars[i])) {
        RETURN_IF_ERROR(function.Evaluate(i, steps, text, &out));
      }
    }
  } else {
    Bits every(BitmapWords(grid.count));
    FillBits(every.data(), grid.count);
    RETURN_IF_ERROR(function.Evaluate(0, every, {}, &out));
  }
  RETURN_IF_ERROR(ResolveEqualLabels(EqualLabels::kMergeDisjoint, &out));
  return out;
}

}  // namespace varve::promql::exec
