// Aggregations, group by group.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "query/promql/literal.h"
#include "tests/differential/naive_evaluator.h"

namespace varve::differential {
namespace {

using promql::AggregationOp;

LabelMap GroupOf(const promql::Aggregation& aggregation, const LabelMap& labels) {
  const auto& listed = aggregation.labels;
  LabelMap out;
  for (const auto& [name, value] : labels) {
    const bool is_listed = std::find(listed.begin(), listed.end(), name) != listed.end();
    const bool keep = aggregation.grouping == promql::Grouping::kBy
                          ? is_listed
                          : !is_listed && name != "__name__";
    if (keep) out[name] = value;
  }
  return out;
}

double Extreme(const std::vector<double>& values, bool maximum) {
  double best = values[0];
  for (const double value : values) {
    if (std::isnan(best) || (maximum ? value > best : value < best)) best = value;
  }
  return best;
}

double Reduced(AggregationOp op, double param, const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  long double sum = 0;
  for (const double value : values) sum += value;
  switch (op) {
    case AggregationOp::kSum:
      return static_cast<double>(sum);
    case AggregationOp::kAvg:
      return static_cast<double>(sum) / n;
    case AggregationOp::kCount:
      return n;
    case AggregationOp::kMin:
      return Extreme(values, false);
    case AggregationOp::kMax:
      return Extreme(values, true);
    case AggregationOp::kStddev:
    case AggregationOp::kStdvar: {
      const long double mean = sum / n;
      long double squares = 0;
      for (const double value : values) squares += (value - mean) * (value - mean);
      const auto variance = static_cast<double>(squares / n);
      return op == AggregationOp::kStddev ? std::sqrt(variance) : variance;
    }
    case AggregationOp::kQuantile:
      return NaiveQuantile(param, values);
    default:
      return 1;  // group
  }
}

// The k first of a group, NaN behind everything.
InstantVector Ranked(bool largest, double k, InstantVector group) {
  std::stable_sort(group.begin(), group.end(), [&](const Element& a, const Element& b) {
    if (std::isnan(a.value) || std::isnan(b.value)) {
      return !std::isnan(a.value) && std::isnan(b.value);
    }
    return largest ? a.value > b.value : a.value < b.value;
  });
  const double size = std::clamp(std::trunc(k), 0.0, static_cast<double>(group.size()));
  group.resize(static_cast<size_t>(size));
  return group;
}

InstantVector CountValues(const promql::Aggregation& aggregation, const InstantVector& in,
                          int64_t t) {
  const std::string& label =
      promql::WithoutParens(*aggregation.param).As<promql::StringLiteral>().value;
  std::map<LabelMap, double> counts;
  for (const Element& element : in) {
    LabelMap group = GroupOf(aggregation, element.labels);
    group[label] = promql::FormatFloat(element.value);
    counts[group] += 1;
  }
  InstantVector out;
  for (const auto& [labels, count] : counts) out.push_back({labels, count, t});
  return out;
}

// One classic histogram: cumulative counts by upper bound.
double BucketQuantile(double q, const std::map<double, double>& buckets) {
  if (buckets.empty() || std::isnan(q)) return std::nan("");
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (q < 0) return -kInfinity;
  if (q > 1) return kInfinity;
  if (buckets.rbegin()->first != kInfinity || buckets.size() < 2) return std::nan("");
  std::vector<std::pair<double, double>> sorted(buckets.begin(), buckets.end());
  for (size_t i = 1; i < sorted.size(); ++i) {
    sorted[i].second = std::max(sorted[i].second, sorted[i - 1].second);
  }
  const double total = sorted.back().second;
  if (total == 0 || std::isnan(total)) return std::nan("");
  double rank = q * total;
  size_t at = 0;
  while (at + 1 < sorted.size() && !(sorted[at].second >= rank)) ++at;
  if (at + 1 == sorted.size()) return sorted[at - 1].first;
  if (at == 0 && sorted[0].first <= 0) return sorted[0].first;
  double begin = 0;
  double count = sorted[at].second;
  if (at > 0) {
    begin = sorted[at - 1].first;
    count -= sorted[at - 1].second;
    rank -= sorted[at - 1].second;
  }
  return begin + (sorted[at].first - begin) * (rank / count);
}

}  // namespace

Result<InstantVector> AggregateElements(const promql::Aggregation& aggregation, double param,
                                        const InstantVector& in, int64_t t) {
  if (aggregation.op == AggregationOp::kCountValues) return CountValues(aggregation, in, t);
  const bool ranks =
      aggregation.op == AggregationOp::kTopk || aggregation.op == AggregationOp::kBottomk;
  std::map<LabelMap, InstantVector> groups;
  for (const Element& element : in) {
    groups[GroupOf(aggregation, element.labels)].push_back(element);
  }
  InstantVector out;
  for (auto& [labels, elements] : groups) {
    if (ranks) {
      for (Element& element :
           Ranked(aggregation.op == AggregationOp::kTopk, param, std::move(elements))) {
        out.push_back(std::move(element));
      }
      continue;
    }
    std::vector<double> values;
    for (const Element& element : elements) values.push_back(element.value);
    out.push_back({labels, Reduced(aggregation.op, param, values), t});
  }
  return out;
}

InstantVector HistogramQuantile(double q, const InstantVector& buckets, int64_t t) {
  std::map<LabelMap, std::map<double, double>> histograms;
  for (const Element& element : buckets) {
    const auto le = element.labels.find("le");
    if (le == element.labels.end()) continue;
    const Result<double> bound = le->second == "+Inf" ? std::numeric_limits<double>::infinity()
                                                      : promql::ParseNumber(le->second);
    if (!bound.ok()) continue;
    LabelMap labels = WithoutName(element.labels);
    labels.erase("le");
    histograms[labels][*bound] += element.value;
  }
  InstantVector out;
  for (const auto& [labels, histogram] : histograms) {
    out.push_back({labels, BucketQuantile(q, histogram), t});
  }
  return out;
}

}  // namespace varve::differential
