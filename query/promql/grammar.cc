#include "query/promql/grammar.h"

#include <utility>

#include "query/promql/function_table.h"
#include "query/promql/literal.h"
#include "query/promql/type_check.h"

namespace varve::promql {
namespace {

BinaryOp BinaryOpOf(TokenType type) {
  static_assert(static_cast<int>(TokenType::kTrimLower) - static_cast<int>(TokenType::kAdd) ==
                static_cast<int>(BinaryOp::kTrimLower) - static_cast<int>(BinaryOp::kAdd));
  return static_cast<BinaryOp>(static_cast<int>(type) - static_cast<int>(TokenType::kAdd));
}

AggregationOp AggregationOpOf(TokenType type) {
  static_assert(static_cast<int>(TokenType::kLimitRatio) - static_cast<int>(TokenType::kSum) ==
                static_cast<int>(AggregationOp::kLimitRatio));
  return static_cast<AggregationOp>(static_cast<int>(type) - static_cast<int>(TokenType::kSum));
}

}  // namespace

int Grammar::Precedence(TokenType op) {
  switch (op) {
    case TokenType::kOr:
      return kPrecedenceMin;
    case TokenType::kAnd:
    case TokenType::kUnless:
      return 2;
    case TokenType::kAdd:
    case TokenType::kSub:
      return 4;
    case TokenType::kMul:
    case TokenType::kDiv:
    case TokenType::kMod:
    case TokenType::kAtan2:
      return 5;
    case TokenType::kPow:
      return kPrecedencePow;
    default:
      return 3;  // comparisons and trims
  }
}

Grammar::Grammar(std::string_view text) : text_(text), lexer_(text) { Advance(); }

Result<ExprPtr> Grammar::ParseExpression() {
  if (Is(TokenType::kEof)) Fail(0, "no expression found in input");
  ExprPtr expr = error_.ok() ? Expression(kPrecedenceMin) : nullptr;
  if (error_.ok() && !Is(TokenType::kEof)) Unexpected();
  if (!error_.ok()) return error_;
  return expr;
}

// expr: unary_expr | expr <op> bin_modifier expr, by precedence climbing.
ExprPtr Grammar::Expression(int precedence_min) {
  const NestingScope scope(this);
  if (scope.TooDeep()) return FailNesting(), nullptr;
  ExprPtr lhs = UnaryExpression();
  while (lhs != nullptr && IsBinaryOperator(token_.type) &&
         Precedence(token_.type) >= precedence_min) {
    const TokenType op = token_.type;
    Advance();
    Modifiers modifiers;
    if (!BinaryModifiers(&modifiers)) return nullptr;
    // `^` is right-associative.
    ExprPtr rhs = Expression(op == TokenType::kPow ? kPrecedencePow : Precedence(op) + 1);
    if (rhs == nullptr) return nullptr;
    const uint32_t begin = lhs->position.begin;
    lhs = Finish(std::make_unique<Binary>(BinaryOpOf(op), std::move(lhs), std::move(rhs),
                                          modifiers.comparison, std::move(modifiers.matching)),
                 begin);
  }
  return lhs;
}

// A sign binds like `*`, so that only `^` binds tighter; in front of a number it belongs to the
// number.
ExprPtr Grammar::UnaryExpression() {
  if (!Is(TokenType::kAdd) && !Is(TokenType::kSub)) return PostfixExpression();
  const Token sign = token_;
  Advance();
  ExprPtr operand = Expression(kPrecedencePow);
  if (operand == nullptr) return nullptr;
  const bool negative = sign.type == TokenType::kSub;
  if (auto* number = operand->TryAs<NumberLiteral>()) {
    if (negative) number->value = -number->value;
    number->position.begin = sign.begin;
    return operand;
  }
  return Finish(
      std::make_unique<Unary>(negative ? UnaryOp::kMinus : UnaryOp::kPlus, std::move(operand)),
      sign.begin);
}

ExprPtr Grammar::PostfixExpression() {
  ExprPtr expr = PrimaryExpression();
  while (expr != nullptr) {
    switch (token_.type) {
      case TokenType::kLeftBracket:
        expr = RangeOrSubquery(std::move(expr));
        break;
      case TokenType::kOffset:
        if (!OffsetModifier(expr.get())) return nullptr;
        break;
      case TokenType::kAt:
        if (!AtTime(expr.get())) return nullptr;
        break;
      case TokenType::kAnchored:
      case TokenType::kSmoothed:
        if (!EdgesModifier(expr.get())) return nullptr;
        break;
      default:
        return expr;
    }
  }
  return nullptr;
}

ExprPtr Grammar::PrimaryExpression() {
  switch (token_.type) {
    case TokenType::kNumber:
    case TokenType::kDuration:
      return Number();
    case TokenType::kString: {
      const Token string = token_;
      Advance();
      return Finish(std::make_unique<StringLiteral>(Unquote(string.text)), string.begin);
    }
    case TokenType::kLeftParen:
      return ParenExpression();
    case TokenType::kLeftBrace:
      return Selector(nullptr);
    default:
      return IsMetricWord(token_.type) ? WordExpression() : Unexpected();
  }
}

ExprPtr Grammar::ParenExpression() {
  const uint32_t begin = token_.begin;
  Advance();
  ExprPtr inner = Expression(kPrecedenceMin);
  if (inner == nullptr) return nullptr;
  if (!Take(TokenType::kRightParen)) return Unexpected();
  return Finish(std::make_unique<Paren>(std::move(inner)), begin);
}

ExprPtr Grammar::Number() {
  const Token token = token_;
  const std::optional<double> value = NumberValue();
  if (!value.has_value()) return nullptr;
  const NumberForm form =
      token.type == TokenType::kDuration ? NumberForm::kDuration : NumberForm::kNumber;
  return Finish(std::make_unique<NumberLiteral>(*value, form), token.begin);
}

std::optional<double> Grammar::NumberValue() {
  const Token token = token_;
  Advance();
  if (token.type == TokenType::kNumber) {
    const Result<double> number = ParseNumber(token.text);
    if (number.ok()) return *number;
    Fail(token.begin, number.status().message());
    return std::nullopt;
  }
  const Result<int64_t> ns = ParseDurationNs(token.text);
  if (ns.ok())
    return static_cast<double>(*ns / 1'000'000'000) +
           static_cast<double>(*ns % 1'000'000'000) / 1e9;
  Fail(token.begin, ns.status().message());
  return std::nullopt;
}

// A word is an aggregation, a function or a metric, by what follows it.
ExprPtr Grammar::WordExpression() {
  const Token word = token_;
  Advance();
  const bool before_paren = Is(TokenType::kLeftParen);
  if (IsAggregation(word.type) && (before_paren || Is(TokenType::kBy) || Is(TokenType::kWithout))) {
    return AggregationExpression(word);
  }
  const bool callable = word.type == TokenType::kIdentifier ||
                        (word.type >= TokenType::kStart && word.type <= TokenType::kMaxOf);
  if (before_paren && callable) return CallExpression(word);
  return Selector(&word);
}

ExprPtr Grammar::CallExpression(const Token& name) {
  std::vector<ExprPtr> args;
  if (!Arguments(&args)) return nullptr;
  const Function* function = FindFunction(name.text);
  if (function == nullptr) {
    return Fail(name.begin, "unknown function with name " + Quote(name.text));
  }
  return Finish(std::make_unique<Call>(function, function->return_type, std::move(args)),
                name.begin);
}

// function_call_body: "(" [expr {"," expr}] ")".
bool Grammar::Arguments(std::vector<ExprPtr>* args) {
  if (!Take(TokenType::kLeftParen)) return Unexpected(), false;
  if (Take(TokenType::kRightParen)) return true;
  while (true) {
    ExprPtr arg = Expression(kPrecedenceMin);
    if (arg == nullptr) return false;
    args->push_back(std::move(arg));
    if (Take(TokenType::kRightParen)) return true;
    const Token comma = token_;
    if (!Take(TokenType::kComma)) return Unexpected(), false;
    if (Is(TokenType::kRightParen)) {
      return Fail(comma.begin, "trailing commas not allowed in function call args"), false;
    }
  }
}

ExprPtr Grammar::AggregationExpression(const Token& op) {
  ++aggregations_open_;
  Grouping grouping = Grouping::kBy;
  std::vector<std::string> labels;
  const auto modifier = [&] {
    if (!Is(TokenType::kBy) && !Is(TokenType::kWithout)) return true;
    grouping = Is(TokenType::kBy) ? Grouping::kBy : Grouping::kWithout;
    Advance();
    return GroupingLabels(&labels);
  };
  std::vector<ExprPtr> args;
  const bool modifier_first = !Is(TokenType::kLeftParen);
  if (modifier_first && !modifier()) return nullptr;
  if (!Arguments(&args)) return nullptr;
  if (!modifier_first && !modifier()) return nullptr;
  --aggregations_open_;
  return BuildAggregation(op, std::move(args), grouping, std::move(labels));
}

ExprPtr Grammar::BuildAggregation(const Token& op, std::vector<ExprPtr> args, Grouping grouping,
                                  std::vector<std::string> labels) {
  if (args.empty()) return Fail(op.begin, "no arguments for aggregate expression provided");
  const AggregationOp type = AggregationOpOf(op.type);
  const size_t wanted = AggregationParamType(type) == ValueType::kNone ? 1 : 2;
  if (args.size() != wanted) {
    return Fail(op.begin, "wrong number of arguments for aggregate expression provided, expected " +
                              std::to_string(wanted) + ", got " + std::to_string(args.size()));
  }
  ExprPtr param = wanted == 2 ? std::move(args.front()) : nullptr;
  return Finish(std::make_unique<Aggregation>(type, std::move(args.back()), std::move(param),
                                              grouping, std::move(labels)),
                op.begin);
}

// bin_modifier: ["bool"] [("on" | "ignoring") labels [("group_left" | "group_right") [labels]]]
// fill_modifiers.
bool Grammar::BinaryModifiers(Modifiers* modifiers) {
  if (Take(TokenType::kBool)) modifiers->comparison = ComparisonResult::kBool;
  if (Is(TokenType::kOn) || Is(TokenType::kIgnoring)) {
    VectorMatching& matching = modifiers->matching;
    matching.on = Is(TokenType::kOn) ? MatchOn::kOn : MatchOn::kIgnoring;
    Advance();
    if (!GroupingLabels(&matching.labels)) return false;
    if (Is(TokenType::kGroupLeft) || Is(TokenType::kGroupRight)) {
      matching.cardinality =
          Is(TokenType::kGroupLeft) ? Cardinality::kManyToOne : Cardinality::kOneToMany;
      Advance();
      if (Is(TokenType::kLeftParen) && !GroupingLabels(&matching.include)) return false;
    }
  }
  return FillModifiers(&modifiers->matching);
}

// fill_modifiers: [fill value | fill_left value [fill_right value] | fill_right value [fill_left
// value]].
bool Grammar::FillModifiers(VectorMatching* matching) {
  if (Take(TokenType::kFill)) {
    if (!FillValue(&matching->fill_left)) return false;
    matching->fill_right = matching->fill_left;
    return true;
  }
  if (Take(TokenType::kFillLeft)) {
    if (!FillValue(&matching->fill_left)) return false;
    return !Take(TokenType::kFillRight) || FillValue(&matching->fill_right);
  }
  if (Take(TokenType::kFillRight)) {
    if (!FillValue(&matching->fill_right)) return false;
    return !Take(TokenType::kFillLeft) || FillValue(&matching->fill_left);
  }
  return true;
}

// fill_value: "(" ["+" | "-"] number ")".
bool Grammar::FillValue(std::optional<double>* value) {
  if (!Take(TokenType::kLeftParen)) return Unexpected(), false;
  const bool negative = Is(TokenType::kSub);
  if (negative || Is(TokenType::kAdd)) Advance();
  if (!Is(TokenType::kNumber) && !Is(TokenType::kDuration)) return Unexpected(), false;
  *value = NumberValue();
  if (!value->has_value()) return false;
  if (negative) *value = -**value;
  if (!Take(TokenType::kRightParen)) return Unexpected(), false;
  return true;
}

// grouping_labels: "(" [label {"," label} [","]] ")".
bool Grammar::GroupingLabels(std::vector<std::string>* labels) {
  if (!Take(TokenType::kLeftParen)) return Unexpected("grouping opts", "\"(\""), false;
  while (!Take(TokenType::kRightParen)) {
    if (!GroupingLabel(labels)) return false;
    if (Take(TokenType::kComma)) continue;
    if (!Is(TokenType::kRightParen)) return Unexpected("grouping opts", "\",\" or \")\""), false;
  }
  return true;
}

bool Grammar::GroupingLabel(std::vector<std::string>* labels) {
  const Token label = token_;
  const bool is_word =
      IsMetricWord(label.type) || IsKeyword(label.type) || label.type == TokenType::kAtan2;
  if (!is_word && label.type != TokenType::kString)
    return Unexpected("grouping opts", "label"), false;
  Advance();
  labels->push_back(is_word ? std::string(label.text) : Unquote(label.text));
  if (!labels->back().empty() && IsValidUtf8(labels->back())) return true;
  return Fail(label.begin, "invalid label name for grouping: " + Quote(labels->back())), false;
}

void Grammar::Advance() {
  last_end_ = token_.end;
  token_ = lexer_.Next();
  if (Is(TokenType::kError)) Fail(token_.begin, token_.text);
}

bool Grammar::Take(TokenType type) {
  if (!Is(type)) return false;
  Advance();
  return true;
}

ExprPtr Grammar::Unexpected(std::string_view context, std::string_view expected) {
  std::string message = "unexpected " + Describe(token_);
  if (!context.empty()) {
    message += " in " + std::string(context);
  } else if (aggregations_open_ > 0) {
    message += " in aggregation";
  }
  if (!expected.empty()) message += ", expected " + std::string(expected);
  return Fail(token_.begin, message);
}

ExprPtr Grammar::Fail(uint32_t offset, std::string_view message) {
  if (error_.ok()) error_ = ParseErrorAt(text_, offset, message);
  return nullptr;
}

void Grammar::FailNesting() {
  Fail(token_.begin, "expression is nested deeper than " + std::to_string(kNestingMax) + " levels");
}

ExprPtr Grammar::Finish(ExprPtr expr, uint32_t begin) {
  expr->position = {begin, last_end_};
  if (expr->depth() <= kTreeDepthMax) return expr;
  return Fail(begin,
              "expression is more than " + std::to_string(kTreeDepthMax) + " operations deep");
}

}  // namespace varve::promql
