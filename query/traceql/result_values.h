// Values as results show them.
#pragma once

#include "query/traceql/value.h"
#include "varve/traceql.h"

namespace varve::traceql {

// Of a list the first element.
ResultValue ToResult(const Value& value);

}  // namespace varve::traceql
