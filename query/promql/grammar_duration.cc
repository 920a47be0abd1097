// The rules of Grammar for durations, which may be expressions: `[2 * step()]`, `offset (1h / 2)`.
#include <cmath>
#include <string>
#include <utility>

#include "query/promql/grammar.h"

namespace varve::promql {
namespace {

constexpr double kTooManyNs = 9223372036854775808.0;  // 2^63

bool IsArithmetic(TokenType type) { return type >= TokenType::kAdd && type <= TokenType::kPow; }

DurationOp ArithmeticOf(TokenType type) {
  static_assert(static_cast<int>(TokenType::kPow) - static_cast<int>(TokenType::kAdd) ==
                static_cast<int>(DurationOp::kPow) - static_cast<int>(DurationOp::kAdd));
  return static_cast<DurationOp>(static_cast<int>(type) - static_cast<int>(TokenType::kAdd) +
                                 static_cast<int>(DurationOp::kAdd));
}

DurationOp CallOf(TokenType word) {
  switch (word) {
    case TokenType::kStep:
      return DurationOp::kStep;
    case TokenType::kRange:
      return DurationOp::kRange;
    case TokenType::kMinOf:
      return DurationOp::kMinOf;
    default:
      return DurationOp::kMaxOf;
  }
}

bool IsLiteral(const DurationPtr& duration) { return duration->op == DurationOp::kLiteral; }

DurationPtr MakeDuration(DurationOp op, DurationPtr lhs, DurationPtr rhs, PositionRange position) {
  auto duration = std::make_unique<DurationExpr>();
  duration->op = op;
  duration->position = position;
  for (const DurationExpr* side : {lhs.get(), rhs.get()}) {
    if (side != nullptr && side->depth >= duration->depth) duration->depth = side->depth + 1;
  }
  duration->lhs = std::move(lhs);
  duration->rhs = std::move(rhs);
  return duration;
}

}  // namespace

// positive_duration_expr: duration_expr. That an expression is positive shows only when it is
// resolved.
DurationPtr Grammar::PositiveDuration(const Expectation& where) {
  DurationPtr duration = Duration(kPrecedenceMin, where);
  if (duration == nullptr || !IsLiteral(duration) || duration->value > 0) return duration;
  return FailDuration(duration->position.begin, "duration must be greater than 0");
}

// offset_duration_expr: a signed operand, so that what follows it is an operator of the whole
// selector: `a offset 1m + 1m` adds a minute to a.
DurationPtr Grammar::OffsetDuration(const Expectation& where) {
  if (!Is(TokenType::kAdd) && !Is(TokenType::kSub)) return PrimaryDuration(where);
  const Token sign = token_;
  Advance();
  const bool parenthesised = Is(TokenType::kLeftParen);
  const bool literal = Is(TokenType::kNumber) || Is(TokenType::kDuration);
  DurationPtr operand = literal ? DurationLiteral() : PrimaryDuration(where);
  if (operand == nullptr) return nullptr;
  const bool call = !parenthesised && !literal;
  // A plus in front of a call is kept, which shows only in the tree.
  if (!call || sign.type == TokenType::kSub) return WithSign(sign, std::move(operand));
  const PositionRange position = {sign.begin, operand->position.end};
  return MakeDuration(DurationOp::kAdd, nullptr, std::move(operand), position);
}

// duration_expr, by precedence climbing.
DurationPtr Grammar::Duration(int precedence_min, const Expectation& where) {
  const NestingScope scope(this);
  if (scope.TooDeep()) return FailNesting(), nullptr;
  DurationPtr lhs = SignedDuration(where);
  while (lhs != nullptr && IsArithmetic(token_.type) && Precedence(token_.type) >= precedence_min) {
    const Token op = token_;
    Advance();
    const int next = op.type == TokenType::kPow ? kPrecedencePow : Precedence(op.type) + 1;
    DurationPtr rhs = Duration(next, where);
    if (rhs == nullptr) return nullptr;
    lhs = CombineDurations(op, std::move(lhs), std::move(rhs));
  }
  return lhs;
}

DurationPtr Grammar::CombineDurations(const Token& op, DurationPtr lhs, DurationPtr rhs) {
  const bool divides = op.type == TokenType::kDiv || op.type == TokenType::kMod;
  if (divides && IsLiteral(rhs) && rhs->value == 0) {
    return FailDuration(op.begin,
                        op.type == TokenType::kDiv ? "division by zero" : "modulo by zero");
  }
  const PositionRange position = {lhs->position.begin, rhs->position.end};
  DurationPtr combined =
      MakeDuration(ArithmeticOf(op.type), std::move(lhs), std::move(rhs), position);
  if (combined->depth <= kTreeDepthMax) return combined;
  return FailDuration(position.begin, "expression is more than " + std::to_string(kTreeDepthMax) +
                                          " operations deep");
}

// A sign binds like `*`, so that only `^` binds tighter.
DurationPtr Grammar::SignedDuration(const Expectation& where) {
  if (!Is(TokenType::kAdd) && !Is(TokenType::kSub)) return PrimaryDuration(where);
  const Token sign = token_;
  Advance();
  DurationPtr operand = Duration(kPrecedencePow, where);
  return operand != nullptr ? WithSign(sign, std::move(operand)) : nullptr;
}

DurationPtr Grammar::PrimaryDuration(const Expectation& where) {
  switch (token_.type) {
    case TokenType::kNumber:
    case TokenType::kDuration: {
      DurationPtr literal = DurationLiteral();
      if (literal == nullptr) return nullptr;
      const uint32_t begin = literal->position.begin;
      return InRange(std::move(literal), begin);
    }
    case TokenType::kLeftParen:
      return ParenDuration(where);
    default:
      return IsDurationWord(token_.type) ? DurationCall(where) : UnexpectedIn(where);
  }
}

DurationPtr Grammar::DurationLiteral() {
  const Token token = token_;
  const std::optional<double> value = NumberValue();
  if (!value.has_value()) return nullptr;
  auto literal = std::make_unique<DurationExpr>();
  literal->value = *value;
  literal->form = token.type == TokenType::kDuration ? NumberForm::kDuration : NumberForm::kNumber;
  literal->position = {token.begin, token.end};
  return literal;
}

// step() | range() | min_of(duration, duration) | max_of(duration, duration).
DurationPtr Grammar::DurationCall(const Expectation& where) {
  const Token word = token_;
  const DurationOp op = CallOf(word.type);
  Advance();
  if (!Take(TokenType::kLeftParen)) return UnexpectedIn(where);
  DurationPtr lhs;
  DurationPtr rhs;
  if (op == DurationOp::kMinOf || op == DurationOp::kMaxOf) {
    lhs = Duration(kPrecedenceMin, where);
    if (lhs == nullptr) return nullptr;
    if (!Take(TokenType::kComma)) return UnexpectedIn(where);
    rhs = Duration(kPrecedenceMin, where);
    if (rhs == nullptr) return nullptr;
  }
  if (!Take(TokenType::kRightParen)) return UnexpectedIn(where);
  return MakeDuration(op, std::move(lhs), std::move(rhs), {word.begin, last_end_});
}

// A literal loses its parentheses.
DurationPtr Grammar::ParenDuration(const Expectation& where) {
  Advance();
  DurationPtr inner = Duration(kPrecedenceMin, where);
  if (inner == nullptr) return nullptr;
  if (!Take(TokenType::kRightParen)) return UnexpectedIn(where);
  inner->wrapped = !IsLiteral(inner);
  return inner;
}

// A sign belongs to a literal; in front of anything else only a minus remains.
DurationPtr Grammar::WithSign(const Token& sign, DurationPtr operand) {
  const bool negative = sign.type == TokenType::kSub;
  if (IsLiteral(operand)) {
    if (negative) operand->value = -operand->value;
    operand->position.begin = sign.begin;
    return InRange(std::move(operand), sign.begin);
  }
  if (!negative) return operand;
  const PositionRange position = {sign.begin, operand->position.end};
  return MakeDuration(DurationOp::kSub, nullptr, std::move(operand), position);
}

DurationPtr Grammar::InRange(DurationPtr literal, uint32_t offset) {
  // NaN is none, either.
  if (std::abs(std::round(literal->value * 1e9)) < kTooManyNs) return literal;
  return FailDuration(offset, "duration out of range");
}

DurationPtr Grammar::UnexpectedIn(const Expectation& where) {
  Unexpected(where.context, where.expected);
  return nullptr;
}

DurationPtr Grammar::FailDuration(uint32_t offset, std::string_view message) {
  Fail(offset, message);
  return nullptr;
}

}  // namespace varve::promql
