#include <algorithm>
#include <bit>
#include <cmath>
#include <span>

#include "base/check.h"
#include "storage/codec/bit_stream.h"
#include "storage/codec/histogram.h"
#include "storage/codec/histogram_state.h"

namespace varve::codec {
namespace {

using namespace histogram;  // the state, shared with the decoder

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool IsWhole(double count) {
  return count >= 0 && count <= static_cast<double>(kIntegerMax) && count == std::trunc(count) &&
         !std::signbit(count);
}

bool HasWholeCounts(const Histogram& histogram) {
  return histogram.form == Histogram::Form::kInteger && IsWhole(histogram.count) &&
         IsWhole(histogram.zero_count) &&
         std::all_of(histogram.positive_buckets.begin(), histogram.positive_buckets.end(),
                     IsWhole) &&
         std::all_of(histogram.negative_buckets.begin(), histogram.negative_buckets.end(), IsWhole);
}

bool SameBits(std::span<const double> a, std::span<const double> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return SameBits(x, y); });
}

bool HasLayout(const Histogram& histogram, bool whole_counts, const Layout& layout) {
  return histogram.form == layout.form && whole_counts == layout.whole_counts &&
         histogram.schema == layout.schema &&
         SameBits(histogram.zero_threshold, layout.zero_threshold) &&
         histogram.positive_spans == layout.positive_spans &&
         histogram.negative_spans == layout.negative_spans &&
         SameBits(histogram.custom_values, layout.custom_values);
}

void PutSpans(std::span<const BucketSpan> spans, BitWriter* out) {
  out->PutVarint(static_cast<int64_t>(spans.size()));
  for (const BucketSpan& span : spans) {
    out->PutVarint(span.offset);
    out->PutVarint(span.length);
  }
}

// What a layout shares with the one before most often, it does not repeat.
void PutLayout(const Layout& layout, const Layout& before, CounterResetHint hint, BitWriter* out) {
  out->Put(static_cast<uint64_t>(layout.form), kFormBits);
  out->Put(layout.whole_counts ? 1 : 0, 1);
  out->Put(static_cast<uint64_t>(hint), kHintBits);
  out->PutVarint(layout.schema);
  if (SameBits(layout.zero_threshold, before.zero_threshold)) {
    out->Put(0, 1);
  } else {
    out->Put(1, 1);
    out->Put(std::bit_cast<uint64_t>(layout.zero_threshold), 64);
  }
  PutSpans(layout.positive_spans, out);
  PutSpans(layout.negative_spans, out);
  if (SameBits(layout.custom_values, before.custom_values)) {
    out->Put(0, 1);
    return;
  }
  out->Put(1, 1);
  out->PutVarint(static_cast<int64_t>(layout.custom_values.size()));
  for (const double bound : layout.custom_values) out->Put(std::bit_cast<uint64_t>(bound), 64);
}

void PutXor(uint64_t bits, Track* track, BitWriter* out) {
  const uint64_t difference = bits ^ track->last;
  track->last = bits;
  if (difference == 0) {
    out->Put(0, 1);
    return;
  }
  const auto leading = static_cast<unsigned>(std::countl_zero(difference));
  const auto trailing = static_cast<unsigned>(std::countr_zero(difference));
  const unsigned window_bits = track->significant_bits;
  const unsigned window_trailing = 64u - track->leading_zeros - window_bits;
  const bool fits =
      window_bits != 0 && leading >= track->leading_zeros && trailing >= window_trailing;
  // A window that wastes more bits than a new one's header is given up.
  if (fits && window_bits <= 64 - leading - trailing + kLeadingBits + kSignificantBits) {
    out->Put(0b01, 2);
    out->Put(difference >> window_trailing, window_bits);
    return;
  }
  const unsigned significant = 64 - leading - trailing;
  out->Put(0b11, 2);
  out->Put(leading, kLeadingBits);
  out->Put(significant - 1, kSignificantBits);
  out->Put(difference >> trailing, significant);
  track->leading_zeros = static_cast<uint8_t>(leading);
  track->significant_bits = static_cast<uint8_t>(significant);
}

bool IsLast(double value, bool whole, const Track& track) {
  return track.last == (whole ? static_cast<uint64_t>(value) : std::bit_cast<uint64_t>(value));
}

bool AreLast(std::span<const double> values, bool whole, std::span<const Track> tracks) {
  return std::equal(
      values.begin(), values.end(), tracks.begin(), tracks.end(),
      [whole](double value, const Track& track) { return IsLast(value, whole, track); });
}

// Whether every number is that of the sample before. REQUIRES: the histogram has the layout.
bool StandsStill(const Histogram& histogram, const State& state) {
  const bool whole = state.layout.whole_counts;
  return IsLast(histogram.count, whole, state.count) &&
         IsLast(histogram.zero_count, whole, state.zero_count) &&
         IsLast(histogram.sum, false, state.sum) &&
         AreLast(histogram.positive_buckets, whole, state.positive) &&
         AreLast(histogram.negative_buckets, whole, state.negative);
}

void PutPrefix(Prefix prefix, BitWriter* out) {
  const uint64_t ones = (uint64_t{1} << prefix) - 1;
  out->Put(ones, prefix + (prefix < kStaleMarker ? 1 : 0));
}

void PutCount(double value, bool whole, Track* track, BitWriter* out) {
  if (!whole) {
    PutXor(std::bit_cast<uint64_t>(value), track, out);
    return;
  }
  const auto integer = static_cast<uint64_t>(value);
  out->PutVarint(track->Miss(integer));
  track->Learn(integer);
}

}  // namespace

