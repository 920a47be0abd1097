#include "index/regex_literals.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace varve::index {
namespace {

// Limits of the expansion of groups such as (a|b)(c|d)e; beyond them RE2 is the better matcher.
constexpr size_t kExpansionCountMax = 1024;
constexpr size_t kExpansionBytesMax = size_t{4} << 20;
constexpr int kGroupDepthMax = 32;

bool IsMeta(char c) {
  return std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos;
}

// An escaped punctuation character stands for itself. RE2 counts the underscore among the letters.
bool IsEscapableLiteral(char c) {
  const auto u = static_cast<unsigned char>(c);
  const bool word =
      (u >= '0' && u <= '9') || (u >= 'A' && u <= 'Z') || (u >= 'a' && u <= 'z') || u == '_';
  return u > ' ' && u < 0x7f && !word;
}

// Takes one literal character (possibly escaped) off `rest`.
std::optional<char> TakeLiteral(std::string_view* rest) {
  if (rest->empty()) return std::nullopt;
  const char c = rest->front();
  if (c == '\\') {
    if (rest->size() < 2 || !IsEscapableLiteral((*rest)[1])) return std::nullopt;
    const char escaped = (*rest)[1];
    rest->remove_prefix(2);
    return escaped;
  }
  if (IsMeta(c)) return std::nullopt;
  rest->remove_prefix(1);
  return c;
}

// Recursive descent over: alternation = concatenation ('|' concatenation)*; concatenation =
// (literal | group)*. A repetition operator is no literal, so it ends the parse with a failure
// wherever it stands.
class LiteralParser {
 public:
  explicit LiteralParser(std::string_view regex) : rest_(regex) {}

  bool Parse(std::vector<std::string>* out) { return Alternation(0, out) && rest_.empty(); }

 private:
  bool At(char c) const { return !rest_.empty() && rest_.front() == c; }

  bool Alternation(int depth, std::vector<std::string>* out) {
    for (;;) {
      std::vector<std::string> branch;
      if (!Concatenation(depth, &branch)) return false;
      std::move(branch.begin(), branch.end(), std::back_inserter(*out));
      if (!At('|')) return true;
      rest_.remove_prefix(1);
    }
  }

  bool Concatenation(int depth, std::vector<std::string>* out) {
    out->assign(1, std::string());
    // Matching is anchored anyway, so anchors at the very ends add nothing.
    if (depth == 0 && At('^')) rest_.remove_prefix(1);
    while (!rest_.empty() && !At('|') && !At(')')) {
      if (depth == 0 && At('$')) {
        rest_.remove_prefix(1);
        return rest_.empty() || At('|');
      }
      if (At('(')) {
        if (!Group(depth, out)) return false;
        continue;
      }
      const std::optional<char> literal = TakeLiteral(&rest_);
      if (!literal || !Spend(out->size())) return false;
      for (std::string& s : *out) s.push_back(*literal);
    }
    return true;
  }

  bool Group(int depth, std::vector<std::string>* out) {
    if (depth == kGroupDepthMax) return false;
    rest_.remove_prefix(1);
    if (rest_.substr(0, 2) == "?:") rest_.remove_prefix(2);
    std::vector<std::string> inner;
    if (!Alternation(depth + 1, &inner) || !At(')')) return false;
    rest_.remove_prefix(1);
    return Multiply(inner, out);
  }

  bool Spend(size_t bytes) {
    expansion_bytes_ += bytes;
    return expansion_bytes_ <= kExpansionBytesMax;
  }

  bool Multiply(const std::vector<std::string>& tails, std::vector<std::string>* out) {
    if (out->size() == 1 && out->front().empty()) {
      *out = tails;
      return true;
    }
    if (tails.size() > kExpansionCountMax / out->size()) return false;
    std::vector<std::string> product;
    product.reserve(out->size() * tails.size());
    for (const std::string& head : *out) {
      for (const std::string& tail : tails) {
        product.push_back(head + tail);
        if (!Spend(product.back().size())) return false;
      }
    }
    *out = std::move(product);
    return true;
  }

  std::string_view rest_;
  size_t expansion_bytes_ = 0;
};

WildcardPattern::Wildcard TakeWildcard(std::string_view* rest) {
  const std::string_view head = rest->substr(0, 2);
  if (head != ".*" && head != ".+") return WildcardPattern::Wildcard::kNone;
  rest->remove_prefix(2);
  return head == ".*" ? WildcardPattern::Wildcard::kAny : WildcardPattern::Wildcard::kNonEmpty;
}

}  // namespace

std::optional<std::vector<std::string>> LiteralAlternatives(std::string_view regex) {
  std::vector<std::string> values;
  if (!LiteralParser(regex).Parse(&values)) return std::nullopt;
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

std::optional<WildcardPattern> ParseWildcardPattern(std::string_view regex) {
  WildcardPattern pattern;
  if (regex.substr(0, 1) == "^") regex.remove_prefix(1);
  pattern.before = TakeWildcard(&regex);
  while (const std::optional<char> literal = TakeLiteral(&regex))
    pattern.literal.push_back(*literal);
  // ".*" alone is read as the one before; a second one may still follow a literal.
  pattern.after = TakeWildcard(&regex);
  if (!regex.empty() && regex != "$") return std::nullopt;
  using Wildcard = WildcardPattern::Wildcard;
  if (pattern.before == Wildcard::kNone && pattern.after == Wildcard::kNone) return std::nullopt;
  // ".+.+" asks for two characters, which are not two bytes.
  const bool two_characters =
      pattern.before == Wildcard::kNonEmpty && pattern.after == Wildcard::kNonEmpty;
  if (two_characters && pattern.literal.empty()) return std::nullopt;
  return pattern;
}

bool WildcardPattern::Matches(std::string_view value) const {
  const size_t before_min = before == Wildcard::kNonEmpty ? 1 : 0;
  const size_t after_min = after == Wildcard::kNonEmpty ? 1 : 0;
  if (value.size() < before_min + literal.size() + after_min) return false;
  if (before == Wildcard::kNone) return value.starts_with(literal);
  if (after == Wildcard::kNone) return value.ends_with(literal);
  // The earliest occurrence leaves the most room behind it.
  const size_t at = value.find(literal, before_min);
  return at != std::string_view::npos && at + literal.size() + after_min <= value.size();
}

}  // namespace varve::index
