// Start times (when counting began) of a chunk's samples. Most stay as they are for long, or each
// is the time of the sample before (delta temporality), so that a sample costs one or two bits.
// Bit layout: docs/FORMATS.md, "Start times".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "storage/codec/bit_stream.h"
#include "varve/status.h"

namespace varve::codec {

// The code of one start time, within a stream that also holds other things.
class StartTimeCode {
 public:
  // `previous_ms`: the timestamp of the sample before, 0 for the first.
  void Put(int64_t start_ms, int64_t previous_ms, BitWriter* out) {
    if (start_ms == last_ms_) {
      out->Put(0, 1);
    } else if (start_ms == previous_ms) {
      out->Put(0b01, 2);
    } else {
      out->Put(0b11, 2);
      out->PutVarint(
          static_cast<int64_t>(static_cast<uint64_t>(start_ms) - static_cast<uint64_t>(last_ms_)));
    }
    last_ms_ = start_ms;
  }
  int64_t Read(int64_t previous_ms, BitReader* in) {
    if (!in->ReadFlag()) return last_ms_;
    last_ms_ = !in->ReadFlag() ? previous_ms
                               : static_cast<int64_t>(static_cast<uint64_t>(last_ms_) +
                                                      static_cast<uint64_t>(in->ReadVarint()));
    return last_ms_;
  }

 private:
  int64_t last_ms_ = 0;
};

// A column of start times beside a chunk of floats, appended sample by sample.
class StartTimeColumn {
 public:
  void Append(int64_t start_ms, int64_t previous_ms) { code_.Put(start_ms, previous_ms, &bits_); }
  std::string_view payload() const { return bits_.view(); }
  size_t MemoryBytes() const { return bits_.MemoryBytes(); }

 private:
  StartTimeCode code_;
  BitWriter bits_;
};

// Appends one start time per timestamp. Error: kDataLoss when the bytes end early; `start_times_ms`
// then holds anything beyond its old end.
inline Status DecodeStartTimes(std::string_view payload, const std::vector<int64_t>& timestamps_ms,
                               size_t first, std::vector<int64_t>* start_times_ms) {
  BitReader in(payload);
  StartTimeCode code;
  int64_t previous_ms = 0;
  for (size_t i = first; i < timestamps_ms.size(); ++i) {
    start_times_ms->push_back(code.Read(previous_ms, &in));
    previous_ms = timestamps_ms[i];
  }
  return in.ok() ? OkStatus() : DataLossError("start times: the bytes end early");
}

}  // namespace varve::codec
