// Runs the scripts of this folder, and those of Prometheus where the shared folder holds them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "tests/conformance/runner.h"

namespace varve::conformance {
namespace {

std::filesystem::path OwnScripts() {
  return std::filesystem::path(VARVE_SOURCE_DIR) / "tests" / "conformance" / "scripts";
}

// The reference's scripts lie outside the project: in $VARVE_SHARED, or beside the checkout.
std::filesystem::path ReferenceScripts() {
  if (const char* shared = std::getenv("VARVE_SHARED"))
    return std::filesystem::path(shared) / "promqltest";
  return std::filesystem::path(VARVE_SOURCE_DIR) / ".." / "shared" / "promqltest";
}

std::vector<std::string> ScriptsIn(const std::filesystem::path& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".test") out.push_back(entry.path().stem().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

// The classes of the reference's scripts: what an evaluation needs beyond stable PromQL.
constexpr const char* kClasses[] = {
    "stable",
    "native_histograms",
    "experimental_functions",
    "extended_range_selectors",
    "fill_modifiers",
    "binop_trim",
    "duration_expressions",
    "type_and_unit_labels",
    "start_timestamps",
    "delayed_name_removal",
};

struct ClassTotal {
  size_t passed = 0;
  size_t failed = 0;
};

// Printed at the end: the table of docs/QUERY.md.
class Summary : public testing::Environment {
 public:
  static Summary* Get() {
    static auto* const summary = new Summary;  // GoogleTest owns and deletes it
    return summary;
  }
  void Add(const std::string& klass, const Report& report) {
    totals_[klass].passed += report.passed;
    totals_[klass].failed += report.failures.size();
  }
  void TearDown() override {
    std::cout << "Prometheus' scripts, by class:\n";
    for (const auto& [klass, total] : totals_) {
      if (total.passed + total.failed == 0) continue;
      std::cout << "| " << klass << " | " << total.passed << " of " << total.passed + total.failed
                << " |\n";
    }
  }

 private:
  std::map<std::string, ClassTotal> totals_;
};

const testing::Environment* const kSummary = testing::AddGlobalTestEnvironment(Summary::Get());

Report RunScript(const std::filesystem::path& path, const std::string& klass,
                 const promql::EngineOptions& options) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << "cannot read " << path;
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  Result<Report> report = Runner().Run(text, path.filename().string(), klass, options);
  EXPECT_TRUE(report.ok()) << report.status().ToString();
  if (!report.ok()) return {};
  for (const CaseFailure& failure : report->failures) {
    ADD_FAILURE() << failure.id << ": " << failure.expression << "\n  " << failure.reason;
  }
  return *std::move(report);
}

std::string TestName(const std::string& script) {
  std::string out = script;
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return out;
}

using ScriptAndClass = std::tuple<std::string, const char*>;

std::string ScriptAndClassName(const testing::TestParamInfo<ScriptAndClass>& suite) {
  return TestName(std::get<0>(suite.param) + "_" + std::get<1>(suite.param));
}

class OwnScript : public testing::TestWithParam<ScriptAndClass> {};

TEST_P(OwnScript, GivesWhatItSays) {
  const auto& [script, klass] = GetParam();
  RunScript(OwnScripts() / (script + ".test"), klass, OptionsForClass(klass));
}

INSTANTIATE_TEST_SUITE_P(Conformance, OwnScript,
                         testing::Combine(testing::ValuesIn(ScriptsIn(OwnScripts())),
                                          testing::ValuesIn(kClasses)),
                         ScriptAndClassName);

TEST(OwnScripts, ArePresent) { EXPECT_GE(ScriptsIn(OwnScripts()).size(), 10u); }

class ReferenceScript : public testing::TestWithParam<ScriptAndClass> {};

TEST_P(ReferenceScript, GivesWhatPrometheusGives) {
  const auto& [script, klass] = GetParam();
  const Report report =
      RunScript(ReferenceScripts() / (script + ".test"), klass, OptionsForClass(klass));
  Summary::Get()->Add(klass, report);
}

INSTANTIATE_TEST_SUITE_P(Conformance, ReferenceScript,
                         testing::Combine(testing::ValuesIn(ScriptsIn(ReferenceScripts())),
                                          testing::ValuesIn(kClasses)),
                         ScriptAndClassName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ReferenceScript);

// The reference runs its scripts with names removed late: these cases hold either way.
class ReferenceScriptDelayed : public testing::TestWithParam<std::string> {};

TEST_P(ReferenceScriptDelayed, GivesWhatPrometheusGives) {
  for (const char* const klass : {"stable", "type_and_unit_labels"}) {
    promql::EngineOptions options = OptionsForClass(klass);
    options.delayed_name_removal = true;
    RunScript(ReferenceScripts() / (GetParam() + ".test"), klass, options);
  }
}

INSTANTIATE_TEST_SUITE_P(Conformance, ReferenceScriptDelayed,
                         testing::ValuesIn(ScriptsIn(ReferenceScripts())),
                         [](const auto& suite) { return TestName(suite.param); });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ReferenceScriptDelayed);

TEST(ReferenceScripts, ArePresent) {
  if (ScriptsIn(ReferenceScripts()).empty()) {
    GTEST_SKIP() << "PROMETHEUS' SCRIPTS WERE NOT RUN: no *.test file in " << ReferenceScripts()
                 << "; set VARVE_SHARED to the folder that holds promqltest/";
  }
}

}  // namespace
}  // namespace varve::conformance
