#include "query/exec/query_engine.h"

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/heap_trim.h"
#include "base/status_macros.h"
#include "query/exec/executor.h"
#include "query/promql/durations.h"
#include "query/promql/parser.h"

namespace varve::promql::exec {
namespace {

// How long a waiting query sleeps between two looks at the clock.
constexpr long kGateWaitMs = 100;

size_t ThreadCount(const EngineOptions& options) {
  if (options.thread_count != 0) return options.thread_count;
  return std::max<size_t>(1, std::thread::hardware_concurrency());
}

// Leaves the gate at the end of the scope.
class GatePlace {
 public:
  explicit GatePlace(QueryGate* gate) : gate_(gate) {}
  ~GatePlace() { gate_->Leave(); }
  GatePlace(const GatePlace&) = delete;
  GatePlace& operator=(const GatePlace&) = delete;

 private:
  QueryGate* const gate_;
};

// A query that held more than this leaves the allocator with memory that others may need. So do
// many failed ones together, which scatter less than this each over the heaps of their threads;
// those that succeed find the memory of the ones before them.
constexpr uint64_t kTrimBytesMin = uint64_t{64} << 20;

class TrimAfterPeak {
 public:
  // `failed_bytes`: what failed queries held since the heap was trimmed last; counted on here.
  TrimAfterPeak(const QueryBudget* budget, std::atomic<uint64_t>* failed_bytes)
      : budget_(budget), failed_bytes_(failed_bytes) {}
  ~TrimAfterPeak() {
    const uint64_t bytes = budget_->bytes_peak();
    const bool due = bytes >= kTrimBytesMin ||
                     (!succeeded_ && failed_bytes_->fetch_add(bytes) + bytes >= kTrimBytesMin);
    if (!due) return;
    failed_bytes_->store(0);
    TrimHeap();
  }
  TrimAfterPeak(const TrimAfterPeak&) = delete;
  TrimAfterPeak& operator=(const TrimAfterPeak&) = delete;

  void Succeeded() { succeeded_ = true; }

 private:
  const QueryBudget* const budget_;
  std::atomic<uint64_t>* const failed_bytes_;
  bool succeeded_ = false;
};

Vector ToVector(VectorValue value, int64_t time_ms) {
  Vector out;
  out.reserve(value.rows().size());
  for (SeriesRow& row : value.rows()) {
    if (!TestBit(row.column.present, 0)) continue;
    HistogramPtr histogram;
    if (row.column.IsHistogram(0)) histogram = std::move(row.column.histograms[0]);
    const double number = histogram == nullptr ? row.column.values[0] : 0;
    out.push_back({std::move(row.labels), {time_ms, number}, std::move(histogram)});
  }
  return out;
}

void SortByLabels(Matrix* matrix) {
  std::sort(matrix->begin(), matrix->end(),
            [](const Series& a, const Series& b) { return (a.labels <=> b.labels) < 0; });
}

Result<Matrix> ToMatrix(VectorValue value, const TimeGrid& grid) {
  BudgetShare held(value.budget());
  Matrix out;
  out.reserve(value.rows().size());
  for (SeriesRow& row : value.rows()) {
    const size_t count = CountBits(row.column.present, grid.count);
    if (count == 0) continue;
    RETURN_IF_ERROR(held.Add(0, count * sizeof(Point)));
    Series series{std::move(row.labels), {}, {}};
    series.points.reserve(row.column.histograms == nullptr ? count : 0);
    ForEachBit(row.column.present, grid.count, [&](size_t step) {
      if (row.column.IsHistogram(step)) {
        series.histograms.push_back({grid.At(step), std::move(row.column.histograms[step])});
      } else {
        series.points.push_back({grid.At(step), row.column.values[step]});
      }
    });
    out.push_back(std::move(series));
  }
  SortByLabels(&out);
  return out;
}

Matrix ScalarMatrix(const ScalarColumn& scalar, const TimeGrid& grid) {
  Series series;
  for (size_t step = 0; step < grid.count; ++step) {
    series.points.push_back({grid.At(step), scalar[step]});
  }
  return {std::move(series)};
}

bool HoldsFloatsAlone(const Matrix& matrix) {
  return std::all_of(matrix.begin(), matrix.end(),
                     [](const Series& series) { return series.histograms.empty(); });
}

using ResultValue = decltype(QueryResult::value);

Result<ResultValue> EvaluateInstant(const Executor& executor, const PlanNode& root,
                                    const TimeGrid& grid) {
  const int64_t time_ms = grid.start_ms;
  if (root.type == ValueType::kString) {
    return ResultValue(String{time_ms, std::get<StringNode>(root.op).value});
  }
  if (root.type == ValueType::kScalar) {
    ASSIGN_OR_RETURN(const ScalarColumn scalar, executor.Scalar(root, grid));
    return ResultValue(Scalar{{time_ms, scalar[0]}});
  }
  if (root.type == ValueType::kMatrix) {
    ASSIGN_OR_RETURN(Matrix matrix, executor.RangeVector(std::get<RangeVectorNode>(root.op), grid));
    SortByLabels(&matrix);
    return ResultValue(std::move(matrix));
  }
  ASSIGN_OR_RETURN(VectorValue value, executor.Vector(root, grid));
  RETURN_IF_ERROR(RemoveDelayedNames(executor.names(), &value));
  return ResultValue(ToVector(std::move(value), time_ms));
}

Result<ResultValue> EvaluateRange(const Executor& executor, const PlanNode& root,
                                  const TimeGrid& grid) {
  if (root.type == ValueType::kScalar) {
    ASSIGN_OR_RETURN(const ScalarColumn scalar, executor.Scalar(root, grid));
    return ResultValue(ScalarMatrix(scalar, grid));
  }
  ASSIGN_OR_RETURN(VectorValue value, executor.Vector(root, grid));
  RETURN_IF_ERROR(RemoveDelayedNames(executor.names(), &value));
  ASSIGN_OR_RETURN(Matrix matrix, ToMatrix(std::move(value), grid));
  return ResultValue(std::move(matrix));
}

}  // namespace

Status QueryGate::Enter(const Clock* clock, int64_t deadline_ns, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    MutexLock lock(&mutex_);
    changed_.NotifyAll();
  });
  MutexLock lock(&mutex_);
  ++waiting_;
  Status status;
  while (running_ >= concurrency_max_) {
    if (stop.stop_requested()) {
      status = CancelledError("query was canceled in query queue");
      break;
    }
    if (clock->SteadyNs() >= deadline_ns) {
      status = DeadlineExceededError("query timed out in query queue");
      break;
    }
    changed_.WaitForMs(&mutex_, kGateWaitMs);
  }
  --waiting_;
  if (status.ok()) ++running_;
  return status;
}

