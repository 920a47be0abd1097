// TraceQL's syntax tree (the language of Grafana Tempo 3: pkg/traceql/expr.y).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "query/traceql/value.h"

namespace re2 {
class RE2;
}

namespace varve::traceql {

enum class Scope : uint8_t {
  kNone,  // .x: the span's, else its resource's
  kSpan,
  kResource,
  kEvent,
  kLink,
  kInstrumentation,
};

enum class Intrinsic : uint8_t {
  kNone,  // an attribute
  kDuration,
  kName,
  kKind,
  kStatus,
  kStatusMessage,
  kSpanId,
  kParentId,
  kChildCount,
  kParent,  // nil for a root
  kTraceDuration,
  kTraceRootName,
  kTraceRootService,
  kTraceId,
  kEventName,
  kEventTimeSinceStart,
  kLinkTraceId,
  kLinkSpanId,
  kInstrumentationName,
  kInstrumentationVersion,
  kNestedSetLeft,
  kNestedSetRight,
  kNestedSetParent,
  kStartTime,  // span:startTime, for select
};

// What a span is asked for.
struct Attribute {
  Intrinsic intrinsic = Intrinsic::kNone;
  Scope scope = Scope::kNone;
  bool of_parent = false;  // parent.x
  std::string name;        // of an attribute; of an intrinsic as it was written

  std::string ToText() const;  // as it is written
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

struct FieldExpression;
using FieldPtr = std::unique_ptr<FieldExpression>;

struct FieldExpression {
  enum class Kind : uint8_t { kLiteral, kAttribute, kNegate, kNot, kBinary };
  Kind kind = Kind::kLiteral;
  Value literal;        // its text points into `text`
  std::string text;     // of a string literal
  Attribute attribute;  // kAttribute
  Operator op = Operator::kAnd;
  FieldPtr left;  // kNegate, kNot: the operand
  FieldPtr right;
  std::shared_ptr<const re2::RE2> regex;  // of a regular expression on the right side
};

struct Pipeline;

// A spanset: the spans of a trace that a filter selects, or what operators make of such.
struct SpansetExpression {
  enum class Kind : uint8_t { kFilter, kOperation, kPipeline };
  enum class Form : uint8_t { kPlain, kNegated, kUnion };  // of structural operators: >, !>, &>
  Kind kind = Kind::kFilter;
  FieldPtr filter;          // null: { }
  size_t filter_index = 0;  // among the query's filters
  Operator op = Operator::kAnd;
  Form form = Form::kPlain;
  std::unique_ptr<SpansetExpression> left;
  std::unique_ptr<SpansetExpression> right;
  std::unique_ptr<Pipeline> pipeline;  // kPipeline: ( ... )
};
using SpansetPtr = std::unique_ptr<SpansetExpression>;

enum class AggregateKind : uint8_t { kCount, kMin, kMax, kSum, kAvg };

// One number per spanset.
struct ScalarExpression {
  enum class Kind : uint8_t { kLiteral, kAggregate, kBinary };
  Kind kind = Kind::kLiteral;
  Value literal;
  AggregateKind aggregate = AggregateKind::kCount;
  FieldPtr field;  // of all aggregates but count
  Operator op = Operator::kAdd;
  std::unique_ptr<ScalarExpression> left;
  std::unique_ptr<ScalarExpression> right;
};
using ScalarPtr = std::unique_ptr<ScalarExpression>;

struct Stage {
  enum class Kind : uint8_t { kSpanset, kScalarFilter, kGroupBy, kCoalesce, kSelect };
  Kind kind = Kind::kSpanset;
  SpansetPtr spanset;
  ScalarPtr left;  // kScalarFilter; without `right` it computes and keeps all
  Operator op = Operator::kGreater;
  ScalarPtr right;
  FieldPtr group;
  std::vector<Attribute> select;
};

struct Pipeline {
  std::vector<Stage> stages;
};

enum class MetricKind : uint8_t {
  kRate,
  kCountOverTime,
  kMinOverTime,
  kMaxOverTime,
  kSumOverTime,
  kAvgOverTime,
  kQuantileOverTime,
  kHistogramOverTime,
  kCompare,
};

struct MetricStage {
  MetricKind kind = MetricKind::kRate;
  Attribute attribute;  // of ..._over_time
  std::vector<double> quantiles;
  std::vector<Attribute> by;
  // kCompare.
  SpansetPtr selection;
  int64_t top = 10;
  uint64_t selection_start_ns = 0;  // 0: none given
  uint64_t selection_end_ns = 0;
};

struct SecondStage {
  enum class Kind : uint8_t { kTop, kBottom, kFilter };
  Kind kind = Kind::kTop;
  int64_t count = 0;
  Operator op = Operator::kGreater;
  double value = 0;
};

struct Hint {
  std::string name;
  Value value;
};

// A whole query: pipelines with a metrics stage may be combined by arithmetic.
struct Query {
  Pipeline pipeline;
  std::optional<MetricStage> metric;
  std::vector<SecondStage> second;
  std::vector<Hint> hints;
  size_t filter_count = 0;

  // Arithmetic between queries: `op` of left and right; a number where one is no query.
  bool is_math = false;
  Operator op = Operator::kAdd;
  std::unique_ptr<Query> left;
  std::unique_ptr<Query> right;
  std::optional<double> number;  // this is a number alone
};

}  // namespace varve::traceql
