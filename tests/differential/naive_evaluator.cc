#include "tests/differential/naive_evaluator.h"

#include <re2/re2.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <ctime>
#include <set>

#include "base/status_macros.h"
#include "query/promql/function_table.h"
#include "varve/sample.h"

namespace varve::differential {
namespace {

using promql::Expr;
using promql::ValueType;
using promql::WithoutParens;

constexpr int64_t kDefaultSubqueryStepMs = 60'000;

bool IsStale(double value) { return std::bit_cast<uint64_t>(value) == kStaleMarkerBits; }

bool Holds(const Matcher& matcher, const LabelMap& labels) {
  const auto at = labels.find(matcher.name);
  const std::string value = at == labels.end() ? "" : at->second;
  switch (matcher.op) {
    case MatchOp::kEqual:
      return value == matcher.value;
    case MatchOp::kNotEqual:
      return value != matcher.value;
    case MatchOp::kRegexMatch:
      return RE2::FullMatch(value, matcher.value);
    default:
      return !RE2::FullMatch(value, matcher.value);
  }
}

bool Selects(const promql::VectorSelector& selector, const SeriesData& series) {
  return std::all_of(selector.matchers.begin(), selector.matchers.end(),
                     [&](const Matcher& matcher) { return Holds(matcher, series.labels); });
}

Status RefuseEqualLabels(const InstantVector& vector) {
  std::set<LabelMap> seen;
  for (const Element& element : vector) {
    if (!seen.insert(element.labels).second) {
      return OutOfRangeError("vector cannot contain metrics with the same labelset");
    }
  }
  return OkStatus();
}

// The labels of absent(): what the selector fixes with one `=`.
LabelMap AbsentLabels(const Expr& arg) {
  const Expr& inner = WithoutParens(arg);
  const auto* selector = inner.TryAs<promql::VectorSelector>();
  if (const auto* matrix = inner.TryAs<promql::MatrixSelector>()) selector = matrix->vector.get();
  if (selector == nullptr) return {};
  std::map<std::string, size_t> mentions;
  for (const Matcher& matcher : selector->matchers) ++mentions[matcher.name];
  LabelMap out;
  for (const Matcher& matcher : selector->matchers) {
    const bool fixed = matcher.op == MatchOp::kEqual && mentions[matcher.name] == 1;
    if (fixed && matcher.name != "__name__" && !matcher.value.empty()) {
      out[matcher.name] = matcher.value;
    }
  }
  return out;
}

const std::string& Text(const promql::Call& call, size_t i) {
  return WithoutParens(*call.args[i]).As<promql::StringLiteral>().value;
}

double Round(double value, double to) {
  const double inverse = 1 / to;
  return std::floor(value * inverse + 0.5) / inverse;
}

double Sign(double value) { return value < 0 ? -1 : value > 0 ? 1 : value; }

// A part of the time in UTC, for the date functions; -1 when `name` is none of them.
double DatePart(const std::string& name, double seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm utc{};
  gmtime_r(&time, &utc);
  if (name == "minute") return utc.tm_min;
  if (name == "hour") return utc.tm_hour;
  if (name == "day_of_week") return utc.tm_wday;
  if (name == "day_of_month") return utc.tm_mday;
  if (name == "day_of_year") return utc.tm_yday + 1;
  if (name == "month") return utc.tm_mon + 1;
  if (name == "year") return utc.tm_year + 1900;
  return -1;
}

// A function of one number with scalar arguments.
double OfElement(const std::string& name, double v, const std::vector<double>& args) {
  if (name == "abs") return std::abs(v);
  if (name == "ceil") return std::ceil(v);
  if (name == "floor") return std::floor(v);
  if (name == "exp") return std::exp(v);
  if (name == "sqrt") return std::sqrt(v);
  if (name == "ln") return std::log(v);
  if (name == "log2") return std::log2(v);
  if (name == "log10") return std::log10(v);
  if (name == "sgn") return Sign(v);
  if (name == "deg") return v * 180 / M_PI;
  if (name == "rad") return v * M_PI / 180;
  if (name == "round") return Round(v, args.empty() ? 1 : args[0]);
  if (name == "clamp_min") return std::isnan(v) ? v : std::max(v, args[0]);
  if (name == "clamp_max") return std::isnan(v) ? v : std::min(v, args[0]);
  if (name == "clamp") return std::isnan(v) ? v : std::max(args[0], std::min(args[1], v));
  return DatePart(name, v);
}

}  // namespace

LabelMap WithoutName(LabelMap labels) {
  labels.erase("__name__");
  return labels;
}

Result<Table> NaiveEvaluator::Run(const Expr& expr) const {
  Table table;
  for (int64_t t = query_.start_ms; t <= query_.end_ms; t += query_.step_ms) {
    if (expr.type() == ValueType::kScalar) {
      ASSIGN_OR_RETURN(const double value, Scalar(expr, t, query_));
      table[{}][t] = value;
      continue;
    }
    ASSIGN_OR_RETURN(const InstantVector vector, Vector(expr, t, query_));
    for (const Element& element : vector) table[element.labels][t] = element.value;
  }
  return table;
}

Result<double> NaiveEvaluator::Scalar(const Expr& expr, int64_t t, const Times& times) const {
  switch (expr.kind()) {
    case promql::ExprKind::kNumberLiteral:
      return expr.As<promql::NumberLiteral>().value;
    case promql::ExprKind::kParen:
      return Scalar(*expr.As<promql::Paren>().expr, t, times);
    case promql::ExprKind::kUnary: {
      const auto& unary = expr.As<promql::Unary>();
      ASSIGN_OR_RETURN(const double value, Scalar(*unary.expr, t, times));
      return unary.op == promql::UnaryOp::kMinus ? -value : value;
    }
    case promql::ExprKind::kBinary: {
      const auto& binary = expr.As<promql::Binary>();
      ASSIGN_OR_RETURN(const double a, Scalar(*binary.lhs, t, times));
      ASSIGN_OR_RETURN(const double b, Scalar(*binary.rhs, t, times));
      if (promql::IsComparison(binary.op)) return Compare(binary.op, a, b) ? 1.0 : 0.0;
      return Arithmetic(binary.op, a, b);
    }
    default:
      return CallScalar(expr.As<promql::Call>(), t, times);
  }
}

Result<double> NaiveEvaluator::CallScalar(const promql::Call& call, int64_t t,
                                          const Times& times) const {
  const std::string name(call.function->name);
  if (name == "time") return static_cast<double>(t) / 1000;
  if (name == "pi") return M_PI;
  if (name == "scalar") {
    ASSIGN_OR_RETURN(const InstantVector vector, Vector(*call.args[0], t, times));
    return vector.size() == 1 ? vector[0].value : std::nan("");
  }
  return UnimplementedError(name);
}

Result<InstantVector> NaiveEvaluator::Vector(const Expr& expr, int64_t t,
                                             const Times& times) const {
  ASSIGN_OR_RETURN(InstantVector vector, VectorUnchecked(expr, t, times));
  RETURN_IF_ERROR(RefuseEqualLabels(vector));
  return vector;
}

Result<InstantVector> NaiveEvaluator::VectorUnchecked(const Expr& expr, int64_t t,
                                                      const Times& times) const {
  switch (expr.kind()) {
    case promql::ExprKind::kVectorSelector:
      return Select(expr.As<promql::VectorSelector>(), t);
    case promql::ExprKind::kParen:
      return Vector(*expr.As<promql::Paren>().expr, t, times);
    case promql::ExprKind::kUnary: {
      const auto& unary = expr.As<promql::Unary>();
      ASSIGN_OR_RETURN(InstantVector vector, Vector(*unary.expr, t, times));
      if (unary.op == promql::UnaryOp::kPlus) return vector;
      for (Element& element : vector) {
        element = {WithoutName(element.labels), -element.value, t};
      }
      return vector;
    }
    case promql::ExprKind::kCall:
      return CallVector(expr.As<promql::Call>(), t, times);
    case promql::ExprKind::kAggregation:
      return Aggregate(expr.As<promql::Aggregation>(), t, times);
    default:
      return BinaryVector(expr.As<promql::Binary>(), t, times);
  }
}

int64_t NaiveEvaluator::Shifted(const promql::AtModifier& at, int64_t offset_ms, int64_t t) const {
  switch (at.kind) {
    case promql::AtModifier::Kind::kNone:
      return t - offset_ms;
    case promql::AtModifier::Kind::kTimestamp:
      return at.timestamp_ms - offset_ms;
    case promql::AtModifier::Kind::kStart:
      return query_.start_ms - offset_ms;
    case promql::AtModifier::Kind::kEnd:
      return query_.end_ms - offset_ms;
  }
  return t;
}

InstantVector NaiveEvaluator::Select(const promql::VectorSelector& selector, int64_t t) const {
  const int64_t at = Shifted(selector.at, selector.offset_ms, t);
  InstantVector out;
  for (const SeriesData& series : *data_) {
    if (!Selects(selector, series)) continue;
    auto sample = series.samples.upper_bound(at);
    if (sample == series.samples.begin()) continue;
    --sample;
    if (sample->first <= at - lookback_ms_ || IsStale(sample->second)) continue;
    out.push_back({series.labels, sample->second, sample->first});
  }
  return out;
}

Result<std::vector<Window>> NaiveEvaluator::Windows(const Expr& expr, int64_t t,
                                                    const Times& times) const {
  if (const auto* subquery = expr.TryAs<promql::Subquery>()) {
    return SubqueryWindows(*subquery, t, times);
  }
  const auto& matrix = expr.As<promql::MatrixSelector>();
  const promql::VectorSelector& selector = *matrix.vector;
  const int64_t end = Shifted(selector.at, selector.offset_ms, t);
  std::vector<Window> windows;
  for (const SeriesData& series : *data_) {
    if (!Selects(selector, series)) continue;
    Window window{series.labels, {}, end - matrix.range_ms, end};
    for (const auto& [time, value] : series.samples) {
      const bool inside = time > window.start_ms && time <= window.end_ms;
      if (inside && !IsStale(value)) window.points.emplace_back(time, value);
    }
    windows.push_back(std::move(window));
  }
  return windows;
}

// The inner times are the multiples of the step, whatever the window.
Result<std::vector<Window>> NaiveEvaluator::SubqueryWindows(const promql::Subquery& subquery,
                                                            int64_t t, const Times& times) const {
  const int64_t step = subquery.step_ms != 0 ? subquery.step_ms : kDefaultSubqueryStepMs;
  const auto first_after = [&](int64_t time) { return (time / step + 1) * step; };
  const int64_t end = Shifted(subquery.at, subquery.offset_ms, t);
  const int64_t start = end - subquery.range_ms;
  Times inner;
  inner.step_ms = step;
  inner.start_ms =
      first_after(Shifted(subquery.at, subquery.offset_ms, times.start_ms) - subquery.range_ms);
  inner.end_ms = Shifted(subquery.at, subquery.offset_ms, times.end_ms);
  std::map<LabelMap, Window> windows;
  // A query fails if any of its inner times does, also one between the windows.
  const bool all = t == times.start_ms;
  const int64_t begin = all ? inner.start_ms : first_after(start);
  for (int64_t time = begin; time <= (all ? inner.end_ms : end); time += step) {
    ASSIGN_OR_RETURN(const InstantVector vector, Vector(*subquery.expr, time, inner));
    if (time <= start || time > end) continue;
    for (const Element& element : vector) {
      Window& window = windows[element.labels];
      window.labels = element.labels;
      window.start_ms = start;
      window.end_ms = end;
      window.points.emplace_back(time, element.value);
    }
  }
  std::vector<Window> out;
  for (auto& [labels, window] : windows) out.push_back(std::move(window));
  return out;
}

Result<InstantVector> NaiveEvaluator::CallVector(const promql::Call& call, int64_t t,
                                                 const Times& times) const {
  const std::string name(call.function->name);
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (call.args[i]->type() == ValueType::kMatrix) return RangeCall(call, i, t, times);
  }
  if (name == "vector") {
    ASSIGN_OR_RETURN(const double value, Scalar(*call.args[0], t, times));
    return InstantVector{{{}, value, t}};
  }
  if (name == "histogram_quantile") {
    ASSIGN_OR_RETURN(const double q, Scalar(*call.args[0], t, times));
    ASSIGN_OR_RETURN(const InstantVector buckets, Vector(*call.args[1], t, times));
    return HistogramQuantile(q, buckets, t);
  }
  if (name == "absent") {
    ASSIGN_OR_RETURN(const InstantVector vector, Vector(*call.args[0], t, times));
    if (!vector.empty()) return InstantVector();
    return InstantVector{{AbsentLabels(*call.args[0]), 1, t}};
  }
  if (name == "label_replace" || name == "label_join") {
    ASSIGN_OR_RETURN(InstantVector vector, Vector(*call.args[0], t, times));
    return LabelCall(call, std::move(vector));
  }
  if (name == "timestamp") {
    const bool own_times = WithoutParens(*call.args[0]).kind() == promql::ExprKind::kVectorSelector;
    ASSIGN_OR_RETURN(InstantVector vector, Vector(*call.args[0], t, times));
    for (Element& element : vector) {
      const int64_t time = own_times ? element.time_ms : t;
      element = {WithoutName(element.labels), static_cast<double>(time) / 1000, t};
    }
    return vector;
  }
  return ElementCall(call, t, times);
}

