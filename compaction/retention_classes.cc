#include "compaction/retention_classes.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "storage/format/label_bytes.h"

namespace varve::compaction {
namespace {

constexpr uint8_t kVersion = 1;  // on disk

bool Selects(const RetentionRule& rule, std::string_view labels) {
  return std::all_of(rule.selector.begin(), rule.selector.end(),
                     [labels](const index::LabelMatcher& matcher) {
                       return matcher.Matches(format::FindLabel(labels, matcher.name()));
                     });
}

// 0 is for ever.
int64_t Longer(int64_t a_ms, int64_t b_ms) {
  return a_ms == 0 || b_ms == 0 ? 0 : std::max(a_ms, b_ms);
}

Status Damaged(const std::string& what) { return DataLossError("retention classes: " + what); }

}  // namespace

RetentionClasses::RetentionClasses(int64_t retention_ms) : RetentionClasses(0, {}, retention_ms) {}

RetentionClasses::RetentionClasses(uint16_t first_class, std::vector<RetentionRule> rules,
                                   int64_t retention_ms)
    : first_class_(first_class),
      rules_(std::move(rules)),
      retention_ms_(retention_ms),
      longest_ms_(retention_ms) {
  for (const RetentionRule& rule : rules_) longest_ms_ = Longer(longest_ms_, rule.retention_ms);
}

RetentionClasses RetentionClasses::OfUnknownRules(const RetentionNumbers& numbers) {
  RetentionClasses classes(numbers.first_class, {}, 0);
  classes.are_rules_known_ = numbers.class_count == 1;  // there are none
  return classes;
}

uint16_t RetentionClasses::ClassOf(std::string_view labels) const {
  if (!are_rules_known_) return kUnsorted;
  size_t i = 0;
  while (i < rules_.size() && !Selects(rules_[i], labels)) ++i;
  return static_cast<uint16_t>(first_class_ + i);
}

bool RetentionClasses::IsCurrent(uint16_t retention_class) const {
  if (!are_rules_known_) return true;
  return retention_class >= first_class_ && size_t{retention_class} - first_class_ <= rules_.size();
}

int64_t RetentionClasses::RetentionOf(uint16_t retention_class) const {
  if (!are_rules_known_ || !IsCurrent(retention_class)) return longest_ms_;
  const size_t i = size_t{retention_class} - first_class_;
  return i < rules_.size() ? rules_[i].retention_ms : retention_ms_;
}

std::string RetentionClasses::Describe(uint16_t retention_class) const {
  if (!are_rules_known_) return "class " + std::to_string(retention_class);
  if (!IsCurrent(retention_class)) return "stale";
  const size_t i = size_t{retention_class} - first_class_;
  return i < rules_.size() ? rules_[i].text : "default";
}

std::string EncodeRetentionNumbers(const RetentionNumbers& numbers) {
  std::string out(1, static_cast<char>(kVersion));
  AppendVarint(&out, numbers.first_class);
  AppendVarint(&out, numbers.class_count);
  AppendLengthPrefixed(&out, numbers.rules);
  AppendFixed(&out, Hash64(out));
  return out;
}

Result<RetentionNumbers> DecodeRetentionNumbers(std::string_view bytes) {
  if (bytes.size() < 1 + sizeof(uint64_t)) return Damaged("too short");
  ByteReader in(bytes.substr(0, bytes.size() - sizeof(uint64_t)));
  ByteReader trailer(bytes.substr(in.remaining()));
  if (trailer.Fixed<uint64_t>() != Hash64(bytes.substr(0, in.remaining()))) {
    return Damaged("checksum mismatch");
  }
  if (const auto version = in.Fixed<uint8_t>(); version != kVersion) {
    return FailedPreconditionError("retention classes: version " + std::to_string(version) +
                                   " is newer than this program");
  }
  const uint64_t first_class = in.Varint();
  const uint64_t class_count = in.Varint();
  const std::string_view rules = in.LengthPrefixed();
  constexpr uint64_t kNumberMax = std::numeric_limits<uint16_t>::max();
  if (!in.ok() || !in.done() || first_class > kNumberMax || class_count == 0 ||
      class_count > kNumberMax) {
    return Damaged("bad numbers");
  }
  return RetentionNumbers{static_cast<uint16_t>(first_class), static_cast<uint16_t>(class_count),
                          std::string(rules)};
}

Result<RetentionNumbers> NextRetentionNumbers(const RetentionNumbers& before,
                                              const std::string& rules, size_t rule_count) {
  if (before.rules == rules) return before;
  const size_t first_class = size_t{before.first_class} + before.class_count;
  if (first_class + rule_count >= RetentionClasses::kUnsorted) {
    return ResourceExhaustedError("retention rules: no class numbers are left for " +
                                  std::to_string(rule_count) + " rules");
  }
  return RetentionNumbers{static_cast<uint16_t>(first_class), static_cast<uint16_t>(rule_count + 1),
                          rules};
}

}  // namespace varve::compaction
