// The naive twin of an index: label sets in a map, matchers evaluated one by one; and random ones
// of both.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "index/matcher.h"
#include "storage/format/label_bytes.h"

namespace varve::index {

using LabelSet = std::map<std::string, std::string>;

inline std::string ToBytes(const LabelSet& labels) {
  std::string bytes;
  for (const auto& [name, value] : labels) format::AppendLabel(name, value, &bytes);
  return bytes;
}

inline bool NaiveMatches(const LabelSet& labels, const std::vector<LabelMatcher>& matchers) {
  for (const LabelMatcher& matcher : matchers) {
    const auto it = labels.find(matcher.name());
    if (!matcher.Matches(it == labels.end() ? std::string_view() : it->second)) return false;
  }
  return true;
}

inline LabelMatcher MustCompile(MatchOp op, std::string name, std::string value) {
  auto matcher = LabelMatcher::Compile(op, std::move(name), std::move(value));
  VARVE_CHECK(matcher.ok());
  return std::move(matcher).value();
}

class RandomLabels {
 public:
  explicit RandomLabels(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t bound) { return random_() % bound; }

  // Few names, values of very different frequency, some with NUL and with bytes above 0x7f; never
  // empty.
  LabelSet NextSet() {
    LabelSet labels;
    labels["__name__"] = "m" + std::to_string(Below(8));
    if (Below(4) != 0) labels["job"] = Below(3) == 0 ? "api" : "db";
    if (Below(3) != 0) labels["pod"] = "pod-" + std::to_string(Below(500));
    if (Below(8) == 0) labels["odd"] = std::string("a\0b", Below(2) + 2);
    if (Below(8) == 0) labels["odd\xc3\xa9"] = "\xc3\xa9" + std::to_string(Below(3));
    labels["uid"] = std::to_string(Below(1'000'000));
    return labels;
  }

  LabelMatcher NextMatcher() {
    static const char* const kNames[] = {"__name__",    "job", "pod",   "odd",
                                         "odd\xc3\xa9", "uid", "absent"};
    static const std::vector<std::string> kValues = {"",
                                                     "m1",
                                                     "m2",
                                                     "api",
                                                     "db",
                                                     "pod-17",
                                                     "pod-3",
                                                     "a",
                                                     "7",
                                                     "none",
                                                     "\xc3\xa9"
                                                     "1",
                                                     std::string("a\0", 2),
                                                     std::string("a\0b", 3)};
    static const std::vector<std::string> kRegexes = {
        "",        ".*",         ".+",    "m1|m2",   "m[0-3]", "(m|n)(1|2|)", "pod-1.*",
        "pod-.+",  ".*7",        ".*5.*", "api|",    "|db",    "pod-(1|2)7",  "(?i)API",
        "[^a]+",   "a.b?",       "^m1$",  "none",    "m.",     "\xc3\xa9.",   "pod-\\d\\d",
        "pod\\-3", "a{2}|m3|db", ".+1",   "1.*|2.*", "(?:api)"};
    const auto op = static_cast<MatchOp>(Below(4));
    const bool is_regex = op == MatchOp::kRegexMatch || op == MatchOp::kRegexNotMatch;
    const std::vector<std::string>& values = is_regex ? kRegexes : kValues;
    return MustCompile(op, kNames[Below(std::size(kNames))], values[Below(values.size())]);
  }

  std::vector<LabelMatcher> NextMatchers() {
    std::vector<LabelMatcher> matchers;
    for (uint64_t n = Below(4); n > 0; --n) matchers.push_back(NextMatcher());
    return matchers;
  }

 private:
  std::mt19937_64 random_;
};

inline std::string Describe(const std::vector<LabelMatcher>& matchers) {
  static const char* const kOps[] = {"=", "!=", "=~", "!~"};
  std::string out;
  for (const LabelMatcher& m : matchers)
    out += m.name() + kOps[static_cast<int>(m.op())] + "'" + m.value() + "' ";
  return out;
}

}  // namespace varve::index
