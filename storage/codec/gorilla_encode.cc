#include <bit>

#include "base/check.h"
#include "base/varint.h"
#include "storage/codec/gorilla.h"
#include "storage/codec/gorilla_bits.h"

namespace varve::codec {
namespace {

using namespace gorilla;  // the bit layout, shared with the decoder

constexpr uint64_t kStaleMarkerBits = 0x7ff0000000000002;
// A fitting window is given up for a narrower one when it wastes more bits than this per sample.
// Measured on real scrapes: 8 to 10 is the flat minimum; never giving up costs 7 % more.
constexpr unsigned kWindowWasteMax = 8;

// The longest sample and the word stores beyond it.
constexpr unsigned kSampleBitsMax = kPrefixBits[kDelta64] + 64 + 1 + kWindowHeaderBits + 64;
static_assert((7 + kSampleBitsMax) / 8 + 9 <= kGorillaAppendBytesMax);

// Appends bits at the end of a payload.
class BitSink {
 public:
  BitSink(uint8_t* payload, uint64_t bit) : payload_(payload), bit_(bit) {}
  void Put(uint64_t bits, unsigned width) {
    WriteBits(payload_, bit_, bits, width);
    bit_ += width;
  }
  uint64_t bit() const { return bit_; }

 private:
  uint8_t* const payload_;
  uint64_t bit_;
};

unsigned DeltaPrefix(uint64_t zigzag) {
  if (zigzag >> 5 == 0) return kDelta5;
  if (zigzag >> 8 == 0) return kDelta8;
  if (zigzag >> 20 == 0) return kDelta20;
  return zigzag >> 48 == 0 ? kDelta48 : kDelta64;
}

// The prefix and the delta-of-delta of a sample that is not on time, then the flag whether an XOR
// block follows.
void PutLate(BitSink* sink, uint64_t zigzag, uint64_t value_flag) {
  const unsigned prefix = DeltaPrefix(zigzag);
  const unsigned prefix_bits = kPrefixBits[prefix];
  const uint64_t ones = (uint64_t{1} << prefix) - 1;
  if (prefix == kDelta64) {
    sink->Put(ones, prefix_bits);
    sink->Put(zigzag, 64);
    sink->Put(value_flag, 1);
    return;
  }
  const unsigned delta_bits = kDeltaBits[prefix];
  sink->Put(ones | zigzag << prefix_bits | value_flag << (prefix_bits + delta_bits),
            prefix_bits + delta_bits + 1);
}

// REQUIRES: difference != 0.
void PutXor(BitSink* sink, uint64_t difference, GorillaState* state) {
  const auto leading = static_cast<unsigned>(std::countl_zero(difference));
  const auto trailing = static_cast<unsigned>(std::countr_zero(difference));
  const unsigned window_bits = state->significant_bits;
  const unsigned window_trailing = 64u - state->leading_zeros - window_bits;
  if (window_bits != 0 && leading >= state->leading_zeros && trailing >= window_trailing &&
      window_bits + leading + trailing <= 64 + kWindowWasteMax) {
    sink->Put(0, 1);
    sink->Put(difference >> window_trailing, window_bits);
    return;
  }
  const unsigned kept_leading = leading > kLeadingZerosMax ? kLeadingZerosMax : leading & ~1u;
  const unsigned significant = 64 - kept_leading - trailing;
  sink->Put(1 | kept_leading / 2 << 1 | (significant - 1) << (1 + kLeadingBits), kWindowHeaderBits);
  sink->Put(difference >> trailing, significant);
  state->leading_zeros = static_cast<uint8_t>(kept_leading);
  state->significant_bits = static_cast<uint8_t>(significant);
}

}  // namespace

void GorillaAppend(GorillaState* state, uint8_t* payload, int64_t timestamp_ms, double value) {
  VARVE_DCHECK(state->sample_count < kGorillaSampleCountMax);
  const auto value_bits = std::bit_cast<uint64_t>(value);
  // In unsigned arithmetic, where every difference of two timestamps wraps and comes back.
  const auto delta = static_cast<int64_t>(static_cast<uint64_t>(timestamp_ms) -
                                          static_cast<uint64_t>(state->last_timestamp));
  const auto delta_of_delta = static_cast<int64_t>(static_cast<uint64_t>(delta) -
                                                   static_cast<uint64_t>(state->expected_delta));
  const bool stale = value_bits == kStaleMarkerBits;
  const uint64_t difference = stale ? 0 : value_bits ^ state->last_value_bits;

  BitSink sink(payload, state->bit_count);
  if (delta_of_delta == 0) {
    if (stale) {
      sink.Put((1u << kStale) - 1, kPrefixBits[kStale]);
    } else if (difference == 0) {
      sink.Put(0, kPrefixBits[kUnchanged]);
    } else {
      sink.Put(1, kPrefixBits[kOnTime]);
      PutXor(&sink, difference, state);
    }
  } else {
    PutLate(&sink, ZigZagEncode(delta_of_delta), stale || difference != 0 ? 1 : 0);
    if (stale) {
      sink.Put(kStaleHeader, kWindowHeaderBits);
    } else if (difference != 0) {
      PutXor(&sink, difference, state);
    }
  }
  // The first sample is coded against time 0, which says nothing about the interval to come.
  state->expected_delta =
      state->sample_count == 0 ? 0 : NextExpectedDelta(state->expected_delta, delta);
  state->last_timestamp = timestamp_ms;
  if (!stale) state->last_value_bits = value_bits;
  state->bit_count = static_cast<uint32_t>(sink.bit());
  ++state->sample_count;
}

}  // namespace varve::codec
