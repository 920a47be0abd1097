#include "server/remote_read/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace varve::server {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // reflected

using Tables = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][b]: what the byte b does to the sum k bytes later ("slicing by eight").
constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t sum = byte;
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ ((sum & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = sum;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t sum = tables[k - 1][byte];
      tables[k][byte] = sum >> 8 ^ tables[0][sum & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

}  // namespace

uint32_t Crc32c(std::string_view bytes) {
  uint32_t sum = UINT32_MAX;
  while (bytes.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    word ^= sum;
    sum = 0;
    for (size_t k = 0; k < 8; ++k) sum ^= kTables[7 - k][word >> (8 * k) & 0xFF];
    bytes.remove_prefix(8);
  }
  for (const char c : bytes) {
    sum = sum >> 8 ^ kTables[0][(sum ^ static_cast<uint8_t>(c)) & 0xFF];
  }
  return ~sum;
}

}  // namespace varve::server
