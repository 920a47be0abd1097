#include "varve/labels.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "storage/format/label_bytes.h"

namespace varve {

void Labels::Iterator::Advance() {
  at_ = next_;
  if (at_ == end_) return;
  const auto* at = reinterpret_cast<const uint8_t*>(at_);
  const auto* end = reinterpret_cast<const uint8_t*>(end_);
  uint64_t size = 0;
  at = DecodeVarint(at, end, &size);
  current_.name = {reinterpret_cast<const char*>(at), size};
  at = DecodeVarint(at + size, end, &size);
  current_.value = {reinterpret_cast<const char*>(at), size};
  next_ = reinterpret_cast<const char*>(at + size);
}

Labels::Iterator Labels::begin() const {
  const char* first = bytes_.data();
  Iterator it(first, first, first + bytes_.size());
  it.Advance();
  return it;
}

Labels::Iterator Labels::end() const {
  const char* last = bytes_.data() + bytes_.size();
  return Iterator(last, last, last);
}

Labels::Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  LabelsBuilder builder;
  for (const auto& [name, value] : labels) builder.Set(name, value);
  *this = builder.Build();
}

Result<Labels> Labels::FromViews(std::span<const LabelView> labels) {
  std::string raw;
  for (const LabelView& label : labels) format::AppendLabel(label.name, label.value, &raw);
  Labels result;
  if (Status status = format::Canonicalize(raw, &result.bytes_); !status.ok()) return status;
  return result;
}

Labels Labels::FromCanonicalBytes(std::string bytes) {
  Labels result;
  result.bytes_ = std::move(bytes);
  return result;
}

size_t Labels::size() const { return static_cast<size_t>(std::distance(begin(), end())); }

std::string_view Labels::Get(std::string_view name) const {
  for (const LabelView label : *this) {
    if (label.name == name) return label.value;
  }
  return {};
}

size_t Labels::Hash() const { return Hash64(bytes_); }

std::strong_ordering operator<=>(const Labels& a, const Labels& b) {
  return format::CompareLabelBytes(a.bytes_, b.bytes_);
}

namespace {

bool IsLegacyName(std::string_view name, std::string_view extra) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           extra.find(c) != std::string_view::npos;
  });
}

void AppendQuoted(std::string_view value, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (c == '\n') {
      out->append("\\n");
    } else if (c == '\t') {
      out->append("\\t");
    } else if (c == '\r') {
      out->append("\\r");
    } else if (byte < 0x20 || byte == 0x7f) {
      out->append("\\x");
      out->push_back(kHex[byte >> 4]);
      out->push_back(kHex[byte & 15]);
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

}  // namespace

std::string Labels::ToString() const {
  const std::string_view metric = Get(kMetricNameLabel);
  const bool bare_metric = IsLegacyName(metric, ":");
  std::string out;
  if (bare_metric) out.append(metric);
  std::string inner;
  if (!metric.empty() && !bare_metric) AppendQuoted(metric, &inner);
  for (const LabelView label : *this) {
    if (label.name == kMetricNameLabel) continue;
    if (!inner.empty()) inner.append(", ");
    if (IsLegacyName(label.name, "")) {
      inner.append(label.name);
    } else {
      AppendQuoted(label.name, &inner);
    }
    inner.push_back('=');
    AppendQuoted(label.value, &inner);
  }
  if (!inner.empty() || out.empty()) out += "{" + inner + "}";
  return out;
}

void LabelsBuilder::Reset(const Labels& base) {
  labels_.clear();
  for (const LabelView label : base) labels_.emplace_back(label.name, label.value);
}

LabelsBuilder& LabelsBuilder::Set(std::string_view name, std::string_view value) {
  auto at = std::lower_bound(labels_.begin(), labels_.end(), name,
                             [](const auto& label, std::string_view n) { return label.first < n; });
  const bool found = at != labels_.end() && at->first == name;
  if (value.empty()) {
    if (found) labels_.erase(at);
  } else if (found) {
    at->second = value;
  } else {
    labels_.emplace(at, name, value);
  }
  return *this;
}

Labels LabelsBuilder::Build() const {
  std::string bytes;
  for (const auto& [name, value] : labels_) format::AppendLabel(name, value, &bytes);
  return Labels::FromCanonicalBytes(std::move(bytes));
}

}  // namespace varve
