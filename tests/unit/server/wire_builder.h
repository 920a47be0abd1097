// Protocol buffers messages made by hand, for tests of what reads them.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/varint.h"

namespace varve::server {

class WireBuilder {
 public:
  WireBuilder& Varint(uint32_t field, uint64_t value) {
    AppendVarint(&bytes_, field << 3);
    AppendVarint(&bytes_, value);
    return *this;
  }
  WireBuilder& Double(uint32_t field, double value) {
    AppendVarint(&bytes_, field << 3 | 1);
    AppendFixed(&bytes_, std::bit_cast<uint64_t>(value));
    return *this;
  }
  WireBuilder& Bytes(uint32_t field, std::string_view value) {
    AppendVarint(&bytes_, field << 3 | 2);
    AppendLengthPrefixed(&bytes_, value);
    return *this;
  }
  WireBuilder& Message(uint32_t field, const WireBuilder& message) {
    return Bytes(field, message.bytes_);
  }
  WireBuilder& Packed(uint32_t field, std::initializer_list<uint64_t> values) {
    std::string run;
    for (const uint64_t value : values) AppendVarint(&run, value);
    return Bytes(field, run);
  }
  // sint32, sint64.
  WireBuilder& ZigZag(uint32_t field, int64_t value) { return Varint(field, ZigZagEncode(value)); }
  WireBuilder& PackedZigZag(uint32_t field, std::initializer_list<int64_t> values) {
    std::string run;
    for (const int64_t value : values) AppendVarint(&run, ZigZagEncode(value));
    return Bytes(field, run);
  }
  WireBuilder& PackedDoubles(uint32_t field, std::initializer_list<double> values) {
    std::string run;
    for (const double value : values) AppendFixed(&run, std::bit_cast<uint64_t>(value));
    return Bytes(field, run);
  }
  WireBuilder& Raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace varve::server
