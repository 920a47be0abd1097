// Reading the protocol buffers wire format (https://protobuf.dev/programming-guides/encoding) in
// one pass, in place.
//
// Written by hand rather than with a library because this is the hottest loop of ingest and because
// a refused body must say at which byte it broke: every failure keeps the offset and what was
// expected there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/varint.h"
#include "varve/status.h"

namespace varve {

enum class WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr uint32_t WireTag(uint32_t field, WireType type) {
  return field << 3 | static_cast<uint32_t>(type);
}

// Where and why a body could not be read. `expected` is a literal.
struct WireError {
  const uint8_t* at = nullptr;
  const char* expected = nullptr;
  bool failed() const { return expected != nullptr; }
};

// A cursor over one message. Sub-messages are readers of their own that share the error; the first
// failure wins. A reader that failed is done() and yields zero or nothing, so its loop ends by
// itself; the loops around it go on harmlessly until they look at failed().
class WireReader {
 public:
  WireReader(std::string_view bytes, WireError* error)
      : at_(reinterpret_cast<const uint8_t*>(bytes.data())),
        end_(at_ + bytes.size()),
        error_(error) {}

  bool done() const { return at_ == end_; }
  const uint8_t* at() const { return at_; }
  const uint8_t* end() const { return end_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }

  uint64_t Varint(const char* expected) {
    if (at_ != end_ && *at_ < 0x80) [[likely]] {
      return *at_++;
    }
    return LongVarint(expected);
  }

  // The next field's tag. Field number 0 and tags beyond 32 bits are failures, as the format says.
  uint32_t Tag() {
    const uint8_t* start = at_;
    const uint64_t tag = Varint("a field tag");
    if (tag < 8 || tag > UINT32_MAX) [[unlikely]] {
      Fail(start, "a field tag");
      return 0;
    }
    return static_cast<uint32_t>(tag);
  }

  // Never a null view, also when it failed: what it yields may be read from (its 0 bytes) and
  // compared by address.
  std::string_view Bytes(const char* expected) {
    const uint8_t* start = at_;
    const uint64_t size = Varint(expected);
    if (size > remaining()) [[unlikely]] {
      Fail(start, expected);
      return View(end_, 0);
    }
    const std::string_view bytes = View(at_, size);
    at_ += size;
    return bytes;
  }
  // The empty view at the reader's place, for fields that are absent.
  std::string_view Empty() const { return View(at_, 0); }

  WireReader Message(const char* expected) { return WireReader(Bytes(expected), error_); }

  uint64_t Fixed64(const char* expected) { return Fixed<uint64_t>(expected); }
  uint32_t Fixed32(const char* expected) { return Fixed<uint32_t>(expected); }
  double Double(const char* expected) { return Fixed<double>(expected); }

  // Steps over the value of a field that nothing is known about. Groups and undefined wire types
  // are failures.
  void Skip(uint32_t tag) {
    switch (static_cast<WireType>(tag & 7)) {
      case WireType::kVarint:
        Varint("a varint field");
        return;
      case WireType::kFixed64:
        Fixed<uint64_t>("an 8-byte field");
        return;
      case WireType::kBytes:
        Bytes("a length-delimited field");
        return;
      case WireType::kFixed32:
        Fixed<uint32_t>("a 4-byte field");
        return;
    }
    Fail(at_, "a field of wire type 0, 1, 2 or 5");
  }

  // Goes on at `at`. REQUIRES: it lies between at() and end().
  void ContinueAt(const uint8_t* at) { at_ = at; }

  void Fail(const uint8_t* at, const char* expected) {
    if (!error_->failed()) *error_ = {at, expected};
    at_ = end_;
  }
  bool failed() const { return error_->failed(); }
  WireError* error() const { return error_; }

 private:
  static std::string_view View(const uint8_t* bytes, size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
  }

  // Timestamps are six bytes long: up to eight are taken at once, by bringing the 7-bit groups
  // together pairwise.
  uint64_t LongVarint(const char* expected) {
    if (remaining() < sizeof(uint64_t)) return SlowVarint(expected);
    uint64_t word;
    std::memcpy(&word, at_, sizeof word);
    const uint64_t stops = ~word & 0x8080808080808080;
    if (stops == 0) [[unlikely]] {
      return SlowVarint(expected);
    }
    at_ += (static_cast<unsigned>(__builtin_ctzll(stops)) + 1) / 8;
    word &= (stops ^ (stops - 1)) & 0x7f7f7f7f7f7f7f7f;
    word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
    word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
    return (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
  }

  uint64_t SlowVarint(const char* expected) {
    uint64_t value = 0;
    const uint8_t* next = DecodeVarint(at_, end_, &value);
    if (next == nullptr) {
      Fail(at_, expected);
      return 0;
    }
    at_ = next;
    return value;
  }

  template <typename T>
  T Fixed(const char* expected) {
    if (remaining() < sizeof(T)) [[unlikely]] {
      Fail(at_, expected);
      return T{};
    }
    T value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

  const uint8_t* at_;
  const uint8_t* end_;
  WireError* error_;
};

// "byte 17 of 290: expected the length of a label name". REQUIRES: error.failed(), and it arose
// within `body`.
inline Status WireErrorStatus(const WireError& error, std::string_view body) {
  const auto offset = error.at - reinterpret_cast<const uint8_t*>(body.data());
  return InvalidArgumentError("byte " + std::to_string(offset) + " of " +
                              std::to_string(body.size()) + " of the decompressed body: expected " +
                              error.expected);
}

}  // namespace varve
