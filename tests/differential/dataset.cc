#include "tests/differential/dataset.h"

#include <bit>

#include "query/promql/literal.h"
#include "varve/sample.h"

namespace varve::differential {
namespace {

std::string ValueText(double value) {
  if (std::bit_cast<uint64_t>(value) == kStaleMarkerBits) return "stale";
  return promql::FormatFloatGo(value);
}

std::string SamplesText(const std::map<int64_t, double>& samples) {
  std::string out;
  for (const auto& [time, value] : samples) {
    out += " " + ValueText(value) + "@" + std::to_string(time);
  }
  return out;
}

}  // namespace

std::string ToString(const LabelMap& labels) {
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    if (out.size() > 1) out += ",";
    out += name + "=" + promql::Quote(value);
  }
  return out + "}";
}

std::string ToString(const Table& table) {
  std::string out;
  for (const auto& [labels, points] : table) {
    out += "  " + ToString(labels) + SamplesText(points) + "\n";
  }
  return out.empty() ? "  (nothing)\n" : out;
}

std::string ToString(const Dataset& data) {
  std::string out;
  for (const SeriesData& series : data) {
    out += "  " + ToString(series.labels) + SamplesText(series.samples) + "\n";
  }
  return out;
}

}  // namespace varve::differential
