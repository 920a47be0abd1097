#include "tests/conformance/expectation.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "query/promql/literal.h"

namespace varve::conformance {
namespace {

using Failure = std::optional<std::string>;
using Kind = Expectation::Kind;

constexpr double kEpsilon = 1e-6;

struct ExpectedSeries {
  size_t position = 0;
  const SeriesLine* line = nullptr;
};

// Later lines of the same series replace earlier ones, as in the reference.
std::map<Labels, ExpectedSeries> ExpectedByLabels(const EvalCommand& eval) {
  std::map<Labels, ExpectedSeries> out;
  for (size_t i = 0; i < eval.series.size(); ++i) out[eval.series[i].labels] = {i, &eval.series[i]};
  return out;
}

std::string Show(const promql::Vector& vector) {
  std::string out = "[";
  for (const promql::VectorSample& sample : vector) {
    if (out.size() > 600) return out + " ...]";
    if (out.size() > 1) out += "; ";
    out += sample.labels.ToString() + " " +
           (sample.histogram != nullptr ? ShowHistogram(*sample.histogram)
                                        : promql::FormatFloat(sample.point.value));
  }
  return out + "]";
}

std::string Show(std::span<const promql::Point> points) {
  std::string out;
  for (const promql::Point& point : points) {
    if (out.size() > 400) return out + " ...";
    out += " " + promql::FormatFloat(point.value) + "@" + std::to_string(point.timestamp_ms);
  }
  return out;
}

Failure CheckScalar(const EvalCommand& eval, double got) {
  if (!eval.scalar.has_value())
    return "want a vector or matrix, got scalar " + promql::FormatFloat(got);
  if (AlmostEqual(*eval.scalar, got)) return std::nullopt;
  return "want scalar " + promql::FormatFloat(*eval.scalar) + ", got " + promql::FormatFloat(got);
}

// What is wrong with one sample of an instant vector.
Failure CheckSample(const SeriesLine& want, const promql::VectorSample& got) {
  const std::string series = want.labels.ToString();
  if (want.values.empty()) return "no expected value for " + series;
  const SequenceValue& value = want.values.front();
  const std::string shown = got.histogram != nullptr ? ShowHistogram(*got.histogram)
                                                     : promql::FormatFloat(got.point.value);
  if (value.kind == SequenceValue::Kind::kHistogram) {
    if (got.histogram == nullptr) return series + ": want a histogram, got " + shown;
    Failure failure = CompareHistograms(*value.histogram, *got.histogram);
    if (failure.has_value()) failure = series + ": " + *failure;
    return failure;
  }
  if (value.kind == SequenceValue::Kind::kGap) return series + ": want no value, got " + shown;
  if (got.histogram == nullptr && AlmostEqual(value.value, got.point.value)) return std::nullopt;
  return series + ": want " + promql::FormatFloat(value.value) + ", got " + shown;
}

enum class Order : uint8_t { kAny, kAsListed };

Failure CheckVector(const EvalCommand& eval, const promql::Vector& vector, Order order) {
  if (eval.scalar.has_value())
    return "want scalar " + promql::FormatFloat(*eval.scalar) + ", got " + Show(vector);
  std::map<Labels, ExpectedSeries> expected = ExpectedByLabels(eval);
  for (size_t i = 0; i < vector.size(); ++i) {
    const auto at = expected.find(vector[i].labels);
    if (at == expected.end())
      return "unexpected or repeated " + vector[i].labels.ToString() + " in " + Show(vector);
    if (order == Order::kAsListed && at->second.position != i) {
      return vector[i].labels.ToString() + " at position " + std::to_string(i) + ", want it at " +
             std::to_string(at->second.position);
    }
    if (const Failure failure = CheckSample(*at->second.line, vector[i])) return failure;
    expected.erase(at);
  }
  if (expected.empty()) return std::nullopt;
  return "missing " + expected.begin()->first.ToString() + " in " + Show(vector);
}

Failure CheckHistogramPoints(const std::string& series,
                             const std::vector<std::pair<int64_t, const NotedHistogram*>>& want,
                             std::span<const promql::HistogramPoint> got) {
  for (size_t i = 0; i < std::max(want.size(), got.size()); ++i) {
    if (i == want.size()) {
      return series + ": unexpected histogram at " + std::to_string(got[i].timestamp_ms) + ": " +
             ShowHistogram(*got[i].histogram);
    }
    const std::string at = series + " at " + std::to_string(want[i].first) + ": ";
    if (i == got.size() || got[i].timestamp_ms != want[i].first) {
      return at + "want " + ShowHistogram(want[i].second->histogram) + ", got none";
    }
    if (const Failure failure = CompareHistograms(*want[i].second, *got[i].histogram)) {
      return at + *failure;
    }
  }
  return std::nullopt;
}

Failure CheckSeries(const SeriesLine& want, const promql::Series& got, const TimeSteps& steps) {
  std::vector<promql::Point> points;
  std::vector<std::pair<int64_t, const NotedHistogram*>> histograms;
  for (size_t i = 0; i < want.values.size(); ++i) {
    const int64_t time = steps.start_ms + static_cast<int64_t>(i) * steps.step_ms;
    if (time > steps.end_ms)
      return want.labels.ToString() + ": more values expected than there are steps";
    if (want.values[i].kind == SequenceValue::Kind::kHistogram)
      histograms.emplace_back(time, want.values[i].histogram.get());
    if (want.values[i].kind == SequenceValue::Kind::kFloat)
      points.push_back({time, want.values[i].value});
  }
  const auto same = [](const promql::Point& a, const promql::Point& b) {
    return a.timestamp_ms == b.timestamp_ms && AlmostEqual(a.value, b.value);
  };
  if (!std::equal(points.begin(), points.end(), got.points.begin(), got.points.end(), same))
    return want.labels.ToString() + ": want" + Show(points) + ", got" + Show(got.points);
  return CheckHistogramPoints(want.labels.ToString(), histograms, got.histograms);
}

Failure CheckMatrix(const EvalCommand& eval, const promql::Matrix& matrix) {
  if (eval.scalar.has_value()) return "want a scalar, got a matrix";
  if (eval.Expects(Kind::kOrdered)) return "want an ordered result, got a matrix";
  const TimeSteps steps = eval.range_vector.value_or(eval.steps);
  std::map<Labels, ExpectedSeries> expected = ExpectedByLabels(eval);
  for (size_t i = 0; i < matrix.size(); ++i) {
    const std::string name = matrix[i].labels.ToString();
    if (i > 0 && matrix[i].labels < matrix[i - 1].labels)
      return "the matrix is not sorted at " + name;
    const auto at = expected.find(matrix[i].labels);
    if (at == expected.end()) return "unexpected or repeated " + name + Show(matrix[i].points);
    if (const Failure failure = CheckSeries(*at->second.line, matrix[i], steps)) return failure;
    expected.erase(at);
  }
  if (expected.empty()) return std::nullopt;
  return "missing " + expected.begin()->first.ToString();
}

bool Matches(const Expectation& expectation, std::string_view text) {
  switch (expectation.match) {
    case Expectation::Match::kAny:
      return true;
    case Expectation::Match::kMessage:
      return text == expectation.text;
    case Expectation::Match::kRegex: {
      RE2::Options options;
      options.set_dot_nl(true);
      const RE2 regex(expectation.text, options);
      return regex.ok() && RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
    }
  }
  return false;
}

std::string Join(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += "\n    " + text;
  return out;
}

Failure CheckAnnotationKind(const EvalCommand& eval, Kind wanted, Kind unwanted,
                            std::string_view name, const std::vector<std::string>& got) {
  if (eval.Expects(unwanted) && !got.empty())
    return "unexpected " + std::string(name) + ":" + Join(got);
  if (!eval.Expects(wanted)) return std::nullopt;
  if (got.empty()) return "want " + std::string(name) + ", got none";
  const auto matches_one = [&](const std::string& text) {
    return std::any_of(eval.expectations.begin(), eval.expectations.end(),
                       [&](const Expectation& expectation) {
                         return expectation.kind == wanted && Matches(expectation, text);
                       });
  };
  for (const std::string& text : got) {
    if (!matches_one(text)) return "unexpected " + std::string(name) + ": " + text;
  }
  for (const Expectation& expectation : eval.expectations) {
    if (expectation.kind != wanted) continue;
    const bool found = std::any_of(got.begin(), got.end(), [&](const std::string& text) {
      return Matches(expectation, text);
    });
    if (!found)
      return "no " + std::string(name) + " like \"" + expectation.text + "\", got:" + Join(got);
  }
  return std::nullopt;
}

}  // namespace

bool AlmostEqual(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  if (std::isnan(a) || std::isnan(b)) return false;
  constexpr double kSmallestNormal = std::numeric_limits<double>::min();
  const double sum = std::abs(a) + std::abs(b);
  const double difference = std::abs(a - b);
  if (a == 0 || b == 0 || sum < kSmallestNormal) return difference < kEpsilon * kSmallestNormal;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kEpsilon;
}

std::optional<std::string> CheckValue(const EvalCommand& eval, const promql::QueryResult& result) {
  if (const auto* string = std::get_if<promql::String>(&result.value)) {
    if (eval.string == string->value) return std::nullopt;
    return "unexpected string " + promql::Quote(string->value);
  }
  if (eval.string.has_value()) return "want string " + promql::Quote(*eval.string);
  if (const auto* scalar = std::get_if<promql::Scalar>(&result.value)) {
    return CheckScalar(eval, scalar->point.value);
  }
  if (const auto* vector = std::get_if<promql::Vector>(&result.value)) {
    return CheckVector(eval, *vector,
                       eval.Expects(Kind::kOrdered) ? Order::kAsListed : Order::kAny);
  }
  return CheckMatrix(eval, std::get<promql::Matrix>(result.value));
}

std::optional<std::string> CheckAnnotations(const EvalCommand& eval,
                                            const promql::QueryResult& result) {
  if (const auto failure = CheckAnnotationKind(eval, Kind::kWarn, Kind::kNoWarn,
                                               "warning annotations", result.warnings)) {
    return failure;
  }
  return CheckAnnotationKind(eval, Kind::kInfo, Kind::kNoInfo, "info annotations", result.infos);
}

std::optional<std::string> CheckFailure(const EvalCommand& eval, const Status& status) {
  for (const Expectation& expectation : eval.expectations) {
    if (expectation.kind != Kind::kFail || Matches(expectation, status.message())) continue;
    return "want error \"" + expectation.text + "\", got \"" + status.message() + "\"";
  }
  return std::nullopt;
}

std::optional<std::string> CheckRangeMode(const EvalCommand& eval, const promql::Matrix& matrix) {
  promql::Vector vector;
  for (const promql::Series& series : matrix) {
    for (const promql::Point& point : series.points) {
      if (point.timestamp_ms == eval.steps.start_ms)
        vector.push_back({series.labels, point, nullptr});
    }
    for (const promql::HistogramPoint& point : series.histograms) {
      if (point.timestamp_ms == eval.steps.start_ms)
        vector.push_back({series.labels, {point.timestamp_ms, 0}, point.histogram});
    }
  }
  Failure failure;
  if (!eval.scalar.has_value()) {
    failure = CheckVector(eval, vector, Order::kAny);
  } else if (vector.size() != 1 || !vector.front().labels.empty()) {
    failure = "want one series without labels, got " + Show(vector);
  } else {
    failure = CheckScalar(eval, vector.front().point.value);
  }
  if (failure.has_value()) failure = "as a step of a range query: " + *failure;
  return failure;
}

}  // namespace varve::conformance
