// Retention classes: which series are kept for how long. Flushes write a part for each class, and
// merges keep classes apart, so that what is out of retention goes as whole files.
//
// Classes are numbers in catalog entries. Rules that differ from those that a database was last
// opened with get new numbers, never used before; parts with older numbers are stale until they
// were split by the new rules, and kept until the longest retention of all has passed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compaction/hidden_samples.h"
#include "index/matcher.h"
#include "storage/format/part_info.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::compaction {

// The series that all matchers select are kept for `retention_ms`; 0: for ever.
struct RetentionRule {
  std::string text;  // for people
  std::vector<index::LabelMatcher> selector;
  int64_t retention_ms = 0;
};

// Immutable. Thread safety: any thread.
class RetentionClasses {
 public:
  // One class, 0, of every series. 0: for ever.
  explicit RetentionClasses(int64_t retention_ms = 0);
  // Class first_class + i is of the series that rules[i] selects and none before it, the one after
  // the last of all others. REQUIRES: as many numbers are left.
  RetentionClasses(uint16_t first_class, std::vector<RetentionRule> rules, int64_t retention_ms);

  // For whoever does not know the rules that the numbers are of: every class is current and kept
  // for ever, and new parts are of kUnsorted, which is never current where rules are known.
  static RetentionClasses OfUnknownRules(const struct RetentionNumbers& numbers);
  static constexpr uint16_t kUnsorted = 65535;

  uint16_t ClassOf(std::string_view labels) const;
  bool IsCurrent(uint16_t retention_class) const;
  // Of a stale class the longest of all. 0: for ever.
  int64_t RetentionOf(uint16_t retention_class) const;
  int64_t longest_ms() const { return longest_ms_; }
  // "{job="debug"}", "default", "stale".
  std::string Describe(uint16_t retention_class) const;

 private:
  uint16_t first_class_ = 0;
  std::vector<RetentionRule> rules_;
  int64_t retention_ms_ = 0;
  int64_t longest_ms_ = 0;
  bool are_rules_known_ = true;
};

// Which numbers the current rules have; kept in the store's state. Layout: docs/FORMATS.md,
// "Retention classes".
struct RetentionNumbers {
  uint16_t first_class = 0;
  uint16_t class_count = 1;
  std::string rules;  // selectors in order, as text; what numbers are compared by
  friend bool operator==(const RetentionNumbers&, const RetentionNumbers&) = default;
};
inline constexpr std::string_view kRetentionNumbersKey = "retention_classes";
// The same of the levels of downsampling rules; rules are selectors and resolutions then.
inline constexpr std::string_view kDownsamplingNumbersKey = "downsampling_levels";
std::string EncodeRetentionNumbers(const RetentionNumbers& numbers);
// Error: kDataLoss; kFailedPrecondition for a newer version.
Result<RetentionNumbers> DecodeRetentionNumbers(std::string_view bytes);
// `before` where the rules are the same; else numbers behind it. kResourceExhausted when there are
// none left.
Result<RetentionNumbers> NextRetentionNumbers(const RetentionNumbers& before,
                                              const std::string& rules, size_t rule_count);

// Writes a part of metrics anew as one part for each class that has series in it, without what is
// hidden (`hidden` may be null). Ingested, not committed; none where nothing is left. Error:
// kDataLoss names the part.
Result<std::vector<format::PartInfo>> SplitByClass(kv::Store* store,
                                                   std::shared_ptr<const kv::Part> part,
                                                   const HiddenSamples* hidden,
                                                   const RetentionClasses& classes);

}  // namespace varve::compaction
