// The tokens of PromQL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace varve::promql {

enum class TokenType : uint8_t {
  kEof,
  kError,  // text is the message
  kComma,
  kColon,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kAssign,  // =
  kIdentifier,
  kMetricIdentifier,  // holds a colon
  kNumber,
  kDuration,
  kString,  // with its quotes; escapes are valid

  // Operators, in the order of BinaryOp up to kTrimLower.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kAnd,
  kOr,
  kUnless,
  kTrimUpper,
  kTrimLower,
  kRegexMatch,
  kRegexNotMatch,
  kAt,

  // Aggregations, in the order of AggregationOp.
  kSum,
  kAvg,
  kCount,
  kMin,
  kMax,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kCountValues,
  kQuantile,
  kLimitk,
  kLimitRatio,

  // Keywords.
  kBool,
  kBy,
  kWithout,
  kOn,
  kIgnoring,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kOffset,
  kAnchored,
  kSmoothed,

  // Words that are keywords only before a parenthesis.
  kStart,
  kEnd,
  kStep,
  kRange,
  kMinOf,
  kMaxOf,
};

constexpr bool IsOperator(TokenType t) { return t >= TokenType::kAdd && t <= TokenType::kAt; }
constexpr bool IsBinaryOperator(TokenType t) {
  return t >= TokenType::kAdd && t <= TokenType::kTrimLower;
}
constexpr bool IsAggregation(TokenType t) {
  return t >= TokenType::kSum && t <= TokenType::kLimitRatio;
}
constexpr bool IsKeyword(TokenType t) { return t >= TokenType::kBool && t <= TokenType::kSmoothed; }

constexpr bool IsFill(TokenType t) { return t >= TokenType::kFill && t <= TokenType::kFillRight; }
// Words that have a meaning of their own in durations: step, range, min_of, max_of.
constexpr bool IsDurationWord(TokenType t) {
  return t >= TokenType::kStep && t <= TokenType::kMaxOf;
}

// Words, keywords among them, that may name a metric where an operand is expected.
bool IsMetricWord(TokenType type);

struct Token {
  TokenType type = TokenType::kEof;
  uint32_t begin = 0;
  uint32_t end = 0;
  // The characters of the token, borrowed from the query (from the lexer for kError).
  std::string_view text;
};

// The token as an error message names it: `identifier "up"`, `<op:+>`, `end of input`.
std::string Describe(const Token& token);
// The keyword that `word` is, whatever its case; kIdentifier when it is none. Inf and NaN are
// kNumber.
TokenType KeywordType(std::string_view word);

}  // namespace varve::promql
