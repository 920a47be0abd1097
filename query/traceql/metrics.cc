#include "query/traceql/metrics.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include "base/status_macros.h"
#include "query/traceql/compare.h"
#include "query/traceql/evaluator.h"
#include "query/traceql/result_values.h"

namespace varve::traceql {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kNsPerS = 1e9;
constexpr size_t kTracesPerCheck = 256;
constexpr size_t kExemplarsMax = 10'000;  // in all, but one of each series

using SeriesMap = std::map<std::string, MetricSeries>;  // by key of the labels

ResultValue TextValue(std::string text) {
  ResultValue value;
  value.type = ResultValue::Type::kString;
  value.text = std::move(text);
  return value;
}

ResultValue NumberValue(double number) { return ToResult(Value::Float(number)); }

std::string KeyOf(const ResultAttributes& labels) {
  std::string key;
  for (const auto& [name, value] : labels) {
    key += name;
    key += '\0';
    key += static_cast<char>('0' + static_cast<int>(value.type));
    key += value.text;
    key += '\0';
  }
  return key;
}

std::string_view NameOf(MetricKind kind) {
  static constexpr std::string_view kNames[] = {
      "rate",          "count_over_time", "min_over_time",      "max_over_time",
      "sum_over_time", "avg_over_time",   "quantile_over_time", "histogram_over_time",
      "compare"};
  return kNames[static_cast<size_t>(kind)];
}

// How many spans a sampled one stands for, from its trace state (ot=th:..., OpenTelemetry's
// probability sampling: a rejection threshold of up to 14 hexadecimal digits, zeros cut).
double WeightOf(std::string_view trace_state) {
  const size_t vendor = trace_state.find("ot=");
  if (vendor == std::string_view::npos) return 1;
  std::string_view entry = trace_state.substr(vendor + 3);
  entry = entry.substr(0, entry.find(','));
  const size_t at = entry.find("th:");
  if (at == std::string_view::npos) return 1;
  std::string digits(entry.substr(at + 3, entry.find(';', at) - at - 3));
  constexpr size_t kDigits = 14;
  if (digits.empty() || digits.size() > kDigits) return 1;
  digits.resize(kDigits, '0');
  uint64_t threshold = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), threshold, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return 1;
  constexpr double kWhole = 72057594037927936.0;  // 2^56
  return kWhole / (kWhole - static_cast<double>(threshold));
}

// Numbers of one bucket of time of one series.
struct Cell {
  double count = 0;
  double value = kNaN;  // of min, max, sum
};

struct Accumulator {
  ResultAttributes labels;
  std::vector<Cell> cells;
  // Of quantiles and histograms: by upper bound, how many.
  std::vector<std::map<double, double>> buckets;
  std::vector<MetricExemplar> exemplars;  // NaN: the value is that of the series then
  std::vector<size_t> exemplar_buckets;   // of time
};

// The upper bound of the power-of-two bucket of a value, as Tempo's log2 buckets: values below two
// units are in none.
double UpperBound(double value) {
  if (!(value >= 2)) return kNaN;
  return std::exp2(std::ceil(std::log2(value)));
}

// By exponential interpolation within the bucket that the quantile falls in.
double Quantile(double quantile, const std::map<double, double>& buckets) {
  double total = 0;
  for (const auto& [bound, count] : buckets) total += count;
  if (total == 0) return kNaN;
  const double wanted = std::max(1.0, std::ceil(quantile * total));
  double before = 0;
  double below = 0;
  for (const auto& [bound, count] : buckets) {
    if (before + count >= wanted) {
      const double max = std::log2(bound);
      const double min = before == 0 && below == 0 ? max - 1 : std::log2(below);
      return std::exp2(min + (max - min) * (wanted - before) / count);
    }
    before += count;
    below = bound;
  }
  return buckets.rbegin()->first;
}

class Measurer {
 public:
  Measurer(const Query& query, const MetricsRequest& request, const Buckets& buckets,
           const EngineOptions& options, TraceTable* table, const CheckTime& check)
      : metric_(*query.metric),
        buckets_(buckets),
        options_(options),
        table_(table),
        check_(check),
        evaluator_(&query, table),
        exemplars_max_(request.exemplars_max),
        comparer_(metric_, buckets, table) {
    start_.intrinsic = Intrinsic::kStartTime;
    for (const Hint& hint : query.hints) {
      if (hint.name == "extrapolate" && hint.value.is_true()) extrapolates_ = true;
      if (hint.name != "exemplars" || exemplars_max_ == 0) continue;
      const bool is_count = hint.value.type == ValueType::kInt && hint.value.integer >= 0;
      if (is_count) exemplars_max_ = static_cast<size_t>(hint.value.integer);
      if (hint.value.type == ValueType::kBool && !hint.value.is_true()) exemplars_max_ = 0;
    }
  }

