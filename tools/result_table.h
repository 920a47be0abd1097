// Query results for a terminal.
#pragma once

#include <string>

#include "varve/promql.h"

namespace varve::tools {

// One line per sample: value, time (seconds), series; a matrix has its series as headings.
std::string ResultTable(const promql::QueryResult& result);

}  // namespace varve::tools
