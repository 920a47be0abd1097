#include "server/remote_read/varbit.h"

#include <bit>

#include "base/varint.h"

namespace varve::server {
namespace {

// Behind a prefix of i+1 ones and a zero stand kWidths[i] bits; the last prefix needs no zero.
constexpr unsigned kWidths[] = {3, 6, 9, 12, 18, 25, 56, 64};
constexpr unsigned kWidthCount = 8;
// The window's leading zeros are written in five bits.
constexpr unsigned kLeadingMax = 31;

void WritePrefixed(unsigned index, uint64_t value, BitWriter* bits) {
  const bool is_last = index + 1 == kWidthCount;
  const unsigned ones = index + 1;
  bits->Bits((uint64_t{1} << ones) - 1, ones);
  if (!is_last) bits->Zero();
  bits->Bits(value, kWidths[index]);
}

// Not symmetric: the smallest number of two's complement stands for its opposite.
bool Fits(int64_t value, unsigned width) {
  const int64_t half = int64_t{1} << (width - 1);
  return value > -half && value <= half;
}

}  // namespace

void WriteUvarint(uint64_t value, BitWriter* bits) {
  uint8_t bytes[kVarint64BytesMax];
  const uint8_t* const end = EncodeVarint(bytes, value);
  for (const uint8_t* at = bytes; at != end; ++at) bits->Byte(*at);
}

void WriteVarint(int64_t value, BitWriter* bits) { WriteUvarint(ZigZagEncode(value), bits); }

void WriteVarbitInt(int64_t value, BitWriter* bits) {
  if (value == 0) return bits->Zero();
  unsigned index = 0;
  while (index + 1 < kWidthCount && !Fits(value, kWidths[index])) ++index;
  WritePrefixed(index, static_cast<uint64_t>(value), bits);
}

void WriteVarbitUint(uint64_t value, BitWriter* bits) {
  if (value == 0) return bits->Zero();
  unsigned index = 0;
  while (index + 1 < kWidthCount && value >> kWidths[index] != 0) ++index;
  WritePrefixed(index, value, bits);
}

void XorValue::Start(double value, BitWriter* bits) {
  Assume(value);
  bits->Bits(last_, 64);
}

void XorValue::Assume(double value) {
  last_ = std::bit_cast<uint64_t>(value);
  leading_ = kNoWindow;
}

void XorValue::Write(double value, BitWriter* bits) {
  const uint64_t now = std::bit_cast<uint64_t>(value);
  const uint64_t changed = now ^ last_;
  last_ = now;
  if (changed == 0) return bits->Zero();
  bits->One();
  auto leading = static_cast<unsigned>(std::countl_zero(changed));
  const auto trailing = static_cast<unsigned>(std::countr_zero(changed));
  if (leading > kLeadingMax) leading = kLeadingMax;
  if (leading_ != kNoWindow && leading >= leading_ && trailing >= trailing_) {
    bits->Zero();
    return bits->Bits(changed >> trailing_, 64 - leading_ - trailing_);
  }
  leading_ = leading;
  trailing_ = trailing;
  const unsigned width = 64 - leading - trailing;
  bits->One();
  bits->Bits(leading, 5);
  bits->Bits(width, 6);  // 64 as 0: a window is never empty
  bits->Bits(changed >> trailing, width);
}

}  // namespace varve::server
