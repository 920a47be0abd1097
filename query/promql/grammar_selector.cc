// The rules of Grammar for selectors and the modifiers behind them.
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "query/promql/grammar.h"
#include "query/promql/literal.h"
#include "query/promql/selector_check.h"
#include "query/promql/type_check.h"

namespace varve::promql {
namespace {

constexpr double kNsPerSecond = 1e9;
constexpr int64_t kNsPerMs = 1'000'000;
constexpr double kDurationSecondsMax = 9223372036.0;         // 2^63 ns
constexpr double kTimestampSecondsMax = 9223372036854775.0;  // 2^63 ms
constexpr std::string_view kNoDurationExpressions =
    "experimental duration expression is not enabled";
constexpr std::string_view kDurationForms = "number, duration, step(), or range()";

std::optional<MatchOp> MatchOpOf(TokenType type) {
  switch (type) {
    case TokenType::kAssign:
      return MatchOp::kEqual;
    case TokenType::kNotEqual:
      return MatchOp::kNotEqual;
    case TokenType::kRegexMatch:
      return MatchOp::kRegexMatch;
    case TokenType::kRegexNotMatch:
      return MatchOp::kRegexNotMatch;
    default:
      return std::nullopt;
  }
}

// Tokens that start a duration which is more than a signed literal.
bool StartsDurationExpression(TokenType type) {
  return type == TokenType::kLeftParen || type == TokenType::kStep || type == TokenType::kRange ||
         type == TokenType::kMin || type == TokenType::kMax;
}

bool IsArithmetic(TokenType type) { return type >= TokenType::kAdd && type <= TokenType::kPow; }

// The parts of a selector or subquery that offset and `@` set; null when the node takes neither.
struct TimeShift {
  int64_t* offset_ms = nullptr;
  AtModifier* at = nullptr;
};

TimeShift TimeShiftOf(Expr* expr) {
  if (auto* vector = expr->TryAs<VectorSelector>()) return {&vector->offset_ms, &vector->at};
  if (auto* matrix = expr->TryAs<MatrixSelector>())
    return {&matrix->vector->offset_ms, &matrix->vector->at};
  if (auto* subquery = expr->TryAs<Subquery>()) return {&subquery->offset_ms, &subquery->at};
  return {};
}

int64_t SecondsToNs(double seconds) {
  return static_cast<int64_t>(std::round(seconds * kNsPerSecond));
}

// Go's %f.
std::string Fixed(double value) {
  if (!std::isfinite(value)) return FormatFloat(value);
  std::array<char, 400> buffer;
  const int size = std::snprintf(buffer.data(), buffer.size(), "%f", value);
  return std::string(buffer.data(), static_cast<size_t>(size));
}

}  // namespace

Result<std::unique_ptr<VectorSelector>> Grammar::ParseSelectorOnly() {
  std::unique_ptr<VectorSelector> selector;
  if (const Token word = token_; IsMetricWord(word.type)) {
    Advance();
    selector = Selector(&word);
  } else if (Is(TokenType::kLeftBrace)) {
    selector = Selector(nullptr);
  } else {
    Unexpected();
  }
  if (error_.ok() && !Is(TokenType::kEof)) Unexpected();
  if (!error_.ok()) return error_;
  return selector;
}

// `name` has been consumed when it is not null.
std::unique_ptr<VectorSelector> Grammar::Selector(const Token* name) {
  auto selector = std::make_unique<VectorSelector>();
  const uint32_t begin = name != nullptr ? name->begin : token_.begin;
  if (Is(TokenType::kLeftBrace) && !Matchers(selector.get())) return nullptr;
  if (name != nullptr) {
    selector->name = std::string(name->text);
    selector->matchers.push_back({MatchOp::kEqual, "__name__", selector->name});
  }
  selector->position = {begin, last_end_};
  return selector;
}

// label_matchers: "{" [matcher {"," matcher} [","]] "}".
bool Grammar::Matchers(VectorSelector* selector) {
  Advance();
  while (!Take(TokenType::kRightBrace)) {
    if (!LabelMatcher(selector)) return false;
    if (Take(TokenType::kComma)) continue;
    if (!Is(TokenType::kRightBrace)) return Unexpected("label matching", "\",\" or \"}\""), false;
  }
  return true;
}

bool Grammar::LabelMatcher(VectorSelector* selector) {
  constexpr std::string_view kContext = "label matching";
  const Token label = token_;
  const bool quoted = label.type == TokenType::kString;
  if (!quoted && label.type != TokenType::kIdentifier)
    return Unexpected(kContext, "identifier or \"}\""), false;
  Advance();
  std::string name = quoted ? Unquote(label.text) : std::string(label.text);
  const std::optional<MatchOp> op = MatchOpOf(token_.type);
  if (!op.has_value()) {
    if (!quoted) return Unexpected(kContext, "label matching operator"), false;
    selector->matchers.push_back({MatchOp::kEqual, "__name__", std::move(name)});
    return true;
  }
  Advance();
  if (!Is(TokenType::kString)) return Unexpected(kContext, "string"), false;
  Matcher matcher{*op, std::move(name), Unquote(token_.text)};
  Advance();
  if (const Result<bool> valid = MatchesEmpty(matcher); !valid.ok()) {
    return Fail(label.begin, valid.status().message()), false;
  }
  selector->matchers.push_back(std::move(matcher));
  return true;
}

// expr "[" duration "]" | expr "[" duration ":" [duration] "]".
ExprPtr Grammar::RangeOrSubquery(ExprPtr expr) {
  const uint32_t bracket = token_.begin;
  Advance();
  int64_t range_ns = 0;
  if (!BracketDuration("subquery or range selector", kDurationForms, &range_ns)) return nullptr;
  if (Take(TokenType::kRightBracket)) return BuildMatrix(std::move(expr), bracket, range_ns);
  if (Take(TokenType::kColon)) return FinishSubquery(std::move(expr), range_ns);
  return Unexpected("subquery or range", "\":\" or \"]\"");
}

ExprPtr Grammar::BuildMatrix(ExprPtr expr, uint32_t bracket, int64_t range_ns) {
  auto* vector = expr->TryAs<VectorSelector>();
  if (vector == nullptr) return Fail(bracket, "ranges only allowed for vector selectors");
  if (vector->offset_ms != 0) return Fail(bracket, "no offset modifiers allowed before range");
  if (vector->at.kind == AtModifier::Kind::kTimestamp)
    return Fail(bracket, "no @ modifiers allowed before range");
  const uint32_t begin = vector->position.begin;
  expr.release();
  return Finish(std::make_unique<MatrixSelector>(std::unique_ptr<VectorSelector>(vector),
                                                 range_ns / kNsPerMs),
                begin);
}

ExprPtr Grammar::FinishSubquery(ExprPtr expr, int64_t range_ns) {
  int64_t step_ns = 0;
  if (!Is(TokenType::kRightBracket) &&
      !BracketDuration("subquery selector", "number, duration, step(), range(), or \"]\"",
                       &step_ns)) {
    return nullptr;
  }
  if (!Take(TokenType::kRightBracket)) return Unexpected("subquery selector", "\"]\"");
  const uint32_t begin = expr->position.begin;
  return Finish(
      std::make_unique<Subquery>(std::move(expr), range_ns / kNsPerMs, step_ns / kNsPerMs), begin);
}

// A literal above zero inside brackets, with any signs.
bool Grammar::BracketDuration(std::string_view context, std::string_view expected, int64_t* ns) {
  const uint32_t begin = token_.begin;
  double sign = 1;
  while (Is(TokenType::kAdd) || Is(TokenType::kSub)) {
    if (Is(TokenType::kSub)) sign = -sign;
    Advance();
  }
  if (StartsDurationExpression(token_.type)) return Fail(begin, kNoDurationExpressions), false;
  if (!Is(TokenType::kNumber) && !Is(TokenType::kDuration))
    return Unexpected(context, expected), false;
  const std::optional<double> value = NumberValue();
  if (!value.has_value()) return false;
  if (IsArithmetic(token_.type)) return Fail(begin, kNoDurationExpressions), false;
  const double seconds = sign * *value;
  if (std::abs(seconds) > kDurationSecondsMax) return Fail(begin, "duration out of range"), false;
  if (!(seconds > 0)) return Fail(begin, "duration must be greater than 0"), false;
  *ns = SecondsToNs(seconds);
  return true;
}

bool Grammar::OffsetModifier(Expr* expr) {
  Advance();
  const uint32_t begin = token_.begin;
  const bool negative = Is(TokenType::kSub);
  if (negative || Is(TokenType::kAdd)) Advance();
  if (StartsDurationExpression(token_.type)) return Fail(begin, kNoDurationExpressions), false;
  if (!Is(TokenType::kNumber) && !Is(TokenType::kDuration))
    return Unexpected("offset", kDurationForms), false;
  const std::optional<double> value = NumberValue();
  if (!value.has_value()) return false;
  if (!(*value <= kDurationSecondsMax)) return Fail(begin, "duration out of range"), false;

  const TimeShift shift = TimeShiftOf(expr);
  if (shift.offset_ms == nullptr) {
    return Fail(expr->position.begin,
                "offset modifier must be preceded by an instant vector selector or range vector "
                "selector or a "
                "subquery"),
           false;
  }
  if (*shift.offset_ms != 0)
    return Fail(expr->position.begin, "offset may not be set multiple times"), false;
  *shift.offset_ms = SecondsToNs(negative ? -*value : *value) / kNsPerMs;
  expr->position.end = last_end_;
  return true;
}

// expr "@" signed_number | expr "@" ("start" | "end") "(" ")".
bool Grammar::AtTime(Expr* expr) {
  Advance();
  const auto unexpected = [&] { return Unexpected("@", "timestamp"), false; };
  if (Is(TokenType::kStart) || Is(TokenType::kEnd)) {
    const auto kind = Is(TokenType::kStart) ? AtModifier::Kind::kStart : AtModifier::Kind::kEnd;
    Advance();
    if (!Take(TokenType::kLeftParen) || !Take(TokenType::kRightParen)) return unexpected();
    return SetAt(expr, {kind, 0});
  }
  const bool negative = Is(TokenType::kSub);
  if (negative || Is(TokenType::kAdd)) Advance();
  if (!Is(TokenType::kNumber) && !Is(TokenType::kDuration)) return unexpected();
  const std::optional<double> value = NumberValue();
  if (!value.has_value()) return false;
  const double seconds = negative ? -*value : *value;
  if (!(std::abs(seconds) < kTimestampSecondsMax)) {
    return Fail(expr->position.begin, "timestamp out of bounds for @ modifier: " + Fixed(seconds)),
           false;
  }
  return SetAt(expr,
               {AtModifier::Kind::kTimestamp, static_cast<int64_t>(std::round(seconds * 1000))});
}

bool Grammar::SetAt(Expr* expr, AtModifier at) {
  const TimeShift shift = TimeShiftOf(expr);
  if (shift.at == nullptr) {
    return Fail(expr->position.begin,
                "@ modifier must be preceded by an instant vector selector or range vector "
                "selector or a "
                "subquery"),
           false;
  }
  if (shift.at->present()) {
    return Fail(expr->position.begin, "@ <timestamp> may not be set multiple times"), false;
  }
  *shift.at = at;
  expr->position.end = last_end_;
  return true;
}

}  // namespace varve::promql
