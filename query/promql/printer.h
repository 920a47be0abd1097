// Trees back to text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "query/promql/ast.h"

namespace varve::promql {

// One line, in the form of Prometheus' String(): `sum by (job) (rate(up{job="x"}[5m]))`. Parses
// back to an equal tree.
std::string Print(const Expr& expr);
// Whether Print() needs at most `bytes_max` bytes; cheaper than asking it.
bool PrintsWithin(const Expr& expr, size_t bytes_max);
// Laid out as by `promtool promql format`: what does not fit 100 columns is split, with two spaces
// per level.
std::string Prettify(const Expr& expr);
// A duration as Prometheus prints it: "1h30m", "0s", "-5m".
std::string PrintDuration(int64_t duration_ms);

// The parts of Print() that stand in a line of their own when a node is split.
// `sum by (job) `, `topk`.
std::string PrintAggregationHead(const Aggregation& aggregation);
// `/ on (job) group_left (name)`.
std::string PrintBinaryHead(const Binary& binary);
// Whether the left side is an infinity raised to a power, which must be printed as "Inf": the sign
// of "+Inf" would be read back as one of the whole power.
bool HasInfiniteBase(const Binary& binary);
// `[5m:1m] @ start() offset 1h`.
std::string PrintSubqueryTail(const Subquery& subquery);

}  // namespace varve::promql
