// The Histogram message of remote write 1.0 and 2.0, which differ in one field, and which remote
// read sends back (https://github.com/prometheus/prometheus/blob/main/prompb/types.proto).
#pragma once

#include "base/wire_reader.h"
#include "server/ingest/remote_write_version.h"
#include "varve/histogram.h"

namespace varve::server {

// Fails the reader's shared error where a known field has the wrong wire type or is cut off.
// Whether the histogram makes sense is for Histogram::Validate to say: whatever is wrong with its
// numbers is kept for it to see. Integer counts become absolute; above 2^53 the histogram takes the
// float form (docs/decisions/0004), provided that its buckets add up. Standard schemas finer than
// kSchemaMax, up to kWireSchemaMax, are brought down to it, as in Prometheus.
HistogramSample DecodeHistogram(WireReader message, RemoteWriteVersion version);

inline constexpr int32_t kWireSchemaMax = 52;

}  // namespace varve::server
