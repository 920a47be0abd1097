// Prometheus' XOR chunk: floats
// (https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md#xor-chunk-data).
#pragma once

#include <span>
#include <string>

#include "varve/sample.h"

namespace varve::server {

// REQUIRES: 1 to 65535 samples, ascending in time.
std::string EncodeXorChunk(std::span<const Sample> samples);

}  // namespace varve::server
