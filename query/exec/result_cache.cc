#include "query/exec/result_cache.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "query/promql/function_table.h"
#include "query/promql/printer.h"

namespace varve::promql::exec {
namespace {

// One result may take this part of the cache.
constexpr uint64_t kEntryShareMax = 4;
// Longer expressions are not kept.
constexpr size_t kKeyBytesMax = 16 * 1024;

uint64_t BytesOf(const std::string& key, const CachedResult& result) {
  uint64_t bytes = 2 * key.size() + sizeof(CachedResult);
  for (const Series& series : result.matrix) {
    bytes += sizeof(Series) + series.labels.canonical_bytes().size() +
             series.points.size() * sizeof(Point);
  }
  return bytes;
}

// Their results may differ in the last bits by the order of the series, or choose by it.
bool DependsOnSeriesOrder(AggregationOp op) {
  return op == AggregationOp::kStddev || op == AggregationOp::kStdvar ||
         op == AggregationOp::kAvg || op == AggregationOp::kTopk || op == AggregationOp::kBottomk ||
         op == AggregationOp::kLimitk;
}

bool IsOfQueryTimes(FunctionId function) {
  return function == FunctionId::kStart || function == FunctionId::kEnd ||
         function == FunctionId::kRange || function == FunctionId::kStep;
}

std::optional<int64_t> Farther(std::optional<int64_t> a, std::optional<int64_t> b) {
  if (!a.has_value() || !b.has_value()) return std::nullopt;
  return std::max(*a, *b);
}

// Whether a duration is another one in a query over another range.
bool DependsOnRange(const DurationExpr* duration) {
  if (duration == nullptr) return false;
  return duration->op == DurationOp::kRange || DependsOnRange(duration->lhs.get()) ||
         DependsOnRange(duration->rhs.get());
}

std::optional<int64_t> ReachOfSelector(const VectorSelector& selector) {
  if (DependsOnRange(selector.offset_expr.get())) return std::nullopt;
  if (selector.at.present() || selector.edges != RangeEdges::kPlain) return std::nullopt;
  return SaturatingSub(0, selector.offset_ms);
}

std::optional<int64_t> ReachOfSubquery(const Subquery& subquery) {
  if (subquery.at.present()) return std::nullopt;
  for (const DurationPtr* duration :
       {&subquery.range_expr, &subquery.step_expr, &subquery.offset_expr}) {
    if (DependsOnRange(duration->get())) return std::nullopt;
  }
  const std::optional<int64_t> inner = InputReachMs(*subquery.expr);
  if (!inner.has_value()) return std::nullopt;
  return SaturatingSub(*inner, subquery.offset_ms);
}

}  // namespace

std::optional<int64_t> InputReachMs(const Expr& expr) {
  switch (expr.kind()) {
    case ExprKind::kNumberLiteral:
    case ExprKind::kStringLiteral:
      return INT64_MIN;
    case ExprKind::kVectorSelector:
      return ReachOfSelector(expr.As<VectorSelector>());
    case ExprKind::kMatrixSelector: {
      const auto& matrix = expr.As<MatrixSelector>();
      if (DependsOnRange(matrix.range_expr.get())) return std::nullopt;
      return ReachOfSelector(*matrix.vector);
    }
    case ExprKind::kSubquery:
      return ReachOfSubquery(expr.As<Subquery>());
    case ExprKind::kParen:
      return InputReachMs(*expr.As<Paren>().expr);
    case ExprKind::kUnary:
      return InputReachMs(*expr.As<Unary>().expr);
    case ExprKind::kBinary:
      return Farther(InputReachMs(*expr.As<Binary>().lhs), InputReachMs(*expr.As<Binary>().rhs));
    case ExprKind::kCall: {
      const FunctionId function = expr.As<Call>().function->id;
      if (IsOfQueryTimes(function)) return std::nullopt;
      // Info series are looked up at the step's own time unless the vector says otherwise.
      std::optional<int64_t> reach = function == FunctionId::kInfo ? 0 : INT64_MIN;
      for (const ExprPtr& arg : expr.As<Call>().args) reach = Farther(reach, InputReachMs(*arg));
      return reach;
    }
    case ExprKind::kAggregation: {
      const auto& aggregation = expr.As<Aggregation>();
      if (DependsOnSeriesOrder(aggregation.op)) return std::nullopt;
      const std::optional<int64_t> reach = InputReachMs(*aggregation.expr);
      return aggregation.param == nullptr ? reach
                                          : Farther(reach, InputReachMs(*aggregation.param));
    }
  }
  return std::nullopt;
}

std::string ResultKey(const Expr& expr, const TimeGrid& grid, int64_t lookback_ms) {
  if (!PrintsWithin(expr, kKeyBytesMax)) return "";
  const int64_t phase_ms = (grid.start_ms % grid.step_ms + grid.step_ms) % grid.step_ms;
  return std::to_string(grid.step_ms) + ' ' + std::to_string(phase_ms) + ' ' +
         std::to_string(lookback_ms) + ' ' + Print(expr);
}

size_t UsableSteps(const CachedResult& cached, const TimeGrid& grid, int64_t reach_ms,
                   int64_t changed_from_ms) {
  if (grid.start_ms < cached.grid.start_ms || cached.grid.step_ms != grid.step_ms) return 0;
  const int64_t last_ms = std::min(cached.grid.end_ms(), grid.end_ms());
  if (last_ms < grid.start_ms) return 0;
  const auto within = [&](size_t step) {
    return SaturatingAdd(grid.At(step), reach_ms) < changed_from_ms;
  };
  size_t count = static_cast<size_t>((last_ms - grid.start_ms) / grid.step_ms) + 1;
  size_t begin = 0;
  while (begin < count) {  // the first step that is not within
    const size_t middle = begin + (count - begin) / 2;
    if (within(middle)) {
      begin = middle + 1;
    } else {
      count = middle;
    }
  }
  return begin;
}

Matrix JoinResults(const CachedResult& cached, const TimeGrid& grid, size_t step_count,
                   Matrix fresh) {
  VARVE_CHECK(step_count > 0);
  const int64_t last_ms = grid.At(step_count - 1);
  const auto before = [](const Point& point, int64_t time_ms) {
    return point.timestamp_ms < time_ms;
  };
  Matrix out;
  auto next = fresh.begin();
  for (const Series& series : cached.matrix) {
    const auto begin =
        std::lower_bound(series.points.begin(), series.points.end(), grid.start_ms, before);
    const auto end = std::lower_bound(begin, series.points.end(), last_ms + 1, before);
    while (next != fresh.end() && (next->labels <=> series.labels) < 0) {
      out.push_back(std::move(*next++));
    }
    const bool goes_on = next != fresh.end() && next->labels == series.labels;
    if (begin == end && !goes_on) continue;
    Series& joined = out.emplace_back();
    joined.labels = series.labels;
    joined.points.assign(begin, end);
    if (!goes_on) continue;
    joined.points.insert(joined.points.end(), next->points.begin(), next->points.end());
    joined.histograms = std::move(next->histograms);
    ++next;
  }
  std::move(next, fresh.end(), std::back_inserter(out));
  return out;
}

std::shared_ptr<const CachedResult> ResultCache::Find(const std::string& key) {
  MutexLock lock(&mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->result;
}

void ResultCache::Store(const std::string& key, std::shared_ptr<const CachedResult> result) {
  const uint64_t bytes = BytesOf(key, *result);
  MutexLock lock(&mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) Remove(found->second);
  if (bytes > bytes_max_ / kEntryShareMax) return;
  entries_.push_front({key, std::move(result), bytes});
  by_key_[key] = entries_.begin();
  bytes_ += bytes;
  while (bytes_ > bytes_max_) Remove(std::prev(entries_.end()));
}

void ResultCache::Remove(std::list<Entry>::iterator entry) {
  bytes_ -= entry->bytes;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace varve::promql::exec
