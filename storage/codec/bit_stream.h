// Bit streams for codecs that are not as hot as Gorilla's: a writer that grows, a reader that
// checks every bound, and the variable-length integer that both know. Bits are packed as
// gorilla_bits.h says.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/varint.h"
#include "storage/codec/gorilla_bits.h"

namespace varve::codec {

// Classes of a bit varint (on disk): class i is i one bits, a zero bit (the last class does
// without), then kBitVarintBits[i] bits of the zigzagged number.
inline constexpr unsigned kBitVarintBits[] = {0, 3, 6, 9, 13, 20, 32, 64};
inline constexpr unsigned kBitVarintClassMax = 7;

class BitWriter {
 public:
  // REQUIRES: 0 < width <= 64, `bits` has no bits above `width`.
  void Put(uint64_t bits, unsigned width) {
    const size_t needed = (bit_count_ >> 3) + kStoreBytes;
    if (bytes_.size() < needed) bytes_.resize(needed + needed / 2);
    gorilla::WriteBits(bytes_.data(), bit_count_, bits, width);
    bit_count_ += width;
  }
  void PutVarint(int64_t value) {
    const uint64_t zigzag = ZigZagEncode(value);
    unsigned number = 0;
    while (number < kBitVarintClassMax && zigzag >> kBitVarintBits[number] != 0) ++number;
    const uint64_t ones = (uint64_t{1} << number) - 1;
    Put(ones, number + (number < kBitVarintClassMax ? 1 : 0));
    if (number > 0) Put(zigzag, kBitVarintBits[number]);
  }

  size_t size_bytes() const { return (bit_count_ + 7) / 8; }
  // The last byte is filled up with zeros. Until the next Put.
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes_.data()), size_bytes()};
  }
  size_t MemoryBytes() const { return bytes_.capacity(); }

 private:
  static constexpr size_t kStoreBytes = 9;  // what WriteBits may touch
  std::vector<uint8_t> bytes_;
  uint64_t bit_count_ = 0;
};

// After the first read beyond the end ok() stays false and every read yields zero.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes)
      : data_(reinterpret_cast<const uint8_t*>(bytes.data())),
        byte_count_(bytes.size()),
        bit_end_(uint64_t{8} * bytes.size()) {}

  bool ok() const { return ok_; }
  uint64_t remaining_bits() const { return bit_end_ - bit_; }

  // REQUIRES: 0 < width <= 64.
  uint64_t Read(unsigned width) {
    if (width > remaining_bits()) {
      ok_ = false;
      bit_ = bit_end_;
      return 0;
    }
    const size_t byte = bit_ >> 3;
    uint64_t bits;
    if (byte_count_ - byte >= kLoadBytes) {
      bits = gorilla::ReadBits(data_, bit_, width);
    } else {
      uint8_t tail[kLoadBytes] = {};
      std::memcpy(tail, data_ + byte, byte_count_ - byte);
      bits = gorilla::ReadBits(tail, bit_ & 7, width);
    }
    bit_ += width;
    return bits;
  }
  bool ReadFlag() { return Read(1) != 0; }
  int64_t ReadVarint() {
    if (byte_count_ - (bit_ >> 3) >= kVarintLoadBytes) return ReadVarintInside();
    unsigned number = 0;
    while (number < kBitVarintClassMax && ReadFlag()) ++number;
    return number == 0 ? 0 : ZigZagDecode(Read(kBitVarintBits[number]));
  }

 private:
  static constexpr size_t kLoadBytes = 9;  // what ReadBits may touch
  // So many bytes hold any varint and what its loads touch.
  static constexpr size_t kVarintLoadBytes = 1 + kLoadBytes;

  // Without a check of bounds. REQUIRES: kVarintLoadBytes readable bytes from the current one on.
  int64_t ReadVarintInside() {
    const auto ones = static_cast<unsigned>(std::countr_one(gorilla::LoadBits(data_, bit_)));
    const unsigned number = std::min(ones, kBitVarintClassMax);
    bit_ += number + (number < kBitVarintClassMax ? 1 : 0);
    if (number == 0) return 0;
    const uint64_t zigzag = gorilla::ReadBits(data_, bit_, kBitVarintBits[number]);
    bit_ += kBitVarintBits[number];
    return ZigZagDecode(zigzag);
  }

  const uint8_t* data_;
  size_t byte_count_;
  uint64_t bit_end_;
  uint64_t bit_ = 0;
  bool ok_ = true;
};

}  // namespace varve::codec