void QueryGate::Leave() {
  MutexLock lock(&mutex_);
  --running_;
  changed_.NotifyAll();
}

size_t QueryGate::waiting_count() {
  MutexLock lock(&mutex_);
  return waiting_;
}

QueryEngine::QueryEngine(ReaderFactory factory, const EngineOptions& options, const Clock* clock)
    : factory_(std::move(factory)),
      options_(options),
      clock_(clock),
      gate_(std::max<size_t>(1, options.concurrency_max)) {
  const size_t thread_count = ThreadCount(options);
  if (options_.cache_bytes > 0) cache_ = std::make_unique<ResultCache>(options_.cache_bytes);
  if (thread_count > 1) pool_ = std::make_unique<ThreadPool>("varve-query", thread_count - 1);
}

Result<QueryResult> QueryEngine::Instant(std::string_view expression, int64_t time_ms,
                                         const QueryOptions& options) {
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(expression));
  RETURN_IF_ERROR(ResolveDurations({}, expr.get()));
  return Query(expression, *expr, {{time_ms, 1, 1}, time_ms, Kind::kInstant}, options);
}

Result<QueryResult> QueryEngine::Range(std::string_view expression, int64_t start_ms,
                                       int64_t end_ms, int64_t step_ms,
                                       const QueryOptions& options) {
  if (step_ms <= 0) {
    return InvalidArgumentError("the step of a range query must be positive, got " +
                                std::to_string(step_ms) + "ms");
  }
  if (end_ms < start_ms) {
    return InvalidArgumentError("the end of a range query (" + std::to_string(end_ms) +
                                "ms) must not be before its start (" + std::to_string(start_ms) +
                                "ms)");
  }
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(expression));
  if (expr->type() != ValueType::kScalar && expr->type() != ValueType::kVector) {
    return InvalidArgumentError("invalid expression type \"" +
                                std::string(DocumentedType(expr->type())) +
                                "\" for range query, must be Scalar or instant Vector");
  }
  RETURN_IF_ERROR(ResolveDurations({step_ms, SaturatingSub(end_ms, start_ms)}, expr.get()));
  const uint64_t span = static_cast<uint64_t>(end_ms) - static_cast<uint64_t>(start_ms);
  const size_t count = span / static_cast<uint64_t>(step_ms) + 1;
  return Query(expression, *expr, {{start_ms, step_ms, count}, end_ms, Kind::kRange}, options);
}

Result<QueryResult> QueryEngine::Query(std::string_view text, const Expr& expr,
                                       const QueryTimes& times, const QueryOptions& options) {
  const TimeGrid& grid = times.grid;
  const int64_t started_ns = clock_->SteadyNs();
  const int64_t timeout_ms = options.timeout_ms > 0
                                 ? std::min(options.timeout_ms, options_.timeout_ms)
                                 : options_.timeout_ms;
  const int64_t timeout_ns =
      timeout_ms > INT64_MAX / 1'000'000 ? INT64_MAX : timeout_ms * 1'000'000;
  const int64_t deadline_ns = SaturatingAdd(started_ns, timeout_ns);
  RETURN_IF_ERROR(gate_.Enter(clock_, deadline_ns, options.stop));
  const GatePlace place(&gate_);

  QueryBudget budget({options_.samples_max, options_.bytes_max, deadline_ns}, clock_, options.stop);
  TrimAfterPeak trim(&budget, &failed_bytes_);
  RETURN_IF_ERROR(budget.CheckTime());
  RETURN_IF_ERROR(budget.CheckSteps(grid.count));
  const std::unique_ptr<engine::Reader> reader = factory_();
  const int64_t lookback_ms = options.lookback_ms > 0 ? options.lookback_ms : options_.lookback_ms;
  Running running{text,         expr,    times.kind, times.end_ms, options, lookback_ms,
                  reader.get(), &budget, {}};
  const bool cached = cache_ != nullptr && times.kind == Kind::kRange && !options.explain &&
                      !options.per_step_statistics;
  ASSIGN_OR_RETURN(QueryResult result,
                   cached ? EvaluateCached(grid, &running) : Evaluate(grid, &running));
  RETURN_IF_ERROR(budget.CheckTime());
  result.warnings = running.annotations.Warnings(text);
  result.infos = running.annotations.Infos(text);
  budget.FillStatistics(&result.statistics);
  result.statistics.elapsed_ns = clock_->SteadyNs() - started_ns;
  trim.Succeeded();
  return result;
}