size_t HistogramDecodedBytes(const Histogram& histogram) {
  if (histogram.is_stale_marker()) return 0;
  return sizeof(uint64_t) * (histogram.positive_spans.size() + histogram.negative_spans.size() +
                             histogram.positive_buckets.size() + histogram.negative_buckets.size() +
                             histogram.custom_values.size());
}

class HistogramEncoder::Impl {
 public:
  void Append(int64_t timestamp_ms, int64_t start_ms, const Histogram& histogram) {
    PutTimes(timestamp_ms, start_ms);
    ++state_.sample_count;
    if (histogram.is_stale_marker()) {
      PutPrefix(kStaleMarker, &out_);
      out_.Put(static_cast<uint64_t>(histogram.form), kFormBits);
      out_.Put(static_cast<uint64_t>(histogram.reset_hint), kHintBits);
      return;
    }
    decoded_bytes_ += HistogramDecodedBytes(histogram);
    const Prefix prefix = ChangeTo(histogram);
    if (prefix == kUnchanged) {
      state_.StandStill();
    } else {
      PutNumbers(histogram);
    }
  }

  bool HasRoomFor(const Histogram& histogram) const {
    const size_t bytes = decoded_bytes_ + HistogramDecodedBytes(histogram);
    return state_.sample_count < kHistogramSampleCountMax && bytes <= kHistogramDecodedBytesMax &&
           out_.size_bytes() < kHistogramChunkBytes;
  }
  uint32_t sample_count() const { return state_.sample_count; }
  std::string_view payload() const { return out_.view(); }
  size_t MemoryBytes() const {
    return sizeof(Impl) + out_.MemoryBytes() +
           (state_.positive.capacity() + state_.negative.capacity()) * sizeof(Track) +
           (state_.layout.positive_spans.capacity() + state_.layout.negative_spans.capacity() +
            state_.layout.custom_values.capacity()) *
               sizeof(uint64_t);
  }

 private:
  void PutTimes(int64_t timestamp_ms, int64_t start_ms) {
    const auto delta = static_cast<int64_t>(static_cast<uint64_t>(timestamp_ms) -
                                            static_cast<uint64_t>(state_.timestamp_ms));
    out_.PutVarint(static_cast<int64_t>(static_cast<uint64_t>(delta) -
                                        static_cast<uint64_t>(state_.expected_delta)));
    state_.start_code.Put(start_ms, state_.timestamp_ms, &out_);
    state_.expected_delta =
        state_.sample_count == 0 ? 0 : gorilla::NextExpectedDelta(state_.expected_delta, delta);
    state_.timestamp_ms = timestamp_ms;
  }

  // Writes the prefix and what belongs to it; then the state has the histogram's layout and hint.
  Prefix ChangeTo(const Histogram& histogram) {
    const bool whole = HasWholeCounts(histogram);
    const bool same_hint = histogram.reset_hint == state_.hint;
    state_.hint = histogram.reset_hint;
    if (!state_.has_layout || !HasLayout(histogram, whole, state_.layout)) {
      Layout next{histogram.form,           whole,
                  histogram.schema,         histogram.zero_threshold,
                  histogram.positive_spans, histogram.negative_spans,
                  histogram.custom_values};
      PutPrefix(kNewLayout, &out_);
      PutLayout(next, state_.layout, histogram.reset_hint, &out_);
      state_.ChangeLayout(std::move(next));
      return kNewLayout;
    }
    if (!same_hint) {
      PutPrefix(kNewHint, &out_);
      out_.Put(static_cast<uint64_t>(histogram.reset_hint), kHintBits);
      return kNewHint;
    }
    const Prefix prefix = StandsStill(histogram, state_) ? kUnchanged : kNumbers;
    PutPrefix(prefix, &out_);
    return prefix;
  }

  void PutNumbers(const Histogram& histogram) {
    const bool whole = state_.layout.whole_counts;
    PutCount(histogram.count, whole, &state_.count, &out_);
    PutCount(histogram.zero_count, whole, &state_.zero_count, &out_);
    PutXor(std::bit_cast<uint64_t>(histogram.sum), &state_.sum, &out_);
    VARVE_CHECK(histogram.positive_buckets.size() == state_.positive.size() &&
                histogram.negative_buckets.size() == state_.negative.size());
    for (size_t i = 0; i < state_.positive.size(); ++i) {
      PutCount(histogram.positive_buckets[i], whole, &state_.positive[i], &out_);
    }
    for (size_t i = 0; i < state_.negative.size(); ++i) {
      PutCount(histogram.negative_buckets[i], whole, &state_.negative[i], &out_);
    }
  }

  State state_;
  BitWriter out_;
  size_t decoded_bytes_ = 0;
};

HistogramEncoder::HistogramEncoder() : impl_(std::make_unique<Impl>()) {}
HistogramEncoder::~HistogramEncoder() = default;
HistogramEncoder::HistogramEncoder(HistogramEncoder&&) noexcept = default;
HistogramEncoder& HistogramEncoder::operator=(HistogramEncoder&&) noexcept = default;

void HistogramEncoder::Append(int64_t timestamp_ms, int64_t start_ms, const Histogram& histogram) {
  VARVE_DCHECK(HasRoomFor(histogram));
  impl_->Append(timestamp_ms, start_ms, histogram);
}
bool HistogramEncoder::HasRoomFor(const Histogram& histogram) const {
  return impl_->HasRoomFor(histogram);
}
uint32_t HistogramEncoder::sample_count() const { return impl_->sample_count(); }
std::string_view HistogramEncoder::payload() const { return impl_->payload(); }
size_t HistogramEncoder::MemoryBytes() const { return sizeof(*this) + impl_->MemoryBytes(); }

}  // namespace varve::codec
