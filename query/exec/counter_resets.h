// Where a counter began anew, and other events between neighbouring samples: what the kernels of
// the rate family share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "query/exec/range_kernels.h"

namespace varve::promql::exec {

// The indices of the samples before which the counter began anew: those less than the one before,
// and those whose start times say so, where start times are heeded.
void FindResets(const RangeInput& in, std::vector<uint32_t>* resets);

// For each sample the number of resets, or of changes of the value, among the samples up to it.
void CountResets(const RangeInput& in, std::vector<uint32_t>* counts);
void CountChanges(const RangeInput& in, std::vector<uint32_t>* counts);

}  // namespace varve::promql::exec
