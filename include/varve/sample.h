// Sample: one float at a time.
#pragma once

#include <cstdint>

namespace varve {

// NaN with the bits 0x7ff0000000000002: "this series ended here" (Prometheus' staleness marker).
inline constexpr uint64_t kStaleMarkerBits = 0x7ff0000000000002;

struct Sample {
  int64_t timestamp_ms = 0;  // Unix epoch
  double value = 0;          // every bit pattern is kept, NaN payloads and -0.0 included
};

}  // namespace varve
