// TraceQL text to its tree.
#pragma once

#include <string_view>

#include "query/traceql/ast.h"
#include "varve/status.h"

namespace varve::traceql {

// kInvalidArgument: "parse error at line 1, col 5: ...", as Tempo says it.
Result<Query> Parse(std::string_view text);
// An attribute alone, as in ".service.name", "resource.x", "name", "span:duration".
Result<Attribute> ParseAttribute(std::string_view text);

}  // namespace varve::traceql