  Result<SeriesMap> Run() {
    RETURN_IF_ERROR(evaluator_.MatchFilters());
    const bool counts =
        metric_.kind == MetricKind::kRate || metric_.kind == MetricKind::kCountOverTime;
    if (counts && metric_.by.empty()) {
      RETURN_IF_ERROR(Find({{"__name__", TextValue(std::string(NameOf(metric_.kind)))}}).status());
    }
    for (size_t trace = 0; trace < table_->trace_count(); ++trace) {
      if (trace % kTracesPerCheck == 0) {
        RETURN_IF_ERROR(check_());
        table_->CloseBeyond(kOpenBytesMax);
      }
      if (evaluator_.MayMatch(trace)) RETURN_IF_ERROR(AddTrace(trace));
    }
    if (metric_.kind == MetricKind::kCompare) return FinishCompare();
    return Finish();
  }

 private:
  // A trace that stands together has every span once.
  Status AddTrace(size_t trace) {
    if (evaluator_.is_plain_filter() && table_->segments(trace).size() == 1) {
      const Segment segment = table_->segments(trace)[0];
      for (uint32_t row = segment.begin; row < segment.end; ++row) {
        const SpanRef span{segment.block, row};
        if (evaluator_.HoldsFor(span)) RETURN_IF_ERROR(AddSpan(span));
      }
      return OkStatus();
    }
    if (!evaluator_.is_plain_filter()) {
      ASSIGN_OR_RETURN(const bool any, table_->Complete(trace));
      if (any) RETURN_IF_ERROR(evaluator_.MatchFilters());
    }
    ASSIGN_OR_RETURN(const std::vector<Spanset> spansets, evaluator_.Evaluate(trace));
    for (const Spanset& spanset : spansets) {
      for (const uint32_t i : spanset.spans) {
        ASSIGN_OR_RETURN(const TraceSpans* spans, table_->Spans(trace));
        RETURN_IF_ERROR(AddSpan(spans->spans[i]));
      }
    }
    return OkStatus();
  }

  Status AddSpan(SpanRef span) {
    ASSIGN_OR_RETURN(const Value start, table_->Get(start_, span));
    const auto start_ns = static_cast<uint64_t>(start.integer);
    const size_t bucket = buckets_.Find(start_ns);
    if (bucket == SIZE_MAX) return OkStatus();
    double weight = 1;
    if (extrapolates_) {
      ASSIGN_OR_RETURN(const format::SpanBlock* block, table_->view(span.block).Open());
      ASSIGN_OR_RETURN(const codec::StringColumn* states,
                       block->Strings(format::SpanColumn::kTraceStates));
      weight = WeightOf(states->at(span.row));
    }
    if (metric_.kind == MetricKind::kCompare) {
      AddToComparison(span, start_ns, bucket, weight);
      return OkStatus();
    }
    double number = kNaN;
    const bool counts =
        metric_.kind == MetricKind::kRate || metric_.kind == MetricKind::kCountOverTime;
    bool is_duration = false;
    if (!counts) {
      ASSIGN_OR_RETURN(const Value value, table_->Get(metric_.attribute, span));
      if (!value.is_numeric()) return OkStatus();
      is_duration = value.type == ValueType::kDuration;
      number = value.as_number();
    }
    ResultAttributes labels;
    for (const Attribute& attribute : metric_.by) {
      ASSIGN_OR_RETURN(const Value value, table_->Get(attribute, span));
      labels.emplace_back(attribute.ToText(), ToResult(value));
    }
    const bool has_buckets = metric_.kind == MetricKind::kQuantileOverTime ||
                             metric_.kind == MetricKind::kHistogramOverTime;
    if (labels.empty() && !has_buckets) {
      labels.emplace_back("__name__", TextValue(std::string(NameOf(metric_.kind))));
    }
    ASSIGN_OR_RETURN(Accumulator* const series, Find(std::move(labels)));
    if (has_buckets) {
      const double bound = UpperBound(number);
      if (std::isnan(bound)) return OkStatus();
      series->buckets.resize(buckets_.count);
      series->buckets[bucket][is_duration ? bound / kNsPerS : bound] += weight;
    } else {
      Accumulate(is_duration ? number / kNsPerS : number, weight, &series->cells[bucket]);
    }
    return AddExemplar(span, bucket, is_duration ? number / kNsPerS : number, series);
  }

