#include "server/api/explanation_json.h"

#include <cstddef>

namespace varve::server {
namespace {

void WriteFields(const promql::ExplainNode& node, JsonWriter* json) {
  json->Key("operation");
  json->String(node.operation);
  json->Key("series");
  json->Integer(node.series);
  json->Key("chunks");
  json->Integer(node.chunks);
  json->Key("samples");
  json->Integer(node.samples);
  json->Key("bytes");
  json->Integer(node.bytes);
  if (node.rollup_rows > 0) {
    json->Key("rollupRows");
    json->Integer(node.rollup_rows);
    json->Key("rollupSeconds");
    json->Double(static_cast<double>(node.rollup_resolution_ms) / 1000);
  }
  json->Key("seconds");
  json->Double(static_cast<double>(node.elapsed_ns) / 1e9);
}

}  // namespace

// Without recursion: a query nests as deep as its author likes. Each node's array of children stays
// open until a node that is no deeper comes; there is one root.
void WriteExplanation(std::span<const promql::ExplainNode> nodes, JsonWriter* json) {
  json->Key("plan");
  if (nodes.empty()) return json->Null();
  const size_t root = nodes.front().depth;
  size_t open = 0;  // nodes that are not closed yet
  const auto close_to = [&](size_t depth) {
    for (; open > depth; --open) {
      json->EndArray();
      json->EndObject();
    }
  };
  for (const promql::ExplainNode& node : nodes) {
    close_to(node.depth > root ? node.depth - root : size_t{open > 0});
    json->BeginObject();
    WriteFields(node, json);
    json->Key("children");
    json->BeginArray();
    ++open;
  }
  close_to(0);
}

}  // namespace varve::server