Result<InstantVector> NaiveEvaluator::RangeCall(const promql::Call& call, size_t range_index,
                                                int64_t t, const Times& times) const {
  if (call.function->id == promql::FunctionId::kAbsentOverTime) {
    const Expr& range = WithoutParens(*call.args[range_index]);
    ASSIGN_OR_RETURN(const std::vector<Window> windows, Windows(range, t, times));
    const bool present = std::any_of(windows.begin(), windows.end(),
                                     [](const Window& w) { return !w.points.empty(); });
    if (present) return InstantVector();
    return InstantVector{{AbsentLabels(range), 1, t}};
  }
  if (t == times.start_ms) {
    // Series that the function leaves with equal labels are refused even if they never meet.
    std::map<LabelMap, LabelMap> origin;
    for (int64_t time = times.start_ms; time <= times.end_ms; time += times.step_ms) {
      ASSIGN_OR_RETURN(const auto values, RangeValues(call, range_index, time, times));
      for (const auto& [window_labels, element] : values) {
        const auto [at, inserted] = origin.emplace(element.labels, window_labels);
        if (!inserted && at->second != window_labels) {
          return OutOfRangeError("vector cannot contain metrics with the same labelset");
        }
      }
    }
  }
  InstantVector out;
  ASSIGN_OR_RETURN(const auto values, RangeValues(call, range_index, t, times));
  for (const auto& [window_labels, element] : values) out.push_back(element);
  return out;
}