  void Accumulate(double number, double weight, Cell* cell) const {
    cell->count += weight;
    switch (metric_.kind) {
      case MetricKind::kMinOverTime:
        cell->value = std::isnan(cell->value) ? number : std::min(cell->value, number);
        return;
      case MetricKind::kMaxOverTime:
        cell->value = std::isnan(cell->value) ? number : std::max(cell->value, number);
        return;
      case MetricKind::kSumOverTime:
      case MetricKind::kAvgOverTime:
        cell->value = (std::isnan(cell->value) ? 0 : cell->value) + number * weight;
        return;
      default:
        return;
    }
  }

  Status AddExemplar(SpanRef span, size_t bucket, double number, Accumulator* series) {
    if (series->exemplars.size() >= exemplars_max_) return OkStatus();
    MetricExemplar exemplar;
    ASSIGN_OR_RETURN(const Value start, table_->Get(start_, span));
    exemplar.timestamp_ms = start.integer / 1'000'000;
    exemplar.value = number;
    Attribute id;
    id.intrinsic = Intrinsic::kTraceId;
    ASSIGN_OR_RETURN(const Value trace_id, table_->Get(id, span));
    exemplar.labels.emplace_back("trace:id", ToResult(trace_id));
    series->exemplars.push_back(std::move(exemplar));
    series->exemplar_buckets.push_back(bucket);
    return OkStatus();
  }

  Result<Accumulator*> Find(ResultAttributes labels) {
    const auto [at, is_new] = series_.try_emplace(KeyOf(labels));
    if (is_new) {
      if (series_.size() > options_.metric_series_max) {
        return ResourceExhaustedError("the query makes more than " +
                                      std::to_string(options_.metric_series_max) + " series");
      }
      at->second.labels = std::move(labels);
      at->second.cells.resize(buckets_.count);
    }
    return &at->second;
  }

  // compare(): counts of every value of every attribute, of spans that are selected and of others.
  void AddToComparison(SpanRef span, uint64_t start_ns, size_t bucket, double weight) {
    bool is_selected = true;
    if (metric_.selection_start_ns != 0 || metric_.selection_end_ns != 0) {
      is_selected = start_ns >= metric_.selection_start_ns && start_ns < metric_.selection_end_ns;
    }
    is_selected = is_selected && evaluator_.FilterHoldsFor(metric_.selection->filter_index, span);
    comparer_.Add(span, bucket,
                  is_selected ? Comparer::Side::kSelection : Comparer::Side::kBaseline, weight);
  }

  Result<SeriesMap> FinishCompare() {
    ASSIGN_OR_RETURN(std::vector<MetricSeries> series, comparer_.Finish(check_));
    SeriesMap all;
    for (MetricSeries& one : series) all[KeyOf(one.labels)] = std::move(one);
    return all;
  }

  void Emit(ResultAttributes labels, const std::vector<double>& values, SeriesMap* all) const {
    MetricSeries& series = (*all)[KeyOf(labels)];
    series.labels = std::move(labels);
    for (size_t i = 0; i < values.size(); ++i) {
      if (!std::isnan(values[i])) series.points.emplace_back(buckets_.TimestampMs(i), values[i]);
    }
  }

  Result<SeriesMap> Finish() {
    SeriesMap all;
    for (auto& [key, accumulator] : series_) {
      if (metric_.kind == MetricKind::kQuantileOverTime) {
        FinishQuantiles(accumulator, &all);
        continue;
      }
      if (metric_.kind == MetricKind::kHistogramOverTime) {
        FinishHistogram(accumulator, &all);
        continue;
      }
      std::vector<double> values;
      const double seconds = static_cast<double>(buckets_.step_ns) / kNsPerS;
      for (const Cell& cell : accumulator.cells) {
        switch (metric_.kind) {
          case MetricKind::kRate:
            values.push_back(cell.count / seconds);
            break;
          case MetricKind::kCountOverTime:
            values.push_back(cell.count);
            break;
          case MetricKind::kAvgOverTime:
            values.push_back(cell.value / cell.count);
            break;
          default:
            values.push_back(cell.value);
        }
      }
      Emit(accumulator.labels, values, &all);
      for (size_t i = 0; i < accumulator.exemplars.size(); ++i) {
        MetricExemplar& exemplar = accumulator.exemplars[i];
        if (std::isnan(exemplar.value)) exemplar.value = values[accumulator.exemplar_buckets[i]];
        all[key].exemplars.push_back(std::move(exemplar));
      }
    }
    return all;
  }

