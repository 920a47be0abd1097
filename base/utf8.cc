#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace varve {

bool IsValidUtf8(std::string_view text) {
  const auto* at = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* const end = at + text.size();
  while (at < end) {
    uint64_t block;
    if (end - at >= 8 && (std::memcpy(&block, at, 8), (block & 0x8080808080808080u) == 0)) {
      at += 8;
      continue;
    }
    const uint8_t lead = *at;
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const int trail = lead >= 0xc2 && lead <= 0xdf   ? 1
                      : (lead & 0xf0) == 0xe0        ? 2
                      : lead >= 0xf0 && lead <= 0xf4 ? 3
                                                     : 0;
    if (trail == 0 || end - at <= trail) return false;
    // The second byte's range excludes overlong forms, surrogates and code points above U+10FFFF.
    const uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high) return false;
    for (int i = 2; i <= trail; ++i) {
      if ((at[i] & 0xc0) != 0x80) return false;
    }
    at += trail + 1;
  }
  return true;
}

}  // namespace varve