Result<std::vector<std::pair<LabelMap, Element>>> NaiveEvaluator::RangeValues(
    const promql::Call& call, size_t range_index, int64_t t, const Times& times) const {
  const std::string name(call.function->name);
  std::vector<double> args;
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (i == range_index) continue;
    ASSIGN_OR_RETURN(const double arg, Scalar(*call.args[i], t, times));
    args.push_back(arg);
  }
  const Expr& range = WithoutParens(*call.args[range_index]);
  ASSIGN_OR_RETURN(const std::vector<Window> windows, Windows(range, t, times));
  std::vector<std::pair<LabelMap, Element>> out;
  for (const Window& window : windows) {
    double value = 0;
    if (!ApplyRangeFunction(name, window, args, t, &value)) continue;
    const LabelMap labels = KeepsMetricName(name) ? window.labels : WithoutName(window.labels);
    out.emplace_back(window.labels, Element{labels, value, t});
  }
  return out;
}

Result<InstantVector> NaiveEvaluator::ElementCall(const promql::Call& call, int64_t t,
                                                  const Times& times) const {
  const std::string name(call.function->name);
  if (name == "sort" || name == "sort_desc") return Vector(*call.args[0], t, times);
  // The date functions without an argument are about the evaluation itself.
  InstantVector vector = {{{}, static_cast<double>(t) / 1000, t}};
  if (!call.args.empty()) {
    ASSIGN_OR_RETURN(vector, Vector(*call.args[0], t, times));
  }
  std::vector<double> args;
  for (size_t i = 1; i < call.args.size(); ++i) {
    ASSIGN_OR_RETURN(const double arg, Scalar(*call.args[i], t, times));
    args.push_back(arg);
  }
  if (name == "clamp" && args[1] < args[0]) return InstantVector();
  for (Element& element : vector) {
    element = {WithoutName(element.labels), OfElement(name, element.value, args), t};
  }
  return vector;
}

