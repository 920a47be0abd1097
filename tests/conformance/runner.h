// Runner: executes test scripts against a database of their own.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/conformance/script.h"
#include "varve/database.h"
#include "varve/promql.h"
#include "varve/status.h"

namespace varve::conformance {

struct CaseFailure {
  std::string id;
  std::string expression;
  std::string reason;
};

struct Report {
  size_t passed = 0;
  std::vector<CaseFailure> failures;
};

// What of Varve's options an evaluation of a class needs; the class names are those of the scripts'
// "# id:" comments.
promql::EngineOptions OptionsForClass(std::string_view klass);

class Runner {
 public:
  // The databases live below a temporary directory that the destructor removes.
  Runner();
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Runs the loads and the evaluations of class `klass` with `options`. An error means that the
  // script could not be executed (it does not parse, a load was refused), not that a case failed.
  Result<Report> Run(std::string_view script, std::string_view file, std::string_view klass,
                     const promql::EngineOptions& options);

 private:
  Status CloseSection();
  Status OpenSection();
  Status Load(const LoadCommand& load);
  void AddSeries(const SeriesLine& line, int64_t step_ms, WriteBatch* batch) const;
  std::optional<std::string> Evaluate(const EvalCommand& eval);
  std::optional<std::string> EvaluateInRangeMode(const EvalCommand& eval,
                                                 const promql::QueryResult& instant);

  const std::filesystem::path root_;
  promql::EngineOptions options_;
  size_t database_count_ = 0;
  std::unique_ptr<Database> database_;
  std::unique_ptr<promql::Engine> engine_;
};

}  // namespace varve::conformance
