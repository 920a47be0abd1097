#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "base/status_macros.h"
#include "engine/span_reader.h"
#include "query/traceql/evaluator.h"
#include "query/traceql/metrics.h"
#include "query/traceql/parser.h"
#include "query/traceql/result_values.h"
#include "query/traceql/search.h"
#include "varve/traceql.h"

namespace varve::traceql {
namespace {

TimeWindow WindowOf(uint64_t start_ns, uint64_t end_ns) {
  if (start_ns == 0 && end_ns == 0) return {};
  return {start_ns, end_ns == 0 ? UINT64_MAX : end_ns};
}

void CountBlocks(TraceTable* table, SearchStatistics* statistics) {
  statistics->blocks = table->block_count();
  statistics->traces = table->trace_count();
  for (size_t i = 0; i < table->block_count(); ++i) {
    statistics->spans += table->row_count(i);
  }
}

const std::vector<std::string>& IntrinsicTags() {
  static const std::vector<std::string> tags = {"duration",
                                                "event:name",
                                                "event:timeSinceStart",
                                                "instrumentation:name",
                                                "instrumentation:version",
                                                "kind",
                                                "link:spanID",
                                                "link:traceID",
                                                "name",
                                                "rootName",
                                                "rootServiceName",
                                                "span:duration",
                                                "span:id",
                                                "span:kind",
                                                "span:name",
                                                "span:parentID",
                                                "span:status",
                                                "span:statusMessage",
                                                "status",
                                                "statusMessage",
                                                "trace:duration",
                                                "trace:id",
                                                "trace:rootName",
                                                "trace:rootService",
                                                "traceDuration"};
  return tags;
}

bool IsMetricsQuery(const Query& query) { return query.metric || query.is_math; }

}  // namespace

class Engine::Impl {
 public:
  Impl(Database* database, const EngineOptions& options) : database_(database), options_(options) {}

  Result<SearchResult> Search(const SearchRequest& request) {
    const int64_t started_ns = Clock::System()->SteadyNs();
    ASSIGN_OR_RETURN(const Query query, Parse(request.query.empty() ? "{}" : request.query));
    if (IsMetricsQuery(query)) {
      return InvalidArgumentError("a metrics query is no search: ask for metrics");
    }
    const CheckTime check = Deadline(request.stop);
    const TimeWindow window = WindowOf(request.start_ns, request.end_ns);
    const TimeWindow read = NeedsEverything(query) ? TimeWindow() : window;
    ASSIGN_OR_RETURN(const std::unique_ptr<engine::SpanReader> reader,
                     engine::NewSpanReader(database_));
    ASSIGN_OR_RETURN(const std::unique_ptr<TraceTable> table,
                     TraceTable::OpenEmpty(reader.get(), read.min_ns, read.max_ns));
    // What asks about the whole of a trace needs the whole of it when filters are evaluated.
    if (NeedsEverything(query)) RETURN_IF_ERROR(table->AddNewest(SIZE_MAX));
    ASSIGN_OR_RETURN(SearchResult result,
                     traceql::Search(query, request, window, table.get(), check));
    CountBlocks(table.get(), &result.statistics);
    result.statistics.elapsed_ns = Clock::System()->SteadyNs() - started_ns;
    return result;
  }

  Result<MetricsResult> Metrics(const MetricsRequest& request) {
    const int64_t started_ns = Clock::System()->SteadyNs();
    ASSIGN_OR_RETURN(const Query query, Parse(request.query));
    if (request.end_ns <= request.start_ns) {
      return InvalidArgumentError("the end of the range is not after its start");
    }
    const Buckets buckets = Buckets::Of(request);
    if (buckets.count > options_.metric_steps_max) {
      return InvalidArgumentError(std::to_string(buckets.count) + " steps; the limit is " +
                                  std::to_string(options_.metric_steps_max));
    }
    const CheckTime check = Deadline(request.stop);
    ASSIGN_OR_RETURN(const std::unique_ptr<engine::SpanReader> reader,
                     engine::NewSpanReader(database_));
    const bool everything = MathNeedsEverything(query);
    ASSIGN_OR_RETURN(const std::unique_ptr<TraceTable> table,
                     TraceTable::Open(reader.get(), everything ? 0 : buckets.begin_ns,
                                      everything ? UINT64_MAX : buckets.end_ns()));
    ASSIGN_OR_RETURN(MetricsResult result,
                     EvaluateMetrics(query, request, buckets, options_, table.get(), check));
    CountBlocks(table.get(), &result.statistics);
    result.statistics.elapsed_ns = Clock::System()->SteadyNs() - started_ns;
    return result;
  }

  Result<std::vector<ScopeTags>> Tags(std::string_view scope, uint64_t start_ns, uint64_t end_ns) {
    static constexpr std::string_view kScopes[] = {"none",  "span", "resource",
                                                   "event", "link", "instrumentation"};
    std::map<std::string, std::set<std::string>> found;
    const bool is_known =
        scope.empty() || scope == "intrinsic" || scope == "trace" ||
        std::find(std::begin(kScopes), std::end(kScopes), scope) != std::end(kScopes);
    if (!is_known) return InvalidArgumentError("unknown scope \"" + std::string(scope) + "\"");
    const TimeWindow window = WindowOf(start_ns, end_ns);
    ASSIGN_OR_RETURN(const std::unique_ptr<engine::SpanReader> reader,
                     engine::NewSpanReader(database_));
    ASSIGN_OR_RETURN(const std::unique_ptr<TraceTable> table,
                     TraceTable::Open(reader.get(), window.min_ns, window.max_ns));
    for (size_t i = 0; i < table->block_count(); ++i) {
      RETURN_IF_ERROR(table->view(i).VisitKeys([&](Scope of, std::string_view key) {
        const std::string name(kScopes[static_cast<size_t>(of)]);
        if (scope.empty() || scope == "none" || scope == name) found[name].emplace(key);
      }));
    }
    std::vector<ScopeTags> scopes;
    for (auto& [name, keys] : found) {
      scopes.push_back({name, std::vector<std::string>(keys.begin(), keys.end())});
    }
    if (scope.empty() || scope == "none" || scope == "intrinsic") {
      scopes.push_back({"intrinsic", IntrinsicTags()});
    }
    return scopes;
  }

