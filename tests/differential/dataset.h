// The data of a differential test: a few series, held in the plainest way.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace varve::differential {

using LabelMap = std::map<std::string, std::string>;

struct SeriesData {
  LabelMap labels;
  std::map<int64_t, double> samples;  // by time; stale markers among them
};
using Dataset = std::vector<SeriesData>;

// When a query is evaluated: start_ms, start_ms + step_ms, ... <= end_ms.
struct Times {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 1;
};

// What a query gives: a value per series and time. A scalar is a series without labels.
using Table = std::map<LabelMap, std::map<int64_t, double>>;

std::string ToString(const LabelMap& labels);
std::string ToString(const Table& table);
// The series in the notation of the data, one line each.
std::string ToString(const Dataset& data);

}  // namespace varve::differential
