// An executed plan as JSON.
#pragma once

#include <span>

#include "server/api/json_writer.h"
#include "varve/promql.h"

namespace varve::server {

// The key plan: {"operation":"...","series":1,"chunks":0,"samples":0,"bytes":0,"seconds":0.001,
// "children":[...]}, or null for no node. `nodes`: as QueryResult::explain. REQUIRES: an object is
// open.
void WriteExplanation(std::span<const promql::ExplainNode> nodes, JsonWriter* json);

}  // namespace varve::server
