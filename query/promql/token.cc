#include "query/promql/token.h"

#include <array>
#include <utility>

#include "query/promql/literal.h"

namespace varve::promql {
namespace {

constexpr std::array<std::pair<std::string_view, TokenType>, 39> kKeywords = {{
    {"and", TokenType::kAnd},
    {"or", TokenType::kOr},
    {"unless", TokenType::kUnless},
    {"atan2", TokenType::kAtan2},
    {"sum", TokenType::kSum},
    {"avg", TokenType::kAvg},
    {"count", TokenType::kCount},
    {"min", TokenType::kMin},
    {"max", TokenType::kMax},
    {"group", TokenType::kGroup},
    {"stddev", TokenType::kStddev},
    {"stdvar", TokenType::kStdvar},
    {"topk", TokenType::kTopk},
    {"bottomk", TokenType::kBottomk},
    {"count_values", TokenType::kCountValues},
    {"quantile", TokenType::kQuantile},
    {"limitk", TokenType::kLimitk},
    {"limit_ratio", TokenType::kLimitRatio},
    {"offset", TokenType::kOffset},
    {"smoothed", TokenType::kSmoothed},
    {"anchored", TokenType::kAnchored},
    {"by", TokenType::kBy},
    {"without", TokenType::kWithout},
    {"on", TokenType::kOn},
    {"ignoring", TokenType::kIgnoring},
    {"group_left", TokenType::kGroupLeft},
    {"group_right", TokenType::kGroupRight},
    {"fill", TokenType::kFill},
    {"fill_left", TokenType::kFillLeft},
    {"fill_right", TokenType::kFillRight},
    {"bool", TokenType::kBool},
    {"start", TokenType::kStart},
    {"end", TokenType::kEnd},
    {"step", TokenType::kStep},
    {"range", TokenType::kRange},
    {"min_of", TokenType::kMinOf},
    {"max_of", TokenType::kMaxOf},
    {"inf", TokenType::kNumber},
    {"nan", TokenType::kNumber},
}};
constexpr size_t kKeywordBytesMax = 12;

std::string_view LiteralKind(TokenType type) {
  switch (type) {
    case TokenType::kIdentifier:
      return "identifier ";
    case TokenType::kMetricIdentifier:
      return "metric identifier ";
    case TokenType::kNumber:
      return "number ";
    case TokenType::kDuration:
      return "duration ";
    case TokenType::kString:
      return "string ";
    default:
      return "";
  }
}

// The first ten code points.
std::string_view Abbreviated(std::string_view text) {
  size_t at = 0;
  for (int i = 0; i < 10 && at < text.size(); ++i) {
    size_t size = 0;
    DecodeRune(text, at, &size);
    at += size;
  }
  return text.substr(0, at);
}

}  // namespace

std::string Describe(const Token& token) {
  const std::string text(token.text);
  if (token.type == TokenType::kEof) return "end of input";
  if (token.type == TokenType::kError) return text;
  if (IsOperator(token.type)) return "<op:" + text + ">";
  if (IsAggregation(token.type)) return "<aggr:" + text + ">";
  if (IsKeyword(token.type)) return "<" + text + ">";
  const std::string kind(LiteralKind(token.type));
  const bool is_name =
      token.type == TokenType::kIdentifier || token.type == TokenType::kMetricIdentifier;
  if (is_name || text.size() <= 10) return kind + Quote(text);
  return kind + Quote(Abbreviated(text)) + "...";
}

bool IsMetricWord(TokenType type) {
  switch (type) {
    case TokenType::kIdentifier:
    case TokenType::kMetricIdentifier:
    case TokenType::kBy:
    case TokenType::kWithout:
    case TokenType::kOffset:
    case TokenType::kAnd:
    case TokenType::kOr:
    case TokenType::kUnless:
    case TokenType::kStart:
    case TokenType::kEnd:
    case TokenType::kStep:
    case TokenType::kRange:
    case TokenType::kMinOf:
    case TokenType::kMaxOf:
    case TokenType::kFill:
    case TokenType::kFillLeft:
    case TokenType::kFillRight:
    case TokenType::kAnchored:
    case TokenType::kSmoothed:
      return true;
    default:
      return IsAggregation(type);
  }
}

TokenType KeywordType(std::string_view word) {
  if (word.size() > kKeywordBytesMax) return TokenType::kIdentifier;
  std::array<char, kKeywordBytesMax> lower;
  for (size_t i = 0; i < word.size(); ++i) lower[i] = ToLower(word[i]);
  for (const auto& [name, type] : kKeywords) {
    if (name == std::string_view(lower.data(), word.size())) return type;
  }
  return TokenType::kIdentifier;
}

}  // namespace varve::promql
