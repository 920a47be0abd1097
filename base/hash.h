// XXH3, the one hash and checksum of the project (https://github.com/Cyan4973/xxHash, XXH3_64bits).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace varve {

uint64_t Hash64(const void* data, size_t size);
inline uint64_t Hash64(std::string_view bytes) { return Hash64(bytes.data(), bytes.size()); }
uint64_t Hash64WithSeed(std::string_view bytes, uint64_t seed);

// A cheap bijective mixer for integers (the finaliser of SplitMix64).
inline uint64_t MixBits(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace varve
