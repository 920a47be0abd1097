// Classic histograms of a load as native ones with custom bounds, for load_with_nhcb.
#pragma once

#include <vector>

#include "tests/conformance/script.h"

namespace varve::conformance {

// One series for every family `x_bucket`, `x_sum`, `x_count` in `load`, named `x` and without `le`.
std::vector<SeriesLine> CustomBucketSeries(const LoadCommand& load);

}  // namespace varve::conformance
