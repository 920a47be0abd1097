// Prints random cases as JSON, for comparing servers: one document per line with the data and the
// queries for it. Values are the bits of the double in hexadecimal.
//
//   differential_cases SEED DATASETS QUERIES_EACH
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "query/promql/literal.h"
#include "tests/differential/generator.h"
#include "tests/differential/prometheus2.h"

namespace varve::differential {
namespace {

// The generator writes printable ASCII only, where Go's quotes are JSON's.
std::string Json(const std::string& text) { return promql::Quote(text); }

void PrintData(const Dataset& data) {
  std::printf("{\"data\":[");
  const char* comma = "";
  for (const SeriesData& series : data) {
    std::printf("%s{\"labels\":{", comma);
    comma = "";
    for (const auto& [name, value] : series.labels) {
      std::printf("%s%s:%s", comma, Json(name).c_str(), Json(value).c_str());
      comma = ",";
    }
    std::printf("},\"samples\":[");
    comma = "";
    for (const auto& [time, value] : series.samples) {
      std::printf("%s[%" PRId64 ",\"%" PRIx64 "\"]", comma, time, std::bit_cast<uint64_t>(value));
      comma = ",";
    }
    std::printf("]}");
    comma = ",";
  }
  std::printf("],\"queries\":[");
}

void PrintDataset(uint64_t seed, uint64_t query_count) {
  Random random(seed);
  Case test;
  test.data = RandomDataset(&random);
  PrintData(ForPrometheus2(test).data);
  for (uint64_t printed = 0; printed < query_count;) {
    test.query = QueryGenerator(&random).Query();
    test.times = RandomTimes(&random);
    const bool instant = random() % 3 == 0;
    if (!IsPrometheus2(test.query)) continue;
    const Case shown = ForPrometheus2({{}, test.query, test.kind, test.times});
    std::printf("%s{\"query\":%s,\"instant\":%s,\"start\":%" PRId64 ",\"end\":%" PRId64
                ",\"step\":%" PRId64 "}",
                printed == 0 ? "" : ",", Json(shown.query).c_str(), instant ? "true" : "false",
                shown.times.start_ms, shown.times.end_ms, shown.times.step_ms);
    ++printed;
  }
  std::printf("]}\n");
}

}  // namespace
}  // namespace varve::differential

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: differential_cases SEED DATASETS QUERIES_EACH\n");
    return 2;
  }
  const uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  const uint64_t datasets = std::strtoull(argv[2], nullptr, 10);
  for (uint64_t i = 0; i < datasets; ++i) {
    varve::differential::PrintDataset(seed + i, std::strtoull(argv[3], nullptr, 10));
  }
  return 0;
}
