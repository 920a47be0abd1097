// Trees back to text.
#pragma once

#include <string>

#include "query/promql/ast.h"

namespace varve::promql {

// One line, in the form of Prometheus' String(): `sum by (job) (rate(up{job="x"}[5m]))`. Parses
// back to an equal tree.
std::string Print(const Expr& expr);
// Laid out as by `promtool promql format`: what does not fit 100 columns is split, with two spaces
// per level.
std::string Prettify(const Expr& expr);
// A duration as Prometheus prints it: "1h30m", "0s", "-5m".
std::string PrintDuration(int64_t duration_ms);

}  // namespace varve::promql
