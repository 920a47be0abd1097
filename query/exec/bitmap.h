// Presence bitmaps: one bit per evaluation step, in words of 64; bits past the last step are zero.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace varve::promql::exec {

inline constexpr size_t BitmapWords(size_t bit_count) { return (bit_count + 63) / 64; }

inline bool TestBit(const uint64_t* words, size_t bit) {
  return (words[bit / 64] >> (bit % 64) & 1) != 0;
}
inline void SetBit(uint64_t* words, size_t bit) { words[bit / 64] |= uint64_t{1} << (bit % 64); }
inline void ClearBit(uint64_t* words, size_t bit) {
  words[bit / 64] &= ~(uint64_t{1} << (bit % 64));
}

// All of the first `bit_count` bits set, the rest of the last word zero.
inline void FillBits(uint64_t* words, size_t bit_count) {
  const size_t word_count = BitmapWords(bit_count);
  if (word_count == 0) return;
  std::memset(words, 0xff, word_count * sizeof(uint64_t));
  if (bit_count % 64 != 0) words[word_count - 1] = (uint64_t{1} << (bit_count % 64)) - 1;
}
inline void ClearBits(uint64_t* words, size_t bit_count) {
  std::memset(words, 0, BitmapWords(bit_count) * sizeof(uint64_t));
}

inline size_t CountBits(const uint64_t* words, size_t bit_count) {
  size_t count = 0;
  for (size_t w = 0; w < BitmapWords(bit_count); ++w) {
    count += static_cast<size_t>(std::popcount(words[w]));
  }
  return count;
}
inline bool AnyBit(const uint64_t* words, size_t bit_count) {
  for (size_t w = 0; w < BitmapWords(bit_count); ++w) {
    if (words[w] != 0) return true;
  }
  return false;
}
inline bool AllBits(const uint64_t* words, size_t bit_count) {
  const size_t full = bit_count / 64;
  for (size_t w = 0; w < full; ++w) {
    if (words[w] != ~uint64_t{0}) return false;
  }
  const size_t rest = bit_count % 64;
  return rest == 0 || words[full] == (uint64_t{1} << rest) - 1;
}

inline void OrBits(const uint64_t* from, size_t bit_count, uint64_t* into) {
  for (size_t w = 0; w < BitmapWords(bit_count); ++w) into[w] |= from[w];
}
inline void AndBits(const uint64_t* from, size_t bit_count, uint64_t* into) {
  for (size_t w = 0; w < BitmapWords(bit_count); ++w) into[w] &= from[w];
}
inline void AndNotBits(const uint64_t* from, size_t bit_count, uint64_t* into) {
  for (size_t w = 0; w < BitmapWords(bit_count); ++w) into[w] &= ~from[w];
}

inline constexpr size_t kNoBit = ~size_t{0};
// The first bit set in both; kNoBit when there is none.
inline size_t FirstCommonBit(const uint64_t* a, const uint64_t* b, size_t bit_count) {
  for (size_t w = 0; w < BitmapWords(bit_count); ++w) {
    const uint64_t both = a[w] & b[w];
    if (both != 0) return w * 64 + static_cast<size_t>(std::countr_zero(both));
  }
  return kNoBit;
}

// The first and the last bit set; kNoBit when there is none.
inline size_t FirstBit(const uint64_t* words, size_t bit_count) {
  return FirstCommonBit(words, words, bit_count);
}
inline size_t LastBit(const uint64_t* words, size_t bit_count) {
  for (size_t w = BitmapWords(bit_count); w-- > 0;) {
    if (words[w] != 0) return w * 64 + 63 - static_cast<size_t>(std::countl_zero(words[w]));
  }
  return kNoBit;
}

// Calls visit(bit) for the bits that are set, in ascending order.
template <typename Visit>
inline void ForEachBit(const uint64_t* words, size_t bit_count, Visit&& visit) {
  for (size_t w = 0; w < BitmapWords(bit_count); ++w) {
    for (uint64_t rest = words[w]; rest != 0; rest &= rest - 1) {
      visit(w * 64 + static_cast<size_t>(std::countr_zero(rest)));
    }
  }
}

}  // namespace varve::promql::exec
