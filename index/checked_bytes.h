// The frame that the pieces of a part's `series` family share: version byte, body, XXH3 of both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/hash.h"
#include "varve/status.h"

namespace varve::index {

inline constexpr uint8_t kSeriesTableVersion = 1;

inline std::string FrameBytes(std::string_view body) {
  std::string out(1, static_cast<char>(kSeriesTableVersion));
  out.append(body);
  AppendFixed(&out, static_cast<uint32_t>(Hash64(out)));
  return out;
}

// The body. Errors: kDataLoss, kUnimplemented (a newer version).
inline Result<std::string_view> UnframeBytes(std::string_view bytes) {
  constexpr size_t kChecksumBytes = sizeof(uint32_t);
  if (bytes.size() < 1 + kChecksumBytes) return DataLossError("too short");
  const std::string_view checked = bytes.substr(0, bytes.size() - kChecksumBytes);
  const auto stored = ByteReader(bytes.substr(checked.size())).Fixed<uint32_t>();
  if (stored != static_cast<uint32_t>(Hash64(checked))) return DataLossError("checksum mismatch");
  const auto version = static_cast<uint8_t>(checked.front());
  if (version != kSeriesTableVersion)
    return UnimplementedError("unknown version " + std::to_string(version));
  return checked.substr(1);
}

}  // namespace varve::index
