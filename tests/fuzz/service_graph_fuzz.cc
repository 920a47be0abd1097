// Any bytes given as the ends of calls that wait are read or refused; what is read comes back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "engine/traces/service_graph.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using varve::engine::ServiceGraph;
  ServiceGraph graph((ServiceGraph::Limits()));
  varve::ByteReader reader(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!graph.Decode(&reader)) return 0;
  std::string encoded;
  graph.Encode(&encoded);
  ServiceGraph again((ServiceGraph::Limits()));
  varve::ByteReader second(encoded);
  VARVE_CHECK(again.Decode(&second) && second.done());
  VARVE_CHECK(again.waiting() == graph.waiting());
  varve::engine::ServiceCall call;
  while (graph.TakeExpired(INT64_MAX, &call)) {
  }
  return 0;
}
