// Gorilla chunks: delta-of-delta timestamps and XORed values (Pelkonen et al., "Gorilla: A Fast,
// Scalable, In-Memory Time Series Database", VLDB 2015), with one joint control prefix per sample
// so that the commonest sample, on time and unchanged, costs one bit, and a stale marker six. "On
// time" is judged against a clock of whole seconds: scrapers jitter around a fixed grid, so a late
// sample is expected to be followed by one that is back on the grid.
// Bit layout: docs/FORMATS.md, "Gorilla chunk".
//
// Pure functions over bytes: no I/O, no clock, no allocation while encoding. Lossless to the bit
// for every value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "varve/status.h"

namespace varve::codec {

// The encoder's state between two samples of one chunk; the bytes belong to the caller. All zero:
// an empty chunk.
struct GorillaState {
  int64_t last_timestamp = 0;
  int64_t expected_delta = 0;    // from last_timestamp to a sample that is on time
  uint64_t last_value_bits = 0;  // of the last sample that was not a stale marker
  uint32_t bit_count = 0;        // bits of the payload in use
  uint16_t sample_count = 0;
  uint8_t leading_zeros = 0;     // of the current XOR window
  uint8_t significant_bits = 0;  // of the current XOR window; 0: none yet
};
static_assert(sizeof(GorillaState) == 32);

// GorillaAppend writes at most so many bytes beyond the payload's current end.
inline constexpr size_t kGorillaAppendBytesMax = 32;
inline constexpr size_t kGorillaSampleCountMax = 65535;

// Appends one sample. REQUIRES: room for GorillaBytes(*state) + kGorillaAppendBytesMax bytes at
// `payload`; fewer than kGorillaSampleCountMax samples. Timestamps may be in any order (deltas
// wrap), small when they ascend evenly. Bytes beyond GorillaBytes() after the call are scratch.
void GorillaAppend(GorillaState* state, uint8_t* payload, int64_t timestamp_ms, double value);

// Bytes of the payload that hold its samples so far.
inline size_t GorillaBytes(const GorillaState& state) { return (state.bit_count + size_t{7}) / 8; }

// Appends the first `sample_count` samples of `payload` to the two columns; the payload may hold
// more (an encoder may have gone on). Error: kDataLoss when the bytes end early or mean nothing;
// then the columns hold what was decoded before.
Status GorillaDecode(std::string_view payload, uint32_t sample_count,
                     std::vector<int64_t>* timestamps_ms, std::vector<double>* values);

}  // namespace varve::codec
