#include "query/promql/printer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "query/promql/function_table.h"
#include "query/promql/literal.h"

namespace varve::promql {
namespace {

std::string PrintLabelName(std::string_view name) {
  return IsPlainLabelName(name) ? std::string(name) : Quote(name);
}

std::string PrintLabels(const std::vector<std::string>& labels) {
  std::string out = "(";
  for (size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) out += ", ";
    out += PrintLabelName(labels[i]);
  }
  return out + ")";
}

std::string PrintNumber(double value, NumberForm form) {
  if (form == NumberForm::kNumber) return FormatFloat(value);
  return PrintDuration(static_cast<int64_t>(std::round(value * 1000)));
}

void AppendDuration(const DurationExpr& duration, std::string* out) {
  if (duration.op == DurationOp::kLiteral) {
    *out += PrintNumber(duration.value, duration.form);
    return;
  }
  if (duration.wrapped) *out += '(';
  const std::string op(DurationOpText(duration.op));
  switch (duration.op) {
    case DurationOp::kStep:
    case DurationOp::kRange:
      *out += op + "()";
      break;
    case DurationOp::kMinOf:
    case DurationOp::kMaxOf:
      *out += op + "(";
      AppendDuration(*duration.lhs, out);
      *out += ", ";
      AppendDuration(*duration.rhs, out);
      *out += ')';
      break;
    default:
      if (duration.lhs != nullptr) {
        AppendDuration(*duration.lhs, out);
        *out += " " + op + " ";
      } else if (duration.op == DurationOp::kSub) {
        *out += op;
      }
      AppendDuration(*duration.rhs, out);
  }
  if (duration.wrapped) *out += ')';
}

std::string PrintDurationOr(const DurationExpr* expr, int64_t duration_ms) {
  if (expr == nullptr) return PrintDuration(duration_ms);
  std::string out;
  AppendDuration(*expr, &out);
  return out;
}

std::string PrintAt(const AtModifier& at) {
  std::string out;
  switch (at.kind) {
    case AtModifier::Kind::kNone:
      break;
    case AtModifier::Kind::kStart:
      out += " @ start()";
      break;
    case AtModifier::Kind::kEnd:
      out += " @ end()";
      break;
    case AtModifier::Kind::kTimestamp: {
      std::array<char, 64> buffer;
      const int size = std::snprintf(buffer.data(), buffer.size(), " @ %.3f",
                                     static_cast<double>(at.timestamp_ms) / 1000.0);
      out.append(buffer.data(), static_cast<size_t>(size));
      break;
    }
  }
  return out;
}

std::string PrintOffset(int64_t offset_ms, const DurationExpr* expr) {
  if (offset_ms == 0 && expr == nullptr) return "";
  return " offset " + PrintDurationOr(expr, offset_ms);
}

std::string_view EdgesText(RangeEdges edges) {
  switch (edges) {
    case RangeEdges::kPlain:
      return "";
    case RangeEdges::kAnchored:
      return " anchored";
    case RangeEdges::kSmoothed:
      return " smoothed";
  }
  return "";
}

// ` fill_left (0) fill_right (1)`.
std::string PrintFill(const VectorMatching& matching) {
  const std::optional<double>& left = matching.fill_left;
  const std::optional<double>& right = matching.fill_right;
  if (left.has_value() && right.has_value() && *left == *right) {
    return " fill (" + FormatFloatGo(*left) + ")";
  }
  std::string out;
  if (left.has_value()) out += " fill_left (" + FormatFloatGo(*left) + ")";
  if (right.has_value()) out += " fill_right (" + FormatFloatGo(*right) + ")";
  return out;
}

// Name and braces, without offset and `@`.
std::string PrintSelectorHead(const VectorSelector& selector) {
  std::vector<std::string> matchers;
  for (const Matcher& matcher : selector.matchers) {
    const bool is_the_name = matcher.name == "__name__" && matcher.op == MatchOp::kEqual &&
                             matcher.value == selector.name && !matcher.value.empty();
    if (is_the_name) continue;
    matchers.push_back(PrintLabelName(matcher.name) + std::string(MatchOpText(matcher.op)) +
                       Quote(matcher.value));
  }
  std::string out = selector.name;
  if (matchers.empty()) return out;
  std::sort(matchers.begin(), matchers.end());
  out += "{";
  for (size_t i = 0; i < matchers.size(); ++i) {
    if (i > 0) out += ",";
    out += matchers[i];
  }
  return out + "}";
}

// Appends the one-line form to `out` and stops soon after it is longer than `limit`.
class Printer {
 public:
  Printer(std::string* out, size_t limit) : out_(out), limit_(limit) {}

  void Append(const Expr& expr) {
    if (out_->size() > limit_) return;
    switch (expr.kind()) {
      case ExprKind::kNumberLiteral:
        *out_ += PrintNumber(expr.As<NumberLiteral>().value, expr.As<NumberLiteral>().form);
        return;
      case ExprKind::kStringLiteral:
        *out_ += Quote(expr.As<StringLiteral>().value);
        return;
      case ExprKind::kVectorSelector:
        return AppendSelector(expr.As<VectorSelector>());
      case ExprKind::kMatrixSelector:
        return AppendMatrix(expr.As<MatrixSelector>());
      case ExprKind::kSubquery:
        Append(*expr.As<Subquery>().expr);
        *out_ += PrintSubqueryTail(expr.As<Subquery>());
        return;
      case ExprKind::kCall:
        return AppendCall(expr.As<Call>());
      case ExprKind::kAggregation:
        return AppendAggregation(expr.As<Aggregation>());
      case ExprKind::kBinary:
        return AppendBinary(expr.As<Binary>());
      case ExprKind::kUnary:
        *out_ += expr.As<Unary>().op == UnaryOp::kMinus ? '-' : '+';
        return Append(*expr.As<Unary>().expr);
      case ExprKind::kParen:
        *out_ += '(';
        Append(*expr.As<Paren>().expr);
        *out_ += ')';
        return;
    }
  }

