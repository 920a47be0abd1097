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
  size_t other_class = 0;  // evaluations that were not run
  std::vector<CaseFailure> failures;
};

class Runner {
 public:
  // The databases live below a temporary directory that the destructor removes.
  Runner();
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Runs the evaluations of class `klass` and all loads. An error means that the script could not
  // be executed (it does not parse, a load was refused), not that a case failed.
  Result<Report> Run(std::string_view script, std::string_view file, std::string_view klass);

 private:
  Status Clear();
  Status Load(const LoadCommand& load);
  std::optional<std::string> Evaluate(const EvalCommand& eval);
  std::optional<std::string> EvaluateInRangeMode(const EvalCommand& eval,
                                                 const promql::QueryResult& instant);

  const std::filesystem::path root_;
  size_t database_count_ = 0;
  std::unique_ptr<Database> database_;
  std::unique_ptr<promql::Engine> engine_;
};

}  // namespace varve::conformance
