// What the encoder and the decoder of histogram chunks share: the state between two samples.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "storage/codec/start_times.h"
#include "varve/histogram.h"

namespace varve::codec::histogram {

// Prefix of a sample, after its times: that many one bits, then a zero bit (the last does without).
// On disk.
enum Prefix : unsigned {
  kNumbers = 0,      // numbers follow
  kUnchanged = 1,    // every number as in the sample before
  kNewLayout = 2,    // a layout, then numbers
  kNewHint = 3,      // a reset hint, then numbers
  kStaleMarker = 4,  // form and reset hint of one
};
inline constexpr unsigned kFormBits = 1;
inline constexpr unsigned kHintBits = 2;
inline constexpr unsigned kLeadingBits = 6;
inline constexpr unsigned kSignificantBits = 6;
// Counts beyond are not told as integers: doubles do not have them all.
inline constexpr uint64_t kIntegerMax = uint64_t{1} << 53;

// Everything of a histogram that rarely changes.
struct Layout {
  Histogram::Form form = Histogram::Form::kFloat;
  bool whole_counts = false;  // counts are told as integers
  int32_t schema = 0;
  double zero_threshold = 0;
  std::vector<BucketSpan> positive_spans;
  std::vector<BucketSpan> negative_spans;
  std::vector<double> custom_values;
};

// One number from sample to sample.
struct Track {
  uint64_t last = 0;  // the integer, or the bits
  uint64_t delta = 0;
  uint8_t leading_zeros = 0;     // of the XOR window
  uint8_t significant_bits = 0;  // 0: no window yet
  bool seen = false;

  // The difference to what is expected, and back; of integers.
  int64_t Miss(uint64_t value) const { return static_cast<int64_t>(value - last - delta); }
  uint64_t Expected() const { return last + delta; }
  // The first value says nothing about the change to come.
  void Learn(uint64_t value) {
    delta = seen ? value - last : 0;
    last = value;
    seen = true;
  }
};

struct State {
  uint32_t sample_count = 0;
  int64_t timestamp_ms = 0;
  int64_t expected_delta = 0;
  StartTimeCode start_code;
  bool has_layout = false;
  Layout layout;
  CounterResetHint hint = CounterResetHint::kUnknown;
  Track count;
  Track zero_count;
  Track sum;
  std::vector<Track> positive;
  std::vector<Track> negative;

  // Learns that every number is as it was.
  void StandStill();
  // Goes on under `next`: what it has in common with the layout before keeps its track.
  void ChangeLayout(Layout next);
};

// The number of buckets; spans of a valid histogram.
size_t BucketCount(std::span<const BucketSpan> spans);

}  // namespace varve::codec::histogram
