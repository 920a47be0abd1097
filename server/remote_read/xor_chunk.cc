#include "server/remote_read/xor_chunk.h"

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "server/remote_read/bit_writer.h"
#include "server/remote_read/varbit.h"

namespace varve::server {
namespace {

// Changes of the interval by their size: prefix and width. Like those of varbit.h, but others.
void WriteChangeOfInterval(int64_t change, BitWriter* bits) {
  const auto fits = [&](unsigned width) {
    const int64_t half = int64_t{1} << (width - 1);
    return change > -half && change <= half;
  };
  const auto value = static_cast<uint64_t>(change);
  if (change == 0) {
    bits->Zero();
  } else if (fits(14)) {
    bits->Bits(0b10, 2);
    bits->Bits(value, 14);
  } else if (fits(17)) {
    bits->Bits(0b110, 3);
    bits->Bits(value, 17);
  } else if (fits(20)) {
    bits->Bits(0b1110, 4);
    bits->Bits(value, 20);
  } else {
    bits->Bits(0b1111, 4);
    bits->Bits(value, 64);
  }
}

}  // namespace

std::string EncodeXorChunk(std::span<const Sample> samples) {
  VARVE_CHECK(!samples.empty() && samples.size() <= UINT16_MAX);
  std::string chunk;
  BitWriter bits(&chunk);
  bits.Bits(samples.size(), 16);
  XorValue value;
  uint64_t last_time = 0;
  uint64_t interval = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    // Unsigned, so that whatever the times are, the differences wrap as the reader's do.
    const auto time = static_cast<uint64_t>(samples[i].timestamp_ms);
    if (i == 0) {
      WriteVarint(samples[i].timestamp_ms, &bits);
      value.Start(samples[i].value, &bits);
    } else {
      const uint64_t next_interval = time - last_time;
      if (i == 1) {
        WriteUvarint(next_interval, &bits);
      } else {
        WriteChangeOfInterval(static_cast<int64_t>(next_interval - interval), &bits);
      }
      interval = next_interval;
      value.Write(samples[i].value, &bits);
    }
    last_time = time;
  }
  return chunk;
}

}  // namespace varve::server
