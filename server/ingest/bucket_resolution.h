// Coarser buckets out of finer ones.
#pragma once

#include <cstdint>

#include "varve/histogram.h"

namespace varve::server {

// Merges the buckets of a histogram of a standard schema into those of the coarser `schema`, which
// loses no observation. One whose spans do not fit its buckets is left as it is, for
// Histogram::Validate to refuse. REQUIRES: schema < histogram->schema.
void ReduceResolution(int32_t schema, Histogram* histogram);

}  // namespace varve::server
