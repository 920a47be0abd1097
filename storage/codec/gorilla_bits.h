// What the Gorilla encoder and decoder share: the control prefixes, the time model, and bit I/O by
// 64-bit words. Bits are packed from the lowest bit of the first byte upwards.
#pragma once

#include <cstdint>
#include <cstring>

namespace varve::codec::gorilla {

// Control prefix of a sample: that many one bits, then a zero bit (the last one does without). On
// disk.
enum Prefix : unsigned {
  kUnchanged = 0,  // on time, value as before
  kOnTime = 1,     // on time; an XOR block follows
  kDelta5 = 2,     // zigzag delta-of-delta of 5 bits, then the value flag
  kDelta8 = 3,     // ... of 8 bits
  kDelta20 = 4,    // ... of 20 bits
  kStale = 5,      // on time, stale marker
  kDelta48 = 6,    // ... of 48 bits
  kDelta64 = 7,    // ... of 64 bits
};
inline constexpr unsigned kPrefixBits[] = {1, 2, 3, 4, 5, 6, 7, 7};
inline constexpr unsigned kDeltaBits[] = {0, 0, 5, 8, 20, 0, 48, 64};

// The header of an XOR block that opens a new window: a one bit, leading zeros / 2, significant
// bits - 1.
inline constexpr unsigned kLeadingBits = 4;
inline constexpr unsigned kSignificantBits = 6;
inline constexpr unsigned kWindowHeaderBits = 1 + kLeadingBits + kSignificantBits;
inline constexpr unsigned kLeadingZerosMax = 30;
static_assert(kLeadingZerosMax == 2 * ((1u << kLeadingBits) - 1));
// This header, whose window would not fit in 64 bits, says "stale marker".
inline constexpr uint64_t kStaleHeader = (uint64_t{1} << kWindowHeaderBits) - 1;

// How the interval that would be on time follows from the one before and the one that came.
// Scrapers tick on whole seconds, so an interval near a multiple of a second counts as that
// multiple, and what it missed is expected to be made up by the next sample. After a miss from a
// prediction that already was a correction the grid itself has moved, and the plain multiple is
// expected. Everything else is plain delta-of-delta.
inline int64_t NextExpectedDelta(int64_t expected, int64_t delta) {
  constexpr int64_t kTick = 1000;
  constexpr int64_t kNear = 100;  // not reached, so that multiples of 100 ms stay what they are
  constexpr int64_t kDeltaMax = int64_t{1} << 40;
  if (delta <= kTick - kNear || delta >= kDeltaMax) return delta;
  const int64_t grid = (delta + kTick / 2) / kTick * kTick;
  const int64_t miss = delta - grid;
  if (miss <= -kNear || miss >= kNear) return delta;
  return expected == grid ? grid - miss : grid;
}

// 64 bits from bit `bit` on, of which at least the lowest 57 are valid. REQUIRES: 8 readable bytes
// from bit / 8 on.
inline uint64_t LoadBits(const uint8_t* data, uint64_t bit) {
  uint64_t word;
  std::memcpy(&word, data + (bit >> 3), sizeof word);
  return word >> (bit & 7);
}

inline uint64_t LowBits(uint64_t word, unsigned width) {
  return width == 64 ? word : word & ((uint64_t{1} << width) - 1);
}

// REQUIRES: width <= 64; 9 readable bytes from bit / 8 on.
inline uint64_t ReadBits(const uint8_t* data, uint64_t bit, unsigned width) {
  uint64_t word = LoadBits(data, bit);
  const unsigned shift = bit & 7;
  if (shift + width > 64) word |= uint64_t{data[(bit >> 3) + 8]} << (64 - shift);
  return LowBits(word, width);
}

// Writes the lowest `width` bits of `bits` at bit `bit`; bits above them are zeroed up to the end
// of the last byte touched. REQUIRES: 0 < width <= 64, `bits` has no bits above `width`; 9 writable
// bytes from bit / 8 on.
inline void WriteBits(uint8_t* data, uint64_t bit, uint64_t bits, unsigned width) {
  uint8_t* at = data + (bit >> 3);
  const unsigned shift = bit & 7;
  const uint64_t word = (*at & ((1u << shift) - 1)) | (bits << shift);
  std::memcpy(at, &word, sizeof word);
  if (shift + width > 64) at[8] = static_cast<uint8_t>(bits >> (64 - shift));
}

}  // namespace varve::codec::gorilla
