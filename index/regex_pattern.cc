#include "index/regex_pattern.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

namespace varve::index {
namespace {

// Bounds one expression's program and its cache of automaton states; past the latter RE2 falls back
// to a slower, still linear matcher.
constexpr int64_t kRegexMemoryBytesMax = int64_t{8} << 20;
constexpr int kPrefixBytesMax = 128;

bool IsAscii(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string CommonPrefix(std::string_view a, std::string_view b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  return std::string(a.begin(), end);
}

Result<std::unique_ptr<re2::RE2>> CompileRegex(std::string_view regex) {
  re2::RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  options.set_max_mem(kRegexMemoryBytesMax);
  auto compiled = std::make_unique<re2::RE2>(re2::StringPiece(regex.data(), regex.size()), options);
  if (!compiled->ok()) {
    return InvalidArgumentError("invalid regular expression \"" + std::string(regex) +
                                "\": " + compiled->error());
  }
  return compiled;
}

}  // namespace

RegexPattern::RegexPattern() = default;
RegexPattern::RegexPattern(RegexPattern&&) noexcept = default;
RegexPattern& RegexPattern::operator=(RegexPattern&&) noexcept = default;
RegexPattern::~RegexPattern() = default;

Result<RegexPattern> RegexPattern::Compile(std::string_view regex) {
  RegexPattern pattern;
  pattern.literals_ = LiteralAlternatives(regex);
  if (!pattern.literals_) pattern.wildcard_ = ParseWildcardPattern(regex);
  const bool simple = pattern.literals_ || pattern.wildcard_;
  // RE2 also refuses what is not UTF-8, so it sees every expression that might not be.
  if (!simple || !IsAscii(regex)) {
    auto compiled = CompileRegex(regex);
    if (!compiled.ok()) return compiled.status();
    if (!simple) pattern.regex_ = std::move(compiled).value();
  }
  if (pattern.literals_) {
    pattern.prefix_ = CommonPrefix(pattern.literals_->front(), pattern.literals_->back());
  } else if (pattern.wildcard_) {
    if (pattern.wildcard_->before == WildcardPattern::Wildcard::kNone)
      pattern.prefix_ = pattern.wildcard_->literal;
  } else {
    std::string min;
    std::string max;
    // Whatever lies between two strings starts with what they share.
    if (pattern.regex_->PossibleMatchRange(&min, &max, kPrefixBytesMax))
      pattern.prefix_ = CommonPrefix(min, max);
  }
  return pattern;
}

bool RegexPattern::Matches(std::string_view value) const {
  if (literals_) return std::binary_search(literals_->begin(), literals_->end(), value);
  if (wildcard_) return wildcard_->Matches(value);
  if (!value.starts_with(prefix_)) return false;
  return regex_->Match(re2::StringPiece(value.data(), value.size()), 0, value.size(),
                       re2::RE2::ANCHOR_BOTH, nullptr, 0);
}

bool RegexPattern::accepts_all() const {
  using Wildcard = WildcardPattern::Wildcard;
  return wildcard_ && wildcard_->literal.empty() && wildcard_->before != Wildcard::kNonEmpty &&
         wildcard_->after != Wildcard::kNonEmpty;
}

}  // namespace varve::index