 private:
  void AppendSelector(const VectorSelector& selector) {
    *out_ += PrintSelectorHead(selector) + PrintAt(selector.at);
    *out_ += EdgesText(selector.edges);
    *out_ += PrintOffset(selector.offset_ms, selector.offset_expr.get());
  }

  void AppendMatrix(const MatrixSelector& matrix) {
    const VectorSelector& selector = *matrix.vector;
    *out_ += PrintSelectorHead(selector) + "[" +
             PrintDurationOr(matrix.range_expr.get(), matrix.range_ms) + "]";
    *out_ += EdgesText(selector.edges);
    *out_ += PrintAt(selector.at) + PrintOffset(selector.offset_ms, selector.offset_expr.get());
  }

  void AppendCall(const Call& call) {
    *out_ += std::string(call.function->name) + "(";
    for (size_t i = 0; i < call.args.size() && out_->size() <= limit_; ++i) {
      if (i > 0) *out_ += ", ";
      Append(*call.args[i]);
    }
    *out_ += ')';
  }

  void AppendAggregation(const Aggregation& aggregation) {
    *out_ += PrintAggregationHead(aggregation) + "(";
    if (aggregation.param != nullptr) {
      Append(*aggregation.param);
      *out_ += ", ";
    }
    Append(*aggregation.expr);
    *out_ += ')';
  }

  void AppendBinary(const Binary& binary) {
    if (HasInfiniteBase(binary)) {
      *out_ += "Inf";
    } else {
      Append(*binary.lhs);
    }
    *out_ += " " + PrintBinaryHead(binary) + " ";
    Append(*binary.rhs);
  }

  std::string* const out_;
  const size_t limit_;
};

}  // namespace

std::string Print(const Expr& expr) {
  std::string out;
  Printer(&out, std::string::npos).Append(expr);
  return out;
}

bool PrintsWithin(const Expr& expr, size_t bytes_max) {
  std::string out;
  Printer(&out, bytes_max).Append(expr);
  return out.size() <= bytes_max;
}

std::string PrintAggregationHead(const Aggregation& aggregation) {
  std::string out(AggregationName(aggregation.op));
  if (aggregation.grouping == Grouping::kWithout) {
    out += " without " + PrintLabels(aggregation.labels) + " ";
  } else if (!aggregation.labels.empty()) {
    out += " by " + PrintLabels(aggregation.labels) + " ";
  }
  return out;
}

std::string PrintBinaryHead(const Binary& binary) {
  std::string out(BinaryOpText(binary.op));
  if (binary.comparison == ComparisonResult::kBool) out += " bool";
  if (!binary.matching.has_value()) return out;
  const VectorMatching& matching = *binary.matching;
  const bool grouped = matching.cardinality == Cardinality::kManyToOne ||
                       matching.cardinality == Cardinality::kOneToMany;
  if (!matching.labels.empty() || matching.on == MatchOn::kOn || grouped) {
    out += (matching.on == MatchOn::kOn ? " on " : " ignoring ") + PrintLabels(matching.labels);
  }
  if (grouped) {
    out += matching.cardinality == Cardinality::kManyToOne ? " group_left " : " group_right ";
    out += PrintLabels(matching.include);
  }
  return out + PrintFill(matching);
}

bool HasInfiniteBase(const Binary& binary) {
  const auto* base = binary.lhs->TryAs<NumberLiteral>();
  return binary.op == BinaryOp::kPow && base != nullptr && std::isinf(base->value);
}

std::string PrintSubqueryTail(const Subquery& subquery) {
  std::string out = "[" + PrintDurationOr(subquery.range_expr.get(), subquery.range_ms) + ":";
  if (subquery.step_ms != 0 || subquery.step_expr != nullptr) {
    out += PrintDurationOr(subquery.step_expr.get(), subquery.step_ms);
  }
  return out + "]" + PrintAt(subquery.at) +
         PrintOffset(subquery.offset_ms, subquery.offset_expr.get());
}

std::string PrintDuration(int64_t duration_ms) {
  if (duration_ms == 0) return "0s";
  struct Unit {
    std::string_view name;
    uint64_t ms;
    bool only_exact;  // 90d reads better than 12w6d
  };
  constexpr std::array<Unit, 7> kUnits = {{{"y", uint64_t{365} * 86'400'000, true},
                                           {"w", uint64_t{7} * 86'400'000, true},
                                           {"d", 86'400'000, false},
                                           {"h", 3'600'000, false},
                                           {"m", 60'000, false},
                                           {"s", 1000, false},
                                           {"ms", 1, false}}};
  std::string out = duration_ms < 0 ? "-" : "";
  uint64_t rest = duration_ms < 0 ? uint64_t{0} - static_cast<uint64_t>(duration_ms)
                                  : static_cast<uint64_t>(duration_ms);
  for (const Unit& unit : kUnits) {
    if (unit.only_exact && rest % unit.ms != 0) continue;
    if (const uint64_t count = rest / unit.ms; count > 0) {
      out += std::to_string(count) + std::string(unit.name);
      rest -= count * unit.ms;
    }
  }
  return out;
}

}  // namespace varve::promql