  Result<std::vector<ResultValue>> TagValues(std::string_view attribute, std::string_view query,
                                             uint64_t start_ns, uint64_t end_ns, size_t limit) {
    ASSIGN_OR_RETURN(const Attribute asked, ParseAttribute(attribute));
    // What does not parse is half typed: then all values are shown.
    Result<Query> filter = Parse(query.empty() ? "{}" : query);
    if (!filter.ok() || IsMetricsQuery(*filter)) filter = Parse("{}");
    RETURN_IF_ERROR(filter.status());
    const TimeWindow window = WindowOf(start_ns, end_ns);
    ASSIGN_OR_RETURN(const std::unique_ptr<engine::SpanReader> reader,
                     engine::NewSpanReader(database_));
    const bool everything = NeedsEverything(*filter) || BlockView::NeedsTrace(asked);
    ASSIGN_OR_RETURN(const std::unique_ptr<TraceTable> table,
                     TraceTable::Open(reader.get(), everything ? 0 : window.min_ns,
                                      everything ? UINT64_MAX : window.max_ns));
    Evaluator evaluator(&*filter, table.get());
    RETURN_IF_ERROR(evaluator.MatchFilters());
    const CheckTime check = Deadline({});
    std::map<std::pair<ResultValue::Type, std::string>, ResultValue> values;
    const auto note = [&](const Value& value) {
      ResultValue shown = ToResult(value);
      if (shown.type == ResultValue::Type::kNil) return;
      std::pair key(shown.type, shown.text);
      values.try_emplace(std::move(key), std::move(shown));
    };
    const auto note_all = [&](const Value& value) {
      if (value.type != ValueType::kList) return note(value);
      for (const Value& element : *value.list) note(element);
    };
    for (uint32_t block = 0; block < table->block_count(); ++block) {
      RETURN_IF_ERROR(check());
      table->CloseBeyond(kOpenBytesMax);
      ASSIGN_OR_RETURN(const format::SpanBlock* opened, table->view(block).Open());
      const format::SpanBlockHeader& header = opened->header();
      const bool is_within =
          header.min_start_ns >= window.min_ns && header.max_start_ns <= window.max_ns;
      if (is_within && evaluator.takes_everything() && !BlockView::NeedsTrace(asked)) {
        ASSIGN_OR_RETURN(const bool visited, table->view(block).VisitDistinct(asked, note_all));
        if (visited) continue;
      }
      ASSIGN_OR_RETURN(const std::vector<uint64_t>* starts, opened->Starts());
      for (uint32_t row = 0; row < table->row_count(block); ++row) {
        if (evaluator.is_plain_filter() && !evaluator.HoldsFor({block, row})) continue;
        if ((*starts)[row] < window.min_ns || (*starts)[row] > window.max_ns) continue;
        ASSIGN_OR_RETURN(const Value value, table->Get(asked, {block, row}));
        note_all(value);
      }
    }
    std::vector<ResultValue> sorted;
    for (auto& [key, value] : values) {
      if (limit != 0 && sorted.size() == limit) break;
      sorted.push_back(std::move(value));
    }
    return sorted;
  }

 private:
  static bool MathNeedsEverything(const Query& query) {
    if (query.is_math) {
      return MathNeedsEverything(*query.left) || MathNeedsEverything(*query.right);
    }
    if (NeedsEverything(query)) return true;
    if (!query.metric) return false;
    const auto& by = query.metric->by;
    return BlockView::NeedsTrace(query.metric->attribute) ||
           std::any_of(by.begin(), by.end(), BlockView::NeedsTrace);
  }

  CheckTime Deadline(std::stop_token stop) const {
    const int64_t deadline_ns =
        Clock::System()->SteadyNs() + options_.timeout_ms * int64_t{1'000'000};
    return [this, stop, deadline_ns]() -> Status {
      if (stop.stop_requested()) return CancelledError("the client left");
      if (Clock::System()->SteadyNs() < deadline_ns) return OkStatus();
      return DeadlineExceededError("the query took longer than " +
                                   std::to_string(options_.timeout_ms) + " ms");
    };
  }

  Database* const database_;
  const EngineOptions options_;
};

Engine::Engine(Database* database, const EngineOptions& options)
    : impl_(std::make_unique<Impl>(database, options)) {}
Engine::~Engine() = default;

Result<SearchResult> Engine::Search(const SearchRequest& request) { return impl_->Search(request); }

Result<MetricsResult> Engine::Metrics(const MetricsRequest& request) {
  return impl_->Metrics(request);
}

Result<std::vector<ScopeTags>> Engine::Tags(std::string_view scope, uint64_t start_ns,
                                            uint64_t end_ns) {
  return impl_->Tags(scope, start_ns, end_ns);
}

Result<std::vector<ResultValue>> Engine::TagValues(std::string_view attribute,
                                                   std::string_view query, uint64_t start_ns,
                                                   uint64_t end_ns, size_t limit) {
  return impl_->TagValues(attribute, query, start_ns, end_ns, limit);
}

}  // namespace varve::traceql
