// A range vector with `anchored` or `smoothed` edges as a result of its own.
#pragma once

#include <cstdint>

#include "engine/reader.h"
#include "query/promql/ast.h"

namespace varve::promql::exec {

// Replaces the floats of a series around the range (start_ms, end_ms] by those inside it and one at
// each edge, with the value that the edge's samples give. Leaves nothing when none of them lies
// behind the start. REQUIRES: no stale markers; `edges` is not kPlain.
void ExtendToEdges(RangeEdges edges, int64_t start_ms, int64_t end_ms,
                   engine::SampleBuffer* samples);

}  // namespace varve::promql::exec
