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
constexpr double kTimestampSecondsMax = 9223372036854775.0;  // 2^63 ms
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

// The parts of a selector or subquery that offset and `@` set; null when the node takes neither.
struct TimeShift {
  int64_t* offset_ms = nullptr;
  DurationPtr* offset_expr = nullptr;
  AtModifier* at = nullptr;
};

TimeShift TimeShiftOf(VectorSelector* selector) {
  return {&selector->offset_ms, &selector->offset_expr, &selector->at};
}

TimeShift TimeShiftOf(Expr* expr) {
  if (auto* vector = expr->TryAs<VectorSelector>()) return TimeShiftOf(vector);
  if (auto* matrix = expr->TryAs<MatrixSelector>()) return TimeShiftOf(matrix->vector.get());
  if (auto* subquery = expr->TryAs<Subquery>()) {
    return {&subquery->offset_ms, &subquery->offset_expr, &subquery->at};
  }
  return {};
}

// Stores a duration where it belongs: a literal as milliseconds, anything else as it is.
void Settle(DurationPtr duration, int64_t* ms, DurationPtr* expr) {
  if (duration->op != DurationOp::kLiteral) {
    *expr = std::move(duration);
    return;
  }
  *ms = static_cast<int64_t>(std::round(duration->value * kNsPerSecond)) / kNsPerMs;
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
  DurationPtr range = PositiveDuration({"subquery or range selector", kDurationForms});
  if (range == nullptr) return nullptr;
  if (Take(TokenType::kRightBracket)) {
    return BuildMatrix(std::move(expr), bracket, std::move(range));
  }
  if (Take(TokenType::kColon)) return FinishSubquery(std::move(expr), std::move(range));
  return Unexpected("subquery or range", "\":\" or \"]\"");
}

ExprPtr Grammar::BuildMatrix(ExprPtr expr, uint32_t bracket, DurationPtr range) {
  auto* vector = expr->TryAs<VectorSelector>();
  if (vector == nullptr) return Fail(bracket, "ranges only allowed for vector selectors");
  if (vector->offset_ms != 0) return Fail(bracket, "no offset modifiers allowed before range");
  if (vector->at.kind == AtModifier::Kind::kTimestamp)
    return Fail(bracket, "no @ modifiers allowed before range");
  const uint32_t begin = vector->position.begin;
  expr.release();
  auto matrix = std::make_unique<MatrixSelector>(std::unique_ptr<VectorSelector>(vector), 0);
  Settle(std::move(range), &matrix->range_ms, &matrix->range_expr);
  return Finish(std::move(matrix), begin);
}

ExprPtr Grammar::FinishSubquery(ExprPtr expr, DurationPtr range) {
  const uint32_t begin = expr->position.begin;
  auto subquery = std::make_unique<Subquery>(std::move(expr), 0, 0);
  Settle(std::move(range), &subquery->range_ms, &subquery->range_expr);
  if (!Is(TokenType::kRightBracket)) {
    DurationPtr step =
        PositiveDuration({"subquery selector", "number, duration, step(), range(), or \"]\""});
    if (step == nullptr) return nullptr;
    Settle(std::move(step), &subquery->step_ms, &subquery->step_expr);
  }
  if (!Take(TokenType::kRightBracket)) return Unexpected("subquery selector", "\"]\"");
  return Finish(std::move(subquery), begin);
}

bool Grammar::OffsetModifier(Expr* expr) {
  Advance();
  DurationPtr offset = OffsetDuration({"offset", kDurationForms});
  if (offset == nullptr) return false;
  const TimeShift shift = TimeShiftOf(expr);
  if (shift.offset_ms == nullptr) {
    return Fail(expr->position.begin,
                "offset modifier must be preceded by an instant vector selector or range vector "
                "selector or a "
                "subquery"),
           false;
  }
  if (*shift.offset_ms != 0 || *shift.offset_expr != nullptr)
    return Fail(expr->position.begin, "offset may not be set multiple times"), false;
  Settle(std::move(offset), shift.offset_ms, shift.offset_expr);
  expr->position.end = last_end_;
  return true;
}

// expr ("anchored" | "smoothed").
bool Grammar::EdgesModifier(Expr* expr) {
  const RangeEdges edges = Is(TokenType::kAnchored) ? RangeEdges::kAnchored : RangeEdges::kSmoothed;
  const std::string word = edges == RangeEdges::kAnchored ? "anchored" : "smoothed";
  const uint32_t begin = expr->position.begin;
  Advance();
  auto* selector = expr->TryAs<VectorSelector>();
  if (auto* matrix = expr->TryAs<MatrixSelector>()) selector = matrix->vector.get();
  if (selector == nullptr) {
    const bool subquery = expr->kind() == ExprKind::kSubquery;
    return Fail(begin, word + " modifier " +
                           (subquery ? "is not supported for subqueries" : "not implemented")),
           false;
  }
  if (selector->edges != RangeEdges::kPlain && selector->edges != edges) {
    return Fail(begin, "anchored and smoothed modifiers cannot be used together"), false;
  }
  selector->edges = edges;
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
