// Runs the scripts of this folder, and those of Prometheus where the shared folder holds them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
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

void RunScript(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in.good()) << "cannot read " << path;
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const Result<Report> report = Runner().Run(text, path.filename().string(), "stable");
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  for (const CaseFailure& failure : report->failures) {
    ADD_FAILURE() << failure.id << ": " << failure.expression << "\n  " << failure.reason;
  }
  std::cout << path.filename().string() << ": " << report->passed << " passed, "
            << report->failures.size() << " failed, " << report->other_class
            << " of other classes\n";
}

class OwnScript : public testing::TestWithParam<std::string> {};

TEST_P(OwnScript, GivesWhatItSays) { RunScript(OwnScripts() / (GetParam() + ".test")); }

INSTANTIATE_TEST_SUITE_P(Conformance, OwnScript, testing::ValuesIn(ScriptsIn(OwnScripts())),
                         [](const auto& suite) { return suite.param; });

TEST(OwnScripts, ArePresent) { EXPECT_GE(ScriptsIn(OwnScripts()).size(), 10u); }

class ReferenceScript : public testing::TestWithParam<std::string> {};

std::string TestName(const std::string& script) {
  std::string out = script;
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return out;
}

TEST_P(ReferenceScript, GivesWhatPrometheusGives) {
  RunScript(ReferenceScripts() / (GetParam() + ".test"));
}

INSTANTIATE_TEST_SUITE_P(Conformance, ReferenceScript,
                         testing::ValuesIn(ScriptsIn(ReferenceScripts())),
                         [](const auto& suite) { return TestName(suite.param); });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ReferenceScript);

TEST(ReferenceScripts, ArePresent) {
  if (ScriptsIn(ReferenceScripts()).empty()) {
    GTEST_SKIP() << "PROMETHEUS' SCRIPTS WERE NOT RUN: no *.test file in " << ReferenceScripts()
                 << "; set VARVE_SHARED to the folder that holds promqltest/";
  }
}

}  // namespace
}  // namespace varve::conformance
