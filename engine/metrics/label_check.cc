#include "engine/metrics/label_check.h"

#include <algorithm>
#include <vector>

#include "base/utf8.h"
#include "storage/format/label_bytes.h"

namespace varve::engine {
namespace {

constexpr size_t kExampleBytesMax = 200;

std::string Quoted(std::string_view text) {
  const bool cut = text.size() > kExampleBytesMax;
  return "\"" + std::string(text.substr(0, kExampleBytesMax)) + (cut ? "...\"" : "\"");
}

}  // namespace

RejectReason CheckLabels(std::string_view raw, const Options& options, std::string* canonical,
                         std::string* example) {
  std::vector<std::string_view> names;
  format::LabelCursor cursor(raw);
  while (cursor.Next()) {
    if (cursor.value().empty()) continue;  // no such label
    if (cursor.name().empty() || !IsValidUtf8(cursor.name())) {
      *example = "label name " + Quoted(cursor.name()) + " is empty or not UTF-8";
      return RejectReason::kInvalidLabelName;
    }
    if (cursor.name().size() > options.label_name_bytes_max) {
      *example = "label name " + Quoted(cursor.name()) + " has " +
                 std::to_string(cursor.name().size()) + " bytes, more than " +
                 std::to_string(options.label_name_bytes_max);
      return RejectReason::kLabelNameTooLong;
    }
    if (cursor.value().size() > options.label_value_bytes_max) {
      *example = "the value of label " + Quoted(cursor.name()) + " has " +
                 std::to_string(cursor.value().size()) + " bytes, more than " +
                 std::to_string(options.label_value_bytes_max);
      return RejectReason::kLabelValueTooLong;
    }
    if (!IsValidUtf8(cursor.value())) {
      *example = "the value of label " + Quoted(cursor.name()) + " is not UTF-8";
      return RejectReason::kInvalidLabelValue;
    }
    names.push_back(cursor.name());
  }
  if (names.empty()) {
    *example = "a series has no labels";
    return RejectReason::kNoLabels;
  }
  if (names.size() > options.label_count_max) {
    *example = "a series has " + std::to_string(names.size()) + " labels, more than " +
               std::to_string(options.label_count_max);
    return RejectReason::kTooManyLabels;
  }
  std::sort(names.begin(), names.end());
  if (const auto twin = std::adjacent_find(names.begin(), names.end()); twin != names.end()) {
    *example = "label name " + Quoted(*twin) + " occurs twice";
    return RejectReason::kDuplicateLabelName;
  }
  return format::Canonicalize(raw, canonical).ok() ? RejectReason::kNone
                                                   : RejectReason::kInvalidLabelName;
}

}  // namespace varve::engine
