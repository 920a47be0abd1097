// Builds the label bytes of one series (varint length, name, varint length, value, ...) in a buffer
// of known room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/varint.h"

namespace varve::server {

// Names and values are short, and a call to memcpy costs more than they do: 16 bytes are copied at
// a time where both sides allow it, overwriting bytes that the next field will fill.
class LabelEncoder {
 public:
  // Room that has to follow the last byte written.
  static constexpr size_t kSlack = 32;

  // REQUIRES: [out, out + everything put + kSlack) is writable.
  explicit LabelEncoder(char* out) : begin_(out), at_(out) {}

  // Appends length and bytes. `source_end` bounds what may be read beyond them.
  void Put(const uint8_t* bytes, size_t size, const uint8_t* source_end) {
    if (size < 0x80) [[likely]] {
      *at_++ = static_cast<char>(size);
    } else {
      uint8_t length[kVarint64BytesMax];
      const size_t length_size = static_cast<size_t>(EncodeVarint(length, size) - length);
      std::memcpy(at_, length, length_size);
      at_ += length_size;
    }
    if (size <= 32 && source_end - bytes >= 32) [[likely]] {
      std::memcpy(at_, bytes, 16);
      if (size > 16) std::memcpy(at_ + 16, bytes + 16, 16);
    } else {
      std::memcpy(at_, bytes, size);
    }
    at_ += size;
  }

  const char* begin() const { return begin_; }
  size_t size() const { return static_cast<size_t>(at_ - begin_); }

 private:
  char* begin_;
  char* at_;
};

}  // namespace varve::server
