// Functions of range vectors, sample by sample.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/differential/naive_evaluator.h"

namespace varve::differential {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

enum class RateKind : uint8_t { kRate, kIncrease, kDelta };

// How much the value grew, stretched from the samples to the edges of the window.
double Extrapolated(RateKind kind, const Window& window) {
  const auto& points = window.points;
  double result = points.back().second - points.front().second;
  if (kind != RateKind::kDelta) {
    for (size_t i = 1; i < points.size(); ++i) {
      if (points[i].second < points[i - 1].second) result += points[i - 1].second;
    }
  }
  double to_start = Seconds(points.front().first - window.start_ms);
  double to_end = Seconds(window.end_ms - points.back().first);
  const double sampled = Seconds(points.back().first - points.front().first);
  const double average = sampled / static_cast<double>(points.size() - 1);
  const double threshold = average * 1.1;
  if (to_start >= threshold) to_start = average / 2;
  if (kind != RateKind::kDelta && result > 0 && points.front().second >= 0) {
    // A counter was never below zero.
    to_start = std::min(to_start, sampled * (points.front().second / result));
  }
  if (to_end >= threshold) to_end = average / 2;
  double factor = (sampled + to_start + to_end) / sampled;
  if (kind == RateKind::kRate) factor /= Seconds(window.end_ms - window.start_ms);
  return result * factor;
}

double Sum(const std::vector<double>& values) {
  long double sum = 0;
  for (const double value : values) sum += value;
  return static_cast<double>(sum);
}

double Variance(const std::vector<double>& values) {
  const auto n = static_cast<long double>(values.size());
  long double sum = 0;
  for (const double value : values) sum += value;
  const long double mean = sum / n;
  long double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return static_cast<double>(squares / n);
}

// Least squares; the value at `origin_ms` and the slope per second.
std::pair<double, double> Regression(const Window& window, int64_t origin_ms) {
  long double n = 0, sum_x = 0, sum_y = 0, sum_xy = 0, sum_xx = 0;
  bool constant = true;
  for (const auto& [time, value] : window.points) {
    constant = constant && (n == 0 || value == window.points.front().second);
    const long double x = static_cast<long double>(time - origin_ms) / 1000;
    n += 1;
    sum_x += x;
    sum_y += value;
    sum_xy += x * value;
    sum_xx += x * x;
  }
  if (constant) {
    const double value = window.points.front().second;
    return std::isinf(value) ? std::make_pair(kNan, kNan) : std::make_pair(value, 0.0);
  }
  const long double slope = (sum_xy - sum_x * sum_y / n) / (sum_xx - sum_x * sum_x / n);
  return {static_cast<double>(sum_y / n - slope * sum_x / n), static_cast<double>(slope)};
}

double Smoothed(const std::vector<double>& values, double factor, double trend_factor) {
  double before = 0;
  double level = values[0];
  double trend = values[1] - values[0];
  for (size_t i = 1; i < values.size(); ++i) {
    if (i > 1) trend = trend_factor * (level - before) + (1 - trend_factor) * trend;
    const double next = factor * values[i] + (1 - factor) * (level + trend);
    before = level;
    level = next;
  }
  return level;
}

double CountSteps(const std::vector<double>& values, bool (*counts)(double, double)) {
  double count = 0;
  for (size_t i = 1; i < values.size(); ++i) count += counts(values[i - 1], values[i]) ? 1 : 0;
  return count;
}

// The index of the sample that `better` prefers to all others; a later one wins over its equal
// where `better` says so. NaN is worse than anything.
size_t Best(const std::vector<double>& values, bool (*better)(double, double)) {
  size_t best = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    if (better(values[i], values[best]) || std::isnan(values[best])) best = i;
  }
  return best;
}

