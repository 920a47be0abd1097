// Cases that Prometheus 2 must answer as Prometheus 3 does, for comparing with Debian's 2.42.
#pragma once

#include <string>

#include "tests/differential/comparison.h"

namespace varve::differential {

// Whether version 2.42 has it all, and answers as version 3; the definition lists what differs.
bool IsPrometheus2(const std::string& query);

// Samples, steps and `@` times at different fractions of a second, so that no sample and no step of
// a subquery lies on the left edge of a window, which belongs to it in version 2 only; counters far
// above zero and without resets, because version 2 weighs a rate's first interval differently close
// to zero.
Case ForPrometheus2(Case test);

}  // namespace varve::differential
