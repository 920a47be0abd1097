// Little-endian writing and bounds-checked reading of byte strings: the base of every on-disk
// format.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/varint.h"

namespace varve {

static_assert(std::endian::native == std::endian::little,
              "on-disk integers are little-endian; add byte swaps");

template <typename T>
inline void AppendFixed(std::string* out, T v) {
  static_assert(std::is_trivially_copyable_v<T>);
  out->append(reinterpret_cast<const char*>(&v), sizeof v);
}

// Big-endian, so that byte order is number order (RocksDB keys).
inline void AppendBigEndian32(std::string* out, uint32_t v) {
  AppendFixed(out, __builtin_bswap32(v));
}
inline void AppendBigEndian64(std::string* out, uint64_t v) {
  AppendFixed(out, __builtin_bswap64(v));
}

inline void AppendLengthPrefixed(std::string* out, std::string_view bytes) {
  AppendVarint(out, bytes.size());
  out->append(bytes);
}

// A cursor over borrowed bytes. Every read checks the bounds; after the first failure ok() stays
// false and every read yields zero or an empty view, so a decoder may check once at the end of a
// fixed-size header.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : begin_(reinterpret_cast<const uint8_t*>(bytes.data())),
        at_(begin_),
        end_(begin_ + bytes.size()) {}

  bool ok() const { return ok_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  size_t offset() const { return static_cast<size_t>(at_ - begin_); }
  bool done() const { return at_ == end_; }

  template <typename T>
  T Fixed() {
    static_assert(std::is_trivially_copyable_v<T>);
    T v{};
    if (remaining() < sizeof v) return Fail(), T{};
    std::memcpy(&v, at_, sizeof v);
    at_ += sizeof v;
    return v;
  }
  uint32_t BigEndian32() { return __builtin_bswap32(Fixed<uint32_t>()); }
  uint64_t BigEndian64() { return __builtin_bswap64(Fixed<uint64_t>()); }
  uint64_t Varint() {
    uint64_t v = 0;
    const uint8_t* next = DecodeVarint(at_, end_, &v);
    if (next == nullptr) return Fail(), 0;
    at_ = next;
    return v;
  }
  int64_t SignedVarint() { return ZigZagDecode(Varint()); }
  std::string_view Bytes(uint64_t size) {
    if (size > remaining()) return Fail(), std::string_view();
    const std::string_view v(reinterpret_cast<const char*>(at_), size);
    at_ += size;
    return v;
  }
  std::string_view LengthPrefixed() { return Bytes(Varint()); }

 private:
  void Fail() {
    ok_ = false;
    at_ = end_;
  }

  const uint8_t* begin_;
  const uint8_t* at_;
  const uint8_t* end_;
  bool ok_ = true;
};

}  // namespace varve
