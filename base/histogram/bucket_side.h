// One side of a native histogram (its positive or its negative buckets) as a row of counts by
// ascending index, walked, put together and merged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "varve/histogram.h"

namespace varve::histogram {

// The index at a schema lower by `shift` of the bucket that holds bucket `index`.
inline int32_t IndexAtLowerSchema(int32_t index, int shift) {
  return static_cast<int32_t>(((int64_t{index} - 1) >> shift) + 1);
}

// Visits the buckets of `spans` in ascending order of their indices, empty ones included.
// REQUIRES: the spans cover the buckets (Histogram::Validate).
class BucketCursor {
 public:
  explicit BucketCursor(std::span<const BucketSpan> spans) : spans_(spans) {
    if (!spans_.empty()) index_ = spans_[0].offset;
    SkipExhausted();
  }

  bool done() const { return span_ == spans_.size(); }
  int32_t index() const { return static_cast<int32_t>(index_); }
  size_t position() const { return position_; }  // among the buckets
  void Next() {
    ++index_;
    ++position_;
    ++in_span_;
    SkipExhausted();
  }

 private:
  void SkipExhausted() {
    while (span_ < spans_.size() && in_span_ == spans_[span_].length) {
      ++span_;
      in_span_ = 0;
      if (span_ < spans_.size()) index_ += spans_[span_].offset;
    }
  }

  std::span<const BucketSpan> spans_;
  size_t span_ = 0;
  uint32_t in_span_ = 0;
  int64_t index_ = 0;
  size_t position_ = 0;
};

// Puts spans together from ascending indices.
class SpanBuilder {
 public:
  // REQUIRES: index > every index before.
  void Append(int32_t index) {
    if (spans_.empty()) {
      spans_.push_back({index, 1});
    } else if (index == next_) {
      ++spans_.back().length;
    } else {
      spans_.push_back({static_cast<int32_t>(index - next_), 1});
    }
    next_ = int64_t{index} + 1;
  }
  std::vector<BucketSpan> Take() { return std::move(spans_); }

 private:
  std::vector<BucketSpan> spans_;
  int64_t next_ = 0;
};

// Buckets to change. `lost`, when not nullptr, holds per bucket what rounding has cost so far
// (see CompensatedHistogram), and sums then are compensated.
struct MutableSide {
  std::vector<BucketSpan>* spans = nullptr;
  std::vector<double>* counts = nullptr;
  std::vector<double>* lost = nullptr;
};

// Buckets to read. `lost` is empty or as long as `counts`.
struct SideView {
  std::span<const BucketSpan> spans;
  std::span<const double> counts;
  std::span<const double> lost;
};

// Merges buckets into those of a schema lower by `shift`.
void ReduceSide(int shift, MutableSide side);

// Adds sign * other to `into`, bucket by bucket; buckets that `into` lacks are inserted. Leaves
// out buckets of `other` below `first_index`.
void AddSide(const SideView& other, double sign, int32_t first_index, MutableSide into);

// Takes buckets out that count nothing.
void CompactSide(MutableSide side);

// Whether spans name the same buckets, in whatever pieces.
bool SameLayout(std::span<const BucketSpan> a, std::span<const BucketSpan> b);

}  // namespace varve::histogram
