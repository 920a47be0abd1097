// Canonical label bytes: the one encoding of a label set in memory and on disk. For each label, in
// ascending byte order of unique names: varint name length, name, varint value length, value;
// neither is empty. Equal sets, equal bytes. One name-and-value run of it is called a pair.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "varve/status.h"

namespace varve::format {

// Walks label bytes pair by pair. Stops early at malformed bytes, then ok() is false.
class LabelCursor {
 public:
  explicit LabelCursor(std::string_view bytes) : rest_(bytes) {}
  // Moves to the next label; false at the end.
  bool Next();
  std::string_view name() const { return name_; }
  std::string_view value() const { return value_; }
  // Both, with their lengths, as they stand in the label bytes.
  std::string_view pair() const { return pair_; }
  bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  std::string_view name_;
  std::string_view value_;
  std::string_view pair_;
  bool ok_ = true;
};

void AppendLabel(std::string_view name, std::string_view value, std::string* out);

// kDataLoss unless `bytes` are canonical.
Status CheckCanonical(std::string_view bytes);

// Sorts labels given in any order, drops empty values. Errors (kInvalidArgument): malformed
// lengths, empty or repeated name. Appends the canonical bytes to `out`.
Status Canonicalize(std::string_view label_bytes, std::string* out);

// The order of Labels: label by label, name then value; a prefix first. REQUIRES: both canonical.
std::strong_ordering CompareLabelBytes(std::string_view a, std::string_view b);

// The value of `name`; empty when there is none.
std::string_view FindLabel(std::string_view label_bytes, std::string_view name);

}  // namespace varve::format
