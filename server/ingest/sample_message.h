// The Sample message of remote write: value (1), timestamp (2) and, in 2.0, start_timestamp (3).
#pragma once

#include <bit>
#include <cstdint>

#include "base/wire_reader.h"
#include "server/ingest/remote_write_version.h"
#include "varve/sample.h"

namespace varve::server {

struct StartedSample {
  Sample sample;
  int64_t start_ms = 0;  // 0: not known
};

// In the header and by template, because most of ingest is this loop.
template <RemoteWriteVersion kVersion>
StartedSample DecodeSample(WireReader message) {
  StartedSample decoded;
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == WireTag(1, WireType::kFixed64)) {
      decoded.sample.value = message.Double("the 8 bytes of a sample value");
    } else if (tag == WireTag(2, WireType::kVarint)) {
      decoded.sample.timestamp_ms = std::bit_cast<int64_t>(message.Varint("a sample timestamp"));
    } else if (kVersion == RemoteWriteVersion::kV2 && tag == WireTag(3, WireType::kVarint)) {
      decoded.start_ms = std::bit_cast<int64_t>(message.Varint("a start timestamp"));
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return decoded;
}

}  // namespace varve::server
