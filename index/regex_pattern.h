// A regular expression over label values: RE2, fully anchored, where the dot matches every
// character, with the cheap shapes (lists of literals, one literal between wildcards) answered
// without an automaton.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/regex_literals.h"
#include "varve/status.h"

namespace re2 {
class RE2;
}

namespace varve::index {

// Thread safety: const methods from any thread.
class RegexPattern {
 public:
  // Error: kInvalidArgument with RE2's words and the expression.
  static Result<RegexPattern> Compile(std::string_view regex);
  RegexPattern(RegexPattern&&) noexcept;
  RegexPattern& operator=(RegexPattern&&) noexcept;
  ~RegexPattern();

  bool Matches(std::string_view value) const;
  // Exactly these values are accepted, where that is known. Sorted, unique.
  const std::optional<std::vector<std::string>>& literals() const { return literals_; }
  // Every accepted value starts with it.
  std::string_view prefix() const { return prefix_; }
  bool accepts_all() const;

 private:
  RegexPattern();

  // The first of them that is set answers.
  std::optional<std::vector<std::string>> literals_;
  std::optional<WildcardPattern> wildcard_;
  std::unique_ptr<re2::RE2> regex_;
  std::string prefix_;
};

}  // namespace varve::index
