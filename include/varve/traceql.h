// TraceQL: searching and measuring the spans of a Database (the language of Grafana Tempo 3).
//
// Results are exact: of the traces that match, the newest come first, whatever the limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "varve/database.h"
#include "varve/status.h"

namespace varve::traceql {

// What a span or spanset shows of itself.
struct ResultValue {
  enum class Type : uint8_t { kNil, kString, kInt, kFloat, kBool, kDuration, kStatus, kKind };
  Type type = Type::kNil;
  // Strings, and of durations, statuses and kinds their text ("1.5s", "error", "server").
  std::string text;
  int64_t integer = 0;  // kInt, kBool; kDuration in ns
  double number = 0;    // kFloat
};
using ResultAttributes = std::vector<std::pair<std::string, ResultValue>>;

struct FoundSpan {
  std::string span_id;  // 8 bytes
  std::string name;
  uint64_t start_ns = 0;  // Unix epoch
  int64_t duration_ns = 0;
  ResultAttributes attributes;  // that the query names, where the span has them
};

struct FoundSpanset {
  std::vector<FoundSpan> spans;  // the first SearchRequest::spans_max of them, by start time
  uint64_t matched = 0;          // how many there are
  ResultAttributes attributes;   // "count()", "by(...)"
};

struct ServiceStatistics {
  std::string service;
  uint64_t span_count = 0;
  uint64_t error_count = 0;
};

struct FoundTrace {
  std::string trace_id;   // 16 bytes
  bool has_root = false;  // false: no span without a parent is there
  std::string root_service;
  std::string root_name;
  uint64_t start_ns = 0;
  int64_t duration_ns = 0;
  std::vector<FoundSpanset> spansets;
  std::vector<ServiceStatistics> services;  // of all spans of the trace, by name
  uint64_t orphan_count = 0;                // spans whose parents are not there
};

struct SearchRequest {
  std::string query;  // empty: { }
  // Traces that have a span that starts within [start_ns, end_ns]; 0, 0: all.
  uint64_t start_ns = 0;
  uint64_t end_ns = 0;
  size_t limit = 20;     // traces; 0: no limit
  size_t spans_max = 3;  // of each spanset; 0: no limit
  std::stop_token stop = {};
};

struct SearchStatistics {
  uint64_t blocks = 0;  // looked at
  uint64_t spans = 0;   // in them
  uint64_t traces = 0;
  int64_t elapsed_ns = 0;
};

struct SearchResult {
  std::vector<FoundTrace> traces;  // the newest first, by start time; equal ones by id
  SearchStatistics statistics;
};

struct MetricsRequest {
  std::string query;
  uint64_t start_ns = 0;
  uint64_t end_ns = 0;
  // 0: one value for the whole range. Else buckets (t - step, t] at multiples of the step; the
  // range is widened to such.
  uint64_t step_ns = 0;
  size_t exemplars_max = 0;  // per series; with(exemplars=...) may change it unless it is 0
  std::stop_token stop = {};
};

struct MetricExemplar {
  ResultAttributes labels;
  int64_t timestamp_ms = 0;
  double value = 0;
};

struct MetricSeries {
  ResultAttributes labels;
  std::vector<std::pair<int64_t, double>> points;  // ms, ascending
  std::vector<MetricExemplar> exemplars;
};

struct MetricsResult {
  std::vector<MetricSeries> series;  // by labels
  SearchStatistics statistics;
  std::vector<std::string> warnings;
};

// The scopes that tags are listed by: "resource", "span", "event", "link", "instrumentation",
// "intrinsic".
struct ScopeTags {
  std::string scope;
  std::vector<std::string> tags;  // sorted
};

struct EngineOptions {
  int64_t timeout_ms = 30'000;
  uint64_t metric_series_max = 10'000;
  uint64_t metric_steps_max = 11'000;
};

// Thread safety: all methods from any thread. Errors: kInvalidArgument for a query that does not
// parse (with line and column) or fit, kResourceExhausted and kDeadlineExceeded (naming the limit),
// kCancelled, kDataLoss, kIoError.
class Engine {
 public:
  // `database` is borrowed and outlives the engine.
  Engine(Database* database, const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Result<SearchResult> Search(const SearchRequest& request);
  Result<MetricsResult> Metrics(const MetricsRequest& request);
  // `scope`: one of the above, or empty for all. Of spans that start within the range (0, 0: all).
  Result<std::vector<ScopeTags>> Tags(std::string_view scope, uint64_t start_ns, uint64_t end_ns);
  // The distinct values of an attribute or intrinsic, as ParseAttribute takes it (".a", "span.b",
  // "name"), of spans that match `query` (empty or not parsable: all), sorted; at most `limit` (0:
  // all).
  Result<std::vector<ResultValue>> TagValues(std::string_view attribute, std::string_view query,
                                             uint64_t start_ns, uint64_t end_ns, size_t limit);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace varve::traceql
