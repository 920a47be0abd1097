// Writing the protocol buffers wire format, in the order in which fields are put.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/varint.h"
#include "base/wire_reader.h"

namespace varve::server {

// Thread safety: none.
class ProtoWriter {
 public:
  explicit ProtoWriter(std::string* out) : out_(out) {}

  void Varint(uint32_t field, uint64_t value) {
    AppendVarint(out_, WireTag(field, WireType::kVarint));
    AppendVarint(out_, value);
  }
  void Signed(uint32_t field, int64_t value) { Varint(field, static_cast<uint64_t>(value)); }
  void ZigZag(uint32_t field, int64_t value) { Varint(field, ZigZagEncode(value)); }
  void Double(uint32_t field, double value) {
    AppendVarint(out_, WireTag(field, WireType::kFixed64));
    AppendFixed(out_, std::bit_cast<uint64_t>(value));
  }
  void Bytes(uint32_t field, std::string_view value) {
    AppendVarint(out_, WireTag(field, WireType::kBytes));
    AppendLengthPrefixed(out_, value);
  }
  // `size` bytes of a message follow.
  void BeginMessage(uint32_t field, size_t size) {
    AppendVarint(out_, WireTag(field, WireType::kBytes));
    AppendVarint(out_, size);
  }
  // Calls write(ProtoWriter*) for the message of a field.
  template <typename Write>
  void Message(uint32_t field, Write write) {
    std::string message;
    ProtoWriter writer(&message);
    write(&writer);
    Bytes(field, message);
  }

 private:
  std::string* const out_;
};

}  // namespace varve::server
