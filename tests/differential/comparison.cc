#include "tests/differential/comparison.h"

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status_macros.h"
#include "query/exec/query_engine.h"
#include "query/promql/durations.h"
#include "query/promql/parser.h"
#include "tests/differential/naive_evaluator.h"
#include "tests/unit/query/exec/fake_reader.h"

namespace varve::differential {
namespace {

constexpr int64_t kLookbackMs = 5 * 60 * 1000;

Labels ToLabels(const LabelMap& map) {
  std::vector<LabelView> views;
  for (const auto& [name, value] : map) views.push_back({name, value});
  return *Labels::FromViews(views);
}

LabelMap ToMap(const Labels& labels) {
  LabelMap out;
  for (const LabelView label : labels) out[std::string(label.name)] = std::string(label.value);
  return out;
}

Table ToTable(const promql::QueryResult& result) {
  Table table;
  if (const auto* scalar = std::get_if<promql::Scalar>(&result.value)) {
    table[{}][scalar->point.timestamp_ms] = scalar->point.value;
  } else if (const auto* vector = std::get_if<promql::Vector>(&result.value)) {
    for (const promql::VectorSample& sample : *vector) {
      table[ToMap(sample.labels)][sample.point.timestamp_ms] = sample.point.value;
    }
  } else if (const auto* matrix = std::get_if<promql::Matrix>(&result.value)) {
    for (const promql::Series& series : *matrix) {
      auto& points = table[ToMap(series.labels)];
      for (const promql::Point& point : series.points) points[point.timestamp_ms] = point.value;
    }
  }
  return table;
}

// The samples before `end_ms`; series without any do not exist.
void FillStore(const Dataset& data, int64_t end_ms, promql::exec::FakeStore* store) {
  store->series.clear();
  for (const SeriesData& series : data) {
    const auto end = series.samples.lower_bound(end_ms);
    if (end == series.samples.begin()) continue;
    store->Add(ToLabels(series.labels)).samples = {series.samples.begin(), end};
  }
}

bool SamePoints(const std::map<int64_t, double>& a, const std::map<int64_t, double>& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
           return x.first == y.first && AboutEqual(x.second, y.second);
         });
}

bool SameTable(const Table& a, const Table& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
           return x.first == y.first && SamePoints(x.second, y.second);
         });
}

std::string Shown(const Result<Table>& result) {
  return result.ok() ? "\n" + ToString(*result) : " " + result.status().ToString() + "\n";
}

}  // namespace

std::string ToString(const Case& test) {
  std::string out = test.query + "\n";
  const std::string start = std::to_string(test.times.start_ms);
  if (test.kind == QueryKind::kInstant) {
    out += "at " + start + "\n";
  } else {
    out += "from " + start + " to " + std::to_string(test.times.end_ms) + " step " +
           std::to_string(test.times.step_ms) + "\n";
  }
  return out + ToString(test.data);
}

Result<Table> EngineResult(const Case& test, const std::optional<Earlier>& earlier) {
  promql::exec::FakeStore store;
  promql::EngineOptions options;
  options.thread_count = 2;
  options.lookback_ms = kLookbackMs;
  promql::exec::QueryEngine engine(
      [&] { return std::make_unique<promql::exec::FakeReader>(&store); }, options, Clock::System());
  const Times& times = test.times;
  if (earlier.has_value()) {
    FillStore(test.data, earlier->known_until_ms, &store);
    const int64_t shift_ms = earlier->steps_before * times.step_ms;
    // It may fail; then there is nothing to keep.
    static_cast<void>(engine.Range(test.query, times.start_ms - shift_ms, times.end_ms - shift_ms,
                                   times.step_ms, {}));
    store.min_time_by_version[++store.version] = earlier->known_until_ms;
  }
  FillStore(test.data, INT64_MAX, &store);
  Result<promql::QueryResult> result =
      test.kind == QueryKind::kInstant
          ? engine.Instant(test.query, times.start_ms, {})
          : engine.Range(test.query, times.start_ms, times.end_ms, times.step_ms, {});
  RETURN_IF_ERROR(result.status());
  return ToTable(*result);
}

Result<Table> NaiveResult(const Case& test) {
  ASSIGN_OR_RETURN(const promql::ExprPtr expr, promql::Parse(test.query));
  Times times = test.times;
  promql::DurationContext context = {times.step_ms, times.end_ms - times.start_ms};
  if (test.kind == QueryKind::kInstant) {
    times.end_ms = times.start_ms;
    context = {};
  }
  RETURN_IF_ERROR(promql::ResolveDurations(context, expr.get()));
  return NaiveEvaluator(&test.data, times, kLookbackMs).Run(*expr);
}

bool AboutEqual(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  if (std::isinf(a) || std::isinf(b)) return false;
  return std::abs(a - b) <= 1e-7 * std::max(1.0, std::max(std::abs(a), std::abs(b)));
}

std::optional<std::string> Difference(const Case& test, const std::optional<Earlier>& earlier) {
  const Result<Table> engine = EngineResult(test, earlier);
  const Result<Table> naive = NaiveResult(test);
  const bool same =
      engine.ok() && naive.ok() ? SameTable(*engine, *naive) : engine.ok() == naive.ok();
  if (same) return std::nullopt;
  const std::string asked_before = !earlier.has_value()
                                       ? ""
                                       : "asked " + std::to_string(earlier->steps_before) +
                                             " steps before, of samples before " +
                                             std::to_string(earlier->known_until_ms) + "\n";
  return ToString(test) + asked_before + "the engine gives" + Shown(engine) +
         "the naive evaluator gives" + Shown(naive);
}

}  // namespace varve::differential
