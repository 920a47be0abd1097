#include "query/promql/tree_json.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "query/promql/function_table.h"
#include "query/promql/literal.h"

namespace varve::promql {
namespace {

std::string_view CardinalityWord(Cardinality cardinality) {
  switch (cardinality) {
    case Cardinality::kOneToOne:
      return "one-to-one";
    case Cardinality::kManyToOne:
      return "many-to-one";
    case Cardinality::kOneToMany:
      return "one-to-many";
    case Cardinality::kManyToMany:
      return "many-to-many";
  }
  return "";
}

class TreeJson {
 public:
  explicit TreeJson(std::string* out) : out_(out) {}

  void Append(const Expr& expr) {
    switch (expr.kind()) {
      case ExprKind::kNumberLiteral:
        Open("numberLiteral");
        Member("val", FormatFloat(expr.As<NumberLiteral>().value));
        break;
      case ExprKind::kStringLiteral:
        Open("stringLiteral");
        Member("val", expr.As<StringLiteral>().value);
        break;
      case ExprKind::kVectorSelector:
        Open("vectorSelector");
        AppendSelector(expr.As<VectorSelector>());
        break;
      case ExprKind::kMatrixSelector:
        Open("matrixSelector");
        AppendSelector(*expr.As<MatrixSelector>().vector);
        Member("range", expr.As<MatrixSelector>().range_ms);
        Member("rangeExpr", expr.As<MatrixSelector>().range_expr.get());
        break;
      case ExprKind::kSubquery:
        AppendSubquery(expr.As<Subquery>());
        break;
      case ExprKind::kCall:
        AppendCall(expr.As<Call>());
        break;
      case ExprKind::kAggregation:
        AppendAggregation(expr.As<Aggregation>());
        break;
      case ExprKind::kBinary:
        AppendBinary(expr.As<Binary>());
        break;
      case ExprKind::kUnary:
        Open("unaryExpr");
        Member("op", expr.As<Unary>().op == UnaryOp::kMinus ? "-" : "+");
        Member("expr", expr.As<Unary>().expr.get());
        break;
      case ExprKind::kParen:
        Open("parenExpr");
        Member("expr", expr.As<Paren>().expr.get());
        break;
    }
    *out_ += '}';
  }

 private:
  void AppendSelector(const VectorSelector& selector) {
    Member("name", selector.name);
    AppendShift(selector.at, selector.offset_ms, selector.offset_expr.get());
    Member("anchored", selector.edges == RangeEdges::kAnchored);
    Member("smoothed", selector.edges == RangeEdges::kSmoothed);
    Key("matchers");
    AppendList(selector.matchers, [this](const Matcher& matcher) {
      *out_ += "{\"name\":";
      AppendString(matcher.name);
      Member("type", MatchOpText(matcher.op));
      Member("value", matcher.value);
      *out_ += '}';
    });
  }

  void AppendShift(const AtModifier& at, int64_t offset_ms, const DurationExpr* offset_expr) {
    Member("offset", offset_ms);
    Member("offsetExpr", offset_expr);
    Key("timestamp");
    *out_ += at.kind == AtModifier::Kind::kTimestamp ? std::to_string(at.timestamp_ms) : "null";
    Key("startOrEnd");
    if (at.kind == AtModifier::Kind::kStart) {
      *out_ += "\"start\"";
    } else {
      *out_ += at.kind == AtModifier::Kind::kEnd ? "\"end\"" : "null";
    }
  }

  void AppendSubquery(const Subquery& subquery) {
    Open("subquery");
    Member("expr", subquery.expr.get());
    Member("range", subquery.range_ms);
    Member("rangeExpr", subquery.range_expr.get());
    Member("step", subquery.step_ms);
    Member("stepExpr", subquery.step_expr.get());
    AppendShift(subquery.at, subquery.offset_ms, subquery.offset_expr.get());
  }

  void AppendCall(const Call& call) {
    Open("call");
    Key("func");
    *out_ += "{\"name\":";
    AppendString(call.function->name);
    Key("argTypes");
    AppendList(call.function->arg_types, [this](ValueType type) { AppendString(ShortType(type)); });
    Member("variadic", int64_t{call.function->variadic});
    Member("returnType", ShortType(call.function->return_type));
    *out_ += '}';
    Key("args");
    AppendList(call.args, [this](const ExprPtr& arg) { Append(*arg); });
  }

