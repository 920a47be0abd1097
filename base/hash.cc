#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace varve {

uint64_t Hash64(const void* data, size_t size) { return XXH3_64bits(data, size); }

uint64_t Hash64WithSeed(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace varve
