#include "index/matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "index/regex_literals.h"
#include "index/regex_pattern.h"
#include "tests/unit/index/label_set_model.h"

namespace varve::index {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

TEST(LabelMatcherTest, AnswersTheFourOperators) {
  EXPECT_TRUE(MustCompile(MatchOp::kEqual, "a", "x").Matches("x"));
  EXPECT_FALSE(MustCompile(MatchOp::kEqual, "a", "x").Matches("y"));
  EXPECT_FALSE(MustCompile(MatchOp::kNotEqual, "a", "x").Matches("x"));
  EXPECT_TRUE(MustCompile(MatchOp::kNotEqual, "a", "x").Matches(""));
  EXPECT_TRUE(MustCompile(MatchOp::kRegexMatch, "a", "x|y.").Matches("yz"));
  EXPECT_FALSE(MustCompile(MatchOp::kRegexNotMatch, "a", "x|y.").Matches("yz"));
}

TEST(LabelMatcherTest, AnchorsAtBothEndsAndLetsTheDotMatchNewlines) {
  const LabelMatcher matcher = MustCompile(MatchOp::kRegexMatch, "a", "b.[c]");
  EXPECT_TRUE(matcher.Matches("b\nc"));
  EXPECT_FALSE(matcher.Matches("abxc"));
  EXPECT_FALSE(matcher.Matches("bxcd"));
  EXPECT_FALSE(MustCompile(MatchOp::kRegexMatch, "a", "foo|ba[r]").Matches("foobar"));
}

TEST(LabelMatcherTest, KnowsWhichMatchersAcceptAMissingLabel) {
  EXPECT_TRUE(MustCompile(MatchOp::kEqual, "a", "").MatchesEmpty());
  EXPECT_FALSE(MustCompile(MatchOp::kEqual, "a", "x").MatchesEmpty());
  EXPECT_TRUE(MustCompile(MatchOp::kNotEqual, "a", "x").MatchesEmpty());
  EXPECT_FALSE(MustCompile(MatchOp::kNotEqual, "a", "").MatchesEmpty());
  EXPECT_TRUE(MustCompile(MatchOp::kRegexMatch, "a", ".*").MatchesEmpty());
  EXPECT_TRUE(MustCompile(MatchOp::kRegexMatch, "a", "x|").MatchesEmpty());
  EXPECT_FALSE(MustCompile(MatchOp::kRegexMatch, "a", ".+").MatchesEmpty());
  EXPECT_TRUE(MustCompile(MatchOp::kRegexNotMatch, "a", ".+").MatchesEmpty());
  EXPECT_FALSE(MustCompile(MatchOp::kRegexNotMatch, "a", "x*").MatchesEmpty());
}

TEST(LabelMatcherTest, OnlyTheUniversalExpressionMatchesAll) {
  EXPECT_TRUE(MustCompile(MatchOp::kRegexMatch, "a", ".*").MatchesAll());
  EXPECT_TRUE(MustCompile(MatchOp::kRegexMatch, "a", "^.*$").MatchesAll());
  EXPECT_FALSE(MustCompile(MatchOp::kRegexMatch, "a", ".+").MatchesAll());
  EXPECT_FALSE(MustCompile(MatchOp::kRegexNotMatch, "a", ".*").MatchesAll());
  EXPECT_FALSE(MustCompile(MatchOp::kNotEqual, "a", "x").MatchesAll());
}

TEST(LabelMatcherTest, ListsExactAndExcludedValues) {
  EXPECT_THAT(MustCompile(MatchOp::kEqual, "a", "x").exact_values(), Optional(ElementsAre("x")));
  EXPECT_THAT(MustCompile(MatchOp::kRegexMatch, "a", "b|a").exact_values(),
              Optional(ElementsAre("a", "b")));
  EXPECT_EQ(MustCompile(MatchOp::kRegexNotMatch, "a", "b|a").exact_values(), std::nullopt);
  EXPECT_THAT(MustCompile(MatchOp::kRegexNotMatch, "a", "b|a").excluded_values(),
              Optional(ElementsAre("a", "b")));
  EXPECT_THAT(MustCompile(MatchOp::kNotEqual, "a", "x").excluded_values(),
              Optional(ElementsAre("x")));
  EXPECT_EQ(MustCompile(MatchOp::kRegexMatch, "a", "(?i)b").exact_values(), std::nullopt);
}

TEST(LabelMatcherTest, FindsPrefixes) {
  EXPECT_EQ(MustCompile(MatchOp::kEqual, "a", "x").prefix(), "x");
  EXPECT_EQ(MustCompile(MatchOp::kRegexMatch, "a", "node_.*").prefix(), "node_");
  EXPECT_EQ(MustCompile(MatchOp::kRegexMatch, "a", "node_[a-c]+x").prefix(), "node_");
  EXPECT_EQ(MustCompile(MatchOp::kRegexMatch, "a", "abc|abd").prefix(), "ab");
  EXPECT_EQ(MustCompile(MatchOp::kRegexMatch, "a", ".*x").prefix(), "");
  EXPECT_EQ(MustCompile(MatchOp::kRegexMatch, "a", "(?i)x.*").prefix(), "");
  EXPECT_EQ(MustCompile(MatchOp::kRegexNotMatch, "a", "x.*").prefix(), "");
}

TEST(LabelMatcherTest, RefusesBadExpressionsInWords) {
  for (const std::string bad :
       {"a(b", "a)|(b", "*", "a**", "[z-a]", "\\8", "\xff", "a\xff.*", "(?<n>a)", "x{2000}"}) {
    const auto matcher = LabelMatcher::Compile(MatchOp::kRegexMatch, "a", bad);
    ASSERT_FALSE(matcher.ok()) << bad;
    EXPECT_EQ(matcher.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(matcher.status().message(), HasSubstr(bad));
  }
}

TEST(LiteralAlternativesTest, ExpandsGroups) {
  EXPECT_THAT(LiteralAlternatives("a|b|(c|d)"), Optional(ElementsAre("a", "b", "c", "d")));
  EXPECT_THAT(LiteralAlternatives("x(a|b)(?:1|2)"),
              Optional(ElementsAre("xa1", "xa2", "xb1", "xb2")));
  EXPECT_THAT(LiteralAlternatives("^a$|^b"), Optional(ElementsAre("a", "b")));
  EXPECT_THAT(LiteralAlternatives("a\\.b|a\\-b"), Optional(ElementsAre("a-b", "a.b")));
  EXPECT_THAT(LiteralAlternatives("|a|a"), Optional(ElementsAre("", "a")));
  EXPECT_THAT(LiteralAlternatives(""), Optional(ElementsAre("")));
  EXPECT_THAT(LiteralAlternatives("(())a"), Optional(ElementsAre("a")));
}

TEST(LiteralAlternativesTest, LeavesEverythingElseToTheRegularExpression) {
  for (const char* regex : {"a*", "a+", "a?", "a{2}", "[ab]", "a.", "(?i)a", "(a", "a)", "\\d",
                            "\\_", "(?P<n>a)", "a^b", "a$b", "(^a)", "(a|b)*", "a||*", "\\"}) {
    EXPECT_EQ(LiteralAlternatives(regex), std::nullopt) << regex;
  }
}

TEST(LiteralAlternativesTest, BoundsTheExpansion) {
  std::string regex;
  for (int i = 0; i < 20; ++i) regex += "(a|b|c|d)";
  EXPECT_EQ(LiteralAlternatives(regex), std::nullopt);
  std::string wide = "(";
  for (int i = 0; i < 5000; ++i) wide += std::to_string(i) + "|";
  EXPECT_EQ(LiteralAlternatives(wide + "x)" + std::string(10000, 'y')), std::nullopt);
  EXPECT_EQ(LiteralAlternatives(std::string(5000, '(') + std::string(5000, ')')), std::nullopt);
  ASSERT_TRUE(LiteralAlternatives(wide + "x)").has_value());
  EXPECT_EQ(LiteralAlternatives(wide + "x)")->size(), 5001u);
}

// Every shortcut must agree with RE2 about every value.
TEST(RegexPatternTest, AgreesWithRe2OnRandomExpressions) {
  static const char* const kPieces[] = {
      "a", "b",    "ab",  "|",   "(",    ")",    ".*",       ".+", ".",  "*",   "+",   "?", "^",
      "$", "[ab]", "\\.", "(?:", "(?i)", "(?m)", "\xc3\xa9", "A",  "\\", "{2}", ".*?", "\n"};
  static const char* const kLetters[] = {"a", "b", "A", ".", "\n", "\xc3\xa9"};
  std::mt19937 random(1);
  re2::RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  int valid = 0;
  int shortcuts = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string regex;
    for (auto n = random() % 7; n > 0; --n) regex += kPieces[random() % std::size(kPieces)];
    const re2::RE2 reference(regex, options);
    const auto pattern = RegexPattern::Compile(regex);
    ASSERT_EQ(pattern.ok(), reference.ok()) << regex;
    if (!reference.ok()) continue;
    ++valid;
    shortcuts += LiteralAlternatives(regex) || ParseWildcardPattern(regex) ? 1 : 0;
    for (int i = 0; i < 20; ++i) {
      std::string value;
      for (auto n = random() % 5; n > 0; --n) value += kLetters[random() % std::size(kLetters)];
      const bool expected = re2::RE2::FullMatch(value, reference);
      ASSERT_EQ(pattern->Matches(value), expected) << "/" << regex << "/ on '" << value << "'";
      if (expected) {
        ASSERT_TRUE(value.starts_with(pattern->prefix()))
            << "/" << regex << "/ on '" << value << "'";
      } else {
        ASSERT_FALSE(pattern->accepts_all()) << regex;
      }
    }
  }
  EXPECT_GT(valid, 5000);
  EXPECT_GT(shortcuts, 1000);
}

}  // namespace
}  // namespace varve::index
