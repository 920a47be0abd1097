#include "tests/differential/prometheus2.h"

#include <re2/re2.h>

#include <cmath>
#include <utility>

namespace varve::differential {
namespace {

constexpr int64_t kSecondMs = 1000;

// Into (.100, .400) of its second.
int64_t OffTheSteps(int64_t time_ms) {
  return time_ms - time_ms % kSecondMs + 101 + time_ms % kSecondMs * 7 % 299;
}

void RemakeCounter(std::map<int64_t, double>* samples) {
  double total = 1e6;
  for (auto& [time, value] : *samples) {
    if (std::isfinite(value)) total += std::floor(std::abs(value));
    value = total;
  }
}

}  // namespace

bool IsPrometheus2(const std::string& query) {
  for (const char* pattern : {
           // Later than 2.42.
           "first_over_time|ts_of_|mad_over_time|double_exponential|fill",
           // The metric name stays.
           "atan2",
           // Of one infinity alone the deviation is 0.
           "(stddev|stdvar)( |\\()",
           // Series without their names are refused as equal even if never at the same time.
           "__name__=~",
           // What the comparison drops does not count as a match.
           "(==|!=|<|>|<=|>=) (bool )?on ",
           // Close to zero the first interval weighs differently.
           "(rate|increase)\\((\\(|gauge|other|per_job)",
           // The window moves with the steps, `@` or not.
           "predict_linear.*@",
           // The left edge of a window belongs to it, and steps of subqueries lie on those of
           // others.
           "\\[[0-9a-z]+:.*\\[[0-9a-z]+:",
       }) {
    if (RE2::PartialMatch(query, pattern)) return false;
  }
  return true;
}

Case ForPrometheus2(Case test) {
  for (SeriesData& series : test.data) {
    std::map<int64_t, double> moved;
    for (const auto& [time, value] : series.samples) moved[OffTheSteps(time)] = value;
    series.samples = std::move(moved);
    if (series.labels["__name__"] == "counter_total") RemakeCounter(&series.samples);
  }
  test.times.start_ms += kSecondMs / 2;
  test.times.end_ms += kSecondMs / 2;
  RE2::GlobalReplace(&test.query, "@ ([0-9]+)", "@ \\1.5");
  return test;
}

}  // namespace varve::differential
