// Matchers compiled for repeated use: regular expressions parsed once, literal prefixes and
// alternations found.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "varve/status.h"

namespace varve::index {

enum class MatchOp : uint8_t { kEqual, kNotEqual, kRegexMatch, kRegexNotMatch };

// One condition on one label's value; a missing label has the empty value. Thread safety: const
// methods, any thread.
class LabelMatcher {
 public:
  // Error: kInvalidArgument for a bad regular expression, with RE2's words and the expression.
  static Result<LabelMatcher> Compile(MatchOp op, std::string name, std::string value);
  LabelMatcher(LabelMatcher&&) noexcept;
  LabelMatcher& operator=(LabelMatcher&&) noexcept;
  ~LabelMatcher();

  const std::string& name() const;
  MatchOp op() const;
  const std::string& value() const;
  bool Matches(std::string_view value) const;
  bool MatchesEmpty() const;  // so it also selects series without the label
  bool MatchesAll() const;    // =~".*" and the like: it selects every series
  // The values of which the matcher accepts exactly these, when it is so simple: {"x"} for ="x",
  // {"a","b"} for =~"a|b". Sorted, unique. Only for kEqual and kRegexMatch.
  const std::optional<std::vector<std::string>>& exact_values() const;
  // The mirror image, only for kNotEqual and kRegexNotMatch: all values but exactly these are
  // accepted.
  const std::optional<std::vector<std::string>>& excluded_values() const;
  // Every accepted value starts with this (may be empty). Only for kEqual and kRegexMatch.
  std::string_view prefix() const;

 private:
  struct Rep;
  explicit LabelMatcher(std::unique_ptr<Rep> rep);
  std::unique_ptr<Rep> rep_;
};

}  // namespace varve::index
