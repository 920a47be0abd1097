// PromQL test scripts in the text format of Prometheus' promqltest
// (https://github.com/prometheus/prometheus/blob/main/promql/promqltest/README.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tests/conformance/series_notation.h"
#include "varve/status.h"

namespace varve::conformance {

// Empties the database.
struct ClearCommand {};

// Writes series: value i of a line is a sample at i * step_ms.
struct LoadCommand {
  // kWithCustomBuckets: classic histograms among the series are written as native histograms with
  // custom bounds, too (load_with_nhcb).
  enum class Derive : uint8_t { kNothing, kWithCustomBuckets };
  int line = 0;
  int64_t step_ms = 0;
  Derive derive = Derive::kNothing;
  std::vector<SeriesLine> series;
};

// What an evaluation says about its annotations, its failure or its order.
struct Expectation {
  enum class Kind : uint8_t { kOrdered, kFail, kWarn, kNoWarn, kInfo, kNoInfo };
  enum class Match : uint8_t { kAny, kMessage, kRegex };
  Kind kind = Kind::kFail;
  Match match = Match::kAny;
  std::string text;
};

struct TimeSteps {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 1;
};

struct EvalCommand {
  int line = 0;
  std::string id;     // of the "# id:" comment before it, or file:line
  std::string klass;  // class= of that comment, or "stable"
  std::string expression;
  bool is_range = false;
  TimeSteps steps;  // an instant query has start == end
  std::vector<Expectation> expectations;
  // What the result must be: at most one of these, or the series below (none: an empty vector).
  std::optional<double> scalar;
  std::optional<std::string> string;
  std::optional<TimeSteps>
      range_vector;  // an instant query that yields a range vector with these times
  std::vector<SeriesLine> series;

  bool Expects(Expectation::Kind kind) const;
};

using Command = std::variant<ClearCommand, LoadCommand, EvalCommand>;

// `file` names the script in ids. Error: kInvalidArgument with the line.
Result<std::vector<Command>> ParseScript(std::string_view text, std::string_view file);

}  // namespace varve::conformance
