#include "tests/conformance/runner.h"

#include <unistd.h>

#include <atomic>
#include <system_error>
#include <utility>
#include <variant>

#include "base/status_macros.h"
#include "tests/conformance/classic_histograms.h"
#include "tests/conformance/expectation.h"
#include "varve/options.h"
#include "varve/write_batch.h"

namespace varve::conformance {
namespace {

constexpr int64_t kMinuteMs = 60'000;

std::filesystem::path NewRoot() {
  static std::atomic<int> count = 0;
  return std::filesystem::temp_directory_path() /
         ("varve_conformance_" + std::to_string(getpid()) + "_" + std::to_string(count++));
}

// Expressions whose value depends on where the query starts and ends have no range-mode twin.
bool DependsOnQueryRange(std::string_view expression) {
  for (const std::string_view word : {"start()", "end()", "step()", "range()"}) {
    if (expression.find(word) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

promql::EngineOptions OptionsForClass(std::string_view klass) {
  promql::EngineOptions options;
  options.thread_count = 2;
  options.delayed_name_removal = klass == "delayed_name_removal";
  options.use_start_timestamps = klass == "start_timestamps";
  return options;
}

Runner::Runner() : root_(NewRoot()) {}

Runner::~Runner() {
  engine_.reset();
  database_.reset();
  std::error_code ignored;  // a leftover below the temporary directory harms nothing
  std::filesystem::remove_all(root_, ignored);
}

Result<Report> Runner::Run(std::string_view script, std::string_view file, std::string_view klass,
                           const promql::EngineOptions& options) {
  options_ = options;
  ASSIGN_OR_RETURN(const std::vector<Command> commands, ParseScript(script, file));
  Report report;
  std::vector<const LoadCommand*> loads;  // of the section, not written yet
  RETURN_IF_ERROR(CloseSection());
  for (const Command& command : commands) {
    if (std::holds_alternative<ClearCommand>(command)) {
      RETURN_IF_ERROR(CloseSection());
      loads.clear();
    } else if (const auto* load = std::get_if<LoadCommand>(&command)) {
      loads.push_back(load);
    } else if (const auto& eval = std::get<EvalCommand>(command); eval.klass == klass) {
      RETURN_IF_ERROR(OpenSection());
      for (const LoadCommand* pending : std::exchange(loads, {})) {
        RETURN_IF_ERROR(
            Load(*pending).WithContext(std::string(file) + ":" + std::to_string(pending->line)));
      }
      if (std::optional<std::string> failure = Evaluate(eval)) {
        report.failures.push_back({eval.id, eval.expression, *std::move(failure)});
      } else {
        ++report.passed;
      }
    }
  }
  return report;
}

Status Runner::CloseSection() {
  engine_.reset();
  database_.reset();
  std::error_code error;
  std::filesystem::remove_all(root_, error);
  if (error) return IoError("cannot remove " + root_.string() + ": " + error.message());
  return OkStatus();
}

// A database of its own for every section that evaluates something keeps them apart without
// deletes.
Status Runner::OpenSection() {
  if (database_ != nullptr) return OkStatus();
  std::error_code error;
  std::filesystem::create_directories(root_, error);
  if (error) return IoError("cannot create " + root_.string() + ": " + error.message());
  Options options;
  options.durability = Durability::kNone;
  options.retention_ms = 0;
  options.future_limit_ms = 0;
  options.free_disk_bytes_min = 0;
  ASSIGN_OR_RETURN(database_, Database::Open(options, root_ / std::to_string(database_count_++)));
  engine_ = std::make_unique<promql::Engine>(database_.get(), options_);
  return OkStatus();
}

void Runner::AddSeries(const SeriesLine& line, int64_t step_ms, WriteBatch* batch) const {
  batch->BeginSeries(line.labels);
  for (size_t i = 0; i < line.values.size(); ++i) {
    const SequenceValue& value = line.values[i];
    const int64_t time = static_cast<int64_t>(i) * step_ms;
    int64_t start = 0;
    if (i < line.start_offsets_ms.size() && line.start_offsets_ms[i].has_value()) {
      start = time + *line.start_offsets_ms[i];
    }
    if (value.kind == SequenceValue::Kind::kFloat) batch->AddSample(time, value.value, start);
    if (value.kind == SequenceValue::Kind::kHistogram) {
      batch->AddHistogram(time, value.histogram->histogram, start);
    }
  }
}

Status Runner::Load(const LoadCommand& load) {
  WriteBatch batch;
  for (const SeriesLine& line : load.series) AddSeries(line, load.step_ms, &batch);
  if (load.derive == LoadCommand::Derive::kWithCustomBuckets) {
    for (const SeriesLine& line : CustomBucketSeries(load)) AddSeries(line, load.step_ms, &batch);
  }
  ASSIGN_OR_RETURN(const AppendResult result, database_->Append(&batch));
  if (result.rejections.empty()) return OkStatus();
  return InvalidArgumentError("samples rejected: " + result.rejections.front().example);
}

std::optional<std::string> Runner::Evaluate(const EvalCommand& eval) {
  const TimeSteps& steps = eval.steps;
  const Result<promql::QueryResult> result =
      eval.is_range
          ? engine_->Range(eval.expression, steps.start_ms, steps.end_ms, steps.step_ms, {})
          : engine_->Instant(eval.expression, steps.start_ms, {});
  const bool must_fail = eval.Expects(Expectation::Kind::kFail);
  if (!result.ok()) {
    if (must_fail) return CheckFailure(eval, result.status());
    return "the query failed: " + result.status().ToString();
  }
  if (must_fail) return "the query did not fail";
  if (auto failure = CheckValue(eval, *result)) return failure;
  if (auto failure = CheckAnnotations(eval, *result)) return failure;
  return EvaluateInRangeMode(eval, *result);
}

// As in the reference, an instant query must give the same as the middle step of a range query.
std::optional<std::string> Runner::EvaluateInRangeMode(const EvalCommand& eval,
                                                       const promql::QueryResult& instant) {
  const bool has_twin = std::holds_alternative<promql::Scalar>(instant.value) ||
                        std::holds_alternative<promql::Vector>(instant.value);
  if (eval.is_range || !has_twin || eval.Expects(Expectation::Kind::kOrdered) ||
      DependsOnQueryRange(eval.expression)) {
    return std::nullopt;
  }
  const int64_t time = eval.steps.start_ms;
  const auto result =
      engine_->Range(eval.expression, time - kMinuteMs, time + kMinuteMs, kMinuteMs, {});
  if (!result.ok()) return "as a range query it failed: " + result.status().ToString();
  const auto* matrix = std::get_if<promql::Matrix>(&result->value);
  if (matrix == nullptr) return "as a range query it gave no matrix";
  return CheckRangeMode(eval, *matrix);
}

}  // namespace varve::conformance
