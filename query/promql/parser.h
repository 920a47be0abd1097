// Parse: PromQL text to a type-checked tree.
#pragma once

#include <memory>
#include <string_view>

#include "query/promql/ast.h"
#include "varve/status.h"

namespace varve::promql {

// Longer texts are refused, so that offsets fit PositionRange and a request cannot hold a thread
// for long.
inline constexpr size_t kQueryBytesMax = size_t{1} << 20;

// Pure. Errors: kInvalidArgument with Prometheus' words and the position, "1:7: parse error: ...",
// also for trees deeper than kTreeDepthMax. Time and memory are linear in the text.
Result<ExprPtr> Parse(std::string_view text);

// The text must be one instant selector without offset or `@`, as in match[] parameters. Errors as
// above; that all matchers accept the empty string is none.
Result<std::unique_ptr<VectorSelector>> ParseVectorSelector(std::string_view text);

}  // namespace varve::promql
