// Bits into bytes, the highest bit first, as Prometheus' chunks are written.
#pragma once

#include <cstdint>
#include <string>

namespace varve::server {

class BitWriter {
 public:
  // Appends to `out`, from its next byte on.
  explicit BitWriter(std::string* out) : out_(out) {}

  // The lowest `count` bits of `value`. REQUIRES: count <= 64.
  void Bits(uint64_t value, unsigned count) {
    while (count > 0) {
      if (free_ == 0) {
        out_->push_back('\0');
        free_ = 8;
      }
      const unsigned taken = count < free_ ? count : free_;
      const uint64_t piece = value >> (count - taken) & ((uint64_t{1} << taken) - 1);
      out_->back() =
          static_cast<char>(static_cast<uint8_t>(out_->back()) | piece << (free_ - taken));
      free_ -= taken;
      count -= taken;
    }
  }
  void Zero() { Bits(0, 1); }
  void One() { Bits(1, 1); }
  void Byte(uint8_t byte) { Bits(byte, 8); }

 private:
  std::string* const out_;
  unsigned free_ = 0;  // bits of the last byte
};

}  // namespace varve::server