Result<QueryResult> QueryEngine::Evaluate(const TimeGrid& grid, Running* running) {
  BudgetShare selected(running->budget);  // label sets and chunks
  QueryContext context;
  context.budget = running->budget;
  context.annotations = &running->annotations;
  context.pool = pool_.get();
  context.lookback_ms = running->lookback_ms;
  context.use_start_timestamps = options_.use_start_timestamps;
  context.type_and_unit_labels = options_.type_and_unit_labels;
  context.names.removal =
      options_.delayed_name_removal ? NameRules::Removal::kAtEnd : NameRules::Removal::kAtOnce;
  context.names.metadata =
      options_.type_and_unit_labels ? MetadataLabels::kNameTypeUnit : MetadataLabels::kName;
  ASSIGN_OR_RETURN(const Plan plan,
                   MakePlan(running->expr, {grid, running->end_ms, context.lookback_ms,
                                            options_.default_step_ms, context.names.metadata}));
  const bool per_step = running->options.per_step_statistics;
  QueryableSamples queryable(
      grid.count, per_step ? QueryableSamples::Detail::kPerStep : QueryableSamples::Detail::kTotal);
  context.queryable = &queryable;
  // Each place counts for itself at each step.
  SharedValues shared = per_step ? SharedValues() : SharedValues(plan);
  context.shared = &shared;
  context.selectors = &plan.selectors;
  if (!plan.selectors.empty()) {
    std::vector<engine::SelectRequest> requests;
    for (const SelectorPlan& selector : plan.selectors) requests.push_back(selector.request);
    const engine::SelectCheck check = [&](uint64_t, uint64_t bytes) -> Status {
      RETURN_IF_ERROR(running->budget->CheckTime());
      return selected.Add(0, bytes);
    };
    ASSIGN_OR_RETURN(context.selections, running->reader->Select(requests, check));
  }
  std::optional<PlanProfile> profile;
  if (running->options.explain) context.profile = &profile.emplace(plan);
  const Executor executor(&context);
  QueryResult result;
  ASSIGN_OR_RETURN(result.value, running->kind == Kind::kInstant
                                     ? EvaluateInstant(executor, *plan.root, grid)
                                     : EvaluateRange(executor, *plan.root, grid));
  result.statistics.queryable_samples = queryable.total();
  result.statistics.queryable_samples_per_step = queryable.PerStep(grid);
  if (profile.has_value()) result.explain = profile->Render();
  return result;
}

Result<QueryResult> QueryEngine::EvaluateCached(const TimeGrid& grid, Running* running) {
  const std::optional<int64_t> reach_ms = InputReachMs(running->expr);
  const std::string key = ResultKey(running->expr, grid, running->lookback_ms);
  if (!reach_ms.has_value() || key.empty() || running->expr.type() != ValueType::kVector) {
    return Evaluate(grid, running);
  }
  engine::Reader* const reader = running->reader;
  const std::shared_ptr<const CachedResult> kept = cache_->Find(key);
  const auto usable = [&] {
    if (kept == nullptr) return size_t{0};
    return UsableSteps(*kept, grid, *reach_ms, reader->MinTimeSince(kept->version));
  };
  const size_t step_count = usable();
  // What is evaluated now holds for this version at least.
  const uint64_t version = reader->version();
  const TimeGrid rest{grid.At(step_count), grid.step_ms, grid.count - step_count};
  QueryResult result;
  result.value = Matrix();
  if (rest.count > 0) {
    ASSIGN_OR_RETURN(result, Evaluate(rest, running));
  }
  if (step_count > 0) {
    // A write that the evaluation saw must not be missing from the steps before it.
    if (usable() < step_count) return Evaluate(grid, running);
    result.value = JoinResults(*kept, grid, step_count, std::move(std::get<Matrix>(result.value)));
  }
  const auto& matrix = std::get<Matrix>(result.value);
  if (running->annotations.add_count() == 0 && HoldsFloatsAlone(matrix) && rest.count > 0) {
    cache_->Store(key, std::make_shared<CachedResult>(CachedResult{matrix, grid, version}));
  }
  return result;
}

}  // namespace varve::promql::exec
