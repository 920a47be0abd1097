#include "index/matcher.h"

#include <utility>

#include "base/status_macros.h"
#include "index/regex_pattern.h"

namespace varve::index {

struct LabelMatcher::Rep {
  MatchOp op;
  std::string name;
  std::string value;
  std::optional<RegexPattern> regex;  // set for the two regular-expression operators
  std::optional<std::vector<std::string>> exact_values;
  std::optional<std::vector<std::string>> excluded_values;
  std::string prefix;
  bool matches_empty = false;

  bool Matches(std::string_view candidate) const {
    switch (op) {
      case MatchOp::kEqual:
        return candidate == value;
      case MatchOp::kNotEqual:
        return candidate != value;
      case MatchOp::kRegexMatch:
        return regex->Matches(candidate);
      case MatchOp::kRegexNotMatch:
        return !regex->Matches(candidate);
    }
    return false;
  }
};

LabelMatcher::LabelMatcher(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
LabelMatcher::LabelMatcher(LabelMatcher&&) noexcept = default;
LabelMatcher& LabelMatcher::operator=(LabelMatcher&&) noexcept = default;
LabelMatcher::~LabelMatcher() = default;

Result<LabelMatcher> LabelMatcher::Compile(MatchOp op, std::string name, std::string value) {
  auto rep = std::make_unique<Rep>();
  rep->op = op;
  rep->name = std::move(name);
  rep->value = std::move(value);
  switch (op) {
    case MatchOp::kEqual:
      rep->exact_values.emplace(1, rep->value);
      rep->prefix = rep->value;
      break;
    case MatchOp::kNotEqual:
      rep->excluded_values.emplace(1, rep->value);
      break;
    case MatchOp::kRegexMatch:
    case MatchOp::kRegexNotMatch: {
      ASSIGN_OR_RETURN(RegexPattern regex, RegexPattern::Compile(rep->value));
      if (op == MatchOp::kRegexMatch) {
        rep->exact_values = regex.literals();
        rep->prefix = regex.prefix();
      } else {
        rep->excluded_values = regex.literals();
      }
      rep->regex = std::move(regex);
      break;
    }
  }
  rep->matches_empty = rep->Matches({});
  return LabelMatcher(std::move(rep));
}

const std::string& LabelMatcher::name() const { return rep_->name; }
MatchOp LabelMatcher::op() const { return rep_->op; }
const std::string& LabelMatcher::value() const { return rep_->value; }
bool LabelMatcher::Matches(std::string_view value) const { return rep_->Matches(value); }
bool LabelMatcher::MatchesEmpty() const { return rep_->matches_empty; }
bool LabelMatcher::MatchesAll() const {
  return rep_->op == MatchOp::kRegexMatch && rep_->regex->accepts_all();
}
const std::optional<std::vector<std::string>>& LabelMatcher::exact_values() const {
  return rep_->exact_values;
}
const std::optional<std::vector<std::string>>& LabelMatcher::excluded_values() const {
  return rep_->excluded_values;
}
std::string_view LabelMatcher::prefix() const { return rep_->prefix; }

}  // namespace varve::index