Result<InstantVector> NaiveEvaluator::LabelCall(const promql::Call& call, InstantVector in) const {
  const std::string& destination = Text(call, 1);
  for (Element& element : in) {
    std::string value;
    if (call.function->id == promql::FunctionId::kLabelJoin) {
      for (size_t i = 3; i < call.args.size(); ++i) {
        if (i > 3) value += Text(call, 2);
        const auto at = element.labels.find(Text(call, i));
        if (at != element.labels.end()) value += at->second;
      }
    } else {
      // The tests write only $1, and only patterns with one group.
      const auto at = element.labels.find(Text(call, 3));
      const std::string source = at == element.labels.end() ? "" : at->second;
      std::string group;
      if (!RE2::FullMatch(source, Text(call, 4), &group)) continue;
      value = Text(call, 2);
      if (const size_t dollar = value.find("$1"); dollar != std::string::npos) {
        value.replace(dollar, 2, group);
      }
    }
    element.labels.erase(destination);
    if (!value.empty()) element.labels[destination] = value;
  }
  return in;
}

Result<InstantVector> NaiveEvaluator::Aggregate(const promql::Aggregation& aggregation, int64_t t,
                                                const Times& times) const {
  double param = 0;
  if (aggregation.param != nullptr && aggregation.param->type() == ValueType::kScalar) {
    ASSIGN_OR_RETURN(param, Scalar(*aggregation.param, t, times));
  }
  ASSIGN_OR_RETURN(const InstantVector in, Vector(*aggregation.expr, t, times));
  return AggregateElements(aggregation, param, in, t);
}