// Functions that need two samples; false when `name` is none of them.
bool ApplyToPairs(const std::string& name, const Window& window, const std::vector<double>& values,
                  const std::vector<double>& args, int64_t t, double* out) {
  const size_t n = values.size();
  const auto& points = window.points;
  if (name == "rate") return *out = Extrapolated(RateKind::kRate, window), true;
  if (name == "increase") return *out = Extrapolated(RateKind::kIncrease, window), true;
  if (name == "delta") return *out = Extrapolated(RateKind::kDelta, window), true;
  if (name == "idelta") return *out = values[n - 1] - values[n - 2], true;
  if (name == "irate") {
    const bool reset = values[n - 1] < values[n - 2];
    const double growth = reset ? values[n - 1] : values[n - 1] - values[n - 2];
    return *out = growth / Seconds(points[n - 1].first - points[n - 2].first), true;
  }
  if (name == "deriv") return *out = Regression(window, points.front().first).second, true;
  if (name == "predict_linear") {
    const auto [value, slope] = Regression(window, t);
    return *out = value + slope * args[0], true;
  }
  if (name == "double_exponential_smoothing") {
    return *out = Smoothed(values, args[0], args[1]), true;
  }
  return false;
}

bool NeedsPairs(const std::string& name) {
  for (const char* pair : {"rate", "increase", "delta", "idelta", "irate", "deriv",
                           "predict_linear", "double_exponential_smoothing"}) {
    if (name == pair) return true;
  }
  return false;
}

double OverTime(const std::string& name, const Window& window, const std::vector<double>& values,
                const std::vector<double>& args) {
  const auto greater = [](double a, double b) { return a > b; };
  const auto less = [](double a, double b) { return a < b; };
  const auto time_of = [&](size_t i) { return Seconds(window.points[i].first); };
  if (name == "sum_over_time") return Sum(values);
  if (name == "avg_over_time") return Sum(values) / static_cast<double>(values.size());
  if (name == "count_over_time") return static_cast<double>(values.size());
  if (name == "min_over_time") return values[Best(values, less)];
  if (name == "max_over_time") return values[Best(values, greater)];
  if (name == "last_over_time") return values.back();
  if (name == "first_over_time") return values.front();
  if (name == "stddev_over_time") return std::sqrt(Variance(values));
  if (name == "stdvar_over_time") return Variance(values);
  if (name == "quantile_over_time") return NaiveQuantile(args[0], values);
  if (name == "changes") {
    return CountSteps(
        values, [](double a, double b) { return a != b && !(std::isnan(a) && std::isnan(b)); });
  }
  if (name == "resets") return CountSteps(values, [](double a, double b) { return b < a; });
  if (name == "ts_of_first_over_time") return time_of(0);
  if (name == "ts_of_last_over_time") return time_of(values.size() - 1);
  if (name == "ts_of_max_over_time") {
    return time_of(Best(values, [](double a, double b) { return a >= b; }));
  }
  if (name == "ts_of_min_over_time") {
    return time_of(Best(values, [](double a, double b) { return a <= b; }));
  }
  if (name == "mad_over_time") {
    const double median = NaiveQuantile(0.5, values);
    std::vector<double> distances;
    for (const double value : values) distances.push_back(std::abs(value - median));
    return NaiveQuantile(0.5, distances);
  }
  return 1;  // present_over_time
}

}  // namespace

double NaiveQuantile(double q, std::vector<double> values) {
  if (values.empty() || std::isnan(q)) return kNan;
  if (q < 0) return -kInfinity;
  if (q > 1) return kInfinity;
  std::stable_sort(values.begin(), values.end(),
                   [](double a, double b) { return a < b || (std::isnan(a) && !std::isnan(b)); });
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto lower = static_cast<size_t>(std::floor(rank));
  const size_t upper = std::min(values.size() - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  return values[lower] * (1 - weight) + values[upper] * weight;
}

bool KeepsMetricName(const std::string& range_function) {
  return range_function == "last_over_time" || range_function == "first_over_time";
}

bool ApplyRangeFunction(const std::string& name, const Window& window,
                        const std::vector<double>& args, int64_t t, double* value) {
  std::vector<double> values;
  for (const auto& point : window.points) values.push_back(point.second);
  if (NeedsPairs(name)) {
    return values.size() >= 2 && ApplyToPairs(name, window, values, args, t, value);
  }
  if (values.empty()) return false;
  *value = OverTime(name, window, values, args);
  return true;
}

}  // namespace varve::differential
