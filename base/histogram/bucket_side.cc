#include "base/histogram/bucket_side.h"

#include <algorithm>

#include "base/kahan.h"

namespace varve::histogram {
namespace {

// Adds to one bucket of `side`.
void AddToBucket(double count, double lost, size_t position, MutableSide side) {
  double& sum = (*side.counts)[position];
  if (side.lost == nullptr) {
    sum += count;
    return;
  }
  KahanSum state{sum, (*side.lost)[position]};
  state.Add(count);
  if (lost != 0) state.Add(lost);
  sum = state.sum;
  (*side.lost)[position] = state.compensation;
}

double LostAt(std::span<const double> lost, size_t position) {
  return lost.empty() ? 0 : lost[position];
}

// Takes over the buckets of two sides in ascending order.
class SideMerger {
 public:
  SideMerger(const SideView& other, double sign, MutableSide into)
      : other_(other), sign_(sign), into_(into) {
    counts_.reserve(into.counts->size() + other.counts.size());
  }

  void TakeOwn(const BucketCursor& own) {
    spans_.Append(own.index());
    counts_.push_back((*into_.counts)[own.position()]);
    if (into_.lost != nullptr) lost_.push_back((*into_.lost)[own.position()]);
  }
  void TakeOther(const BucketCursor& other) {
    spans_.Append(other.index());
    counts_.push_back(sign_ * other_.counts[other.position()]);
    if (into_.lost != nullptr) lost_.push_back(sign_ * LostAt(other_.lost, other.position()));
  }
  void TakeBoth(const BucketCursor& own, const BucketCursor& other) {
    TakeOwn(own);
    AddToBucket(sign_ * other_.counts[other.position()],
                sign_ * LostAt(other_.lost, other.position()), counts_.size() - 1,
                {nullptr, &counts_, into_.lost == nullptr ? nullptr : &lost_});
  }
  void Finish() {
    *into_.spans = spans_.Take();
    *into_.counts = std::move(counts_);
    if (into_.lost != nullptr) *into_.lost = std::move(lost_);
  }

 private:
  const SideView& other_;
  const double sign_;
  const MutableSide into_;
  SpanBuilder spans_;
  std::vector<double> counts_;
  std::vector<double> lost_;
};

}  // namespace

void ReduceSide(int shift, MutableSide side) {
  SpanBuilder spans;
  size_t kept = 0;
  int32_t last = 0;
  for (BucketCursor from(*side.spans); !from.done(); from.Next()) {
    const int32_t index = IndexAtLowerSchema(from.index(), shift);
    const double count = (*side.counts)[from.position()];
    if (kept > 0 && index == last) {
      const double lost = side.lost == nullptr ? 0 : (*side.lost)[from.position()];
      AddToBucket(count, lost, kept - 1, side);
      continue;
    }
    spans.Append(index);
    last = index;
    (*side.counts)[kept] = count;
    if (side.lost != nullptr) (*side.lost)[kept] = (*side.lost)[from.position()];
    ++kept;
  }
  *side.spans = spans.Take();
  side.counts->resize(kept);
  if (side.lost != nullptr) side.lost->resize(kept);
}

void AddSide(const SideView& other, double sign, int32_t first_index, MutableSide into) {
  BucketCursor theirs(other.spans);
  while (!theirs.done() && theirs.index() < first_index) theirs.Next();
  if (theirs.done()) return;
  if (theirs.position() == 0 && std::ranges::equal(other.spans, *into.spans)) {
    for (size_t i = 0; i < other.counts.size(); ++i) {
      AddToBucket(sign * other.counts[i], sign * LostAt(other.lost, i), i, into);
    }
    return;
  }
  const std::vector<BucketSpan> own_spans = *into.spans;
  BucketCursor own(own_spans);
  SideMerger merger(other, sign, into);
  while (!own.done() || !theirs.done()) {
    if (theirs.done() || (!own.done() && own.index() < theirs.index())) {
      merger.TakeOwn(own);
      own.Next();
    } else if (own.done() || theirs.index() < own.index()) {
      merger.TakeOther(theirs);
      theirs.Next();
    } else {
      merger.TakeBoth(own, theirs);
      own.Next();
      theirs.Next();
    }
  }
  merger.Finish();
}

void CompactSide(MutableSide side) {
  const auto counts_nothing = [&](size_t i) {
    return (*side.counts)[i] == 0 && (side.lost == nullptr || (*side.lost)[i] == 0);
  };
  bool compact = true;
  for (size_t i = 0; i < side.counts->size(); ++i) compact = compact && !counts_nothing(i);
  for (size_t i = 0; i < side.spans->size(); ++i) {
    const BucketSpan& span = (*side.spans)[i];
    compact = compact && span.length != 0 && (i == 0 || span.offset != 0);
  }
  if (compact) return;
  SpanBuilder spans;
  size_t kept = 0;
  for (BucketCursor from(*side.spans); !from.done(); from.Next()) {
    if (counts_nothing(from.position())) continue;
    spans.Append(from.index());
    (*side.counts)[kept] = (*side.counts)[from.position()];
    if (side.lost != nullptr) (*side.lost)[kept] = (*side.lost)[from.position()];
    ++kept;
  }
  *side.spans = spans.Take();
  side.counts->resize(kept);
  if (side.lost != nullptr) side.lost->resize(kept);
}

bool SameLayout(std::span<const BucketSpan> a, std::span<const BucketSpan> b) {
  if (std::ranges::equal(a, b)) return true;
  BucketCursor x(a);
  BucketCursor y(b);
  while (!x.done() && !y.done()) {
    if (x.index() != y.index()) return false;
    x.Next();
    y.Next();
  }
  return x.done() && y.done();
}

}  // namespace varve::histogram