  // An exemplar belongs to the quantile that it lies nearest to at its time.
  void FinishQuantiles(const Accumulator& accumulator, SeriesMap* all) const {
    std::vector<std::vector<double>> by_quantile;
    std::vector<std::string> keys;
    for (const double quantile : metric_.quantiles) {
      ResultAttributes labels = accumulator.labels;
      labels.emplace_back("p", NumberValue(quantile));
      std::vector<double> values(accumulator.buckets.size(), kNaN);
      for (size_t i = 0; i < values.size(); ++i) {
        values[i] = Quantile(quantile, accumulator.buckets[i]);
      }
      keys.push_back(KeyOf(labels));
      Emit(std::move(labels), values, all);
      by_quantile.push_back(std::move(values));
    }
    for (size_t i = 0; i < accumulator.exemplars.size(); ++i) {
      const MetricExemplar& exemplar = accumulator.exemplars[i];
      const size_t bucket = accumulator.exemplar_buckets[i];
      const auto distance = [&](const std::vector<double>& values) {
        return std::fabs(values[bucket] - exemplar.value);
      };
      const auto nearest =
          std::min_element(by_quantile.begin(), by_quantile.end(),
                           [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
      (*all)[keys[static_cast<size_t>(nearest - by_quantile.begin())]].exemplars.push_back(
          exemplar);
    }
  }

  void FinishHistogram(const Accumulator& accumulator, SeriesMap* all) const {
    std::map<double, std::vector<double>> by_bound;
    std::map<double, std::string> keys;
    for (size_t i = 0; i < accumulator.buckets.size(); ++i) {
      for (const auto& [bound, count] : accumulator.buckets[i]) {
        std::vector<double>& values = by_bound[bound];
        values.resize(buckets_.count);
        values[i] = count;
      }
    }
    for (const auto& [bound, values] : by_bound) {
      ResultAttributes labels = accumulator.labels;
      labels.emplace_back("__bucket", NumberValue(bound));
      keys[bound] = KeyOf(labels);
      Emit(std::move(labels), values, all);
    }
    for (size_t i = 0; i < accumulator.exemplars.size(); ++i) {
      MetricExemplar exemplar = accumulator.exemplars[i];
      const auto at = by_bound.lower_bound(exemplar.value);
      if (at == by_bound.end()) continue;
      exemplar.value = at->second[accumulator.exemplar_buckets[i]];
      (*all)[keys[at->first]].exemplars.push_back(std::move(exemplar));
    }
  }

  const MetricStage& metric_;
  const Buckets& buckets_;
  const EngineOptions& options_;
  TraceTable* const table_;
  const CheckTime& check_;
  Evaluator evaluator_;
  Attribute start_;
  bool extrapolates_ = false;
  size_t exemplars_max_;
  std::map<std::string, Accumulator> series_;
  Comparer comparer_;
};

// topk and bottomk choose at each time; ties by labels.
void KeepExtremes(const SecondStage& stage, SeriesMap* series) {
  std::map<int64_t, std::vector<std::pair<double, const std::string*>>> by_time;
  for (const auto& [key, one] : *series) {
    for (const auto& [time, value] : one.points) by_time[time].emplace_back(value, &key);
  }
  std::map<std::string, std::vector<std::pair<int64_t, double>>> kept;
  const bool is_top = stage.kind == SecondStage::Kind::kTop;
  for (auto& [time, values] : by_time) {
    std::stable_sort(values.begin(), values.end(), [is_top](const auto& a, const auto& b) {
      return is_top ? a.first > b.first : a.first < b.first;
    });
    const size_t count = std::min(values.size(), static_cast<size_t>(stage.count));
    for (size_t i = 0; i < count; ++i) kept[*values[i].second].emplace_back(time, values[i].first);
  }
  for (auto& [key, one] : *series) one.points = kept[key];
}

void ApplySecond(const std::vector<SecondStage>& stages, SeriesMap* series) {
  for (const SecondStage& stage : stages) {
    if (stage.kind != SecondStage::Kind::kFilter) {
      KeepExtremes(stage, series);
    } else {
      for (auto& [key, one] : *series) {
        std::erase_if(one.points, [&](const auto& point) {
          return !Compare(stage.op, Value::Float(point.second), Value::Float(stage.value), nullptr);
        });
      }
    }
    std::erase_if(*series, [](const auto& entry) { return entry.second.points.empty(); });
  }
}

// Labels without the name of the function, by which series of two queries find each other.
ResultAttributes JoinLabels(const ResultAttributes& labels) {
  ResultAttributes joined;
  for (const auto& label : labels) {
    if (label.first != "__name__") joined.push_back(label);
  }
  return joined;
}

double Combine(Operator op, double left, double right) {
  return Calculate(op, Value::Float(left), Value::Float(right)).number;
}

SeriesMap CombineNumber(Operator op, SeriesMap series, double number, bool number_is_left) {
  for (auto& [key, one] : series) {
    for (auto& [time, value] : one.points) {
      value = number_is_left ? Combine(op, number, value) : Combine(op, value, number);
    }
    std::erase_if(one.points, [](const auto& point) { return std::isnan(point.second); });
  }
  return series;
}

SeriesMap CombineSeries(Operator op, const SeriesMap& left, const SeriesMap& right) {
  std::map<std::string, const MetricSeries*> by_labels;
  for (const auto& [key, one] : right) by_labels[KeyOf(JoinLabels(one.labels))] = &one;
  SeriesMap both;
  for (const auto& [key, one] : left) {
    ResultAttributes labels = JoinLabels(one.labels);
    const auto other = by_labels.find(KeyOf(labels));
    if (other == by_labels.end()) continue;
    MetricSeries& made = both[KeyOf(labels)];
    made.labels = std::move(labels);
    auto at = other->second->points.begin();
    for (const auto& [time, value] : one.points) {
      while (at != other->second->points.end() && at->first < time) ++at;
      if (at == other->second->points.end()) break;
      if (at->first != time) continue;
      const double result = Combine(op, value, at->second);
      if (!std::isnan(result)) made.points.emplace_back(time, result);
    }
  }
  return both;
}

struct MetricsContext {
  const MetricsRequest& request;
  const Buckets& buckets;
  const EngineOptions& options;
  TraceTable* table;
  const CheckTime& check;
};

Result<SeriesMap> EvaluateQuery(const Query& query, const MetricsContext& context) {
  SeriesMap series;
  if (!query.is_math) {
    if (!query.metric) {
      return InvalidArgumentError("the query has no metrics function, as rate() is one");
    }
    ASSIGN_OR_RETURN(series, Measurer(query, context.request, context.buckets, context.options,
                                      context.table, context.check)
                                 .Run());
  } else if (query.left->number && query.right->number) {
    return InvalidArgumentError("arithmetic of numbers alone is no metrics query");
  } else if (query.left->number) {
    ASSIGN_OR_RETURN(SeriesMap right, EvaluateQuery(*query.right, context));
    series = CombineNumber(query.op, std::move(right), *query.left->number, true);
  } else if (query.right->number) {
    ASSIGN_OR_RETURN(SeriesMap left, EvaluateQuery(*query.left, context));
    series = CombineNumber(query.op, std::move(left), *query.right->number, false);
  } else {
    ASSIGN_OR_RETURN(const SeriesMap left, EvaluateQuery(*query.left, context));
    ASSIGN_OR_RETURN(const SeriesMap right, EvaluateQuery(*query.right, context));
    series = CombineSeries(query.op, left, right);
  }
  ApplySecond(query.second, &series);
  return series;
}

}  // namespace

Buckets Buckets::Of(const MetricsRequest& request) {
  Buckets buckets;
  if (request.step_ns == 0) {
    buckets.begin_ns = request.start_ns;
    buckets.step_ns = request.end_ns - request.start_ns;
    buckets.count = 1;
    buckets.is_instant = true;
    return buckets;
  }
  const uint64_t step = request.step_ns;
  buckets.begin_ns = request.start_ns / step * step;
  buckets.step_ns = step;
  const uint64_t span = request.end_ns - buckets.begin_ns;
  buckets.count = static_cast<size_t>(span / step + (span % step != 0 ? 1 : 0));
  return buckets;
}

size_t Buckets::Find(uint64_t time_ns) const {
  if (is_instant) return time_ns >= begin_ns && time_ns <= begin_ns + step_ns ? 0 : SIZE_MAX;
  if (time_ns <= begin_ns) return SIZE_MAX;
  const auto i = static_cast<size_t>((time_ns - begin_ns - 1) / step_ns);
  return i < count ? i : SIZE_MAX;
}

Result<MetricsResult> EvaluateMetrics(const Query& query, const MetricsRequest& request,
                                      const Buckets& buckets, const EngineOptions& options,
                                      TraceTable* table, const CheckTime& check) {
  const MetricsContext context{request, buckets, options, table, check};
  ASSIGN_OR_RETURN(SeriesMap series, EvaluateQuery(query, context));
  MetricsResult result;
  // Those of few series may be many, those of many few.
  const size_t exemplars_each =
      series.empty() ? 0 : std::max<size_t>(1, kExemplarsMax / series.size());
  for (auto& [key, one] : series) {
    if (one.exemplars.size() > exemplars_each) one.exemplars.resize(exemplars_each);
    result.series.push_back(std::move(one));
  }
  return result;
}

}  // namespace varve::traceql
