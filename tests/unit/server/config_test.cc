#include "server/config/config.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "server/config/setting.h"
#include "server/config/value_text.h"

namespace varve::server {
namespace {

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() : path_(testing::TempDir() + "varve_config_test.yaml") {}
  ~ConfigTest() override { std::remove(path_.c_str()); }

  void WriteFile(const std::string& text) { std::ofstream(path_) << text; }
  Result<CommandLine> Read(std::vector<std::string> arguments) {
    return ReadCommandLine(arguments);
  }
  std::string YamlError(const std::string& text) {
    WriteFile(text);
    const Result<CommandLine> line = Read({"--config", path_});
    return line.ok() ? "(accepted)" : line.status().message();
  }
  const std::string path_;
};

TEST_F(ConfigTest, DefaultsAreSafe) {
  const Result<CommandLine> line = Read({});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->config.listen, "127.0.0.1:4280");
  EXPECT_EQ(line->config.database.durability, Durability::kSync);
  EXPECT_EQ(line->startup, Startup::kRun);
}

TEST_F(ConfigTest, FlagsAreRead) {
  const Result<CommandLine> line = Read({"--data-dir",
                                         "/d",
                                         "--listen=127.0.0.1:0",
                                         "--otlp-grpc",
                                         "off",
                                         "--retention",
                                         "forever",
                                         "--durability",
                                         "interval",
                                         "--durability-interval",
                                         "250ms",
                                         "--max-series",
                                         "1000",
                                         "--max-body-bytes",
                                         "1MiB",
                                         "--query-timeout",
                                         "1m",
                                         "--log-level",
                                         "debug",
                                         "--free-disk-floor",
                                         "0"});
  ASSERT_TRUE(line.ok()) << line.status().ToString();
  const Config& config = line->config;
  EXPECT_EQ(config.data_dir, "/d");
  EXPECT_EQ(config.listen, "127.0.0.1:0");
  EXPECT_EQ(config.database.retention_ms, 0);
  EXPECT_EQ(config.database.durability, Durability::kInterval);
  EXPECT_EQ(config.database.durability_interval_ms, 250);
  EXPECT_EQ(config.database.series_count_max, 1000u);
  EXPECT_EQ(config.database.free_disk_bytes_min, 0u);
  EXPECT_EQ(config.http.body_bytes_max, 1u << 20);
  EXPECT_EQ(config.query.timeout_ms, 60'000);
  EXPECT_EQ(config.log_level, LogLevel::kDebug);
}

TEST_F(ConfigTest, BadFlagsNameFlagAndValue) {
  EXPECT_EQ(Read({"--durability", "fast"}).status().message(),
            "--durability: \"fast\": expected sync, interval or none");
  EXPECT_EQ(Read({"--retention", "0s"}).status().message(),
            "--retention: \"0s\": expected a duration above 0, as in 90d, or forever");
  EXPECT_EQ(Read({"--max-series", "-1"}).status().message(),
            "--max-series: \"-1\": expected a whole number above 0");
  EXPECT_NE(Read({"--max-body-bytes", "3GiB"}).status().message().find("up to 2GiB"),
            std::string::npos);
  EXPECT_FALSE(Read({"--no-such-flag", "x"}).ok());
  EXPECT_FALSE(Read({"stray"}).ok());
  EXPECT_FALSE(Read({"--data-dir"}).ok());
}

TEST_F(ConfigTest, AFlagBeatsTheFile) {
  WriteFile("# a comment\ndata_dir: /from/file\nretention: 30d\nmax_connections: 5\n");
  const Result<CommandLine> line = Read({"--retention", "7d", "--config", path_});
  ASSERT_TRUE(line.ok()) << line.status().ToString();
  EXPECT_EQ(line->config.data_dir, "/from/file");
  EXPECT_EQ(line->config.http.connection_count_max, 5u);
  EXPECT_EQ(line->config.database.retention_ms, int64_t{7} * 86'400'000);
}

TEST_F(ConfigTest, FileErrorsNameFileLineKeyAndValue) {
  EXPECT_EQ(YamlError("data_dir: /d\ndurability: fast\n"),
            path_ + ":2: durability: \"fast\": expected sync, interval or none");
  EXPECT_EQ(YamlError("\n\nno_such: 1\n").find(path_ + ":3: unknown key \"no_such\""), 0u);
  EXPECT_EQ(YamlError("data-dir: /d\n").find(path_ + ":1: unknown key \"data-dir\""), 0u);
  EXPECT_EQ(YamlError("data_dir: /d\ndata_dir: /e\n"),
            path_ + ":2: the key \"data_dir\" stands twice");
  EXPECT_EQ(YamlError("data_dir: [a, b]\n").find(path_ + ":1: data_dir: expected one value"), 0u);
  EXPECT_EQ(YamlError("- a\n- b\n").find(path_ + ":1: expected settings"), 0u);
  EXPECT_EQ(YamlError("a: \"unclosed\n").find(path_ + ":"), 0u);
  EXPECT_EQ(YamlError(""), "(accepted)");
  EXPECT_EQ(Read({"--config", "/no/such/file"}).status().code(), StatusCode::kNotFound);
}

TEST_F(ConfigTest, EverySettingReadsBackItsOwnText) {
  const Config defaults;
  for (const Setting& setting : Settings()) {
    Config config;
    const std::string text = setting.get(defaults);
    EXPECT_TRUE(setting.set(text, &config).ok()) << setting.name << " " << text;
    EXPECT_EQ(setting.get(config), text) << setting.name;
    EXPECT_NE(HelpText().find("--" + std::string(setting.name)), std::string::npos);
  }
}

TEST_F(ConfigTest, HelpHasNoRunsOfSpacesWithinALine) {
  std::istringstream lines(HelpText());
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 100U) << line;
    // All but "  --flag VALUE   [default]".
    const size_t text = line.find_first_not_of(' ');
    if (text == std::string::npos || line.substr(text, 2) == "--") continue;
    EXPECT_EQ(line.find("  ", text), std::string::npos) << line;
  }
}

TEST_F(ConfigTest, HelpAndVersionAreNotRuns) {
  EXPECT_EQ(Read({"--help"})->startup, Startup::kShowHelp);
  EXPECT_EQ(Read({"-h"})->startup, Startup::kShowHelp);
  EXPECT_EQ(Read({"--version"})->startup, Startup::kShowVersion);
}

TEST_F(ConfigTest, BytesAndDurations) {
  EXPECT_EQ(*ParseBytes("4096"), 4096u);
  EXPECT_EQ(*ParseBytes("64MiB"), 64u << 20);
  EXPECT_EQ(*ParseBytes("1GB"), 1'000'000'000u);
  for (const std::string_view bad :
       {"", "MiB", "-1", "1 MiB", "1mib", "99999999999TiB", "1.5GiB"}) {
    EXPECT_FALSE(ParseBytes(bad).ok()) << bad;
  }
  EXPECT_EQ(BytesText(64 << 20), "64MiB");
  EXPECT_EQ(BytesText(0), "0B");
  EXPECT_EQ(BytesText(1001), "1001B");
  EXPECT_EQ(DurationText(90LL * 86'400'000), "90d");
  EXPECT_EQ(DurationText(1500), "1500ms");
}

}  // namespace
}  // namespace varve::server
