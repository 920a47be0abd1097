// Labels: the canonical label set that names one series.
//
// Canonical means: names in ascending byte order, each once, no empty name and no empty value (an
// empty value means "no such label", as in Prometheus' data model). Names and values are UTF-8;
// values may hold NUL.
//
// Thread safety: const methods from any thread; anything else needs external synchronisation.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "varve/status.h"

namespace varve {

// The label that holds a metric's name.
inline constexpr std::string_view kMetricNameLabel = "__name__";

// One label; both views are borrowed.
struct LabelView {
  std::string_view name;
  std::string_view value;
  friend bool operator==(const LabelView&, const LabelView&) = default;
};

// An immutable label set in one contiguous string: for each label varint name length, name, varint
// value length, value (varints are LEB128). Equal label sets have equal bytes.
class Labels {
 public:
  // Walks the labels in name order. Views point into the Labels, which must outlive them.
  class Iterator {
   public:
    using value_type = LabelView;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    LabelView operator*() const { return current_; }
    const LabelView* operator->() const { return &current_; }
    Iterator& operator++() {
      Advance();
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      Advance();
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    friend class Labels;
    Iterator(const char* at, const char* next, const char* end) : at_(at), next_(next), end_(end) {}
    void Advance();
    const char* at_ = nullptr;    // the label that current_ shows; end_ when done
    const char* next_ = nullptr;  // the label after it
    const char* end_ = nullptr;
    LabelView current_;
  };

  Labels() = default;
  // Sorts and drops empty values. Of duplicate names the last wins; use FromViews to refuse them.
  Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> labels);

  // Sorts and drops empty values. Error: kInvalidArgument for an empty or repeated name (named in
  // the message).
  static Result<Labels> FromViews(std::span<const LabelView> labels);
  // Takes bytes that are canonical already. REQUIRES: they are (see the class comment); not
  // checked.
  static Labels FromCanonicalBytes(std::string bytes);

  Iterator begin() const;
  Iterator end() const;
  bool empty() const { return bytes_.empty(); }
  size_t size() const;
  // The label's value; empty when there is no such label. O(labels).
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const { return !Get(name).empty(); }
  const std::string& canonical_bytes() const { return bytes_; }
  size_t Hash() const;
  // {__name__="up", job="x"} becomes `up{job="x"}`, quoted and escaped as PromQL reads it back.
  std::string ToString() const;

  friend bool operator==(const Labels& a, const Labels& b) { return a.bytes_ == b.bytes_; }
  // Label by label, name then value, in byte order; a prefix comes first (the order of Prometheus'
  // results).
  friend std::strong_ordering operator<=>(const Labels& a, const Labels& b);

 private:
  std::string bytes_;
};

struct LabelsHash {
  size_t operator()(const Labels& labels) const { return labels.Hash(); }
};

// Builds a Labels out of another one. Not thread-safe; reusable after Reset.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(const Labels& base) { Reset(base); }
  void Reset(const Labels& base);
  // An empty value removes the label.
  LabelsBuilder& Set(std::string_view name, std::string_view value);
  LabelsBuilder& Remove(std::string_view name) { return Set(name, {}); }
  Labels Build() const;

 private:
  // Sorted by name, no empty values.
  std::vector<std::pair<std::string, std::string>> labels_;
};

}  // namespace varve
