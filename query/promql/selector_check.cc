#include "query/promql/selector_check.h"

#include <re2/re2.h>

#include <string>
#include <string_view>

namespace varve::promql {
namespace {

// The words of Go's regexp/syntax, which users of Prometheus know.
std::string_view GoReason(re2::RE2::ErrorCode code) {
  switch (code) {
    case re2::RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case re2::RE2::ErrorBadCharClass:
      return "invalid character class";
    case re2::RE2::ErrorBadCharRange:
      return "invalid character class range";
    case re2::RE2::ErrorMissingBracket:
      return "missing closing ]";
    case re2::RE2::ErrorMissingParen:
      return "missing closing )";
    case re2::RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case re2::RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case re2::RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case re2::RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case re2::RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case re2::RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case re2::RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case re2::RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case re2::RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return "invalid expression";
  }
}

}  // namespace

Result<bool> MatchesEmpty(const Matcher& matcher) {
  if (matcher.op == MatchOp::kEqual) return matcher.value.empty();
  if (matcher.op == MatchOp::kNotEqual) return !matcher.value.empty();
  re2::RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  const re2::RE2 regex(matcher.value, options);
  if (!regex.ok()) {
    return InvalidArgumentError(
        "error parsing regexp: " + std::string(GoReason(regex.error_code())) + ": `" +
        regex.error_arg() + "`");
  }
  const bool matches = re2::RE2::FullMatch("", regex);
  return matches == (matcher.op == MatchOp::kRegexMatch);
}

}  // namespace varve::promql
