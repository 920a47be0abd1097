// Walking a plan.
#pragma once

#include <functional>

#include "query/exec/plan.h"

namespace varve::promql::exec {

// Calls visit(child) for the nodes directly below `node`, in the order in which the query has them.
void VisitChildren(const PlanNode& node, const std::function<void(const PlanNode&)>& visit);

}  // namespace varve::promql::exec
