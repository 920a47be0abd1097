#include "storage/codec/histogram_state.h"

namespace varve::codec::histogram {
namespace {

// Walks the bucket indexes of ascending spans.
class BucketCursor {
 public:
  explicit BucketCursor(std::span<const BucketSpan> spans) : spans_(spans) { EnterSpan(); }
  bool done() const { return span_ == spans_.size(); }
  int64_t index() const { return index_; }
  void Next() {
    ++index_;
    if (--left_ > 0) return;
    ++span_;
    EnterSpan();
  }

 private:
  void EnterSpan() {
    for (; span_ < spans_.size(); ++span_) {
      index_ += spans_[span_].offset;
      left_ = spans_[span_].length;
      if (left_ > 0) return;
    }
  }

  std::span<const BucketSpan> spans_;
  size_t span_ = 0;
  int64_t index_ = 0;
  uint32_t left_ = 0;
};

std::vector<Track> CarriedOver(std::span<const BucketSpan> old_spans,
                               std::span<const Track> old_tracks,
                               std::span<const BucketSpan> new_spans) {
  std::vector<Track> tracks(BucketCount(new_spans));
  BucketCursor from(old_spans);
  size_t from_place = 0;
  BucketCursor to(new_spans);
  for (Track& track : tracks) {
    while (!from.done() && from.index() < to.index()) {
      from.Next();
      ++from_place;
    }
    if (!from.done() && from.index() == to.index()) track = old_tracks[from_place];
    to.Next();
  }
  return tracks;
}

}  // namespace

size_t BucketCount(std::span<const BucketSpan> spans) {
  size_t count = 0;
  for (const BucketSpan& span : spans) count += span.length;
  return count;
}

void State::StandStill() {
  if (!layout.whole_counts) return;
  count.delta = zero_count.delta = 0;
  for (Track& track : positive) track.delta = 0;
  for (Track& track : negative) track.delta = 0;
}

void State::ChangeLayout(Layout next) {
  if (!has_layout || next.whole_counts != layout.whole_counts) {
    count = zero_count = Track();
    layout = Layout();
    positive.clear();
    negative.clear();
  } else if (next.schema != layout.schema) {
    layout.positive_spans.clear();
    layout.negative_spans.clear();
  }
  positive = CarriedOver(layout.positive_spans, positive, next.positive_spans);
  negative = CarriedOver(layout.negative_spans, negative, next.negative_spans);
  layout = std::move(next);
  has_layout = true;
}

}  // namespace varve::codec::histogram
