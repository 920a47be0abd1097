// What a regular expression says without being run: the literals it lists, or one literal between
// wildcards. Both parsers are conservative: an expression they do not fully understand yields
// nothing, and RE2 decides.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::index {

// The strings that a fully anchored `regex` accepts, when it is built of literals, groups and
// alternations only: "a|b(c|d)" is {"a", "bc", "bd"}. Sorted, unique, never empty. Such an
// expression is valid RE2 syntax if it is UTF-8.
std::optional<std::vector<std::string>> LiteralAlternatives(std::string_view regex);

// A literal with at most one wildcard on each side: "foo.*", ".+foo", ".*foo.*", ".*".
struct WildcardPattern {
  enum class Wildcard { kNone, kAny, kNonEmpty };  // nothing, ".*", ".+"
  Wildcard before = Wildcard::kNone;
  std::string literal;
  Wildcard after = Wildcard::kNone;

  // REQUIRES: `value` is UTF-8.
  bool Matches(std::string_view value) const;
};
// Sets at least one wildcard, else yields nothing.
std::optional<WildcardPattern> ParseWildcardPattern(std::string_view regex);

}  // namespace varve::index
