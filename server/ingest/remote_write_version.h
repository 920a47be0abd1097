// The two remote write messages that are spoken.
#pragma once

#include <cstdint>

namespace varve::server {

enum class RemoteWriteVersion : uint8_t {
  kV1,  // prometheus.WriteRequest
  kV2,  // io.prometheus.write.v2.Request
};

}  // namespace varve::server