Result<InstantVector> NaiveEvaluator::BinaryVector(const promql::Binary& binary, int64_t t,
                                                   const Times& times) const {
  const bool scalar_left = binary.lhs->type() == ValueType::kScalar;
  if (!scalar_left && binary.rhs->type() != ValueType::kScalar) {
    ASSIGN_OR_RETURN(const InstantVector lhs, Vector(*binary.lhs, t, times));
    ASSIGN_OR_RETURN(const InstantVector rhs, Vector(*binary.rhs, t, times));
    return MatchVectors(binary, lhs, rhs, t);
  }
  ASSIGN_OR_RETURN(const double scalar, Scalar(scalar_left ? *binary.lhs : *binary.rhs, t, times));
  ASSIGN_OR_RETURN(const InstantVector vector,
                   Vector(scalar_left ? *binary.rhs : *binary.lhs, t, times));
  InstantVector out;
  for (const Element& element : vector) {
    const double a = scalar_left ? scalar : element.value;
    const double b = scalar_left ? element.value : scalar;
    if (!promql::IsComparison(binary.op)) {
      out.push_back({WithoutName(element.labels), Arithmetic(binary.op, a, b), t});
    } else if (binary.comparison == promql::ComparisonResult::kBool) {
      out.push_back({WithoutName(element.labels), Compare(binary.op, a, b) ? 1.0 : 0.0, t});
    } else if (Compare(binary.op, a, b)) {
      out.push_back(element);
    }
  }
  return out;
}

}  // namespace varve::differential
