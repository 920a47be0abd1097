// Keys of the data families: part_id (8 bytes, big-endian, so that byte order is number order),
// then the key within the part.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace varve::kv {

inline constexpr size_t kPartIdBytes = 8;

inline std::string PartPrefix(uint64_t part_id) {
  std::string key;
  AppendBigEndian64(&key, part_id);
  return key;
}

// Empty when `key` is too short to hold one.
inline std::optional<uint64_t> PartIdOf(std::string_view key) {
  ByteReader reader(key);
  const uint64_t part_id = reader.BigEndian64();
  if (!reader.ok()) return std::nullopt;
  return part_id;
}

}  // namespace varve::kv
