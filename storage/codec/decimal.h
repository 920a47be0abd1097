// What the encoder and the decoder of decimal columns share.
#pragma once

#include <array>
#include <cstdint>

namespace varve::codec {

// Each is exact in a double, so a division by one rounds once, the same everywhere.
inline constexpr std::array<double, 19> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,
                                                        1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
                                                        1e14, 1e15, 1e16, 1e17, 1e18};
// Below it in magnitude a scaled value fits in 64 bits.
inline constexpr double kDecimalIntegerMax = 9.2e18;

inline double FromDecimal(int64_t integer, unsigned exponent) {
  return static_cast<double>(integer) / kPowersOfTen[exponent];
}

// A decimal column's first byte: the exponent in five bits, and these.
inline constexpr unsigned kExponentMask = 0x1f;
inline constexpr unsigned kHasCorrections = 0x20;
inline constexpr unsigned kHasExceptions = 0x40;
// A constant's first byte instead of an exponent: its eight bytes follow.
inline constexpr unsigned kRawConstant = 0xff;

}  // namespace varve::codec