  void AppendAggregation(const Aggregation& aggregation) {
    Open("aggregation");
    Member("op", AggregationName(aggregation.op));
    Member("expr", aggregation.expr.get());
    Member("param", aggregation.param.get());
    Member("grouping", aggregation.labels);
    Member("without", aggregation.grouping == Grouping::kWithout);
  }

  void AppendBinary(const Binary& binary) {
    Open("binaryExpr");
    Member("op", BinaryOpText(binary.op));
    Member("lhs", binary.lhs.get());
    Member("rhs", binary.rhs.get());
    Member("bool", binary.comparison == ComparisonResult::kBool);
    Key("matching");
    if (!binary.matching.has_value()) {
      *out_ += "null";
      return;
    }
    const VectorMatching& matching = *binary.matching;
    *out_ += "{\"card\":";
    AppendString(CardinalityWord(matching.cardinality));
    Member("labels", matching.labels);
    Member("on", matching.on == MatchOn::kOn);
    Member("include", matching.include);
    Key("fillValues");
    *out_ += "{\"lhs\":";
    AppendFill(matching.fill_left);
    Key("rhs");
    AppendFill(matching.fill_right);
    *out_ += "}}";
  }

  void AppendFill(const std::optional<double>& value) {
    if (!value.has_value()) {
      *out_ += "null";
    } else if (std::isfinite(*value)) {
      *out_ += FormatFloat(*value);
    } else {
      AppendString(FormatFloat(*value));
    }
  }

  void AppendDuration(const DurationExpr& duration) {
    if (duration.op == DurationOp::kLiteral) {
      Open("numberLiteral");
      Member("val", FormatFloat(duration.value));
      Member("duration", duration.form == NumberForm::kDuration);
    } else {
      Open("durationExpr");
      Member("op", DurationOpText(duration.op));
      Member("lhs", duration.lhs.get());
      Member("rhs", duration.rhs.get());
      Member("wrapped", duration.wrapped);
    }
    *out_ += '}';
  }

  // Begins a node; the members that follow need no comma of their own.
  void Open(std::string_view type) {
    *out_ += "{\"type\":";
    AppendString(type);
  }
  void Key(std::string_view key) {
    *out_ += ",\"";
    *out_ += key;
    *out_ += "\":";
  }
  void Member(std::string_view key, std::string_view text) {
    Key(key);
    AppendString(text);
  }
  void Member(std::string_view key, const char* text) { Member(key, std::string_view(text)); }
  void Member(std::string_view key, int64_t value) {
    Key(key);
    *out_ += std::to_string(value);
  }
  void Member(std::string_view key, bool value) {
    Key(key);
    *out_ += value ? "true" : "false";
  }
  void Member(std::string_view key, const std::vector<std::string>& texts) {
    Key(key);
    AppendList(texts, [this](const std::string& text) { AppendString(text); });
  }
  void Member(std::string_view key, const Expr* expr) {
    Key(key);
    expr != nullptr ? Append(*expr) : static_cast<void>(*out_ += "null");
  }
  void Member(std::string_view key, const DurationExpr* duration) {
    Key(key);
    duration != nullptr ? AppendDuration(*duration) : static_cast<void>(*out_ += "null");
  }

  template <typename List, typename AppendItem>
  void AppendList(const List& list, AppendItem append) {
    *out_ += '[';
    bool first = true;
    for (const auto& item : list) {
      if (!std::exchange(first, false)) *out_ += ',';
      append(item);
    }
    *out_ += ']';
  }

  // Bytes that are no UTF-8 become U+FFFD, as in Go's encoder.
  void AppendString(std::string_view text) {
    *out_ += '"';
    for (size_t at = 0; at < text.size();) {
      size_t size = 0;
      const char32_t rune = DecodeRune(text, at, &size);
      if (rune == U'"' || rune == U'\\') {
        *out_ += '\\';
        *out_ += static_cast<char>(rune);
      } else if (rune < 0x20) {
        constexpr std::string_view kHex = "0123456789abcdef";
        *out_ += "\\u00";
        *out_ += kHex[rune >> 4];
        *out_ += kHex[rune & 0xF];
      } else {
        AppendRune(rune, out_);
      }
      at += size;
    }
    *out_ += '"';
  }

  std::string* const out_;
};

}  // namespace

std::string PrintJson(const Expr& expr) {
  std::string out;
  TreeJson(&out).Append(expr);
  return out;
}

}  // namespace varve::promql
