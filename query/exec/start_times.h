// Start timestamps: when counting of a sample began, and what that says of counter resets.
#pragma once

#include <cstdint>

namespace varve::promql::exec {

// A sample's time and its start time; 0: not known.
struct SampleTimes {
  int64_t at_ms = 0;
  int64_t start_ms = 0;
};

// Whether counting began anew between two neighbouring samples. A start not before its own sample
// is no start. One that coincides with the sample before is a reset if that sample had a start of
// its own (delta temporality), and means nothing if it did not (cumulative, start unknown).
inline bool IsStartReset(SampleTimes previous, SampleTimes current) {
  if (current.start_ms == 0 || current.start_ms >= current.at_ms) return false;
  if (current.start_ms != previous.at_ms) return current.start_ms > previous.at_ms;
  return previous.start_ms != 0 && previous.start_ms < previous.at_ms;
}

// Whether a sample claims to count from within the time that the one before has counted: two
// writers, or clocks that disagree.
inline bool StartOverlaps(SampleTimes previous, SampleTimes current) {
  return current.start_ms != 0 && current.start_ms < previous.at_ms &&
         current.start_ms != previous.start_ms;
}

}  // namespace varve::promql::exec
