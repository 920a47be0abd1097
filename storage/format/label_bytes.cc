#include "storage/format/label_bytes.h"

#include <algorithm>
#include <vector>

#include "base/varint.h"

namespace varve::format {
namespace {

// Reads varint length and so many bytes off the front of `*rest`.
bool TakeLengthPrefixed(std::string_view* rest, std::string_view* out) {
  const auto* begin = reinterpret_cast<const uint8_t*>(rest->data());
  uint64_t size = 0;
  const uint8_t* next = DecodeVarint(begin, begin + rest->size(), &size);
  if (next == nullptr) return false;
  const size_t prefix = static_cast<size_t>(next - begin);
  if (size > rest->size() - prefix) return false;
  *out = rest->substr(prefix, size);
  rest->remove_prefix(prefix + size);
  return true;
}

size_t CanonicalPairSize(std::string_view name, std::string_view value) {
  return VarintLength(name.size()) + name.size() + VarintLength(value.size()) + value.size();
}

}  // namespace

bool LabelCursor::Next() {
  if (rest_.empty()) return false;
  const std::string_view start = rest_;
  if (!TakeLengthPrefixed(&rest_, &name_) || !TakeLengthPrefixed(&rest_, &value_)) {
    ok_ = false;
    rest_ = name_ = value_ = pair_ = {};
    return false;
  }
  pair_ = start.substr(0, start.size() - rest_.size());
  return true;
}

void AppendLabel(std::string_view name, std::string_view value, std::string* out) {
  AppendVarint(out, name.size());
  out->append(name);
  AppendVarint(out, value.size());
  out->append(value);
}

Status CheckCanonical(std::string_view bytes) {
  LabelCursor cursor(bytes);
  std::string_view last_name;
  while (cursor.Next()) {
    const std::string_view name = cursor.name();
    if (name.empty()) return DataLossError("label bytes hold an empty label name");
    if (cursor.value().empty()) {
      return DataLossError("label bytes hold an empty value for \"" + std::string(name) + "\"");
    }
    // Names are never empty, so the first one passes.
    if (name <= last_name) {
      return DataLossError("label bytes are out of order: \"" + std::string(name) + "\" after \"" +
                           std::string(last_name) + "\"");
    }
    if (cursor.pair().size() != CanonicalPairSize(name, cursor.value())) {
      return DataLossError("label bytes hold an overlong length for \"" + std::string(name) + "\"");
    }
    last_name = name;
  }
  if (!cursor.ok()) {
    return DataLossError("label bytes are cut off or malformed (" + std::to_string(bytes.size()) +
                         " bytes)");
  }
  return OkStatus();
}

Status Canonicalize(std::string_view label_bytes, std::string* out) {
  struct Label {
    std::string_view name;
    std::string_view value;
  };
  std::vector<Label> labels;
  LabelCursor cursor(label_bytes);
  bool canonical = true;  // senders usually sort, and then the bytes are copied as they are
  while (cursor.Next()) {
    if (cursor.name().empty()) return InvalidArgumentError("a label name is empty");
    if (!labels.empty() && cursor.name() <= labels.back().name) canonical = false;
    if (cursor.value().empty() ||
        cursor.pair().size() != CanonicalPairSize(cursor.name(), cursor.value())) {
      canonical = false;
    }
    labels.push_back({cursor.name(), cursor.value()});
  }
  if (!cursor.ok()) {
    return InvalidArgumentError("label bytes are cut off or malformed (" +
                                std::to_string(label_bytes.size()) + " bytes)");
  }
  if (canonical) {
    out->append(label_bytes);
    return OkStatus();
  }
  std::sort(labels.begin(), labels.end(),
            [](const Label& a, const Label& b) { return a.name < b.name; });
  for (size_t i = 1; i < labels.size(); ++i) {
    if (labels[i].name == labels[i - 1].name) {
      return InvalidArgumentError("label name \"" + std::string(labels[i].name) + "\" is repeated");
    }
  }
  for (const Label& label : labels) {
    if (!label.value.empty()) AppendLabel(label.name, label.value, out);
  }
  return OkStatus();
}

std::strong_ordering CompareLabelBytes(std::string_view a, std::string_view b) {
  LabelCursor left(a);
  LabelCursor right(b);
  for (;;) {
    const bool has_left = left.Next();
    const bool has_right = right.Next();
    if (!has_left || !has_right) return has_left <=> has_right;
    if (left.pair() == right.pair()) continue;
    if (const auto order = left.name() <=> right.name(); order != 0) return order;
    return left.value() <=> right.value();
  }
}

std::string_view FindLabel(std::string_view label_bytes, std::string_view name) {
  LabelCursor cursor(label_bytes);
  while (cursor.Next()) {
    if (cursor.name() == name) return cursor.value();
  }
  return {};
}

}  // namespace varve::format
