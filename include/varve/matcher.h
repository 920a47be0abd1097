// Matcher: a condition on one label, as in PromQL's {name="value"}.
#pragma once

#include <string>

namespace varve {

enum class MatchOp { kEqual, kNotEqual, kRegexMatch, kRegexNotMatch };

// Regular expressions are RE2 syntax (https://github.com/google/re2/wiki/Syntax), fully anchored. A
// label that a series lacks matches as the empty string, so {a=""} finds the series without `a`.
struct Matcher {
  MatchOp op = MatchOp::kEqual;
  std::string name;
  std::string value;
  friend bool operator==(const Matcher&, const Matcher&) = default;
};

}  // namespace varve
