// Builds the label bytes of one series (varint length, name, varint length, value, ...) in a buffer
// of known room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/varint.h"

namespace varve::server {

// Names and values are short, and a call to memcpy costs more than they do: kSlack bytes are copied
// where both sides allow it, and the next field overwrites what was too much.
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
    at_ = CopyEncoded(bytes, size, source_end, at_);
  }

  // Copies bytes that begin with their length to `out` and returns the byte after them. For loops
  // that keep their place in a register; SetEnd tells the encoder where they came to.
  static char* CopyEncoded(const uint8_t* bytes, size_t size, const uint8_t* source_end,
                           char* out) {
    if (size <= kSlack && source_end - bytes >= static_cast<std::ptrdiff_t>(kSlack)) [[likely]] {
      std::memcpy(out, bytes, kSlack);
    } else {
      std::memcpy(out, bytes, size);
    }
    return out + size;
  }
  char* end() const { return at_; }
  void SetEnd(char* end) { at_ = end; }

  const char* begin() const { return begin_; }
  size_t size() const { return static_cast<size_t>(at_ - begin_); }

 private:
  char* begin_;
  char* at_;
};

}  // namespace varve::server
