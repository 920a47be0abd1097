// CRC-32C (Castagnoli; RFC 3720 appendix B.4), which remote read's frames carry.
#pragma once

#include <cstdint>
#include <string_view>

namespace varve::server {

uint32_t Crc32c(std::string_view bytes);

}  // namespace varve::server
