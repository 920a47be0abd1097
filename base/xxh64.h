// XXH64 with seed 0 (https://github.com/Cyan4973/xxHash), where somebody else's choice of hash
// shows in a result. For everything of our own: base/hash.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace varve {

uint64_t Xxh64(std::string_view bytes);

}  // namespace varve
