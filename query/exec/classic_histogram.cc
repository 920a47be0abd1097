#include "query/exec/classic_histogram.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "query/exec/go_format.h"
#include "query/exec/label_ops.h"
#include "query/exec/quantile.h"
#include "query/exec/row_merge.h"

namespace varve::promql::exec {
namespace {

constexpr std::string_view kBucketLabel = "le";

struct BucketRow {
  double upper_bound = 0;
  const Column* column = nullptr;
};

// One histogram: its bucket series by ascending bound.
struct Histogram {
  Labels labels;  // with the metric name, without `le`
  std::vector<BucketRow> buckets;
};

std::vector<Histogram> CollectHistograms(const VectorValue& input, PositionRange position,
                                         Annotations* annotations) {
  std::vector<Histogram> histograms;
  std::unordered_map<std::string, size_t> index_by_labels;
  for (const SeriesRow& row : input.rows()) {
    if (!AnyBit(row.column.present, input.step_count())) continue;
    const std::string_view le = row.labels.Get(kBucketLabel);
    double upper_bound = 0;
    if (!ParseGoFloat(le, &upper_bound)) {
      annotations->BadBucketLabel(row.labels.Get(kMetricNameLabel), le, position);
      continue;
    }
    Labels labels = SetLabel(row.labels, kBucketLabel, {});
    const auto [it, inserted] =
        index_by_labels.emplace(labels.canonical_bytes(), histograms.size());
    if (inserted) histograms.push_back({std::move(labels), {}});
    histograms[it->second].buckets.push_back({upper_bound, &row.column});
  }
  for (Histogram& histogram : histograms) {
    // A bound that is NaN comes first, where it can do the least.
    std::stable_sort(histogram.buckets.begin(), histogram.buckets.end(),
                     [](const BucketRow& a, const BucketRow& b) {
                       return a.upper_bound < b.upper_bound ||
                              (std::isnan(a.upper_bound) && !std::isnan(b.upper_bound));
                     });
  }
  return histograms;
}

// One output series per histogram; evaluate(step, buckets, histogram) -> double where the
// histogram has a bucket.
template <typename Evaluate>
Result<VectorValue> EvaluateHistograms(const std::vector<Histogram>& histograms,
                                       const NameRules& names, const VectorValue& input,
                                       Evaluate&& evaluate) {
  VectorValue out(input.step_count(), input.budget());
  std::vector<Bucket> buckets;
  for (const Histogram& histogram : histograms) {
    RETURN_IF_ERROR(input.budget()->CheckTime());
    ASSIGN_OR_RETURN(const Column column,
                     out.AppendEmpty(names.After(MetricName::kDrop, histogram.labels)));
    out.rows().back().drop_name = names.delayed();
    for (size_t step = 0; step < input.step_count(); ++step) {
      buckets.clear();
      for (const BucketRow& bucket : histogram.buckets) {
        if (!TestBit(bucket.column->present, step)) continue;
        buckets.push_back({bucket.upper_bound, bucket.column->values[step]});
      }
      if (buckets.empty()) continue;
      column.values[step] = evaluate(step, &buckets, histogram);
      SetBit(column.present, step);
    }
  }
  RETURN_IF_ERROR(ResolveEqualLabels(EqualLabels::kMergeDisjoint, &out));
  return out;
}

}  // namespace

Result<VectorValue> EvaluateHistogramQuantile(const HistogramQuantileArgs& args,
                                              const NameRules& names, const TimeGrid& grid,
                                              const VectorValue& input, Annotations* annotations) {
  for (const double q : args.quantile) {
    if (std::isnan(q) || q < 0 || q > 1) annotations->InvalidQuantile(q, args.quantile_position);
  }
  const std::vector<Histogram> histograms =
      CollectHistograms(input, args.vector_position, annotations);
  return EvaluateHistograms(
      histograms, names, input,
      [&](size_t step, std::vector<Bucket>* buckets, const Histogram& histogram) {
        const BucketQuantileResult result = BucketQuantile(args.quantile[step], buckets);
        if (result.forced_monotonicity) {
          annotations->ForcedMonotonicity(
              histogram.labels.Get(kMetricNameLabel),
              {grid.At(step), result.bucket_min, result.bucket_max, result.difference_max},
              args.vector_position);
        }
        return result.value;
      });
}

Result<VectorValue> EvaluateHistogramFraction(const HistogramFractionArgs& args,
                                              const NameRules& names, const VectorValue& input,
                                              Annotations* annotations) {
  const std::vector<Histogram> histograms =
      CollectHistograms(input, args.vector_position, annotations);
  return EvaluateHistograms(histograms, names, input,
                            [&](size_t step, std::vector<Bucket>* buckets, const Histogram&) {
                              return BucketFraction(args.lower[step], args.upper[step], buckets);
                            });
}

}  // namespace varve::promql::exec
