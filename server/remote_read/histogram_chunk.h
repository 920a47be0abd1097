// Prometheus' histogram chunks, integer and float
// (https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md#histogram-chunk-data).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "varve/histogram.h"

namespace varve::server {

// What a chunk says of its first histogram. Of the others it says that the counter went on, so a
// chunk holds no reset but at its beginning; in a chunk of gauges there are none.
enum class ResetHeader : uint8_t {
  kUnknown = 0x00,
  kNoReset = 0x40,
  kReset = 0x80,
  kGauge = 0xC0,
};

// Whether `next` may follow `last` within a chunk: same form and layout, and of counters no reset.
// After a stale marker only another one may.
bool FollowsInChunk(const Histogram& last, const Histogram& next);
// The header of a chunk that begins with `first`; `last`: the histogram before it, if there is one.
ResetHeader HeaderOf(const Histogram* last, const Histogram& first);

// Of the form of the first one. REQUIRES: 1 to 65535 samples, ascending in time, each of which
// FollowsInChunk the one before; integer counts are whole numbers up to 2^53.
std::string EncodeHistogramChunk(std::span<const HistogramSample> samples, ResetHeader header);

}  // namespace varve::server
