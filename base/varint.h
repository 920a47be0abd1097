// LEB128 variable-length integers (protocol buffers' varint) and ZigZag.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace varve {

inline constexpr size_t kVarint64BytesMax = 10;

inline uint64_t ZigZagEncode(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
inline int64_t ZigZagDecode(uint64_t v) {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

// Writes `v` at `out` and returns the byte after it. REQUIRES: kVarint64BytesMax bytes of room.
inline uint8_t* EncodeVarint(uint8_t* out, uint64_t v) {
  while (v >= 0x80) {
    *out++ = static_cast<uint8_t>(v | 0x80);
    v >>= 7;
  }
  *out++ = static_cast<uint8_t>(v);
  return out;
}

inline size_t VarintLength(uint64_t v) {
  size_t n = 1;
  while (v >= 0x80) {
    v >>= 7;
    ++n;
  }
  return n;
}

inline void AppendVarint(std::string* out, uint64_t v) {
  uint8_t buffer[kVarint64BytesMax];
  uint8_t* end = EncodeVarint(buffer, v);
  out->append(reinterpret_cast<const char*>(buffer), static_cast<size_t>(end - buffer));
}

// Reads a varint from [in, end). Returns the byte after it, or nullptr when it is cut off or longer
// than 64 bits.
inline const uint8_t* DecodeVarint(const uint8_t* in, const uint8_t* end, uint64_t* v) {
  if (in < end && *in < 0x80) {
    *v = *in;
    return in + 1;
  }
  uint64_t result = 0;
  for (unsigned shift = 0; shift < 64 && in < end; shift += 7) {
    const uint64_t byte = *in++;
    if (shift == 63 && byte > 1) return nullptr;
    result |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      *v = result;
      return in;
    }
  }
  return nullptr;
}

}  // namespace varve
