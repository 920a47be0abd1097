// Values of settings as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "varve/status.h"

namespace varve::server {

// "64MiB", "1GB", "4096": bytes, with the units B, kB, MB, GB, TB (powers of 1000) and KiB, MiB,
// GiB, TiB (of 1024).
Result<uint64_t> ParseBytes(std::string_view text);
std::string BytesText(uint64_t bytes);
// "5m", "1h30m": a Prometheus duration.
Result<int64_t> ParseDuration(std::string_view text);
std::string DurationText(int64_t duration_ms);
// A whole number above zero.
Result<uint64_t> ParseCount(std::string_view text);

}  // namespace varve::server
